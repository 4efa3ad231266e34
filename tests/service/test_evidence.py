"""Every decision of the service is recorded before its answer leaves, whatever the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import orjson

from guardrails import Guard
from guardrails.evidence import EvidenceLog
from guardrails.evidence.reader import Reader
from guardrails.evidence.replay import recorded, replay_pieces
from guardrails.types import Piece
from tests.service.servers import folder, served


def decisions(log: Path) -> list[dict[str, Any]]:
    found = [orjson.loads(record) for _, record in Reader(log).records()]
    return [r["body"] for r in found if r["kind"] == "decision"]


def test_each_contract_leaves_records_that_replay(tmp_path: Path) -> None:
    policies, log = folder(tmp_path), tmp_path / "evidence"
    with served(policies, evidence=log) as base:
        named = {"x-guardrails-policy": "small"}
        text = "to bob@example.com"
        one = httpx.post(base + "/v1/check", json={"text": text, "source": "INPUT"}, headers=named)
        several = {"source": "INPUT", "checks": [{"text": "hello"}, {"text": "project kingfisher"}]}
        two = httpx.post(base + "/v1/check", json=several, headers=named).json()["results"]
        messages = {"body": {"messages": [{"role": "user", "content": text}]}}
        three = httpx.post(base + "/request", json=messages, headers=named)
        assert three.status_code == 200
    body = {b["decision_id"]: b for b in decisions(log)}
    id_ = one.headers["x-guardrails-decision-id"]
    assert one.json()["id"] == id_
    expected = [id_, *(r["id"] for r in two), three.headers["x-guardrails-decision-id"]]
    assert sorted(body) == sorted(expected)
    assert [body[i]["action"] for i in expected] == ["MASKED", "NONE", "BLOCKED", "MASKED"]
    assert [body[i]["route"] for i in expected] == ["check", "check", "check", "agentgateway"]
    kept = recorded(Reader(log), id_)
    assert replay_pieces(kept, Guard.from_file(policies / "small.yaml"), [Piece(text)]).same
    assert b"bob@example.com" not in b"".join(p.read_bytes() for p in log.rglob("*") if p.is_file())


def test_what_cannot_be_recorded_is_not_answered(tmp_path: Path) -> None:
    log = EvidenceLog.open(tmp_path / "evidence")
    with served(folder(tmp_path), evidence=log) as base:
        log.close()
        body = {"text": "hello", "source": "INPUT", "guardrail": "small"}
        answer = httpx.post(base + "/v1/check", json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "could not be recorded" in answer.json()["error"]["message"]
