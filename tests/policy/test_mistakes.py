"""Mistakes of people who write their first policy: each is answered with its place and with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.errors import PolicyError
from guardrails.policy import lint, loads
from guardrails.policy.source import parse

HEAD = "version: 1\nname: x\nmetadata: {owner: me}\n"

# What is not YAML: text, line and column of the mistake, and a part of the remedy.
SYNTAX = [
    ("words:\n\tterms: [x]\n", 2, 1, "spaces"),
    ("words:\n  terms:\n    - x\n\t- y\n", 4, 1, "spaces"),
    ("a: 1\n b: 2\n", 2, 3, "indent"),
    ("words:\n  terms: [a]\n   lists: [b]\n", 3, 4, "indent"),
    ("description: Note: this\n", 1, 18, "quotes"),
    ("examples:\n  - Question: what: now\n", 2, 19, "quotes"),
    ("m: {a: Sorry: no}\n", 1, 13, "quotes"),
    ('p: "\\bINS-\\d{7}"\n', 1, 11, "single quotes"),
    ('p: "C:\\users"\n', 1, 9, "single quotes"),
    ("terms: [*secret*]\n", 1, 9, "starts with *"),
    ("terms:\n  - *\n", 2, 5, "starts with *"),
    ("t: [&a&]\n", 1, 5, "starts with &"),
    ('name: "demo\nwords: {terms: [a]}\n', 1, 7, 'close the quote with another "'),
    ('name: "demo\nwords: {terms: ["a"]}\n', 1, 7, "close the quote"),
    ("name: 'demo\nb: 'x'\n", 1, 7, "close the quote"),
    ("a: 'it's'\n", 1, 8, "twice"),
    ("a: @here\n", 1, 4, "starts with @"),
    ("a: `x`\n", 1, 4, "starts with `"),
    ("t: [a, b\nx: 1\n", 1, 4, "close it with ]"),
    ("p: [A-Z]{3}\n", 1, 9, "single quotes"),
    ("terms: - a\n", 1, 8, "each on a line"),
    ("version: 1\nname\nwords: x\n", 2, 1, "key: value"),
    ("version:1\nname: x\n", 1, 8, "blank after the colon"),
    ("d: > 5 apples\n", 1, 4, "starts with >"),
    ('a: "x", "y"\n', 1, 7, "quotes"),
]


@pytest.mark.parametrize(("text", "line", "column", "remedy"), SYNTAX)
def test_syntax(text: str, line: int, column: int, remedy: str) -> None:
    with pytest.raises(PolicyError) as error:
        parse(text.encode(), "x.yaml")
    (problem,) = error.value.problems
    assert (problem.code, problem.line, problem.column) == ("syntax", line, column)
    assert remedy in (problem.remedy or "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pii: {EMAIL: mask}", "pii: {entities: {EMAIL: …}}"),
        ("pii: {countries: [UK], entities: {ALL: mask}}", "write GB"),
        ("pii: {countries: [Germany], entities: {ALL: mask}}", "write DE"),
        ("pii: {countries: [fra], entities: {ALL: mask}}", "write FR"),
        ("pii: {countries: [ALL], entities: {ALL: mask}}", "leave `countries` out"),
        ("pii: {countries: [EU], entities: {ALL: mask}}", "BE, DE, DK"),
        ("pii: {countries: [Europe], entities: {ALL: mask}}", "AT, BE, CH"),
        ("pii: {countries: [Scandinavia], entities: {ALL: mask}}", "DK, NO, SE"),
        ("pii: {countries: [United States of America], entities: {ALL: mask}}", "write US"),
        ("pii:\n  entities:{EMAIL: mask}", "a blank after the colon: entities: …"),
        ("pii:\n\u00a0 entities: {EMAIL: mask}", "U+00A0"),
        ("policy: support.yaml\ncases: []", "give it to guardrails test"),
        ("topics: {investing: {definition: x}}", "write a list"),
        ("content: [HATE]", "HATE: HIGH"),
        ("words: [a, b]", "words: {terms:"),
        ("grounding: 75", "write 0.75"),
        ("grounding: {threshold: 80}", "write 0.8"),
        ("grounding: true", "grounding: 0.75"),
        ("pii: {entities: {EMAIL: ANONYMIZE}}", "write mask"),
        ("pii: {entities: {EMAIL: deny}}", "write block"),
        ("pii: {entities: {EMAIL: log}}", "write detect"),
        ("pii: {entities: {EMAIL: off}}", "enabled: false"),
        ("pii: {entities: {SSN: mask}}", "write US_SOCIAL_SECURITY_NUMBER"),
        ("pii: {entities: {CREDIT_CARD: mask}}", "write CREDIT_DEBIT_CARD_NUMBER"),
        ("content: {JAILBREAK: HIGH}", "write PROMPT_ATTACK"),
        ("content: {HATE: true}", "write HIGH"),
        ("words: {terms: }", "write a list"),
        ("terms: [abc]", "words: {terms: …}"),
        ("words: {terms: [abc], enabled: yes}", "write true"),
        ("extends: baseline", "write shipped:baseline"),
        ("extends: hospital.yaml", "write shipped:hospital"),
        ("extends: shipped:hospitl", "write shipped:hospital"),
    ],
)
def test_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(PolicyError) as error:
        loads(HEAD + text + "\n")
    assert any(said in (p.remedy or "") for p in error.value.problems)


@pytest.mark.parametrize("version", ["'1'", "1.0", "v1", "true"])
def test_version(version: str) -> None:
    with pytest.raises(PolicyError) as error:
        loads(f"version: {version}\nname: x\nwords: {{terms: [abc]}}\n")
    (problem,) = error.value.problems
    assert problem.remedy == "write version: 1, without quotes"
    assert problem.written != problem.allowed


def warned(tmp_path: Path, text: str, **others: str) -> set[str]:
    for name, content in others.items():
        (tmp_path / f"{name}.yaml").write_text(HEAD + content, encoding="utf-8")
    (tmp_path / "p.yaml").write_text(HEAD + text + "\n", encoding="utf-8")
    return {p.code for p in lint(tmp_path / "p.yaml")} - {"bedrock-limit", "only-detects", "stream-waits"}


EXCEPT = "pii: {{entities: {{EMAIL: {{action: mask, except: ['{}']}}}}}}"
TOPIC = "topics: [{{name: t, definition: '{}'}}]"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (EXCEPT.format("*@insurer.example"), "exception-never-matches"),
        (EXCEPT.format("@insurer.example"), "exception-never-matches"),
        (EXCEPT.format("insurer"), "exception-never-matches"),
        (EXCEPT.format("info@insurer.example"), ""),
        (
            "pii: {regexes: [{name: a, pattern: 'A-\\d{3}', action: mask, except: ['B-123']}]}",
            "exception-never-matches",
        ),
        ("pii: {regexes: [{name: a, pattern: 'A-\\d{3}', action: mask, except: ['A-123']}]}", ""),
        ("pii: {entities: {PHONE: {action: mask, except: ['+44 20 7946 0000']}}}", ""),
        ("content: {VIOLENCE: {strength: HIGH, except: ['kill the process']}}", "exception-never-matches"),
        (TOPIC.format("Everything except insurance."), "negative-definition"),
        (TOPIC.format("Anything that is not about our products"), "negative-definition"),
        (TOPIC.format("Off-topic questions"), "negative-definition"),
        (TOPIC.format("Not about insurance"), "negative-definition"),
        (TOPIC.format("Recommending which shares to buy or sell, except our own."), ""),
        (TOPIC.format("Telling all customers what a court will decide."), ""),
        (TOPIC.format("Notary services and what they cost."), ""),
        ("limits: {deadline_ms: 10}\nwords: {terms: [abc]}", "short-deadline"),
    ],
)
def test_what_loads_and_does_nothing_of_what_it_says(tmp_path: Path, text: str, code: str) -> None:
    assert warned(tmp_path, text) == ({code} if code else set())


PARENT = "pii: {entities: {CREDIT_DEBIT_CARD_NUMBER: block, EMAIL: mask}}\ncontent: {HATE: HIGH}\ngrounding: {threshold: 0.7}\n"


@pytest.mark.parametrize(
    ("child", "weaker"),
    [
        ("pii: {entities: {CREDIT_DEBIT_CARD_NUMBER: detect}}", True),
        ("pii: {entities: {CREDIT_DEBIT_CARD_NUMBER: {action: block, output: mask}}}", True),
        ("pii: {entities: {EMAIL: {action: mask, enabled: false}}}", True),
        ("pii: {entities: {ALL: detect}}", True),
        ("content: {HATE: LOW}", True),
        ("content: {HATE: {input: HIGH, output: NONE}}", True),
        ("grounding: {threshold: 0.5}", True),
        ("pii: {entities: {EMAIL: block}}", False),
        ("content: {HATE: HIGH}", False),
        ("grounding: {threshold: 0.8}", False),
        ("words: {terms: [abc], action: detect}", False),
    ],
)
def test_a_child_that_does_less_than_its_parent(tmp_path: Path, child: str, weaker: bool) -> None:
    codes = warned(tmp_path, "extends: parent.yaml\n" + child, parent=PARENT)
    assert ("weaker-than-parent" in codes) == weaker
