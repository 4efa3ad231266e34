"""What a record says of a decision, and that it never holds a character of a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.decision import Located
from guardrails.evidence import Context, Text
from guardrails.evidence.canonical import canonical, of_schema
from guardrails.evidence.keys import Hashing, commitment
from guardrails.evidence.record import Sealing, of_decision, of_report, pointer, said_of
from guardrails.pieces import pieces_of
from guardrails.types import Action, Failure, FailureKind, Finding, Piece, Role, Source
from tests.core.policies import guard, pii_rule, words_rule
from tests.evidence.disks import bodies, decision, everything, found, opened, records

CANARY = "kingfisher-4711-canary"
SEALING = Sealing(Hashing(b"k" * 32), b"s" * 32, "owner@example.com")
RULES = guard(words_rule("terms", "kingfisher"), pii_rule("EMAIL"))


def recorded(text: str, source: str = "INPUT", with_guard: Guard = RULES) -> dict[str, Any]:
    pieces = [Piece(text)]
    report = with_guard.check(pieces, source=source)
    return of_report(report, said_of(pieces), with_guard, Context(), SEALING, id="1", tenant="bank")


def test_a_record_says_what_happened_and_which_rules_did_what() -> None:
    record = recorded("write to bob@example.com")
    assert (record["action"], record["action_reason"], record["blocking"]) == ("MASKED", "rule", [])
    assert record["rules"] == [
        {"id": "pii.EMAIL", "outcome": "hit", "hits": 1, "score_ppm": 950_000, "action": "MASKED"}
    ]
    assert record["passed"] == 1
    assert [(s["pointer"], s["start"], s["end"], s["type"]) for s in record["spans"]] == [("pieces[0]", 9, 24, "EMAIL")]
    assert record["policy"] == {"name": "test", "sha256": "0" * 64}
    assert record["owner"] == "tests"
    assert record["text_len"] == 24


def test_a_block_names_its_rule_and_a_failure_says_that_it_was_one() -> None:
    blocked = recorded("a kingfisher")
    assert (blocked["action"], blocked["action_reason"], blocked["blocking"]) == ("BLOCKED", "rule", ["words.terms"])
    failed = recorded("a \ud800 text")
    assert (failed["action"], failed["action_reason"]) == ("BLOCKED", "failure")
    assert {r["id"]: r["outcome"] for r in failed["rules"]} == {"pii.EMAIL": "error", "words.terms": "error"}


def test_equal_values_have_equal_hashes_within_a_tenant_only() -> None:
    one, two = (recorded(t)["spans"][0]["value_hmac"] for t in ("bob@example.com", "to bob@example.com"))
    assert one == two
    hashing = Hashing(b"k" * 32)
    assert hashing.value("bank", "value", "bob@example.com") == one
    assert len({one, hashing.value("other", "value", "bob@example.com"), hashing.value("bank", "principal", "bob@example.com"),
                Hashing(b"x" * 32).value("bank", "value", "bob@example.com")}) == 4  # fmt: skip


def test_who_has_the_text_and_the_salt_can_show_that_it_is_the_one() -> None:
    record = recorded("write to bob@example.com")
    assert record["text_commitment"] == commitment(b"s" * 32, [("user", "write to bob@example.com")])
    assert record["transformed_commitment"] == commitment(b"s" * 32, [("user", "write to {EMAIL}")])
    others: tuple[list[tuple[str, str]], ...] = ([("user", "write to eve@example.com")], [("system", "write to bob@example.com")], [],
              [("user", "write to "), ("user", "bob@example.com")], [("user", "write to bob@example.com"), ("user", "")])  # fmt: skip
    assert record["text_commitment"] not in [commitment(b"s" * 32, other) for other in others]
    assert record["text_commitment"] != commitment(b"t" * 32, [("user", "write to bob@example.com")])


@given(
    st.lists(st.tuples(st.sampled_from(Role), st.text()), max_size=4),
    st.lists(st.tuples(st.sampled_from(Role), st.text()), max_size=4),
)
def test_commitments_to_different_texts_differ(one: list[tuple[str, str]], two: list[tuple[str, str]]) -> None:
    assert (commitment(b"s" * 32, one) == commitment(b"s" * 32, two)) == (one == two)


FINDINGS = st.builds(
    Finding,
    st.sampled_from(["words.terms", "pii.EMAIL", "pii.Ä"]), st.text(max_size=5), st.none() | st.integers(0, 30), st.none() | st.integers(0, 30),
    st.floats(0, 1), st.none(), st.just(0), st.sampled_from(Action),
)  # fmt: skip
FAILURES = st.builds(
    Failure, st.sampled_from(["words.terms", "x"]), st.sampled_from(FailureKind), st.none(), st.text(max_size=9)
)
DECISIONS = st.fixed_dictionaries(
    {
        "findings": st.lists(st.builds(Located, st.text(max_size=20), FINDINGS), max_size=3).map(tuple),
        "failures": st.lists(FAILURES, max_size=3).map(tuple),
        "uninspected": st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=2).map(tuple),
        "action": st.sampled_from(Action),
        "direction": st.sampled_from(Source),
        "scores": st.dictionaries(st.text(max_size=5), st.floats(0, 1), max_size=2),
        "weights": st.dictionaries(st.text(max_size=5), st.just("0" * 64), max_size=2),
        "milliseconds": st.floats(0, 1e9),
        "model": st.text(max_size=9),
        "tenant": st.text(st.characters(codec="utf-8"), max_size=9),
    }
)


@given(
    DECISIONS, st.lists(st.builds(Text, st.text(max_size=5), st.sampled_from(Role), st.text(max_size=20)), max_size=3)
)
def test_every_record_is_canonical_json(fields: dict[str, Any], said: list[Text]) -> None:
    unscored = guard(words_rule("terms", "kingfisher"))
    record = of_decision(decision(**fields), said, unscored, Context(principal="x"), SEALING)
    assert of_schema(record) == canonical(record) == rfc8785.dumps(record)


def test_paths_keep_their_structure_and_no_word_of_a_client() -> None:
    hashing = Hashing(b"k" * 32)
    assert pointer("messages[3].content[0].text", "a", hashing) == "messages[3].content[0].text"
    assert pointer("(path)", "a", hashing) == "(path)"
    hidden = pointer(f"messages[0].tool_calls[0].{CANARY} of mine.type", "a", hashing)
    assert hidden.startswith("messages[0].tool_calls[0].#")
    assert hidden.endswith(".type")
    assert "canary" not in hidden


def test_no_character_of_a_text_is_anywhere_in_a_log(tmp_path: Path) -> None:
    text = f"the {CANARY} text of bob@canary.example"
    with opened(tmp_path) as log:
        for source in Source:
            pieces = list(
                pieces_of([{"role": "user", "content": text}, {"role": "user", "content": f"again {CANARY}"}])
            )
            report = RULES.check(pieces, source=source)
            assert report.findings
            log.record(
                report,
                said=said_of(pieces),
                guard=RULES,
                context=Context(principal=CANARY, conversation=CANARY.encode()),
            )
            path = f"messages[0].{CANARY}"
            log.record(
                decision(
                    findings=(
                        found(path, 4, 14),
                        Located(path, Finding("pii.EMAIL", "EMAIL", None, None, 1.0, None, 0, Action.MASKED)),
                    ),
                    failures=(Failure("words.terms", FailureKind.BAD_INPUT, 0, f"`{CANARY}` stands twice"),),
                    uninspected=(("binary content", path),),
                    model=f"a {CANARY} model",
                    direction=source,
                ),
                said=[Text(path, Role.USER, text)],
                guard=RULES,
            )
        assert CANARY not in repr(log)
    for word in (CANARY, "kingfisher", "canary", "bob@"):
        assert word.encode() not in everything(tmp_path), word
    assert all(b["text_commitment"] for b in bodies(tmp_path))


def test_a_text_that_is_gone_is_not_committed_to(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.record(decision(findings=(found("messages[0].content", 0, 3),)))
    (body,) = bodies(tmp_path)
    assert body["text_commitment"] is None
    assert body["spans"][0]["value_hmac"] is None


def test_the_owner_of_the_log_answers_where_the_policy_names_nobody(tmp_path: Path) -> None:
    from guardrails.types import PolicyIdentity

    with opened(tmp_path, owner="risk@example.com") as log:
        log.record(decision())
        log.record(decision(policy=PolicyIdentity("other", "1" * 64)))
    assert [b["owner"] for b in bodies(tmp_path)] == ["tests", "risk@example.com"]
    assert [r["body"]["owner"] for r in records(tmp_path, "policy")] == ["tests", ""]


def test_a_record_of_thousands_of_findings_says_how_many_there_were() -> None:
    findings = tuple(found("messages[0].content", i, i + 1) for i in range(3_000))
    record = of_decision(decision(findings=findings), None, RULES, Context(), SEALING)
    assert (len(record["spans"]), record["spans_total"]) == (1_000, 3_000)
    assert record["rules"][0]["hits"] == 3_000
    assert len(json.dumps(record)) < 300_000
