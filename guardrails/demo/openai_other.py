"""OpenAI's older completions and its embeddings: ``POST /v1/completions`` and ``POST /v1/embeddings``."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator
from typing import Any

from guardrails.demo.answers import Answer, Delivery, pieces, tokens
from guardrails.demo.common import CREATED, Asked, Format, compact, ident, listed, sse
from guardrails.demo.openai_chat import failed

__all__ = ["COMPLETIONS", "EMBEDDINGS"]

_DIMENSIONS = 8


def _prompts(body: dict[str, Any], key: str) -> list[Any]:
    """The texts (or lists of token numbers) of a field that takes one of them or several."""
    given = body.get(key)
    if isinstance(given, list) and not (given and all(isinstance(t, int) for t in given)):
        return given or [""]
    return [given]


def _question(body: dict[str, Any]) -> str:
    last = _prompts(body, "prompt")[-1]
    return last if isinstance(last, str) else ""


def _indices(asked: Asked) -> range:
    n = asked.body.get("n")
    return range(min(len(_prompts(asked.body, "prompt")) * (n if isinstance(n, int) and n > 0 else 1), 16))


def _head(asked: Asked) -> dict[str, Any]:
    return {"id": ident("cmpl-", asked), "object": "text_completion", "created": CREATED, "model": asked.model()}


def _usage(asked: Asked, answer: Answer) -> dict[str, Any]:
    prompt = sum(tokens(p) for p in _prompts(asked.body, "prompt") if isinstance(p, str))
    completion = tokens(answer.text) * len(_indices(asked))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def _text(answer: Answer) -> str:
    return f"{answer.tool.name}({answer.tool.arguments})" if answer.tool else answer.text


def _finish(answer: Answer) -> str:
    return "content_filter" if answer.refused else "stop"


def _whole(asked: Asked, answer: Answer) -> dict[str, Any]:
    choices = [_choice(i, _text(answer), _finish(answer)) for i in _indices(asked)]
    return {**_head(asked), "choices": choices, "usage": _usage(asked, answer)}


def _stream(asked: Asked, answer: Answer, delivery: Delivery) -> Iterator[bytes]:
    for piece in pieces(_text(answer), delivery):
        for index in _indices(asked):
            yield sse({**_head(asked), "choices": [_choice(index, piece, None)]})
    for index in _indices(asked):
        yield sse({**_head(asked), "choices": [_choice(index, "", _finish(answer))]})
    options = asked.body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        yield sse({**_head(asked), "choices": [], "usage": _usage(asked, answer)})
    yield sse("[DONE]")


def _embedded(text: Any, dimensions: int) -> list[float]:
    """A vector of unit length or less that depends on the text alone."""
    digest = hashlib.shake_128(compact(text).encode("utf-8", "surrogatepass")).digest(dimensions)
    return [(byte - 127.5) / 127.5 / dimensions**0.5 for byte in digest]


def _vector(asked: Asked, text: Any) -> list[float] | str:
    wanted = asked.body.get("dimensions")
    vector = _embedded(text, wanted if isinstance(wanted, int) and 0 < wanted <= 4096 else _DIMENSIONS)
    if asked.body.get("encoding_format") == "base64":
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return vector


def _embeddings(asked: Asked, _: Answer) -> dict[str, Any]:
    inputs = _prompts(asked.body, "input")
    total = sum(tokens(i) if isinstance(i, str) else len(listed(i)) for i in inputs)
    return {
        "object": "list",
        "model": asked.model(),
        "data": [{"object": "embedding", "index": i, "embedding": _vector(asked, t)} for i, t in enumerate(inputs)],
        "usage": {"prompt_tokens": total, "total_tokens": total},
    }


def _embedded_question(body: dict[str, Any]) -> str:
    last = _prompts(body, "input")[-1]
    return last if isinstance(last, str) else ""


COMPLETIONS = Format(_question, _whole, failed, _stream, lambda asked: asked.body.get("stream") is True)
EMBEDDINGS = Format(_embedded_question, _embeddings, failed)
