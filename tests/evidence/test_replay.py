"""A replay from the text comes out the same under the same policy, and differs where anything else does."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.errors import GuardrailsError
from guardrails.evidence.reader import Reader
from guardrails.evidence.record import said_of
from guardrails.evidence.replay import recorded, replay_pieces
from guardrails.types import Piece, Role, Source
from tests.core.policies import guard, pii_rule, words_rule
from tests.evidence.disks import everything, opened, records

RULES = guard(words_rule("terms", "kingfisher", "heron"), pii_rule("EMAIL"), pii_rule("CREDIT_DEBIT_CARD_NUMBER"))
WORDS = [
    "kingfisher",
    "a heron",
    "bob@example.com",
    "4111 1111 1111 1111",
    "hello",
    "the invoice",
    "\ud800",
    "ünïcode",
    "eve@example.org",
]


def check(log: object, text: str, id_: str, rules: Guard = RULES, source: Source = Source.INPUT) -> None:
    pieces = [Piece(text)]
    log.record(rules.check(pieces, source=source), said=said_of(pieces), guard=rules, id=id_)  # type: ignore[attr-defined]


def test_every_recorded_decision_comes_out_the_same(tmp_path: Path) -> None:
    chance = random.Random(7)
    texts = {f"d{i}": " ".join(chance.choices(WORDS, k=chance.randint(0, 9))) for i in range(150)}
    with opened(tmp_path, mode="fast", segment_bytes=40_000) as log:
        for id_, text in texts.items():
            check(log, text, id_, source=chance.choice(list(Source)))
    reader = Reader(tmp_path)
    actions = set()
    for id_, text in texts.items():
        kept = recorded(reader, id_)
        found = replay_pieces(kept, RULES, [Piece(text)])
        assert found.differences == ()
        actions.add(found.body["action"])
    assert actions == {"NONE", "MASKED", "BLOCKED"}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("write to eve@example.com", "spans"),
        ("write to bob@example.com ", "text_len"),
        ("writes to bob@example.co", "text_commitment"),
        ("a kingfisher for bob@example.com", "action"),
    ],
)
def test_another_text_is_found_out(tmp_path: Path, text: str, field: str) -> None:
    with opened(tmp_path) as log:
        check(log, "write to bob@example.com", "one")
    found = replay_pieces(recorded(Reader(tmp_path), "one"), RULES, [Piece(text)])
    assert field in found.differences
    assert "text_commitment" in found.differences


def test_another_writer_of_the_same_text_is_found_out(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        check(log, "hello", "one")
    assert replay_pieces(recorded(Reader(tmp_path), "one"), RULES, [Piece("hello", Role.TOOL)]).differences == (
        "text_commitment",
    )


def test_another_policy_is_found_out(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        check(log, "a heron", "one")
    found = replay_pieces(
        recorded(Reader(tmp_path), "one"), guard(words_rule("terms", "kingfisher")), [Piece("a heron")]
    )
    assert {"action", "rules", "spans"} <= set(found.differences)


def test_an_erased_salt_leaves_the_record_and_its_proof_and_no_way_to_the_text(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        check(log, "write to bob@example.com", "one")
        check(log, "write to eve@example.com", "two")
        salt = recorded(Reader(tmp_path), "one").sealing.salt
        assert log.erase("one") == 1
        assert log.erase("nobody") == 0
    assert salt not in everything(tmp_path)
    reader = Reader(tmp_path)
    assert reader.prove("one")["records"]
    assert records(tmp_path, "erasure")[0]["body"] == {"decision_id": "one", "records": [2]}
    kept = recorded(reader, "one")
    assert kept.erased
    assert replay_pieces(kept, RULES, [Piece("write to bob@example.com")]).same
    assert replay_pieces(
        kept, RULES, [Piece("write at bob@example.com")]
    ).same  # nothing says any more which text it was
    assert not recorded(reader, "two").erased
    opened(tmp_path).close()  # the log is sound


def test_a_replay_needs_the_decision_and_the_salts(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        check(log, "hello", "one")
        check(log, "hello", "both")
        check(log, "hello", "both", source=Source.OUTPUT)
    reader = Reader(tmp_path)
    with pytest.raises(GuardrailsError, match="no such decision"):
        recorded(reader, "nobody")
    with pytest.raises(GuardrailsError, match="INPUT or OUTPUT"):
        recorded(reader, "both")
    assert recorded(reader, "both", Source.OUTPUT).source is Source.OUTPUT
    (tmp_path / "private").rename(tmp_path / "elsewhere")
    with pytest.raises(GuardrailsError, match="where the log was written"):
        recorded(reader, "one")


def test_the_command_says_what_differs(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from guardrails.cli.app import app

    policy = tmp_path / "bank.yaml"
    policy.write_text("version: 1\nname: bank\nmetadata: {owner: me}\nwords: {terms: [kingfisher]}\n", encoding="utf-8")
    with opened(tmp_path / "log") as log:
        check(log, "a kingfisher", "one", Guard.from_file(policy))
    arguments = ["audit", "replay", "one", "--policy", str(policy), "--log", str(tmp_path / "log")]
    done = CliRunner().invoke(app, arguments, input="a kingfisher")
    assert (done.exit_code, done.stdout.splitlines()) == (0, ["record 2: BLOCKED then, BLOCKED now", "the same"])
    (tmp_path / "pieces.json").write_text(json.dumps([{"text": "a kingfisher"}]))
    assert CliRunner().invoke(app, [*arguments, "--pieces", str(tmp_path / "pieces.json")]).exit_code == 0
    policy.write_text(policy.read_text() + "# another byte\n", encoding="utf-8")
    done = CliRunner().invoke(app, arguments, input="a kingfisher")
    assert done.exit_code == 2
    assert "DIFFERS: policy" in done.stdout
    assert CliRunner().invoke(app, ["audit", "erase", "one", "--log", str(tmp_path / "log")]).exit_code == 0
    assert CliRunner().invoke(app, ["audit", "erase", "two", "--log", str(tmp_path / "log")]).exit_code == 2
