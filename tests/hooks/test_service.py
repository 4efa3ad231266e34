"""Hooks over HTTP: whatever happens the status is 200, since agents go on after any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from guardrails.evidence import EvidenceLog
from tests.hooks.recorded import POLICY, event
from tests.service.servers import folder, keys, served


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(folder(tmp_path_factory.mktemp("hooks"), hooks=POLICY)) as address:
        yield address


def post(base: str, agent: str, body: Any, **headers: str) -> tuple[dict[str, Any], str]:
    """The answer, and the exit code that goes with it."""
    answer = httpx.post(f"{base}/v1/hooks/{agent}", json=body, headers={"x-guardrails-policy": "hooks", **headers})
    assert answer.status_code == 200
    body = answer.json()
    assert isinstance(body, dict)
    return body, answer.headers["x-guardrails-hook-exit"]


def test_allowed_asked_and_refused(base: str) -> None:
    assert post(base, "claude-code", event("claude-code", "call", "ls")) == ({}, "0")
    body, code = post(base, "claude-code", event("claude-code", "call", "mail bob@example.com"))
    assert (body["hookSpecificOutput"]["permissionDecision"], code) == ("ask", "0")
    body, code = post(base, "claude-code", event("claude-code", "call", "project kingfisher"))
    assert (body["hookSpecificOutput"]["permissionDecision"], code) == ("deny", "2")


STOP = {"continue": False, "decision": "block", "permissionDecision": "deny"}


@pytest.mark.parametrize(
    ("agent", "body", "place"),
    [
        ("claude-code", {}, "hook_event_name: is missing"),
        ("claude-code", [], "the body: must be an object"),
        ("claude-code", {"hook_event_name": "PreToolUse", "tool_name": "Bash"}, "tool_input: is missing"),
        ("cursor", {}, "there are hooks for claude-code, codex, copilot"),
    ],
)
def test_what_is_malformed_is_a_stop(base: str, agent: str, body: Any, place: str) -> None:
    said, code = post(base, agent, body)
    assert STOP.items() <= said.items()
    assert place in said["reason"]
    assert said["reason"] == said["stopReason"] == said["permissionDecisionReason"]
    assert code == "2"


def test_what_is_no_json_is_a_stop(base: str) -> None:
    answer = httpx.post(f"{base}/v1/hooks/codex", content=b"{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["decision"]) == (200, "block")


def test_a_guardrail_that_is_none_and_a_key_that_is_none_are_stops(base: str, tmp_path: Path) -> None:
    said, _ = post(base, "claude-code", event("claude-code", "call"), **{"x-guardrails-policy": "nobody"})
    assert STOP.items() <= said.items()
    file, _ = keys(tmp_path, agent="")
    with served(folder(tmp_path, hooks=POLICY), keys=file) as closed:
        said, code = post(closed, "claude-code", event("claude-code", "call"))
        assert STOP.items() <= said.items()
        assert code == "2"


def test_a_caller_over_its_limit_is_stopped(tmp_path: Path) -> None:
    file, made = keys(tmp_path, agent="limits: {requests_per_day: 1}")
    with served(folder(tmp_path, hooks=POLICY), keys=file) as base:
        bearer = {"authorization": f"Bearer {made['agent']}"}
        assert post(base, "claude-code", event("claude-code", "call", "ls"), **bearer) == ({}, "0")
        said, _ = post(base, "claude-code", event("claude-code", "call", "ls"), **bearer)
        assert said["continue"] is False


def test_every_decision_is_recorded(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served(folder(tmp_path, hooks=POLICY), evidence=log) as base:
        post(base, "claude-code", event("claude-code", "call", "project kingfisher"))
        post(base, "copilot", event("copilot", "result", "to bob@example.com"))
    with EvidenceLog.open(log) as opened:
        del opened
    text = "".join(p.read_text(encoding="utf-8", errors="replace") for p in log.rglob("*") if p.is_file())
    assert "words.secret" in text
    assert "kingfisher" not in text
    assert "bob@example.com" not in text
