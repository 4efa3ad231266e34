"""OpenAI responses: ``POST /v1/responses``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.demo.answers import Answer, Delivery, pieces, tokens
from guardrails.demo.common import CREATED, Asked, Format, ident, last_of, sse
from guardrails.demo.openai_chat import failed

__all__ = ["FORMAT"]


def _question(body: dict[str, Any]) -> str:
    given = body.get("input")
    return given if isinstance(given, str) else last_of(given)


def _part(answer: Answer, text: str) -> dict[str, Any]:
    if answer.refused:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _item(asked: Asked, answer: Answer, *, done: bool) -> dict[str, Any]:
    """The one output item, as it is when it begins or when it is complete."""
    status = "completed" if done else "in_progress"
    if answer.tool:
        return {
            "type": "function_call",
            "id": ident("fc_", asked),
            "call_id": ident("call_", asked),
            "name": answer.tool.name,
            "arguments": answer.tool.arguments if done else "",
            "status": status,
        }
    content = [_part(answer, answer.text)] if done else []
    return {"type": "message", "id": ident("msg_", asked), "status": status, "role": "assistant", "content": content}


def _response(asked: Asked, answer: Answer, *, done: bool = True) -> dict[str, Any]:
    before, after = tokens(_question(asked.body)), tokens(answer.text)
    usage = {
        "input_tokens": before,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": after,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": before + after,
    }
    return {
        "id": ident("resp_", asked),
        "object": "response",
        "created_at": CREATED,
        "status": "completed" if done else "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": asked.body.get("instructions"),
        "metadata": asked.body.get("metadata") or {},
        "model": asked.model(),
        "output": [_item(asked, answer, done=True)] if done else [],
        "parallel_tool_calls": True,
        "previous_response_id": asked.body.get("previous_response_id"),
        "temperature": 1.0,
        "tool_choice": asked.body.get("tool_choice") or "auto",
        "tools": asked.body.get("tools") or [],
        "top_p": 1.0,
        "usage": usage if done else None,
    }


def _events(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": _response(asked, answer, done=False)}
    yield {"type": "response.in_progress", "response": _response(asked, answer, done=False)}
    yield {"type": "response.output_item.added", "output_index": 0, "item": _item(asked, answer, done=False)}
    if answer.tool:
        at: dict[str, Any] = {"item_id": ident("fc_", asked), "output_index": 0}
        for piece in pieces(answer.tool.arguments, delivery):
            yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
        whole = {"name": answer.tool.name, "arguments": answer.tool.arguments}
        yield {"type": "response.function_call_arguments.done", **at, **whole}
    else:
        at = {"item_id": ident("msg_", asked), "output_index": 0, "content_index": 0}
        yield {"type": "response.content_part.added", **at, "part": _part(answer, "")}
        kind = "refusal" if answer.refused else "output_text"
        extra: dict[str, Any] = {} if answer.refused else {"logprobs": []}
        for piece in pieces(answer.text, delivery):
            yield {"type": f"response.{kind}.delta", **at, "delta": piece, **extra}
        yield {"type": f"response.{kind}.done", **at, "refusal" if answer.refused else "text": answer.text, **extra}
        yield {"type": "response.content_part.done", **at, "part": _part(answer, answer.text)}
    yield {"type": "response.output_item.done", "output_index": 0, "item": _item(asked, answer, done=True)}
    yield {"type": "response.completed", "response": _response(asked, answer)}


def _stream(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[bytes]:
    for number, event in enumerate(_events(asked, answer, delivery)):
        yield sse({**event, "sequence_number": number}, event["type"])


FORMAT = Format(_question, _response, failed, _stream, lambda asked: asked.body.get("stream") is True)
