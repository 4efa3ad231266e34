"""Gemini: ``POST /v1beta/models/{model}:generateContent`` and ``:streamGenerateContent``, the latter as SSE or a JSON array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.demo.answers import Answer, Delivery, pieces, tokens
from guardrails.demo.common import Asked, Failed, Format, compact, ident, last_of, sse

__all__ = ["FORMAT"]

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def _failed(status: int) -> Failed:
    name = _STATUS.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    return Failed({"error": {"code": status, "message": f"The demo was told to fail with {status}.", "status": name}})


def _question(body: dict[str, Any]) -> str:
    return last_of(body.get("contents"), "parts")


def _candidates(asked: Asked) -> range:
    config = asked.body.get("generationConfig")
    n = config.get("candidateCount") if isinstance(config, dict) else None
    return range(min(n, 8) if isinstance(n, int) and n > 0 else 1)


def _parts(answer: Answer) -> list[dict[str, Any]]:
    if answer.tool:
        return [{"functionCall": {"name": answer.tool.name, "args": answer.tool.value}}]
    return [{"text": answer.text}] if answer.text else []


def _body(asked: Asked, answer: Answer, parts: list[dict[str, Any]], *, done: bool) -> dict[str, Any]:
    candidates = []
    for index in _candidates(asked):
        one: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": index}
        if done:
            one["finishReason"] = "SAFETY" if answer.refused else "STOP"
        candidates.append(one)
    before, after = tokens(_question(asked.body)), tokens(answer.text) * len(candidates)
    usage = {"promptTokenCount": before, "candidatesTokenCount": after, "totalTokenCount": before + after}
    return {
        "candidates": candidates,
        "usageMetadata": usage if done else {"promptTokenCount": before, "totalTokenCount": before},
        "modelVersion": asked.model(),
        "responseId": ident("", asked),
    }


def _whole(asked: Asked, answer: Answer) -> dict[str, Any]:
    return _body(asked, answer, _parts(answer), done=True)


def _as_sse(asked: Asked) -> bool:
    return asked.query.get("alt") == "sse"


def _stream(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[bytes]:
    parts = [[p] for p in _parts(answer)] if answer.tool else [[{"text": p}] for p in pieces(answer.text, delivery)]
    bodies = [_body(asked, answer, p, done=i == len(parts) - 1) for i, p in enumerate(parts)]
    bodies = bodies or [_body(asked, answer, [], done=True)]
    if _as_sse(asked):
        yield from (sse(body) for body in bodies)
        return
    for number, body in enumerate(bodies):
        yield (("[" if number == 0 else ",\r\n") + compact(body)).encode()
    yield b"]"


FORMAT = Format(
    _question,
    _whole,
    _failed,
    _stream,
    lambda asked: asked.path.get("verb") == "streamGenerateContent",
    lambda asked: "text/event-stream" if _as_sse(asked) else "application/json; charset=UTF-8",
)
