"""Valid requests of every format, with every kind of field that holds words, and what an upstream answers to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from guardrails.demo import anthropic, bedrock, gemini, ollama, openai_chat, openai_other, openai_responses
from guardrails.demo.answers import Answer, Delivery, answer
from guardrails.demo.common import Asked, Format
from guardrails.wire import FORMATS, form_class, recognise
from guardrails.wire.custom import load_formats
from guardrails.wire.format import Session

__all__ = ["CUSTOM", "SAMPLES", "Reply", "Sample", "form_of", "said"]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SEAL = "EqQBCkYIBxgCKkDxV0m8lVbWn5hQ3uKp1TtYw7dM2hIaNqz0bL4uSx6CgRfE9yPjO8A=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "description": "a town"}}, "required": ["city"]}


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: where it is sent and what it says. ``api`` is what answers it, None where nothing of the demo does."""

    format: str
    path: str
    body: Any
    query: str = ""
    api: Format | None = None
    method: str = "POST"


def _tool(**more: Any) -> dict[str, Any]:
    return {"name": "weather", "description": "looks up the weather", **more}


_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Oslo", "days": 2}'},
}
_CHAT = {
    "model": "m-1",
    "temperature": 0.5,
    "max_tokens": 90,
    "user": "somebody",
    "metadata": {"case": "a matter of taste"},
    "messages": [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is the weather?"}]},
        {"role": "assistant", "content": None, "tool_calls": [_CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"sky": "grey", "note": "rain later"}'},
        {"role": "user", "name": "guest", "content": "And tomorrow?"},
    ],
    "tools": [{"type": "function", "function": _tool(parameters=SCHEMA)}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
}
_PICTURE = {
    "model": "m-1",
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PIXEL}},
            ],
        }
    ],
}
_RESPONSES = {
    "model": "m-1",
    "instructions": "Be brief.",
    "metadata": {"topic": "weather at sea"},
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is the weather?"}]},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city": "Oslo"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "grey and cold"},
        {"type": "message", "role": "user", "content": "And tomorrow?"},
    ],
    "tools": [{"type": "function", **_tool(parameters=SCHEMA, strict=True)}],
}
_MESSAGES = {
    "model": "claude-x",
    "max_tokens": 90,
    "system": [{"type": "text", "text": "You are brief.", "cache_control": {"type": "ephemeral"}}],
    "metadata": {"user_id": "somebody"},
    "stop_sequences": ["the end"],
    "messages": [
        {"role": "user", "content": "What is the weather?"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "They want the weather.", "signature": SEAL},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo", "days": 2}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "grey"}]},
                {
                    "type": "document",
                    "title": "Notes",
                    "source": {"type": "text", "media_type": "text/plain", "data": "it rains"},
                },
                {"type": "text", "text": "And tomorrow?"},
            ],
        },
    ],
    "tools": [_tool(input_schema=SCHEMA)],
}
_CONVERSE = {
    "system": [{"text": "You are brief."}],
    "inferenceConfig": {"maxTokens": 90, "temperature": 0.5, "stopSequences": ["the end"]},
    "requestMetadata": {"case": "a matter of taste"},
    "messages": [
        {"role": "user", "content": [{"text": "What is the weather?"}]},
        {
            "role": "assistant",
            "content": [{"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}}],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "t1", "content": [{"json": {"sky": "grey"}}, {"text": "cold"}]}},
                {"guardContent": {"text": {"text": "It rains.", "qualifiers": ["grounding_source"]}}},
                {"text": "And tomorrow?"},
            ],
        },
    ],
    "toolConfig": {"tools": [{"toolSpec": _tool(inputSchema={"json": SCHEMA})}]},
}
_GEMINI = {
    "systemInstruction": {"parts": [{"text": "You are brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "What is the weather?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"sky": "grey"}}}]},
        {"role": "user", "parts": [{"text": "And tomorrow?"}]},
    ],
    "tools": [{"functionDeclarations": [_tool(parameters=SCHEMA)]}],
    "generationConfig": {"temperature": 0.5, "maxOutputTokens": 90, "stopSequences": ["the end"]},
}
_OLLAMA = {
    "model": "llama",
    "options": {"temperature": 0.5, "stop": ["the end"]},
    "messages": [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "What is the weather?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Oslo"}}}],
        },
        {"role": "tool", "tool_name": "weather", "content": "grey"},
        {"role": "user", "content": "And tomorrow?", "images": [PIXEL]},
    ],
    "tools": [{"type": "function", "function": _tool(parameters=SCHEMA)}],
}
_ASK = {
    "engine": "e-1",
    "question": "What is the weather?",
    "persona": "Be brief.",
    "passages": [{"id": "p1", "text": "It rains."}, {"id": "p2", "text": "It is cold."}],
    "attachments": [{"url": "https://example.com/a.pdf", "note": "see page two"}],
    "stream": True,
}
_TALK = {
    "turns": [
        {"id": "t0", "by": "operator", "says": "Be brief."},
        {"id": "t1", "by": "human", "says": "What is the weather?", "photo": PIXEL},
        {"id": "t2", "by": "bot", "call": {"id": "c1", "name": "weather", "arguments": '{"city": "Oslo"}'}},
        {"id": "t3", "by": "function", "says": "grey"},
        {"id": "t4", "by": "human", "says": "And tomorrow?"},
    ]
}

