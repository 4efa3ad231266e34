"""The middleware records every decision before it takes effect, whole answers and streams, and nothing passes without a record
where the setting says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from guardrails.asgi.telemetry import Telemetry
from guardrails.errors import GuardrailsError, UpstreamLost
from guardrails.evidence import EvidenceLog, EvidenceSettings, Text
from guardrails.evidence.reader import Reader
from guardrails.evidence.replay import recorded, replay_decision
from guardrails.evidence.verify import verify
from guardrails.exchange import again
from guardrails.types import Source
from tests.asgi.apps import App, chunk, content_of, guard, whole
from tests.evidence.disks import Forgetful, bodies, everything, records

CANARY = "project kingfisher"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "mail bob@example.com about the invoice"}]}
BLOCKED = {"model": "m", "messages": [{"role": "user", "content": f"about {CANARY}"}]}


def served(
    folder: Path, says: Any = "fine", disk: Forgetful | None = None, **more: Any
) -> tuple[App, EvidenceLog, Telemetry]:
    settings = EvidenceSettings(folder, **{"checkpoint_records": 1, **more})
    log, telemetry = EvidenceLog.open(settings, disk=disk), Telemetry()
    return App(says, evidence=log, telemetry=telemetry), log, telemetry


def test_both_decisions_of_an_exchange_are_recorded_under_the_id_that_the_client_reads(tmp_path: Path) -> None:
    app, log, telemetry = served(tmp_path, f"{CANARY} and bob@example.com")
    response = app.post(ASKED)
    log.close()
    asked, answered = bodies(tmp_path)
    assert asked["decision_id"] == answered["decision_id"] == response.headers["x-guardrails-decision-id"]
    assert (asked["direction"], asked["action"], asked["model"]) == ("INPUT", "MASKED", "m")
    assert (answered["direction"], answered["action"], answered["blocking"]) == ("OUTPUT", "BLOCKED", ["words.secret"])
    assert [s["pointer"] for s in asked["spans"]] == ["messages[0].content"]
    assert asked["protocol"] == "openai.chat"
    assert all(s["value_hmac"] for s in asked["spans"])
    assert b'guardrails_evidence_records_total{result="written"} 5.0' in telemetry.expose()
    assert verify(Reader(tmp_path), Reader(tmp_path).verifier()).ok


def test_a_blocked_request_is_recorded_once(tmp_path: Path) -> None:
    app, log, _ = served(tmp_path)
    app.post(BLOCKED)
    app.post({**BLOCKED, "stream": True})
    log.close()
    assert [(b["direction"], b["action"]) for b in bodies(tmp_path)] == [("INPUT", "BLOCKED")] * 2
    assert app.received == []


def test_a_stream_is_recorded_before_its_end(tmp_path: Path) -> None:
    says = [
        chunk({"content": "mail "}),
        chunk({"content": "eve@example.com"}),
        chunk({"content": " please"}, "stop"),
        b"data: [DONE]\n\n",
    ]
    app, log, _ = served(tmp_path, says)
    response = app.post({**ASKED, "stream": True})
    log.close()
    assert "mail" in content_of(response)
    _, answered = bodies(tmp_path)
    assert (answered["direction"], answered["action"]) == ("OUTPUT", "MASKED")
    assert answered["text_commitment"]


def test_no_text_of_an_exchange_is_anywhere_in_the_log(tmp_path: Path) -> None:
    says = whole(f"{CANARY} and eve@example.com", tool_calls=[
        {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": json.dumps({"canaryword": "canaryvalue bob@example.com"})}}
    ])  # fmt: skip
    app, log, _ = served(tmp_path, lambda body: f"{CANARY} canary" if body.get("stream") else says)
    asked = {**ASKED, "metadata": {"canarykey of mine": "bob@example.com"}, "user": "canaryuser"}
    app.post(asked)
    app.post(BLOCKED)
    app.post({**asked, "stream": True})
    log.close()
    assert len(bodies(tmp_path)) >= 4
    data = everything(tmp_path)
    for word in ("kingfisher", "canary", "bob@", "eve@", "invoice"):
        assert word.encode() not in data, word


def test_without_a_record_no_request_and_no_answer_passes(tmp_path: Path) -> None:
    disk = Forgetful()

    def says(_: Any) -> Any:
        disk.full = True
        return "fine"

    app, log, telemetry = served(tmp_path, says, disk)
    response = app.post(ASKED)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "evidence_lost"
    assert "fine" not in response.text
    app.received.clear()
    response = app.post(ASKED)
    assert response.status_code == 503
    assert app.received == []
    assert b'guardrails_evidence_records_total{result="refused"} 2.0' in telemetry.expose()
    assert b"guardrails_evidence_down 1.0" in telemetry.expose()
    disk.full = False
    app.says = "fine"
    assert app.post(ASKED).status_code == 200
    log.close()
    assert records(tmp_path, "gap")[-1]["body"]["refused_since_start"] == 2


def test_without_a_record_a_stream_has_no_end(tmp_path: Path) -> None:
    disk = Forgetful()

    async def says() -> Any:
        yield chunk({"content": "this is fine. "})
        disk.full = True
        yield chunk({"content": "and this"}, "stop")
        yield b"data: [DONE]\n\n"

    app, log, _ = served(tmp_path, lambda _: StreamingResponse(says(), media_type="text/event-stream"), disk)
    with pytest.raises(UpstreamLost, match="cannot be recorded"):
        app.post({**ASKED, "stream": True})
    assert log.counts.refused == 1
    disk.full = False
    log.close()
    assert [b["direction"] for b in bodies(tmp_path)] == ["INPUT"]


def test_where_the_setting_allows_it_exchanges_go_on_and_the_loss_is_counted(tmp_path: Path) -> None:
    disk = Forgetful()
    app, log, telemetry = served(tmp_path, "fine", disk, on_failure="allow")
    disk.full = True
    assert app.post(ASKED).status_code == 200
    assert b'guardrails_evidence_records_total{result="lost"} 2.0' in telemetry.expose()
    disk.full = False
    app.post(ASKED)
    log.close()
    assert records(tmp_path, "gap")[-1]["body"]["lost_since_start"] == 2


def test_an_exchange_comes_out_the_same_from_its_bodies(tmp_path: Path) -> None:
    answer = whole("ask eve@example.com or the rival bank")
    chunks = [
        chunk({"content": "ask eve@exa"}),
        chunk({"content": "mple.com or"}),
        chunk({}, "stop"),
        b"data: [DONE]\n\n",
    ]
    app, log, _ = served(tmp_path, lambda body: chunks if body.get("stream") else answer)
    log_reader = Reader(tmp_path)
    for stream, told in ((False, json.dumps(answer).encode()), (True, b"".join(chunks))):
        request = {**ASKED, "stream": stream}
        id_ = app.post(request).headers["x-guardrails-decision-id"]
        for source, body in ((Source.INPUT, None), (Source.OUTPUT, told)):
            kept = recorded(log_reader, id_, source)
            decision, said = again(guard(), "openai.chat", json.dumps(request).encode(), body)
            found = replay_decision(kept, guard(), decision, [Text(*t) for t in said or ()])
            assert found.differences == ()
            assert found.body["action"] == "MASKED"
    other = json.dumps(
        {**ASKED, "messages": [{"role": "user", "content": "mail eve@example.com about the invoice"}]}
    ).encode()
    decision, said = again(guard(), "openai.chat", other)
    kept = recorded(log_reader, id_, Source.INPUT)
    assert "text_commitment" in replay_decision(kept, guard(), decision, [Text(*t) for t in said or ()]).differences
    log.close()


def test_a_log_is_opened_and_closed_with_the_application(tmp_path: Path) -> None:
    import asyncio

    from guardrails.asgi import GuardrailsMiddleware

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    middleware = GuardrailsMiddleware(
        app, guard(), evidence={"directory": str(tmp_path), "mode": "fast", "owner": "me"}
    )
    assert middleware.evidence is not None
    asyncio.run(middleware.aclose())
    assert [r["kind"] for r in records(tmp_path)] == ["start", "stop"]
    with pytest.raises(GuardrailsError, match="did you mean mode"):
        GuardrailsMiddleware(app, guard(), evidence={"directory": str(tmp_path), "mood": "fast"})
