"""What users read instead of a blocked text: the message of the rule that decided, else the policy's."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.bedrock import export_guardrail
from guardrails.policy import explain, lint, load, loads

POLICY = """version: 1
name: messages
messages: {blocked_input: not asked, blocked_output: not said}
words:
  terms:
    - kingfisher
    - {term: heron, message: no herons}
    - {term: gull, input: {message: no gulls in questions}}
    - {term: robin, action: mask, message: never read}
  managed: {PROFANITY: {action: block, message: mind your words}}
pii:
  entities:
    EMAIL: {action: block, message: no addresses}
    PHONE: {action: block, input: {message: no numbers in questions}, output: {message: no numbers in answers}}
  regexes:
    - {name: account, pattern: 'ACC-\\d{8}', message: no accounts}
"""

CASES = [
    ("a kingfisher", "INPUT", "not asked"),
    ("a kingfisher", "OUTPUT", "not said"),
    ("a heron", "INPUT", "no herons"),
    ("a heron", "OUTPUT", "no herons"),
    ("a gull", "INPUT", "no gulls in questions"),
    ("a gull", "OUTPUT", "not said"),
    ("well, shit", "INPUT", "mind your words"),
    ("bob@example.com", "INPUT", "no addresses"),
    ("call +44 20 7946 0000", "INPUT", "no numbers in questions"),
    ("call +44 20 7946 0000", "OUTPUT", "no numbers in answers"),
    ("ACC-12345678", "OUTPUT", "no accounts"),
    # A rule with a message goes before one without, and of several the first in the policy.
    ("a kingfisher and ACC-12345678", "INPUT", "no accounts"),
    ("ACC-12345678 and bob@example.com and a heron", "INPUT", "no herons"),
    ("ACC-12345678 and bob@example.com", "INPUT", "no addresses"),
    # What masks, or did not decide, has no say.
    ("a robin", "INPUT", "a {WORD}"),
    ("a robin and a kingfisher", "INPUT", "not asked"),
]


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard(loads(POLICY))


@pytest.mark.parametrize(("text", "source", "expected"), CASES)
def test_the_rule_that_decided_speaks(guard: Guard, text: str, source: str, expected: str) -> None:
    assert guard.check(text, source).text == expected


@pytest.mark.parametrize(("text", "source", "expected"), CASES)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_streams_say_the_same(guard: Guard, text: str, source: str, expected: str, size: int) -> None:
    stream = guard.stream(source)
    out = "".join(stream.feed(text[i : i + size]) for i in range(0, len(text), size)) + stream.finish()
    assert out == expected


def test_a_failure_is_no_reason_to_speak_of_the_rule(guard: Guard) -> None:
    assert guard.check("a heron" + "\ud800", "INPUT").text == "not asked"


def test_sections_and_all() -> None:
    policy = loads(
        "version: 1\nname: x\nwords: {message: from the section, terms: [heron, {term: gull, message: its own}]}\n"
        "pii: {entities: {ALL: {action: block, message: from all}, EMAIL: {action: block, message: from it}}}\n"
    )
    guard = Guard(policy)
    said = {t: guard.check(t, "INPUT").text for t in ("a heron", "a gull", "bob@example.com", "GB29NWBK60161331926819")}
    assert list(said.values()) == ["from the section", "its own", "from it", "from all"]


def test_the_other_kinds_of_rules_take_one() -> None:
    policy = loads(
        "version: 1\nname: x\n"
        "content: {VIOLENCE: {strength: LOW, message: a}, HATE: {input: {strength: LOW, message: b}, output: HIGH}}\n"
        "topics: [{name: t, definition: Shares., message: c}]\n"
        "grounding: {threshold: 0.5, message: d}\n"
    )
    assert {r.id: (r.input_message, r.output_message) for r in policy.rules} == {
        "content.VIOLENCE": ("a", "a"),
        "content.HATE": ("b", None),
        "topic.t": ("c", "c"),
        "grounding": ("d", "d"),
    }


@pytest.mark.parametrize("enforced", ["", "enforced: [words.heron]\n"])
def test_a_child_may_change_a_message_also_of_an_enforced_rule(tmp_path: Path, enforced: str) -> None:
    head = "version: 1\nname: x\nmetadata: {owner: me}\n"
    (tmp_path / "p.yaml").write_text(
        head + "words: {terms: [{term: heron, message: old}, {term: gull, message: kept}]}\n" + enforced
    )
    (tmp_path / "c.yaml").write_text(
        head + "extends: p.yaml\nwords: {terms: [{term: heron, id: heron, output: {message: new}}]}\n"
    )
    policy = load(tmp_path / "c.yaml")
    assert (policy.rule("words.heron").input_message, policy.rule("words.heron").output_message) == ("old", "new")
    assert policy.rule("words.gull").input_message == "kept"
    shown = {s.key: (s.value, s.at.line if s.at else None) for s in explain(policy)}
    assert shown["words.heron.input.message"] == ("old", 4)
    assert shown["words.heron.output.message"] == ("new", 5)
    assert shown["words.gull.message"] == ("kept", 4)


def test_bedrock_has_no_such_thing_and_says_so() -> None:
    losses = [loss.key for loss in export_guardrail(loads(POLICY)).losses if loss.key.endswith("message")]
    assert len(losses) == 8


def test_a_message_for_all_of_a_section_is_not_unused(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    head = "version: 1\nname: x\nmetadata: {owner: me}\n"
    path.write_text(head + "words: {message: m, terms: [heron, {term: gull, action: mask}]}\n")
    assert [p.code for p in lint(path)] == []
    path.write_text(head + "words: {message: m, action: mask, terms: [heron, {term: gull, action: mask}]}\n")
    assert {p.code for p in lint(path)} == {"message-unused"}
