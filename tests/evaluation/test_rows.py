"""Rows: what is read, and how each mistake is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from guardrails.evaluation import BadData, read
from guardrails.types import Qualifier, Role, Source
from tests.evaluation.rows import row, write


def test_every_field(tmp_path: Path) -> None:
    full = {
        "text": "héllo\u2028x", "source": "OUTPUT", "label": 1, "set": "s", "role": "document", "query": "q",
        "categories": {"HATE": 1, "VIOLENCE": 0, "SEXUAL": None}, "grounding_source": ["a", "b"],
        "spans": [[0, 5, "NAME"]], "id": "other columns are left alone",
    }  # fmt: skip
    (one,) = read(write(tmp_path / "d.jsonl", [full])).rows
    assert (one.text, one.source, one.label, one.set, one.role) == (
        "héllo\u2028x",
        Source.OUTPUT,
        1,
        "s",
        Role.DOCUMENT,
    )
    assert one.categories == {"HATE": 1, "VIOLENCE": 0}
    assert not one.complete
    assert one.spans == ((0, 5, "NAME"),)
    assert [(p.text, p.role, p.qualifier) for p in one.pieces] == [
        ("héllo\u2028x", Role.DOCUMENT, Qualifier.GUARD_CONTENT),
        ("q", Role.USER, Qualifier.QUERY),
        ("a", Role.DOCUMENT, Qualifier.GROUNDING_SOURCE),
        ("b", Role.DOCUMENT, Qualifier.GROUNDING_SOURCE),
    ]
    assert "llo" not in repr(one)


def test_only_what_must_be_there(tmp_path: Path) -> None:
    (one,) = read(write(tmp_path / "d.jsonl", [{"text": "", "source": "INPUT"}])).rows
    assert (one.label, one.set, one.categories, one.spans, len(one.pieces)) == (None, None, None, None, 1)
    assert one.pieces[0].role is Role.USER


def test_lists_of_categories(tmp_path: Path) -> None:
    rows = [
        row("a", 1, categories=["HATE"]),
        row("b", 0, categories=[]),
        row("c", 1, categories=[]),
        row("d", None, categories=[]),
    ]
    read_rows = read(write(tmp_path / "d.jsonl", rows)).rows
    # An empty list denies everything of a harmless text, and says nothing of the others.
    assert [r.categories for r in read_rows] == [{"HATE": 1}, {}, None, None]
    assert all(r.complete for r in read_rows)


def test_gzip_and_blank_lines_are_the_same_data(tmp_path: Path) -> None:
    plain = tmp_path / "d.jsonl"
    text = "\ufeff" + json.dumps(row("a")) + "\r\n\n  \n" + json.dumps(row("b", True)) + "\n"
    plain.write_bytes(text.encode())
    packed = tmp_path / "misnamed.jsonl"
    packed.write_bytes(gzip.compress(text.encode(), mtime=0))
    assert read(plain).sha256 == read(packed).sha256
    assert [(r.line, r.label) for r in read(packed).rows] == [(1, 0), (4, 1)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("not json", "1: this is not JSON: Expecting value at column 1"),
        ("[1]", "1: a row is an object, not a list"),
        ("[" * 100_000, "1: this JSON cannot be read"),
        ({"source": "INPUT"}, "1: text: is missing"),
        ({"text": None, "source": "INPUT"}, "1: text: null is no value here"),
        ({"text": 3, "source": "INPUT"}, "1: text: a string, not a number"),
        ({"text": "x"}, "1: source: is missing"),
        ({"text": "x", "source": "input"}, "1: source: INPUT or OUTPUT"),
        (row("x", 2), "1: label: 0, 1 or null"),
        ({**row("x"), "label": "1"}, "1: label: 0, 1 or null, not a string"),
        (row("x", set=3), "1: set: a string, not a number"),
        (row("x", role="boss"), "1: role: one of system, user, assistant, tool, document"),
        (row("x", categories="HATE"), "1: categories: a list of names or an object of 0 and 1, not a string"),
        (row("x", categories=[1]), "1: categories: a list of names"),
        (row("x", categories={"HATE": 0.5}), "1: categories: an object whose values are 0, 1 or null"),
        (row("x", query=[]), "1: query: a string, not a list"),
        (row("x", grounding_source={}), "1: grounding_source: a string or a list of strings, not an object"),
        (row("x", spans={}), "1: spans: a list of [start, end, type], not an object"),
        (row("x", spans=[[0, 1]]), "1: spans: [0] is no [start, end, type]"),
        (row("x", spans=[[0, True, "NAME"]]), "1: spans: [0] is no [start, end, type]"),
        (row("x", spans=[[0, 1, "A"], [0, 2, "NAME"]]), "1: spans: [1] lies outside the text of 1 characters"),
        (row("x", spans=[[0, 0, "NAME"]]), "1: spans: [0] lies outside the text of 1 characters, or is empty"),
    ],
)
def test_each_mistake_names_line_and_field(given: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(given if isinstance(given, str) else json.dumps(given), encoding="utf-8")
    with pytest.raises(BadData) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:{said}")


def test_all_mistakes_at_once_and_no_text(tmp_path: Path) -> None:
    rows = [row("fine"), *({"text": "xylophone", "source": "xylophone", "label": "xylophone"} for _ in range(30))]
    with pytest.raises(BadData) as caught:
        read(write(tmp_path / "d.jsonl", rows))
    assert len(caught.value.problems) == 60
    assert [(p.line, p.field) for p in caught.value.problems[:2]] == [(2, "source"), (2, "label")]
    assert str(caught.value).endswith("… and 40 more")
    assert "xylophone" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\x1f\x8bnothing", gzip.compress(b"{}" * 500, mtime=0)[:-12], b"\xff\xfe{"]
)
def test_what_is_no_file_of_rows(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadData, match=r"d\.jsonl:1: (there are no rows|this is no whole gzip|this is not UTF-8)"):
        read(path)
