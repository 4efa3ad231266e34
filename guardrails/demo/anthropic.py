"""Anthropic messages: ``POST /v1/messages``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.demo.answers import Answer, Delivery, pieces, tokens
from guardrails.demo.common import Asked, Failed, Format, ident, last_of, sse

__all__ = ["FORMAT"]

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def _failed(status: int) -> Failed:
    kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    error = {"type": kind, "message": f"The demo was told to fail with {status}."}
    return Failed(
        {"type": "error", "error": error, "request_id": "req_demo"}, {"retry-after": "1"} if status == 429 else {}
    )


def _question(body: dict[str, Any]) -> str:
    return last_of(body.get("messages"))


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.tool else "refusal" if answer.refused else "end_turn"


def _block(asked: Asked, answer: Answer, *, done: bool) -> dict[str, Any]:
    """The one content block, as it is when it begins or when it is complete."""
    if answer.tool:
        value = answer.tool.value if done else {}
        return {"type": "tool_use", "id": ident("toolu_", asked), "name": answer.tool.name, "input": value}
    return {"type": "text", "text": answer.text if done else ""}


def _message(asked: Asked, answer: Answer, *, done: bool = True) -> dict[str, Any]:
    return {
        "id": ident("msg_", asked),
        "type": "message",
        "role": "assistant",
        "model": asked.model(),
        "content": [_block(asked, answer, done=True)] if done else [],
        "stop_reason": _stop(answer) if done else None,
        "stop_sequence": None,
        "usage": {"input_tokens": tokens(_question(asked.body)), "output_tokens": tokens(answer.text) if done else 0},
    }


def _events(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": _message(asked, answer, done=False)}
    yield {"type": "content_block_start", "index": 0, "content_block": _block(asked, answer, done=False)}
    yield {"type": "ping"}
    for piece in pieces(answer.tool.arguments if answer.tool else answer.text, delivery):
        delta = (
            {"type": "input_json_delta", "partial_json": piece}
            if answer.tool
            else {"type": "text_delta", "text": piece}
        )
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    stop = {"stop_reason": _stop(answer), "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": tokens(answer.text)}}
    yield {"type": "message_stop"}


def _stream(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[bytes]:
    for event in _events(asked, answer, delivery):
        yield sse(event, event["type"])


FORMAT = Format(_question, _message, _failed, _stream, lambda asked: asked.body.get("stream") is True)
