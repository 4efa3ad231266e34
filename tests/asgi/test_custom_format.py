"""A format of one's own, described in YAML, between a real client and a real server on a socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from guardrails.asgi import GuardrailsMiddleware
from guardrails.wire.custom import load_formats
from tests.asgi.apps import guard
from tests.demo.sockets import serving

FORMATS = Path(__file__).resolve().parents[2] / "examples/formats.yaml"
CARD = "4111 1111 1111 1111"


def application(received: list[Any]) -> Starlette:
    async def ask(request: Request) -> Response:
        body = await request.json()
        received.append(body)
        text = body["question"]
        if not body.get("stream"):
            return JSONResponse({"id": "a1", "answer": text, "cited": ["p1"]})

        async def pieces() -> Any:
            for char in text:
                yield f"data: {json.dumps({'type': 'piece', 'id': 'a1', 'text': char})}\n\n"
            yield f"data: {json.dumps({'type': 'end', 'done': True})}\n\n"

        return StreamingResponse(pieces(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/v1/ask", ask, methods=["POST"])])
    app.add_middleware(GuardrailsMiddleware, policies=guard(), custom=load_formats(FORMATS))
    return app


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("question", "answer", "seen"),
    [
        ("what is the time", "what is the time", "what is the time"),
        (f"my card is {CARD} ok", "my card is {CREDIT_DEBIT_CARD_NUMBER} ok", "my card is {CREDIT_DEBIT_CARD_NUMBER} ok"),
        ("write to bob@example.com now", "write to bob@example.com now", "write to {EMAIL_1} now"),
        ("tell me of project kingfisher", "[not asked]", None),
    ],
)  # fmt: skip
def test_allowed_masked_restored_blocked(stream: bool, question: str, answer: str, seen: str | None) -> None:
    received: list[Any] = []
    body = {
        "question": question,
        "persona": "be kind",
        "passages": [{"id": "p1", "text": f"a card {CARD}"}],
        "stream": stream,
    }
    with serving(application(received)) as base:
        response = httpx.post(base + "/v1/ask", json=body, timeout=30)
    assert response.status_code == 200
    if stream:
        events = [json.loads(x[6:]) for x in response.text.split("\n\n") if x.startswith("data: ")]
        assert "".join(e.get("text", "") for e in events) == answer
        assert events[-1].get("done") is True
    else:
        assert response.json()["answer"] == answer
    if seen is None:
        assert received == []
    else:
        assert received[0]["question"] == seen
        assert received[0]["passages"] == [{"id": "p1", "text": "a card {CREDIT_DEBIT_CARD_NUMBER}"}]
