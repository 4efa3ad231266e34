"""Tables as people have them: headers, delimiters and quotes, and what is not clear is asked."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.compare import read_texts
from guardrails.errors import GuardrailsError
from guardrails.evaluation import BadData, read
from guardrails.tables import label_of, read_table
from guardrails.types import Source


def texts(data: str | bytes, name: str = "x.csv", **more: str) -> list[str]:
    table = read_table(data.encode() if isinstance(data, str) else data, name, **more)
    return [row[table.text] for _, row in table.rows]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("text\nhello\nthere\n", ["hello", "there"]),
        ("hello\nthere\n", ["hello", "there"]),  # no header
        ("id,text,label\n1,hello,0\n2,there,1\n", ["hello", "there"]),
        ("id;prompt;label\n1;hello, you;0\n", ["hello, you"]),  # as Excel writes it in half of Europe
        ("Id\tQuestion\n1\thello\n", ["hello"]),
        ("\ufeffText,Label\nhello,1\n", ["hello"]),
        ('text\n"two\nlines, ""quoted"""\n', ['two\nlines, "quoted"']),
        ("text,prompt\na,b\n", ["a"]),  # `text` goes before its synonyms
        ("text\r\n\r\nhello\r\n", ["hello"]),
        ('"a;b",prompt\n1,hello\n', ["hello"]),
    ],
)
def test_the_column_of_texts_is_found(data: str, expected: list[str]) -> None:
    assert texts(data) == expected


def test_a_row_of_data_is_no_header() -> None:
    assert texts("kill him,block\nhello,allow\n", text_column="1") == ["kill him", "hello"]


def test_utf16_as_excel_writes_it() -> None:
    assert texts("text\tlabel\nhello é\t1\n".encode("utf-16"), "x.tsv") == ["hello é"]


@pytest.mark.parametrize("column", ["frage", "Frage", "2"])
def test_a_column_that_is_named(column: str) -> None:
    assert texts("nr,frage,antwort\n1,hello,there\n", text_column=column)[-1] == "hello"


@pytest.mark.parametrize(
    ("data", "more", "said"),
    [
        ("a,b\nc,d\n", {}, ["which column holds the text", "2 columns", "--text-column"]),
        ("prompt,question\nc,d\n", {}, ["which column holds the text", "prompt, question", "--text-column"]),
        ("text\nx\n", {"text_column": "prompt"}, ["no column 'prompt'", "the columns are text"]),
        ("text,label\nx,1\n", {"label_column": "7"}, ["no column '7'", "--label-column", "text, label"]),
        ("", {}, ["empty"]),
        ("\n\n", {}, ["empty"]),
        ("text,label\n", {}, ["no rows"]),
        ("text,label\nhello, you,1\n", {}, ["x.csv:2", "3 cells", "double quotes"]),
        ("id,text\n1\n", {}, ["x.csv:2", "1 cells"]),
        ('text\n"open\n', {}, ["x.csv:2", "not CSV"]),
        (b"text\ncaf\xe9\n", {}, ["x.csv:2", "UTF-8"]),
        (b"PK\x03\x04...", {}, ["workbook", "CSV"]),
    ],
)
def test_what_is_not_clear_is_asked(data: str | bytes, more: dict[str, str], said: list[str]) -> None:
    with pytest.raises(GuardrailsError) as error:
        texts(data, **more)
    for part in said:
        assert part in str(error.value)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1).filter(str.strip), min_size=1
    )
)
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(rows: list[str]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([["id", "text"], *([str(i), row] for i, row in enumerate(rows))])
    assert texts(out.getvalue()) == rows


def test_labels() -> None:
    assert [label_of(x) for x in ("1", "TRUE", "Block", "harmful", "0", "no", "Allow", "", "NaN")] == [
        1,
        1,
        1,
        1,
        0,
        0,
        0,
        None,
        None,
    ]
    with pytest.raises(ValueError, match="true/false"):
        label_of("maybe")


def test_texts_to_compare(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text("id,prompt,source\n1,hello,OUTPUT\n2,there,\n", encoding="utf-8")
    assert read_texts(table, "INPUT") == (("hello", "OUTPUT"), ("there", "INPUT"))
    rows = tmp_path / "x.jsonl"
    rows.write_text('{"prompt": "hello"}\n', encoding="utf-8")
    assert read_texts(rows, "INPUT", text_column="prompt") == (("hello", "INPUT"),)
    for name, content in (("x.csv", "prompt,source\nhello,SIDEWAYS\n"), ("x.json", "[]"), ("x.jsonl", '{"text": 1}\n')):
        (tmp_path / name).write_text(content, encoding="utf-8")
        with pytest.raises(GuardrailsError):
            read_texts(tmp_path / name, "INPUT")


def test_labelled_rows(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text("id,prompt,harmful\n1,hello,no\n2,there,yes\n3,then,\n", encoding="utf-8")
    assert [(r.text, r.label, r.source, r.line) for r in read(table).rows] == [
        ("hello", 0, Source.INPUT, 2), ("there", 1, Source.INPUT, 3), ("then", None, Source.INPUT, 4),
    ]  # fmt: skip
    assert {r.source for r in read(table, source="OUTPUT").rows} == {Source.OUTPUT}
    assert read(table).sha256 != read(table, source="OUTPUT").sha256
    rows = tmp_path / "x.jsonl"
    rows.write_text('{"prompt": "hello", "bad": true}\n', encoding="utf-8")
    assert [(r.text, r.label) for r in read(rows, text_column="prompt", label_column="bad", source="INPUT").rows] == [
        ("hello", 1)
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", "text\nhello\n", "--label-column"),
        ("x.csv", "text,label\nhello,perhaps\n", "x.csv:2: label: 0 or 1"),
        ("x.csv", "text,label,source\nhello,1,up\n", "source: INPUT or OUTPUT"),
        ("x.csv", "a,b\nhello,1\n", "--text-column"),
        ("x.txt", "text,label\nhello,1\n", ".csv or .tsv"),
    ],
)
def test_labelled_rows_that_are_not_clear(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(BadData) as error:
        read(tmp_path / name)
    assert said in str(error.value)
