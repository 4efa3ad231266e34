"""The guarantee of streams: verdict and output depend on the text alone, and nothing of a masked or blocked span leaves."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard, resources
from guardrails.detectors.pii import TAGGED
from guardrails.errors import GuardrailsError
from guardrails.policy import load, loads
from guardrails.policytest.cases import Case, read_cases
from guardrails.streaming.window import SEGMENT, boundary
from guardrails.types import Action, Role, Source

STRINGS = """
version: 1
name: strings
messages: {blocked_output: "[stopped]"}
words:
  terms:
    - {term: project kingfisher, id: secret}
    - {term: rival bank, id: rival, action: mask, mask: {style: constant, text: "[another bank]"}}
pii:
  entities:
    EMAIL: {action: mask, mask: numbered}
    CREDIT_DEBIT_CARD_NUMBER: mask
    IP_ADDRESS: mask
  regexes:
    - {name: CUSTOMER, pattern: 'RB-\\d{3}-\\d{4}', action: mask}
"""
VALUES = (
    "bob@example.com",
    "4111 1111 1111 1111",
    "RB-123-4567",
    "rival bank",
    "Rival&#32;Bank",
    "4111\u200b111111111111",
)
FILLER = (
    "The weather was fine that day. ", "We went to the market and bought apples, pears and plums. ", "Nothing happened",
    "\n\n", "It costs 25 euros. ", "你好。今天天气很好。", "Who knows? ", "- a list item\n", "a b c d e ", "🙂 ", "1, 2, 3 ", "x" * 90 + " ",
)  # fmt: skip


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard(loads(STRINGS))


def streamed(
    guard: Guard, text: str, cuts: list[int], source: Source = Source.OUTPUT, role: Role = Role.ASSISTANT
) -> tuple[str, Action]:
    stream = guard.stream(source, role=role)
    edges = sorted({c for c in cuts if 0 < c < len(text)})
    parts = [text[a:b] for a, b in zip([0, *edges], [*edges, len(text)], strict=True)]
    out = "".join(stream.feed(p) for p in parts) + stream.finish()
    return out, stream.report.action


texts = st.lists(st.one_of(st.sampled_from(FILLER), st.sampled_from(VALUES), st.text(max_size=12)), max_size=40).map(
    " ".join
)
blocked = st.tuples(texts, texts).map(lambda t: f"{t[0]} project kingfisher {t[1]}")


@settings(max_examples=60, deadline=None)
@given(st.one_of(texts, blocked), st.lists(st.integers(0, 3000), max_size=30))
def test_output_and_verdict_are_the_same_for_every_cut(text: str, cuts: list[int]) -> None:
    guard = _guard()
    whole = streamed(guard, text, [])
    assert streamed(guard, text, cuts) == whole
    assert streamed(guard, text, list(range(len(text)))) == whole


def _guard(known: list[Guard] = []) -> Guard:  # noqa: B006 - made once
    if not known:
        known.append(Guard(loads(STRINGS)))
    return known[0]


@settings(max_examples=60, deadline=None)
@given(texts, st.sampled_from(VALUES), texts)
def test_no_value_leaves_wherever_it_stands(before: str, value: str, after: str) -> None:
    out, action = streamed(_guard(), f"{before} {value} {after}", list(range(4000)))
    assert value not in out.replace("[another bank]", "")
    assert action is not Action.NONE


@settings(max_examples=40, deadline=None)
@given(texts, texts)
def test_a_block_ends_the_text_before_its_segment(before: str, after: str) -> None:
    text = f"{before} project kingfisher {after}"
    out, action = streamed(_guard(), text, [])
    assert action is Action.BLOCKED
    assert out.endswith("[stopped]")
    assert "kingfisher" not in out


@settings(max_examples=60, deadline=None)
@given(texts)
def test_a_text_of_one_segment_is_checked_as_a_whole(text: str) -> None:
    if boundary(text, 0) is None:
        report = _guard().check(text, Source.OUTPUT)
        assert streamed(_guard(), text, [3, 9]) == (report.text, report.action)


def test_a_mask_over_nothing_but_structure_blocks_a_stream_as_it_blocks_a_text() -> None:
    guard = Guard(
        loads("version: 1\nname: s\npii:\n  regexes:\n    - {name: SEAM, pattern: '\\},\\{', action: mask}\n")
    )
    text = '[{"a": "x"},{"b": "y"}]'
    report = guard.check(text, Source.OUTPUT)
    assert report.action is Action.BLOCKED
    assert streamed(guard, text, [12]) == (report.text, Action.BLOCKED)


@given(st.text(alphabet='ab. \n。!?")', max_size=900), st.text(alphabet="ab. \n。", max_size=50))
def test_a_segment_ends_where_it_ends_whatever_follows(text: str, more: str) -> None:
    end = boundary(text, 0)
    if end is not None:
        assert boundary(text + more, 0) == end
        assert SEGMENT[0] <= end <= SEGMENT[1] + 2


CASES = [
    (path.name, case.name, case, source)
    for path in sorted(resources.policies_dir().glob("*.test.yaml"))
    for case in read_cases(path)[1]
    for source in Source
    if len(case.pieces) == 1 and case.source in (source.value, "BOTH")
]


@pytest.mark.parametrize(("file", "name", "case", "source"), CASES, ids=[f"{f}:{n}:{s}"[:70] for f, n, _, s in CASES])
def test_the_shipped_policies_own_cases_hold_in_streams(file: str, name: str, case: Case, source: Source) -> None:
    """What a policy's tests expect of a whole text holds for it in single characters, and at the end of a long answer."""
    del name
    guard, light = _shipped(file.removesuffix(".test.yaml"))
    piece = case.pieces[0]
    text, role = piece.text, piece.role
    report = guard.check(piece, source)
    if boundary(text, 0) is None:
        assert streamed(guard, text, list(range(len(text))), source, role) == (report.text, report.action)
    long = "It rained for a while, and then the sun came out over the hills again.\n" * 9 + "\n" + text
    out = streamed(light, long, list(range(len(long))), source, role)
    assert out == streamed(light, long, [], source, role)
    for finding in light.check(piece, source).findings:
        value = text[finding.start : finding.end] if finding.start is not None else ""
        if finding.action is not Action.NONE and len(value) > 5:
            assert value not in out[0]


