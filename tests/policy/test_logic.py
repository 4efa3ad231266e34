"""Rules that cannot mean what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.detectors import pii
from guardrails.detectors.pii.registry import TAGGED, score_range
from guardrails.marked import parse
from guardrails.policy import lint, load
from guardrails.types import UnsupportedLanguage
from tests.detectors.cases import pii_contact, pii_finance, pii_health, pii_identity, pii_national, pii_secrets
from tests.pii.finding import ALL, hits, rule

HEAD = "version: 1\nname: demo\nmetadata: {owner: me}\n"
CASES = [c for m in (pii_contact, pii_finance, pii_health, pii_identity, pii_national, pii_secrets) for c in m.CASES]
CODES = {"never-acts", "acts-on-everything", "shadowed-rule"}


def codes(tmp_path: Path, text: str) -> set[tuple[str, str]]:
    path = tmp_path / "policy.yaml"
    path.write_text(HEAD + text)
    found = lint(path)
    assert not [p for p in found if p.severity == "error"], found
    return {(p.code, p.key) for p in found if p.code in CODES}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("grounding: 0\n", {("never-acts", "grounding.threshold")}),
        ("grounding: 0.99\n", {("acts-on-everything", "grounding.threshold")}),
        ("grounding: 0.5\n", set()),
        ("pii: {regexes: [{name: A, pattern: '\\w+', action: mask}]}\n", {("acts-on-everything", "regex.A.pattern")}),
        ("pii: {regexes: [{name: A, pattern: '\\d{8}', action: mask}]}\n", set()),
        (
            "words: {terms: [{terms: [heron], id: a, action: detect}, {terms: [heron, osprey], id: b, action: block}]}\n",
            {("shadowed-rule", "words.a")},
        ),
        ("words: {terms: [{terms: [heron], id: a, action: block}, {terms: [heron, osprey], id: b, action: detect}]}\n", set()),
        (
            "words: {terms: [{terms: [heron], id: a, input: block, output: detect}, {terms: [heron], id: b, input: detect, output: block}]}\n",
            set(),
        ),
        (
            "pii: {regexes: [{name: A, pattern: 'A\\d+', action: mask}, {name: B, pattern: 'A\\d+', action: mask}]}\n",
            {("shadowed-rule", "regex.B")},
        ),
        ("words: {enabled: false, terms: [kingfisher]}\n", set()),
        ("pii: {entities: {PASSWORD: {action: mask, min_score: 1}}}\n", set()),  # a model finds passwords too
        ("pii: {entities: {PIN: {action: mask, min_score: 0.9}}}\n", {("never-acts", "pii.PIN.min_score")}),
        ("pii: {entities: {PIN: {action: mask, min_score: 0.6}}}\n", set()),
        ("pii: {entities: {PIN: {action: mask, min_score: 0.1}}}\n", {("acts-on-everything", "pii.PIN.min_score")}),
        ("pii: {entities: {EMAIL: mask, PHONE: {action: mask, min_score: 0.4}}}\n", set()),
        ("pii: {entities: {ALL: {action: mask, min_score: 0.4}}}\n", set()),
        ("pii: {entities: {ALL: {action: mask, min_score: 0.92}}}\n", {("never-acts", "pii.CREDIT_DEBIT_CARD_CVV.min_score")}),
        ("pii: {entities: {ALL: {action: mask, min_score: 0}}}\n", {("acts-on-everything", "pii.ADDRESS.min_score")}),
    ],
)  # fmt: skip
def test_it_is_said_of_these_and_of_no_others(tmp_path: Path, text: str, expected: set[tuple[str, str]]) -> None:
    assert codes(tmp_path, text) == expected


@pytest.mark.parametrize("name", ["baseline", "retail-bank", "hospital", "childrens-tutor"])
def test_shipped_policies_are_not_odd(name: str) -> None:
    assert not {p.code for p in lint(name)} & CODES


PARENT = (
    HEAD.replace("demo", "parent")
    + """uninspected: block
stream: {bounded: 100}
unsupported_language: block
conversation: {window: 8}
words: {terms: [heron]}
"""
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uninspected: allow\n", [("warning", "weaker-than-parent", "uninspected")]),
        ("uninspected: block\n", []),
        ("stream: async\n", [("warning", "weaker-than-parent", "stream")]),
        ("stream: {bounded: 50}\n", []),
        ("conversation: {window: 2}\n", [("warning", "weaker-than-parent", "conversation.window")]),
        ("unsupported_language: allow\n", [("warning", "weaker-than-parent", "unsupported_language")]),
        ("words: {terms: [{term: heron, id: h, action: detect}]}\n", []),  # a rule of its own takes nothing from the parent's
        ("words: {action: detect, terms: [osprey]}\n", [("warning", "weaker-than-parent", "words.terms.input")]),
        ("system_messages: trust\n", []),  # its parent says nothing of it
    ],
)  # fmt: skip
def test_what_is_milder_than_in_a_parent_is_told(
    tmp_path: Path, text: str, expected: list[tuple[str, str, str]]
) -> None:
    (tmp_path / "parent.yaml").write_text(PARENT)
    path = tmp_path / "child.yaml"
    path.write_text(HEAD + "extends: parent.yaml\n" + text)
    told = [p for p in lint(path) if "weak" in p.code]
    assert [(p.severity, p.code, p.key) for p in told] == expected
    assert all(p.remedy and p.allowed for p in told)


@pytest.mark.parametrize("text", ["uninspected: allow\n", "stream: async\n", "conversation: {window: 2}\n"])
def test_below_an_enforced_rule_it_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "parent.yaml").write_text(PARENT + "enforced: [words.terms]\n")
    path = tmp_path / "child.yaml"
    path.write_text(HEAD + "extends: parent.yaml\n" + text)
    (told,) = [p for p in lint(path) if p.severity == "error"]
    assert (told.code, told.remedy) == ("weakened", "remove this setting, or write a stricter one")


def test_a_language_that_a_parent_refuses_stays_refused(tmp_path: Path) -> None:
    """What lint says of it is what happens."""
    (tmp_path / "parent.yaml").write_text(PARENT)
    path = tmp_path / "child.yaml"
    path.write_text(HEAD + "extends: parent.yaml\nunsupported_language: allow\n")
    assert load(path).unsupported_language is UnsupportedLanguage.BLOCK


def test_scores_that_are_said_to_be_out_of_reach_are() -> None:
    """No match of any shipped case lies outside of what is said of its type, which patterns find."""
    every = pii.build([rule(t, min_score=0.0) for t in ALL if t not in TAGGED])
    found = [hit for case in CASES for hit in hits(every, parse(case.finds).text)]
    assert len(found) > 300
    assert not [h for h in found if not score_range(h.type)[0] <= h.score <= score_range(h.type)[1]]