# Formats that a file describes, before those that are built in.
CUSTOM = load_formats(Path(__file__).parents[2] / "examples" / "formats.yaml")

SAMPLES: tuple[Sample, ...] = (
    Sample("openai.chat", "/v1/chat/completions", _CHAT, api=openai_chat.FORMAT),
    Sample("openai.chat", "/v1/chat/completions", _PICTURE, api=openai_chat.FORMAT),
    Sample("openai.responses", "/v1/responses", _RESPONSES, api=openai_responses.FORMAT),
    Sample("openai.responses", "/v1/responses", {"model": "m-1", "input": "What is the weather?"}, api=openai_responses.FORMAT),
    Sample("openai.completions", "/v1/completions", {"model": "m-1", "prompt": ["It is", "It was"], "suffix": "a day", "stop": ["."]}, api=openai_other.COMPLETIONS),
    Sample("openai.embeddings", "/v1/embeddings", {"model": "m-1", "input": ["first text", "second text"]}, api=openai_other.EMBEDDINGS),
    Sample("anthropic.messages", "/v1/messages", _MESSAGES, api=anthropic.FORMAT),
    Sample("anthropic.count_tokens", "/v1/messages/count_tokens", _MESSAGES),
    Sample("bedrock.converse", "/model/anthropic.claude-v1%3A0/converse", _CONVERSE, api=bedrock.FORMAT),
    Sample("bedrock.converse_stream", "/model/m.x-v1:0/converse-stream", _CONVERSE, api=bedrock.FORMAT),
    Sample("gemini.generate", "/v1beta/models/gemini-2:generateContent", _GEMINI, api=gemini.FORMAT),
    Sample("gemini.stream", "/v1beta/models/gemini-2:streamGenerateContent", _GEMINI, "alt=sse", api=gemini.FORMAT),
    Sample("gemini.stream", "/v1beta/models/gemini-2:streamGenerateContent", _GEMINI, api=gemini.FORMAT),
    Sample("gemini.tokens", "/v1beta/models/gemini-2:countTokens", _GEMINI),
    Sample("ollama.chat", "/api/chat", _OLLAMA, api=ollama.FORMAT),
    Sample("ollama.generate", "/api/generate", {"model": "llama", "prompt": "It is", "system": "Be brief.", "images": [PIXEL]}),
    Sample("acme.ask", "/v1/ask", _ASK),
    Sample("acme.talk", "/bots/b7:talk", _TALK),
    Sample("listing", "/v1/models", None, method="GET"),
)  # fmt: skip