def _shipped(name: str, known: dict[str, tuple[Guard, Guard]] = {}) -> tuple[Guard, Guard]:  # noqa: B006 - made once
    """The guard of a shipped policy, and one of its rules that need no model."""
    if name not in known:
        policy = load(name)
        strings = [r for r in policy.rules if r.detector in ("words", "regex", "pii") and r.type not in TAGGED]
        known[name] = Guard(policy), Guard(dataclasses.replace(policy, rules=tuple(strings)))
    return known[name]


def test_text_leaves_before_the_answer_is_complete(guard: Guard) -> None:
    stream = guard.stream("OUTPUT")
    sentence = "It rained for a while, and then the sun came out over the hills again. "
    first = next(i for i in range(40) if stream.feed(sentence))
    assert first <= 3
    assert stream.held < 300


def test_a_value_masked_once_is_masked_again_alone(guard: Guard) -> None:
    text = "The number is RB-123-4567, please note. " * 12
    out, action = streamed(guard, text, list(range(len(text))))
    assert action is Action.MASKED
    assert out == "The number is {CUSTOMER}, please note. " * 12


@pytest.mark.parametrize("apart", [0, 40])
def test_a_forged_placeholder_is_not_ours_however_long_ago_it_came(guard: Guard, apart: int) -> None:
    calm = "It rained for a while, and then the sun came out over the hills again. " * apart
    text = f"See {{EMAIL_1}} and {{EMAIL_3}}. {calm}Write to bob@example.com, eve@example.com and bob@example.com."
    out, _ = streamed(guard, text, list(range(len(text))))
    assert out == guard.check(text, Source.OUTPUT).text
    assert out.endswith("Write to {EMAIL_2}, {EMAIL_4} and {EMAIL_2}.")


def test_numbers_are_kept_over_the_whole_stream(guard: Guard) -> None:
    part = "Then write to bob@example.com or to eve@example.com about the matter as soon as you can. "
    out, _ = streamed(guard, part * 8, [1, 200, 333])
    assert out == part.replace("bob@example.com", "{EMAIL_1}").replace("eve@example.com", "{EMAIL_2}") * 8


def test_offsets_in_the_report_are_those_of_the_whole_text(guard: Guard) -> None:
    text = (
        "It was a day like any other in this town, and nobody thought of it. " * 10
        + "Card 4111 1111 1111 1111 here. "
        + "End. " * 90
    )
    stream = guard.stream("OUTPUT")
    for char in text:
        stream.feed(char)
    stream.finish()
    found = [(f.type, text[f.start : f.end]) for f in stream.report.findings]
    assert found == [("CREDIT_DEBIT_CARD_NUMBER", "4111 1111 1111 1111")]


def test_a_rule_without_a_bound_holds_the_whole_text() -> None:
    policy = "version: 1\nname: w\npii:\n  regexes:\n    - {name: X, pattern: 'BEGIN[^#]*END', action: mask}\n"
    guard = Guard(loads(policy))
    stream = guard.stream("OUTPUT")
    text = "BEGIN " + "and so on and on it goes. " * 40 + "END. Then more."
    assert "".join(stream.feed(c) for c in text) == ""
    assert stream.finish() == "{X}. Then more."


def test_more_text_than_the_policy_allows_blocks() -> None:
    guard = Guard(loads("version: 1\nname: s\nlimits: {max_characters: 500}\nwords: {terms: [zebra]}\n"))
    stream = guard.stream("OUTPUT")
    out = "".join(stream.feed("A quiet sentence, and another one. ") for _ in range(30)) + stream.finish()
    assert out.endswith("Sorry, I can't share that answer.")
    assert stream.report.action is Action.BLOCKED
    assert stream.report.failures


def test_lone_surrogates_block(guard: Guard) -> None:
    stream = guard.stream("OUTPUT")
    assert stream.feed("a \ud800 b") + stream.finish() == "[stopped]"


def test_async_only_reports() -> None:
    guard = Guard(loads("version: 1\nname: a\nstream: async\nwords: {terms: [zebra]}\n"))
    stream = guard.stream("OUTPUT")
    assert stream.feed("a zebra ") == "a zebra "
    assert stream.finish() == ""
    assert [f.rule for f in stream.report.findings] == ["words.terms"]


def test_nothing_can_be_fed_after_the_end(guard: Guard) -> None:
    stream = guard.stream("OUTPUT")
    stream.finish()
    with pytest.raises(GuardrailsError, match="finished"):
        stream.feed("more")


def test_nothing_of_the_text_shows(guard: Guard) -> None:
    stream = guard.stream("OUTPUT")
    stream.feed("bob@example.com is the address. ")
    assert "bob" not in repr(stream)
    assert "bob" not in repr(stream.report)
