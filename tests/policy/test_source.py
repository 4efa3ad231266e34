"""Bytes to data: YAML 1.2, JSON, hostile files, and back with dump()."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import PolicyError
from guardrails.policy import dump
from guardrails.policy.source import MAX_BYTES, MAX_DEPTH, MAX_NODES, parse, plain

HOSTILE: dict[str, tuple[bytes, str]] = {
    "laughs": (b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "anchor"),
    "alias": (b"a: *b\n", "alias"),
    "merge": (b"a:\n  <<: {b: 1}\n", "merge-key"),
    "tag": (b"a: !!python/object/apply:os.system [x]\n", "tag"),
    "local tag": (b"a: !x y\n", "tag"),
    "non-specific tag": (b"a: ! y\n", "tag"),
    "directive": (b"%YAML 1.1\n---\na: no\n", "directive"),
    "tag directive": (b"%TAG ! tag:x,2000:\n---\na: !x y\n", "directive"),
    "hidden directive": (b"# c\r%YAML 1.1\r---\ra: no\n", "line-break"),
    "documents": (b"---\n" * 50_000, "multiple-documents"),
    "brackets": (b"[" * 100_000, "too-deep"),
    "braces": (b"{a: " * 100_000, "too-deep"),
    "brackets on lines": (b"[\n" * 30_000, "too-deep"),
    "dashes": (b"- " * 50_000, "too-deep"),
    "dashes with tabs": (b"-\t" * 50_000, "too-deep"),
    "dashes under a key": (b"a:\n  " + b"- " * 50_000, "too-deep"),
    "questions": (b"? " * 50_000, "too-deep"),
    "mixed": (b"- ? " * 20_000, "too-deep"),
    "indented": (b"".join(b" " * i + b"a:\n" for i in range(700)), "too-deep"),
    "just too deep": (b"a: " + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "too-deep"),
    "anchored dashes": (b"- &a " * 20_000, "syntax"),
    "large": (b"a" * (MAX_BYTES + 1), "too-large"),
    "many": (b"[" + b"a," * MAX_NODES + b"]", "too-many-nodes"),
    "duplicate": (b"a: 1\na: 2\n", "duplicate-key"),
    "duplicate by escape": (b'a: 1\n"\\x61": 2\n', "duplicate-key"),
    "bom": (b"\xef\xbb\xbfa: 1\n", "bom"),
    "utf-16": ("a: 1\n".encode("utf-16"), "bom"),
    "utf-16 without bom": ("a: 1\n".encode("utf-16-le"), "control-character"),
    "latin-1": (b"a: \xff\n", "bad-utf8"),
    "overlong": (b"a: \xc0\xaf\n", "bad-utf8"),
    "surrogate": (b"a: \xed\xa0\x80\n", "bad-utf8"),
    "nul": (b"a: \x00\n", "control-character"),
    "escape": (b"a: \x1b[2J\n", "control-character"),
    "line separator": ("a: x\u2028b: y\n".encode(), "control-character"),
    "next line": ("a: x #\u0085b: y\n".encode(), "line-break"),
    "number for a key": (b"1: x\n", "key-not-string"),
    "list for a key": (b"? [a]\n: x\n", "key-not-string"),
    "null for a key": (b"~: x\n", "key-not-string"),
    "open quote": (b'"' + b"x" * 100_000, "syntax"),
    "empty": (b"", "empty-file"),
    "blank": (b" \n\n", "empty-file"),
    "comment": (b"# a\n", "empty-file"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str) -> None:
    data, code = HOSTILE[name]
    with pytest.raises(PolicyError) as error:
        parse(data, "x.yaml")
    assert [p.code for p in error.value.problems] == [code]
    assert len(str(error.value)) < 5_000


def test_libyaml_is_used() -> None:
    assert yaml.__with_libyaml__, "PyYAML was built without libyaml: policies load, ten times slower"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("off", "off"),
        ("on", "on"),
        ("y", "y"),
        ("Yes", "Yes"),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("null", None),
        ("~", None),
        ("", None),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("0b1", "0b1"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-3", -3),
        ("+7", 7),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("007 # c", 7),
        ("9" * 30, "9" * 30),
        ("0x" + "f" * 40, "0x" + "f" * 40),
    ],
)
def test_core_schema(text: str, value: object) -> None:
    found = plain(parse(f"a: {text}\n".encode(), "x.yaml"))["a"]
    assert found == value
    assert type(found) is type(value)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
TRICKY = st.sampled_from(
    [
        "no",
        "1.0",
        "on",
        "null",
        "~",
        "",
        " ",
        "a: b",
        "- a",
        "#x",
        "x #y",
        "'",
        '"',
        "\\",
        "*a",
        "&a",
        "!t",
        "%Y",
        "|",
        ">",
        "a\nb",
        "a\n\n b\n",
        "\tx",
        "0o7",
        "1e5",
        "12:30",
        "{",
        "[",
        "]",
        ",",
        "?",
        "---",
        "...",
        "\u0085",
        "\u2028",
        "\ufeff",
        "é",
        "👩‍👩‍👧",
        "नमस्ते",
        "\x07",
        "=",
        "<<",
        "@a",
        "`",
        "x" * 300,
    ]
)
SCALAR = st.one_of(
    TEXT,
    TRICKY,
    st.integers(-(10**15), 10**15),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
)
KEY = st.one_of(TEXT, TRICKY).filter(lambda k: k != "<<" and len(k) < 100)
DATA = st.dictionaries(
    KEY,
    st.recursive(
        SCALAR, lambda x: st.one_of(st.lists(x, max_size=4), st.dictionaries(KEY, x, max_size=4)), max_leaves=12
    ),
    min_size=1,
    max_size=5,
)


def same(left: object, right: object) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


@given(DATA)
def test_what_is_dumped_loads_back_equal(data: dict[str, object]) -> None:
    text = dump(data)
    assert same(plain(parse(text.encode(), "x.yaml")), data), text


@given(DATA, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_json_means_what_json_means(data: dict[str, object], indent: object, ascii_only: bool) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=ascii_only)  # type: ignore[arg-type]
    raw = {p for p in ("\x7f", "\x85", "\u2028", "\u2029", "\ufeff", *map(chr, range(0x80, 0xA0))) if p in text}
    if raw:
        # Separators that no editor shows are refused wherever they stand; escaped, they are text.
        with pytest.raises(PolicyError):
            parse(text.encode(), "x.json")
    else:
        assert plain(parse(text.encode(), "x.json")) == data


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{'a': 1}", "json-invalid"),
        ('{"a": 1,}', "json-invalid"),
        ('{"a": NaN}', "json-invalid"),
        ('{"a": Infinity}', "json-invalid"),
        ('{"a": 1, "a": 2}', "duplicate-key"),
        ('{"a": 1} {"b": 2}', "json-invalid"),
        ("[" * 100_000, "too-deep"),
        ("a: 1", "json-invalid"),
        ('{"a": 01}', "json-invalid"),
        ('"a"', "json-invalid"),
        ('{"a": "\\ud800"}', "syntax"),
        ('{"<<": {"a": 1}}', "merge-key"),
    ],
)
def test_json_is_strict(text: str, code: str) -> None:
    with pytest.raises(PolicyError) as error:
        parse(text.encode(), "x.json")
    assert [p.code for p in error.value.problems] == [code]


def test_positions_are_those_of_the_file() -> None:
    node = parse('version: 1\nwords:\n  terms:\n    - é: "x"\n      b: y\n'.encode(), "x.yaml")
    item = node.value["words"].value["terms"].value[0]
    assert (item.value["é"].at.line, item.value["é"].at.column) == (4, 10)
    assert (item.keys["b"].line, item.keys["b"].column) == (5, 7)


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ('{"version": 1,\n "name": "x",\n}', (2, 13), "remove the comma"),
        ('{"words": {"terms": ["a", "b", ]}}', (1, 30), "remove the comma"),
        ('{"version": 1,, "name": "x"}', (1, 14), "remove the comma"),
        ('{"version": 1\n "name": "x"}', (1, 13), "put a comma"),
        ('{"terms": ["a" "b"]}', (1, 14), "put a comma"),
        ('{"a": {"b": 1}\n "c": 2}', (1, 14), "put a comma"),
        ("{'version': 1}", (1, 2), "double quotes"),
        ("{“version”: 1}", (1, 2), "double quotes"),
        ("{version: 1}", (1, 2), "double quotes"),
        ('{"name": acme}', (1, 10), "double quotes"),
        ('{"a": True}', (1, 7), "write true"),
        ('{"a": False}', (1, 7), "write false"),
        ('{"a": None}', (1, 7), "write null"),
        ('{"a": undefined}', (1, 7), "write null"),
        ('{"a": yes}', (1, 7), "write true"),
        ('{"a": NaN}', (1, 7), "write a number"),
        ('{"NaN": "Infinity", "a": -Infinity}', (1, 26), "write a number"),
        ('{"a": .5}', (1, 7), "0.5"),
        ('{"a": 0x1F}', (1, 8), "decimal"),
        ('{\n// what it is for\n"a": 1}', (2, 1), "no comments"),
        ('{"a": 1 /* one */}', (1, 9), "no comments"),
        ('# a policy\n{"a": 1}', (1, 1), "no comments"),
        ("version: 1\nname: acme\n", (1, 1), ".yaml"),
        ('{"pattern": "\\d+"}', (1, 14), "backslash twice"),
        ('{"a": "first\nsecond"}', (1, 13), "close the text"),
        ('{"a": "unclosed}', (1, 7), "close the text"),
        ('{"a": [1, {"b": 2}', (1, 18), "close it with ] }"),
        ('{"a": [1, 2}', (1, 12), "close with ]"),
        ('{"a": 1}}', (1, 9), "remove this }"),
        ('{"a": 1} {"b": 2}', (1, 10), "remove"),
        ('{"a" 1}', (1, 6), "colon"),
        ('{"a": "\\ud83d"}', (1, 8), "both of its escapes"),
        ('{"a": "\\ude00\\ud83d"}', (1, 8), "both of its escapes"),
        ('{"a": 1, "b": 2, "a": 3}', (1, 18), "keep one of them"),
    ],
)  # fmt: skip
def test_a_mistake_in_json_names_its_place_and_the_remedy(text: str, place: tuple[int, int], remedy: str) -> None:
    with pytest.raises(PolicyError) as error:
        parse(text.encode(), "x.json")
    [problem] = error.value.problems
    assert (problem.line, problem.column) == place
    assert remedy in (problem.remedy or "")
    assert problem.source_line is not None


def test_json_that_looks_like_a_mistake_and_is_none() -> None:
    text = '{"a": "// no comment, \\\\ud800 \\ud83d\\ude00 \\\\", "b": ["x,]", "{"], "c": -1.5e3, "NaN": null}'
    assert plain(parse(text.encode(), "x.json")) == json.loads(text)
