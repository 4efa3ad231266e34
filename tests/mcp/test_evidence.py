"""Messages of MCP in the log of evidence: recorded before they pass, withheld where they cannot be, and replayed from their bytes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.decision import Decision
from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog
from guardrails.evidence.reader import Reader
from guardrails.evidence.record import Text
from guardrails.evidence.replay import Replayed, recorded, replay_decision
from guardrails.exchange import again
from guardrails.policy import loads
from guardrails.proxy.stdio import UNRECORDED, Lines
from guardrails.wire.mcp import Sender
from tests.cli.test_cli import run
from tests.evidence.disks import Forgetful, everything, opened, records
from tests.inventory.serving import command
from tests.mcp.checking import CLIENT, MASKED, POLICY, SERVER, WORD, answer, request

NOTE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": f"for {MASKED}"}}


def text(said: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said}]}


# Who sends it, and what came before it.
MESSAGES: list[tuple[Sender, Any, Any]] = [
    (CLIENT, request("tools/call", name="send", arguments={"to": MASKED}), None),
    (SERVER, answer(**text(f"sent to {MASKED}")), request("tools/call", name="send", arguments={"to": "x"})),
    (CLIENT, request("tools/call", name="send", arguments={"text": WORD}), None),
    (SERVER, answer(**text(WORD)), request("tools/call", name="send", arguments={})),
    (SERVER, answer(tools=[{"name": "a"}, {"name": "b", "description": WORD}]), request("tools/list")),
    (CLIENT, request("tools/list"), None),
    (SERVER, NOTE, None),
    (SERVER, request("elicitation/create", message=WORD, requestedSchema={}), None),
    (CLIENT, request("tools/unknown"), None),
]


class Recorded:
    """The wrapper's messages with a log, and what was decided."""

    def __init__(self, log: EvidenceLog) -> None:
        self.guard = Guard(loads(POLICY))
        self.decisions: list[Decision] = []
        self.lines = Lines(self.guard, decided=self.decisions.append, evidence=log)

    def say(self, message: Any, sender: Sender) -> tuple[Any, Any]:
        on, back = self.lines.check(json.dumps(message).encode(), sender)
        return json.loads(on or b"null"), json.loads(back or b"null")


def replayed(folder: Path, guard: Guard, decision: Decision, asked: Any, said: Any) -> Replayed:
    kept = recorded(Reader(folder), decision.id)
    sent, told = (None if one is None else json.dumps(one).encode() for one in (asked, said))
    now, texts = again(guard, "mcp", sent, told)
    return replay_decision(kept, guard, now, None if texts is None else [Text(*one) for one in texts])


@pytest.mark.parametrize(("sender", "message", "before"), MESSAGES)
def test_every_decision_comes_out_the_same_from_its_message(
    tmp_path: Path, sender: Sender, message: Any, before: Any
) -> None:
    with opened(tmp_path) as log:
        made = Recorded(log)
        if before is not None:
            made.say(before, sender.other)
        made.say(message, sender)
    decision = made.decisions[-1]
    asked, said = (message, None) if sender is CLIENT else (before, message)
    found = replayed(tmp_path, made.guard, decision, asked, said)
    assert found.differences == ()
    assert found.body["action"] == decision.action.value
    assert found.body["protocol"] == "mcp"
    if decision.characters > 20:
        other = json.loads(
            json.dumps(message).replace(MASKED, "eve@example.com").replace(WORD, "roses").replace('"a"', '"c"')
        )
        if other != message:
            differs = replayed(
                tmp_path, made.guard, decision, *((other, None) if sender is CLIENT else (before, other))
            )
            assert "text_commitment" in differs.differences
    assert MASKED.encode() not in everything(tmp_path)


def test_a_message_of_a_chat_api_never_stands_alone() -> None:
    with pytest.raises(GuardrailsError, match="body of the request"):
        again(Guard(loads(POLICY)), "openai.chat", None, b"{}")


def test_what_cannot_be_recorded_goes_nowhere(tmp_path: Path) -> None:
    disk = Forgetful()
    log = opened(tmp_path, disk)
    made = Recorded(log)
    disk.full = True
    on, back = made.say(request("tools/call", name="send", arguments={}), CLIENT)
    assert on is None
    assert (back["id"], back["error"]["message"]) == (1, UNRECORDED)
    on, back = made.say(answer(**text("fine")), SERVER)
    assert back is None
    assert (on["id"], on["error"]["message"]) == (1, UNRECORDED)
    assert made.say(NOTE, SERVER) == (None, None)
    disk.full = False
    log.close()


def test_where_the_setting_allows_it_messages_go_on(tmp_path: Path) -> None:
    disk = Forgetful()
    log = opened(tmp_path, disk, on_failure="allow")
    disk.full = True
    assert Recorded(log).say(request("tools/list"), CLIENT) == (request("tools/list"), None)
    disk.full = False
    log.close()


def test_the_wrapper_keeps_a_log_that_is_verified_and_replayed(tmp_path: Path) -> None:
    policy, evidence = tmp_path / "policy.yaml", tmp_path / "evidence"
    policy.write_text(POLICY, encoding="utf-8")
    asked = request("tools/call", name="send", arguments={"to": MASKED})
    ran = subprocess.run(
        [sys.executable, "-m", "onepolicy_guardrails", "mcp", "--policy", str(policy), "--evidence", str(evidence), "--evidence-owner",
         "me@example.com", "--evidence-sample-days", "1", "--", *command(tmp_path)],
        input=json.dumps(asked) + "\n", capture_output=True, text=True, encoding="utf-8", timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0
    kinds = [record["body"]["direction"] for record in records(evidence, "decision")]
    assert sorted(kinds) == ["INPUT", "INPUT", "OUTPUT"]  # the call and its answer, and the server's ping
    assert "verified" in run("audit", "verify", "--log", str(evidence)).stdout
    assert MASKED.encode() not in everything(evidence)
    told = next(json.loads(line) for line in ran.stderr.splitlines() if '"MASKED"' in line)
    assert MASKED in run("audit", "review", "--log", str(evidence), told["decision_id"]).stdout
    sent = tmp_path / "sent.json"
    for body, code in ((asked, 0), (request("tools/call", name="send", arguments={"to": "eve@example.com"}), 2)):
        sent.write_text(json.dumps(body), encoding="utf-8")
        again = run(
            "audit",
            "replay",
            "--log",
            str(evidence),
            "--policy",
            str(policy),
            "--request",
            str(sent),
            told["decision_id"],
        )
        assert again.returncode == code
        assert re.search(r"MASKED then, MASKED now", again.stdout)


def test_two_writers_of_one_log_are_one_too_many(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    with opened(tmp_path / "evidence"):
        told = run("mcp", "--policy", str(policy), "--evidence", str(tmp_path / "evidence"), "--", *command(tmp_path))
    assert told.returncode == 1
    assert "another process" in told.stderr
