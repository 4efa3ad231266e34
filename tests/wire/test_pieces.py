"""One guarantee for these formats: what a client reads of a stream is what it would have read of the whole answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.wire.custom import load_formats
from guardrails.wire.format import Session
from guardrails.wire.gemini import GeminiStream
from guardrails.wire.ollama import OllamaChat, OllamaGenerate
from guardrails.wire.openai_completions import Completions
from guardrails.wire.strict import dump
from tests.wire.streams import ACCOUNT, MESSAGE, events, exchange, flowed, lines, sse

ASK, TALK = load_formats(Path(__file__).parents[2] / "examples" / "formats.yaml")


@dataclass(frozen=True)
class Format:
    """``event``: a piece of text as this API sends it, and whether it is the last. ``whole``: a text as an answer.
    ``said``: the text of an answer or an event."""

    make: Callable[[], Session]
    pack: Callable[..., bytes]
    event: Callable[[str, bool], Any]
    whole: Callable[[str], Any]
    said: Callable[[Any], str]


def array(*bodies: Any) -> bytes:
    return b"[" + b",\r\n".join(map(dump, bodies)) + b"]"


def gemini(text: str, last: bool = True) -> Any:
    return {
        "candidates": [
            {"content": {"parts": [{"text": text}], "role": "model"}, **({"finishReason": "STOP"} if last else {})}
        ]
    }


def chat(text: str, last: bool = True) -> Any:
    return {"model": "m", "created_at": "x", "message": {"role": "assistant", "content": text}, "done": last}


def completion(text: str, last: bool = True) -> Any:
    return {"id": "c", "choices": [{"index": 0, "text": text, "finish_reason": "stop" if last else None}]}


FORMATS = {
    "gemini sse": Format(
        lambda: GeminiStream.open({"contents": "Hi"}, {}, {"alt": "sse"}), sse, gemini, gemini,
        lambda b: "".join(p["text"] for c in b["candidates"] for p in c["content"]["parts"]),
    ),
    "gemini array": Format(
        lambda: GeminiStream.open({"contents": "Hi"}), array, gemini, gemini,
        lambda b: "".join(p["text"] for c in b["candidates"] for p in c["content"]["parts"]),
    ),
    "ollama chat": Format(lambda: OllamaChat.open({"messages": []}), lines, chat, chat, lambda b: b["message"]["content"]),
    "ollama generate": Format(
        lambda: OllamaGenerate.open({"prompt": "Hi"}), lines, lambda t, last: {"response": t, "done": last},
        lambda t: {"response": t, "done": True}, lambda b: b["response"],
    ),
    "completions": Format(
        lambda: Completions.open({"prompt": "Hi"}), sse, completion, completion,
        lambda b: "".join(c["text"] for c in b["choices"]),
    ),
    "custom sse": Format(
        lambda: ASK.open({"question": "Hi"}), sse, lambda t, last: {"text": t, "done": last}, lambda t: {"answer": t},
        lambda b: b.get("text", b.get("answer", "")),
    ),
    "custom lines": Format(
        lambda: TALK.open({"turns": []}), lines, lambda t, last: {"parts": [{"says": t}], **({"end": "yes"} if last else {})},
        lambda t: {"says": t}, lambda b: "".join(p["says"] for p in b.get("parts", [b] if "says" in b else [])),
    ),
}  # fmt: skip

_words = st.sampled_from(["Hi ", ACCOUNT, ACCOUNT[:7], "12345678", ". ", "é", "😀", "\n", "“so” ", "and so on, "])
_pieces = st.lists(st.lists(_words, min_size=1, max_size=3).map("".join), min_size=1, max_size=12)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None)
@given(
    pieces=_pieces,
    cuts=st.lists(st.integers(1, 40), max_size=6),
    step=st.sampled_from([0, 1, 5, 33]),
    block=st.booleans(),
)
def test_pieces_say_what_the_whole_says(name: str, pieces: list[str], cuts: list[int], step: int, block: bool) -> None:
    format_ = FORMATS[name]
    text = "".join(pieces) + (" kingfisher. " if block else "")
    # The text is cut anywhere, not between words.
    parts: list[str] = []
    rest = text
    for cut in cuts:
        parts, rest = [*parts, rest[:cut]], rest[cut:]
    parts = [p for p in (*parts, rest) if p]
    data = format_.pack(*(format_.event(p, i == len(parts) - 1) for i, p in enumerate(parts)))
    out = events(flowed(format_.make(), data, step), format_.make())
    whole, decision = exchange(format_.make()).answer(format_.whole(text))
    assert decision.blocked is block
    said = "".join(format_.said(b) for b in out if not isinstance(b, str))
    if block:
        assert said.endswith(MESSAGE)
        assert ACCOUNT not in said
        assert "kingfisher" not in said
    else:
        assert said == format_.said(whole)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "field",
    ["id", "model", "created", "modelVersion", "responseId", "createTime", "created_at", "type", "system_fingerprint"],
)
def test_events_of_ours_repeat_no_text(name: str, field: str) -> None:
    format_ = FORMATS[name]
    spoilt = {**format_.event("Hello ", False), field: f"call me {ACCOUNT} or else"}
    for last in (" there.", " kingfisher. "):
        data = format_.pack(spoilt, format_.event(last, True))
        assert ACCOUNT.encode() not in flowed(format_.make(), data)
