"""OpenAI chat completions: ``POST /v1/chat/completions``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.demo.answers import Answer, Delivery, pieces, tokens
from guardrails.demo.common import CREATED, Asked, Failed, Format, ident, last_of, sse

__all__ = ["FORMAT", "failed", "models"]

_TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


def failed(status: int) -> Failed:
    """An error as OpenAI sends it."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    body = {
        "error": {"message": f"The demo was told to fail with {status}.", "type": kind, "param": None, "code": None}
    }
    return Failed(body, {"retry-after": "1"} if status == 429 else {})


def _question(body: dict[str, Any]) -> str:
    return last_of(body.get("messages"))


def _choices(asked: Asked) -> range:
    n = asked.body.get("n")
    return range(min(n, 16) if isinstance(n, int) and n > 0 else 1)


def _usage(asked: Asked, answer: Answer) -> dict[str, Any]:
    prompt, completion = tokens(_question(asked.body)), tokens(answer.text) * len(_choices(asked))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _logprobs(asked: Asked, text: str) -> dict[str, Any] | None:
    if not asked.body.get("logprobs") or not text:
        return None
    one = {"token": text, "logprob": -0.1, "bytes": list(text.encode()), "top_logprobs": []}
    return {"content": [one], "refusal": None}


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.tool else "stop"


def _message(asked: Asked, answer: Answer) -> dict[str, Any]:
    out: dict[str, Any] = {
        "role": "assistant",
        "content": None if answer.tool or answer.refused else answer.text,
        "refusal": answer.text if answer.refused else None,
        "annotations": [],
    }
    if answer.tool:
        function = {"name": answer.tool.name, "arguments": answer.tool.arguments}
        out["tool_calls"] = [{"id": ident("call_", asked), "type": "function", "function": function}]
    return out


def _whole(asked: Asked, answer: Answer) -> dict[str, Any]:
    return {
        "id": ident("chatcmpl-", asked),
        "object": "chat.completion",
        "created": CREATED,
        "model": asked.model(),
        "choices": [
            {
                "index": index,
                "message": _message(asked, answer),
                "logprobs": _logprobs(asked, answer.text),
                "finish_reason": _finish(answer),
            }
            for index in _choices(asked)
        ],
        "usage": _usage(asked, answer),
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    }


def _deltas(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[dict[str, Any]]:
    if answer.tool:
        head = {"name": answer.tool.name, "arguments": ""}
        yield {"tool_calls": [{"index": 0, "id": ident("call_", asked), "type": "function", "function": head}]}
        for piece in pieces(answer.tool.arguments, delivery):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        return
    for piece in pieces(answer.text, delivery):
        yield {"refusal" if answer.refused else "content": piece}


def _stream(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[bytes]:
    options = asked.body.get("stream_options")
    with_usage = isinstance(options, dict) and bool(options.get("include_usage"))
    head = {
        "id": ident("chatcmpl-", asked),
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": asked.model(),
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    }
    usage: dict[str, Any] = {"usage": None} if with_usage else {}

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        logprobs = _logprobs(asked, delta.get("content") or "")
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return sse({**head, "choices": [choice], **usage})

    for index in _choices(asked):
        yield chunk(index, {"role": "assistant", "content": None if answer.tool else "", "refusal": None})
    for delta in _deltas(asked, answer, delivery):
        for index in _choices(asked):
            yield chunk(index, delta)
    for index in _choices(asked):
        yield chunk(index, {}, _finish(answer))
    if with_usage:
        yield sse({**head, "choices": [], "usage": _usage(asked, answer)})
    yield sse("[DONE]")


FORMAT = Format(_question, _whole, failed, _stream, lambda asked: asked.body.get("stream") is True)


def models() -> dict[str, Any]:
    """The answer of ``GET /v1/models``."""
    return {"object": "list", "data": [{"id": "demo", "object": "model", "created": CREATED, "owned_by": "demo"}]}
