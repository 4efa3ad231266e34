"""JSON stays JSON: it is read with its escapes undone, and masks are written inside its strings."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.actions import Numbers
from guardrails.policy import loads
from guardrails.reading import Reading
from guardrails.streaming.stream import TextStream

POLICY = """
version: 1
name: json
messages: {blocked_input: "[no]", blocked_output: "[no]"}
words: {terms: [{term: project kingfisher, id: secret, action: mask, mask: {style: constant, text: 'a "secret"\\'}}]}
pii:
  regexes: [{name: account, pattern: 'ACC-\\d{8}', action: mask}]
  entities: {EMAIL: mask, CREDIT_DEBIT_CARD_NUMBER: mask, US_SOCIAL_SECURITY_NUMBER: mask, PHONE: mask}
"""
GUARD = Guard(loads(POLICY))
CARD, SSN, MAIL = "{CREDIT_DEBIT_CARD_NUMBER}", "{US_SOCIAL_SECURITY_NUMBER}", "{EMAIL}"


def masked(text: str) -> str:
    return GUARD.check(text, "OUTPUT").text


def streamed(text: str, at: list[int]) -> str:
    stream = TextStream(GUARD.direction("OUTPUT"))
    edges = [0, *sorted(a % (len(text) + 1) for a in at), len(text)]
    out = "".join(stream.feed(text[a:b]) for a, b in pairwise(edges))
    return out + stream.finish()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ('{"card":4111111111111111}', f'{{"card":"{CARD}"}}'),
        ('{"ssn": 536904399, "age": 42}', f'{{"ssn": "{SSN}", "age": 42}}'),
        ('{"cards": [4111111111111111, 5500005555555559], "n": 2}', f'{{"cards": ["{CARD}", "{CARD}"], "n": 2}}'),
        ("[4111111111111111]", f'["{CARD}"]'),
        (r'{"t":"a:\nbob@example.com"}', rf'{{"t":"a:\n{MAIL}"}}'),
        (r'{"t":"a\nbob@example.com","u":1}', rf'{{"t":"a\n{MAIL}","u":1}}'),
        (r'{"t":"a\tbob@example.com\n"}', rf'{{"t":"a\t{MAIL}\n"}}'),
        (r'{"t":"caf\u00e9 bob@ex\u0061mple.com \"x\""}', rf'{{"t":"caf\u00e9 {MAIL} \"x\""}}'),
        (r'{"a":"\ud83d\ude00bob@example.com"}', rf'{{"a":"\ud83d\ude00{MAIL}"}}'),
        ('{ "a" : "on project kingfisher" }', '{ "a" : "on a \\"secret\\"\\\\" }'),
        (r'{"q":"{\"ssn\": 536904399}"}', rf'{{"q":"{{\"ssn\": \"{SSN}\"}}"}}'),
        ('{"a":"ACC-12345678"}\n{"b":"x\\nbob@example.com"}', f'{{"a":"{{account}}"}}\n{{"b":"x\\n{MAIL}"}}'),
        ('Here:\n```json\n{"m":"x\\nbob@example.com"}\n```\nAnd more.', f'Here:\n```json\n{{"m":"x\\n{MAIL}"}}\n```\nAnd more.'),
        ('The record is {"ssn": 536904399} as you said.', f'The record is {{"ssn": "{SSN}"}} as you said.'),
        ('{"a": {"b": [{"phone": 12125550187}]}}', '{"a": {"b": [{"phone": "{PHONE}"}]}}'),
        ('{"bob@example.com": 1}', f'{{"{MAIL}": 1}}'),
        ('[[], "project kingfisher"]', '[[], "a \\"secret\\"\\\\"]'),
        ('[null, "x\\nbob@example.com"]', rf'[null, "x\n{MAIL}"]'),
        ('[[true], 1.5e3, 4111111111111111]', f'[[true], 1.5e3, "{CARD}"]'),
        ('[7e+22, "project kingfisher"]', '[7e+22, "a \\"secret\\"\\\\"]'),
        ('[[1], [2], "project kingfisher"]', '[[1], [2], "a \\"secret\\"\\\\"]'),
    ],
)  # fmt: skip
def test_masks_leave_json_what_it_is(text: str, right: str) -> None:
    assert masked(text) == right
    for step in (1, 7):
        assert streamed(text, list(range(0, len(text), step))) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("see [4111111111111111]", f"see [{CARD}]"),
        ("card: 4111111111111111.", f"card: {CARD}."),
        ("[1] mail bob@example.com or C:\\new\\file", f"[1] mail {MAIL} or C:\\new\\file"),
        (r"C:\new\bob@example.com", None),
        ("{ not json: bob@example.com }", f"{{ not json: {MAIL} }}"),
        ('{"a" is how it begins, says bob@example.com', f'{{"a" is how it begins, says {MAIL}'),
        ('"bob@example.com" she said', f'"{MAIL}" she said'),
        ("[[Bob's page]] bob@example.com", f"[[Bob's page]] {MAIL}"),
        ("[] write to bob@example.com", f"[] write to {MAIL}"),
        ("[1], [2] and bob@example.com", f"[1], [2] and {MAIL}"),
        ("[true story] bob@example.com", f"[true story] {MAIL}"),
    ],
)
def test_what_only_looks_like_json_is_text(text: str, right: str | None) -> None:
    assert masked(text) == (right or masked(text))
    assert streamed(text, list(range(len(text)))) == masked(text)


_said = st.sampled_from(
    ["bob@example.com", "ACC-12345678", "4111 1111 1111 1111", "a\n", "\t", '"', "\\", "/", "é", "😀", "\u2028", " ", "word ",
     "project kingfisher", "\x00", "\x1f", "{x}", "[", "]", ",", ":", "\\n"]
)  # fmt: skip
_strings = st.lists(_said, max_size=5).map(" ".join)
_scalars = _strings | st.sampled_from([4111111111111111, 12, -1.5, True, False, None, 7e22])
_values = st.recursive(
    _scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(_strings, v, max_size=4), max_leaves=12
)
_documents = st.lists(_values, max_size=4) | st.dictionaries(_strings, _values, max_size=4)


def expected(value: Any) -> Any:
    """Each string by itself, and a number that is masked as a string."""
    match value:
        case str():
            return GUARD.check("\n" + value + "\n", "OUTPUT").text[1:-1] if value else value
        case bool() | None:
            return value
        case int() | float():
            text = GUARD.check(repr(value), "OUTPUT").text
            return value if text == repr(value) else text
        case list():
            return [expected(v) for v in value]
        case _:
            return [(expected(k), expected(v)) for k, v in value.items()]


def pairs(text: str) -> Any:
    return json.loads(text, object_pairs_hook=list)


@settings(max_examples=40, deadline=None)
@given(_documents, st.booleans(), st.sampled_from([None, 1]), st.lists(st.integers(0, 10_000), max_size=8))
def test_masked_json_is_the_json_of_masked_values(
    value: Any, ascii_only: bool, indent: int | None, at: list[int]
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    out = masked(text)
    assert pairs(out) == (expected(value) or [])
    assert streamed(text, at) == out
    report = GUARD.check(text, "OUTPUT")
    assert GUARD.direction("OUTPUT").mask(text, report.findings, Numbers([text])).text == out
    assert masked(out) == out


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60) | st.lists(_said | st.sampled_from(['{"', '":', "```json\n", "\\u00", "d83d", "1e+5", "tru", "[[]", "[null,", "[[1],", "[-", " " * 90]), max_size=12).map("".join),
       st.lists(st.integers(0, 100), max_size=8), st.booleans())  # fmt: skip
@example("bob@example.com" + " " * 90 + '```json\n{"', [39], False)
@example("a\n" + " " * 90 + '```json\n{"', [60], False)
def test_a_reading_depends_on_the_text_alone(text: str, at: list[int], asked: bool) -> None:
    whole = Reading(asked=asked)
    read = whole.feed(text) + whole.finish()
    cut = Reading(asked=asked)
    edges = [0, *sorted(a % (len(text) + 1) for a in at), len(text)]
    assert "".join(cut.feed(text[a:b]) for a, b in pairwise(edges)) + cut.finish() == read
    assert list(cut.places(0, cut.size)) == list(whole.places(0, whole.size))
    assert "".join(t for _, t in whole.render(0, whole.size, [])) == text
    for offset in range(whole.size + 1):
        assert whole.read(whole.written(offset)) == offset


def test_findings_say_where_they_were_written() -> None:
    text = r'{"t":"a\n\u0062ob@example.com"}'
    finding = GUARD.check(text, "INPUT").findings[0]
    assert text[finding.start : finding.end] == r"\u0062ob@example.com"
    assert re.search(r"\{EMAIL\}", masked(text))
