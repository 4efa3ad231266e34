"""A whole answer in which one look finds nothing: its segments find nothing either."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.content import Deadline
from guardrails.exchange.shortcut import nothing_in
from guardrails.policy import loads
from guardrails.rules import StreamMode
from guardrails.streaming.stream import TextStream
from guardrails.types import Action, Role

WORDS = r"""
version: 1
name: shortcut
words: {terms: [kingfisher, project plan, insider*, a b c]}
"""
REGEXES = r"""
pii:
  regexes:
    - {name: account, pattern: 'ACC-\d{4}', action: mask}
    - {name: room, pattern: '\broom [A-Z]\d{3}\b'}
    - {name: price, pattern: '\$\d+'}
    - {name: gap, pattern: 'begin[^.]{0,40}end'}
"""
LOCAL = Guard(loads(WORDS + REGEXES))

PARTS = st.sampled_from(
    [
        "kingfisher", "kingfishers", "project", "plan", "project  plan", "insiders", "a", "b", "c", "ACC-", "ACC-1234", "ACC-12",
        "room B101", "room", "B101", "B1011", "$5", "$", "x$y", "begin", "end", "x" * 63, "x" * 70, "x" * 700, " " * 70,
        "The weather is fine today. ", "Nothing. ", "And so on, and on. ", "\n", "\t", ".", "! ", ", ", " ", " ", " ", "e\u0301", "k1ngf1sher",
    ]
)  # fmt: skip


NEARLY = st.sampled_from(
    [
        "kingfishe", "insid", "project plane ", "ACC-123", "room B10", "begin the month. ", "a b d ", "5$ ", "e", ". ", "\n", " ", " ",
        "The weather is fine today. ", "Nothing is said, and nobody knows. ", "and so on ",
    ]
)  # fmt: skip


def segments_find(guard: Guard, text: str) -> bool:
    stream = TextStream(guard.direction("OUTPUT"), mode=StreamMode.SYNC)
    stream.push(text)
    out = stream.advance(final=True)
    report = stream.report
    return bool(out != text or report.action is not Action.NONE or report.findings or report.failures)


def nothing(guard: Guard, text: str) -> bool:
    return nothing_in(guard.direction("OUTPUT"), text, Role.ASSISTANT, Deadline(10_000))


@settings(max_examples=400, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=120).map("".join))
def test_what_is_passed_at_once_would_pass_in_segments(text: str) -> None:
    if nothing(LOCAL, text):
        assert not segments_find(LOCAL, text)


@settings(max_examples=200, deadline=None)
@given(st.lists(NEARLY, min_size=20, max_size=200).map("".join))
def test_near_misses_over_many_segments(text: str) -> None:
    if nothing(LOCAL, text):
        assert not segments_find(LOCAL, text)


def test_long_plain_text_takes_the_shortcut() -> None:
    assert nothing(LOCAL, "The weather is fine today, and nobody has to be told. " * 200)


@pytest.mark.parametrize("found", ["kingfisher", "ACC-1234", "room B101", "$5", "begin the end"])
def test_nothing_that_is_found_takes_it(found: str) -> None:
    text = "The weather is fine today. " * 40
    assert not nothing(LOCAL, text + found + ". " + text)
    assert segments_find(LOCAL, text + found + ". " + text)


ANCHORED = [
    "today$",
    "^The",
    r"today\B",
    r"\AThe",
    r"today\z",
    r"(?m)today.$",
    r"\\$",
    "[a]$",
    r"x(.|\s)*y",
    r"\w{65}[^.]{300}",
]


@pytest.mark.parametrize("pattern", ANCHORED)
def test_no_pattern_takes_it_that_depends_on_where_a_text_ends_or_reaches_far(pattern: str) -> None:
    guard = Guard(loads(f"version: 1\nname: anchored\npii: {{regexes: [{{name: x, pattern: '{pattern}'}}]}}\n"))
    assert not nothing(guard, "Nobody knows, and nothing is said. " * 5)


@pytest.mark.parametrize(
    "more", ["pii: {entities: {EMAIL: mask}}", "unsupported_language: block\npii: {entities: {NAME: mask}}"]
)
def test_identifiers_take_the_segments(more: str) -> None:
    guard = Guard(loads(f"version: 1\nname: entities\nwords: {{terms: [kingfisher]}}\n{more}\n"))
    assert not nothing(guard, "Nobody knows, and nothing is said. " * 5)


def test_what_must_be_unfolded_or_is_too_long_takes_the_segments() -> None:
    guard = Guard(loads(WORDS + "limits: {max_characters: 100}\n"))
    assert nothing(guard, "Nobody knows. ")
    assert not nothing(guard, "Nobody knows. " * 8)
    assert not nothing(LOCAL, "Nobody knows, so k-i-n-g-d-o-m-s or 2022 2023 it is.")
    assert not nothing(LOCAL, "Nobody knows in K\u00f6ln.")
