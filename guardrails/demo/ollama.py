"""Ollama: ``POST /api/chat``, which streams JSON lines unless it is told not to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.demo.answers import Answer, Delivery, pieces, tokens
from guardrails.demo.common import Asked, Failed, Format, compact, last_of

__all__ = ["FORMAT"]


def _failed(status: int) -> Failed:
    return Failed({"error": f"the demo was told to fail with {status}"})


def _question(body: dict[str, Any]) -> str:
    return last_of(body.get("messages"))


def _message(answer: Answer, text: str) -> dict[str, Any]:
    out: dict[str, Any] = {"role": "assistant", "content": text}
    if answer.tool:
        out["tool_calls"] = [{"function": {"name": answer.tool.name, "arguments": answer.tool.value}}]
    return out


def _body(asked: Asked, message: dict[str, Any], *, done: bool, answer: Answer) -> dict[str, Any]:
    out = {"model": asked.model(), "created_at": "2026-01-01T00:00:00Z", "message": message, "done": done}
    if done:
        out |= {
            "done_reason": "stop",
            "total_duration": 1_000_000,
            "load_duration": 0,
            "prompt_eval_count": tokens(_question(asked.body)),
            "prompt_eval_duration": 0,
            "eval_count": tokens(answer.text),
            "eval_duration": 1_000_000,
        }
    return out


def _whole(asked: Asked, answer: Answer) -> dict[str, Any]:
    return _body(asked, _message(answer, answer.text), done=True, answer=answer)


def _stream(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[bytes]:
    parts = [""] if answer.tool else list(pieces(answer.text, delivery))
    for part in parts:
        yield (compact(_body(asked, _message(answer, part), done=False, answer=answer)) + "\n").encode()
    end = {"role": "assistant", "content": ""}
    yield (compact(_body(asked, end, done=True, answer=answer)) + "\n").encode()


FORMAT = Format(
    _question,
    _whole,
    _failed,
    _stream,
    lambda asked: asked.body.get("stream") is not False,
    lambda _: "application/x-ndjson",
)