ANSWERS = (
    "Rain in the morning. Then the sun comes out, and it stays dry until the evening.",
    'tool: weather {"city": "Oslo", "note": "bring a coat", "days": [1, 2]}',
    "refuse",
)
# Fields that go with some answers only, as the APIs send them.
_EXTRA_EVENTS: dict[str, list[Any]] = {
    "openai.chat": [{"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"reasoning_content": "They ask for rain."}, "finish_reason": None}]}],
    "anthropic.messages": [
        {"type": "content_block_start", "index": 7, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
        {"type": "content_block_delta", "index": 7, "delta": {"type": "thinking_delta", "thinking": "They ask for rain."}},
        {"type": "content_block_delta", "index": 7, "delta": {"type": "signature_delta", "signature": SEAL}},
        {"type": "content_block_stop", "index": 7},
    ],
    "gemini.stream": [{"candidates": [{"content": {"parts": [{"text": "They ask for rain.", "thought": True}], "role": "model"}, "index": 0}]}],
    "ollama.chat": [{"model": "llama", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": "", "thinking": "They ask for rain."}, "done": False}],
}  # fmt: skip
_GENERATED = {"model": "llama", "created_at": "2026-01-01T00:00:00Z"}
_OWN_ANSWERS: dict[str, Any] = {
    "anthropic.count_tokens": {"input_tokens": 12},
    "gemini.tokens": {"totalTokens": 12},
    "listing": {"object": "list", "data": [{"id": "m-1", "object": "model", "created": 1, "owned_by": "somebody"}]},
    "ollama.generate": {**_GENERATED, "response": "a rainy day", "done": True, "context": [1, 2, 3]},
    "acme.ask": {"id": "a1", "answer": "It rains.", "cited": ["p1"], "why": {"step": "looked it up"}},
    "acme.talk": {"id": "a1", "says": "It rains.", "call": {"id": "c1", "arguments": '{"city": "Oslo"}'}, "tokens": [{"text": "It"}]},
}  # fmt: skip
_OWN_EVENTS: dict[str, list[Any]] = {
    "ollama.generate": [{**_GENERATED, "response": w, "done": w == ""} for w in ("a ", "rainy ", "day", "")],
    "acme.ask": [{"type": "piece", "id": "a1", "text": w} for w in ("It ", "rains ", "all ", "day.")] + [{"type": "end", "id": "a1", "done": True, "cited": ["p1"]}],
    "acme.talk": [{"id": "a1", "parts": [{"index": 0, "says": w}]} for w in ("It ", "rains.")]
    + [{"id": "a1", "parts": [{"index": 1, "arguments": w}]} for w in ('{"city": ', '"Oslo"}')]
    + [{"id": "a1", "whole": "It rains."}, {"id": "a1", "end": "done", "tokens": [{"text": "It"}]}],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as JSON texts: ``whole`` in one piece, ``events`` as ``(name, JSON or a raw line)``, None without a stream."""

    whole: str
    events: tuple[tuple[str | None, str], ...] | None
    error: str


def form_of(sample: Sample, *, stream: bool) -> Session:
    """The form that serves a sample's request."""
    body = sample.body
    if isinstance(body, dict) and stream:
        body = {**body, "stream": True}
    every = [*CUSTOM, *map(form_class, FORMATS)]
    form, params = next((f, p) for f, p in recognise(sample.method, sample.path, every) if f.fits(body))
    return form.open(body, params, dict([sample.query.split("=")]) if sample.query else {})


@cache
def said(at: int, which: int, chunk: int) -> Reply:
    """What is answered to ``SAMPLES[at]``: one of ``ANSWERS``, in pieces of ``chunk`` characters."""
    sample = SAMPLES[at]
    own = _OWN_ANSWERS.get(sample.format, {})
    if sample.api is None:
        events = tuple((None, json.dumps(event)) for event in _OWN_EVENTS.get(sample.format, ())) or None
        return Reply(json.dumps(own), events, json.dumps({"error": {"message": "out of order", "type": "api_error"}}))
    api = sample.api
    path = {"model": "m-1", "verb": sample.path.rpartition("/")[2].rpartition(":")[2]}
    query = dict([sample.query.split("=")]) if sample.query else {}
    asked = Asked({**sample.body, "stream": True}, path, query)
    reply: Answer = answer("say: " + ANSWERS[which] if which == 0 else ANSWERS[which], {})
    spoken: tuple[tuple[str | None, str], ...] | None = None
    form = form_of(sample, stream=True)
    if api.stream is not None and form.streaming:
        framing = form.framing()
        data = b"".join(api.stream(asked, reply, Delivery(chunk)))
        frames = [*framing.feed(data), *framing.finish()]
        texts = [(f.name, f.raw if f.raw is not None else json.dumps(f.body)) for f in frames]
        extra = [
            (e.get("type") if sample.format.startswith("anthropic") else None, json.dumps(e))
            for e in _EXTRA_EVENTS.get(sample.format, [])
        ]
        spoken = (*texts[:1], *extra, *texts[1:])
    return Reply(json.dumps(api.whole(asked, reply)), spoken, json.dumps(api.failed(500).body))
