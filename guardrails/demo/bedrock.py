"""Amazon Bedrock: ``POST /model/{modelId}/converse`` and ``/converse-stream``, the latter in its binary event stream.

Signatures are not looked at: any credentials do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.demo.answers import Answer, Delivery, pieces, tokens
from guardrails.demo.common import Asked, Failed, Format, ident, last_of
from guardrails.wire.eventstream import EventStream
from guardrails.wire.framing import Frame

__all__ = ["FORMAT"]

_TYPES = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}


def _failed(status: int) -> Failed:
    name = _TYPES.get(status, "InternalServerException" if status >= 500 else "ValidationException")
    return Failed({"message": f"The demo was told to fail with {status}."}, {"x-amzn-errortype": name})


def _question(body: dict[str, Any]) -> str:
    return last_of(body.get("messages"))


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.tool else "content_filtered" if answer.refused else "end_turn"


def _usage(asked: Asked, answer: Answer) -> dict[str, Any]:
    before, after = tokens(_question(asked.body)), tokens(answer.text)
    return {"inputTokens": before, "outputTokens": after, "totalTokens": before + after}


def _whole(asked: Asked, answer: Answer) -> dict[str, Any]:
    block: dict[str, Any] = {"text": answer.text}
    if answer.tool:
        call = {"toolUseId": ident("tooluse_", asked), "name": answer.tool.name, "input": answer.tool.value}
        block = {"toolUse": call}
    return {
        "output": {"message": {"role": "assistant", "content": [block]}},
        "stopReason": _stop(answer),
        "usage": _usage(asked, answer),
        "metrics": {"latencyMs": 1},
    }


def _events(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "messageStart", {"role": "assistant"}
    if answer.tool:
        start = {"toolUse": {"toolUseId": ident("tooluse_", asked), "name": answer.tool.name}}
        yield "contentBlockStart", {"start": start, "contentBlockIndex": 0}
    for piece in pieces(answer.tool.arguments if answer.tool else answer.text, delivery):
        delta = {"toolUse": {"input": piece}} if answer.tool else {"text": piece}
        yield "contentBlockDelta", {"delta": delta, "contentBlockIndex": 0}
    yield "contentBlockStop", {"contentBlockIndex": 0}
    yield "messageStop", {"stopReason": _stop(answer)}
    yield "metadata", {"usage": _usage(asked, answer), "metrics": {"latencyMs": 1}}


def _stream(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[bytes]:
    framing = EventStream()
    for name, body in _events(asked, answer, delivery):
        yield framing.encode(Frame(body, name=name))


FORMAT = Format(
    _question,
    _whole,
    _failed,
    _stream,
    lambda asked: asked.path.get("verb") == "converse-stream",
    lambda _: "application/vnd.amazon.eventstream",
)
