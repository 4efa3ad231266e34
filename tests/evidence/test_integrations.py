"""Adapters of frameworks record each decision before it takes effect: whole answers, streams, calls of tools; and a log of them verifies and replays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from guardrails import Guard
from guardrails.cli.app import app
from guardrails.decision import Decision
from guardrails.evidence import EvidenceLost, Text
from guardrails.evidence.reader import Reader
from guardrails.evidence.samples import Samples
from guardrails.evidence.segments import Place
from guardrails.integrations.agent_control import GuardrailsAnnotator
from guardrails.integrations.calls import Calls, Refused
from guardrails.integrations.turns import Turns
from guardrails.policy import loads
from guardrails.types import Role, Source
from tests.clients.upstream import POLICY
from tests.evidence.disks import Forgetful, bodies, everything, opened, records

ASKED = {"role": "user", "content": "Call +1 415 555 0134 about the invoice."}
SAID = {"role": "assistant", "content": "Write to bob@example.com today."}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "mail", "arguments": '{"to": "eve@example.com"}'}}
    ],
}


@pytest.fixture
def guard() -> Guard:
    return Guard(loads(POLICY))


def audit(folder: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["audit", *arguments, "--log", str(folder)])
    assert done.exit_code == 0, (done.output, done.exception)
    return str(done.output)


def streamed(turns: Turns, said: dict[str, Any], step: int = 5) -> str:
    """An answer that comes in pieces, as its user sees it."""
    pieces = turns.begin([ASKED]).stream()
    text = said["content"] or ""
    shown = "".join(pieces.feed(text[i : i + step]) for i in range(0, len(text), step))
    rest, _ = pieces.finish({k: v for k, v in said.items() if k == "tool_calls"})
    return shown + rest


def test_both_decisions_of_a_turn_are_records_as_an_entry_point_writes_them(tmp_path: Path, guard: Guard) -> None:
    seen: list[Decision] = []
    with opened(tmp_path) as log:
        turns = Turns(guard, "ours", seen.append, evidence=log)
        turn = turns.begin([ASKED])
        assert turn.messages[0]["content"] == "Call {PHONE} about the invoice."
        assert turn.answer(SAID) == ({"role": "assistant", "content": "Write to {EMAIL} today."}, False)
    asked, said = bodies(tmp_path)
    assert asked["decision_id"] == said["decision_id"] == seen[0].id == seen[1].id
    for body, direction, pointer, rule in ((asked, "INPUT", "messages[0].content", "pii.PHONE"), (said, "OUTPUT", "choices[0].message.content", "pii.EMAIL")):  # fmt: skip
        assert (body["direction"], body["action"], body["tenant"]) == (direction, "MASKED", "default")
        assert (body["protocol"], body["route"]) == ("openai.chat", "ours")
        assert body["policy"] == {"name": "clients", "sha256": guard.policy.identity.sha256}
        assert (body["owner"], body["texts"]) == ("tests", 1)
        assert [(s["pointer"], s["rule"], bool(s["value_hmac"])) for s in body["spans"]] == [(pointer, rule, True)]
        assert body["text_commitment"]
        assert body["passed"] > 0
    assert [r["body"]["name"] for r in records(tmp_path, "policy")] == ["clients"]
    assert [d.format for d in seen] == ["ours", "ours"]


def test_a_decision_is_on_the_disk_before_anybody_knows_of_it(tmp_path: Path, guard: Guard) -> None:
    found: list[list[int]] = []
    with opened(tmp_path, mode="strict") as log:
        turns = Turns(guard, "ours", lambda d: found.append(Reader(tmp_path).find(d.id)), evidence=log)
        turns.begin([ASKED]).answer(SAID)
        streamed(turns, SAID)
        Calls(turns).call("mail", {"to": "eve@example.com"})
        turns.said(SAID)
    assert [len(one) for one in found] == [1, 2, 1, 2, 1, 1]


WAYS: dict[str, Callable[[Turns], Any]] = {
    "request": lambda t: t.begin([ASKED]),
    "said": lambda t: t.said(SAID),
    "call": lambda t: Calls(t).call("mail", {"to": "eve@example.com"}),
    "result": lambda t: Calls(t).result("mail", {"number": "+1 415 555 0134"}),
    "prompt": lambda t: Calls(t).prompt("Call +1 415 555 0134."),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_every_way_to_decide_is_one_record_that_knows_its_text(tmp_path: Path, guard: Guard, way: str) -> None:
    with opened(tmp_path) as log:
        WAYS[way](Turns(guard, "ours", evidence=log))
    (body,) = bodies(tmp_path)
    assert body["action"] == "MASKED"
    assert body["text_commitment"]
    assert all(span["value_hmac"] for span in body["spans"])


@pytest.mark.parametrize("way", list(WAYS))
def test_nothing_takes_effect_without_its_record(tmp_path: Path, guard: Guard, way: str) -> None:
    disk, seen = Forgetful(), list[Decision]()
    log = opened(tmp_path, disk)
    disk.full = True
    with pytest.raises(EvidenceLost, match="on_failure"):
        WAYS[way](Turns(guard, "ours", seen.append, evidence=log))
    assert seen == []
    disk.full = False
    log.close()
    assert bodies(tmp_path) == []
    assert log.counts.refused == 1


def test_where_the_setting_allows_it_the_loss_is_counted(tmp_path: Path, guard: Guard) -> None:
    disk = Forgetful()
    log = opened(tmp_path, disk, on_failure="allow")
    turns = Turns(guard, "ours", evidence=log)
    disk.full = True
    turn = turns.begin([ASKED])
    assert turn.messages[0]["content"] == "Call {PHONE} about the invoice."
    disk.full = False
    log.close()
    assert log.counts.lost == 1
    assert bodies(tmp_path) == []


@pytest.mark.parametrize("step", [1, 7, 100])
def test_a_stream_is_recorded_before_its_end(tmp_path: Path, guard: Guard, step: int) -> None:
    with opened(tmp_path) as log:
        assert streamed(Turns(guard, "ours", evidence=log), SAID, step) == "Write to {EMAIL} today."
    _, said = bodies(tmp_path)
    assert (said["direction"], said["action"], said["text_len"]) == ("OUTPUT", "MASKED", len(SAID["content"] or ""))
    assert said["spans"][0]["value_hmac"]


def test_a_stream_has_no_end_without_its_record(tmp_path: Path, guard: Guard) -> None:
    disk = Forgetful()
    log = opened(tmp_path, disk)
    pieces = Turns(guard, "ours", evidence=log).begin([ASKED]).stream()
    pieces.feed("Nothing to see. " * 20)
    disk.full = True
    with pytest.raises(EvidenceLost):
        pieces.finish({})
    pieces.stop()
    disk.full = False
    log.close()
    assert len(bodies(tmp_path)) == 1
    assert log.counts.refused == 1


def test_a_stream_that_nobody_waits_for_is_recorded_as_far_as_it_came(tmp_path: Path, guard: Guard) -> None:
    disk = Forgetful()
    log = opened(tmp_path, disk)
    turns = Turns(guard, "ours", evidence=log)
    pieces = turns.begin([ASKED]).stream()
    pieces.feed("Write to bob@example.com ")
    pieces.stop()
    pieces = turns.begin([ASKED]).stream()
    pieces.feed("Write to ")
    disk.full = True
    pieces.stop()  # nobody is there who could be told
    disk.full = False
    log.close()
    assert [b["direction"] for b in bodies(tmp_path)] == ["INPUT", "OUTPUT", "INPUT"]
    assert bodies(tmp_path)[1]["text_len"] == len("Write to bob@example.com ")
    assert log.counts.refused == 1


def test_an_annotation_is_a_record_and_is_not_given_without_one(tmp_path: Path, guard: Guard) -> None:
    disk = Forgetful()
    log = opened(tmp_path, disk)
    annotator = GuardrailsAnnotator(guard, evidence=log)
    asked = {"intervention_point": "input", "policy_target": {"value": "Call +1 415 555 0134."}}
    found = annotator("guardrails", {"from": "$target"}, asked)
    assert (found["verdict"], found["value"]) == ("mask", "Call {PHONE}.")
    disk.full = True
    with pytest.raises(EvidenceLost):
        annotator("guardrails", {"from": "$target"}, asked)
    disk.full = False
    log.close()
    (body,) = bodies(tmp_path)
    assert (body["decision_id"], body["route"]) == (found["decision_id"], "agent-control")
    assert body["spans"][0]["value_hmac"]


def test_no_text_is_anywhere_in_the_log(tmp_path: Path, guard: Guard) -> None:
    canary = {
        "role": "user",
        "content": "canary of osprey, +1 415 555 0134",
        "canaryfield": {"canarykey": "canaryvalue"},
    }
    with opened(tmp_path) as log:
        turns = Turns(guard, "ours", evidence=log)
        turns.begin([canary]).answer({"role": "assistant", "content": "canary of bob@example.com"})
        Calls(turns).call("canarytool", {"canarykey": "canary of eve@example.com"})
        with pytest.raises(Refused):
            Calls(turns).result("canarytool", {"canarykey": "canary of project kingfisher"})
    assert b"canary" not in everything(tmp_path)
    assert b"kingfisher" not in everything(tmp_path)


def test_the_log_verifies_and_replays_from_the_bodies(tmp_path: Path, guard: Guard) -> None:
    folder, policy, ids = tmp_path / "log", tmp_path / "clients.yaml", list[str]()
    policy.write_text(POLICY, encoding="utf-8")
    with opened(folder) as log:
        turns = Turns(Guard.from_file(policy), "ours", lambda d: ids.append(d.id), evidence=log)
        turns.begin([ASKED]).answer(SAID)
        streamed(turns, SAID)
        Calls(turns).call("mail", {"to": "eve@example.com"})
    assert "verified" in audit(folder, "verify")

    def body(name: str, content: Any) -> str:
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        return str(tmp_path / name)

    request = body("request.json", {"messages": [ASKED]})
    nothing = body("nothing.json", {"messages": []})
    said = body("said.json", {"choices": [{"message": SAID}]})
    called = body("called.json", {"choices": [{"message": CALLED}]})
    other = body("other.json", {"choices": [{"message": {**SAID, "content": "Write to eve@example.com today."}}]})
    given = ("--policy", str(policy))
    whole, stream, call = ids[0], ids[2], ids[4]
    for arguments in (
        (whole, "--request", request),
        (whole, "--request", request, "--answer", said),
        (stream, "--request", request, "--answer", said),
        (call, "--request", nothing, "--answer", called),
    ):
        assert audit(folder, "replay", *given, *arguments).endswith("the same\n")
        assert "NOT" not in audit(folder, "replay", *given, *arguments)
    done = CliRunner().invoke(
        app, ["audit", "replay", "--log", str(folder), *given, whole, "--request", request, "--answer", other]
    )
    assert done.exit_code == 2
    assert "DIFFERS: text_commitment" in done.output


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(["bob@example.com", "osprey", "plain words", "ä😀", " ", "\n", "4111 1111 1111 1111"]), min_size=1, max_size=5), st.integers(1, 9))  # fmt: skip
def test_an_answer_is_recorded_the_same_whole_and_in_pieces(tmp_path_factory: pytest.TempPathFactory, words: list[str], step: int) -> None:  # fmt: skip
    folder, guard = tmp_path_factory.mktemp("log"), Guard(loads(POLICY))
    said = {"role": "assistant", "content": " ".join(words)}
    with opened(folder) as log:
        turns = Turns(guard, "ours", evidence=log)
        turns.begin([ASKED]).answer(said)
        streamed(turns, said, step)
    whole, pieces = (b for b in bodies(folder) if b["direction"] == "OUTPUT")
    assert whole["action"] == pieces["action"]
    assert whole["text_len"] >= pieces["text_len"]  # a blocked stream ends early
    if whole["action"] != "BLOCKED":
        for field in ("text_len", "texts", "rules", "passed"):
            assert whole[field] == pieces[field]
        assert [s["value_hmac"] for s in whole["spans"]] == [s["value_hmac"] for s in pieces["spans"]]


def test_texts_are_sampled_where_the_log_keeps_samples(tmp_path: Path, guard: Guard) -> None:
    with opened(tmp_path, sample_days=1) as log:
        turn = Turns(guard, "ours", evidence=log).begin([ASKED])
        turn.answer(SAID)
    (sample, _) = Samples(Place(tmp_path)).newest(10)
    texts = Samples(Place(tmp_path)).texts(sample.id, Source.INPUT)
    assert texts == [Text("messages[0].content", Role.USER, str(ASKED["content"]))]


def test_a_log_that_is_not_opened_is_refused_at_once(tmp_path: Path, guard: Guard) -> None:
    log: Any = tmp_path
    with pytest.raises(TypeError, match=r"EvidenceLog\.open"):
        Turns(guard, "ours", evidence=log)


@pytest.mark.parametrize(
    "said",
    ["to bob@example.com", [{"role": "user", "content": "to bob@example.com"}], Text("pieces[0]", Role.USER, "to bob@example.com"), [Text("pieces[0]", Role.USER, "to bob@example.com")]],
    ids=["text", "messages", "one", "texts"],
)  # fmt: skip
def test_what_was_checked_is_said_as_check_took_it(tmp_path: Path, guard: Guard, said: Any) -> None:
    with opened(tmp_path) as log:
        log.record(guard.check("to bob@example.com", source="OUTPUT"), said=said, guard=guard, id="one")
    (body,) = bodies(tmp_path)
    assert (body["texts"], [bool(s["value_hmac"]) for s in body["spans"]]) == (1, [True])
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "text").write_text("to bob@example.com", encoding="utf-8")
    done = CliRunner().invoke(
        app, ["audit", "replay", "--log", str(tmp_path), "--policy", str(tmp_path / "policy.yaml"), "--text", str(tmp_path / "text"), "one"]
    )  # fmt: skip
    # Only the policy's bytes differ: this one came from a text.
    assert {line.split()[1] for line in done.output.splitlines() if line.startswith("DIFFERS")} <= {"policy:"}
