"""The guarantee of streams for every wire format: the bytes of a real upstream, cut anywhere, give one output and one verdict."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.decision import Decision
from guardrails.demo.upstream import upstream
from guardrails.exchange import Exchange, Tenancy
from guardrails.types import Action
from guardrails.wire import recognise, strict
from guardrails.wire.format import Session
from tests.asgi.apps import guard

ASK = [{"role": "user", "content": "hello"}]
# format: path, query, request
STREAMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "openai.chat": ("/v1/chat/completions", "", {"model": "m", "messages": ASK, "stream": True, "stream_options": {"include_usage": True}}),
    "openai.responses": ("/v1/responses", "", {"model": "m", "input": "hello", "stream": True}),
    "openai.completions": ("/v1/completions", "", {"model": "m", "prompt": "hello", "stream": True}),
    "anthropic.messages": ("/v1/messages", "", {"model": "m", "max_tokens": 9, "messages": ASK, "stream": True}),
    "bedrock.converse_stream": ("/model/m.x-v1:0/converse-stream", "", {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}),
    "gemini sse": ("/v1beta/models/g:streamGenerateContent", "alt=sse", {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
    "gemini array": ("/v1beta/models/g:streamGenerateContent", "", {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
    "ollama.chat": ("/api/chat", "", {"model": "m", "messages": ASK}),
}  # fmt: skip
ANSWERS = {
    "allowed": "Good day. Nothing to see here, 你好 🙂, and nothing more.",
    "masked": 'Card 4111 1111 1111 1111 "quoted", a\\b, eve@example.com 🙂 rival bank.',
    "long": "It rained for a while, and then the sun came out. " * 6
    + "The card is 4111 1111 1111 1111, eve@example.com. "
    + "The end. " * 8,
    "blocked": "It rained for a while, and then the sun came out. " * 5
    + "But project kingfisher is a secret. "
    + "More of it. " * 8,
    "tool": 'tool: send {"to": "eve@example.com", "text": "card 4111 1111 1111 1111 \\u00e9"}',
}
FORBIDDEN = ("4111 1111", "eve@example.com", "rival bank", "kingfisher", "More of it")


@cache
def recorded(name: str, answer: str, chunk: int) -> bytes:
    """What the demo upstream streams, byte for byte."""
    path, query, request = STREAMS[name]
    text = ANSWERS[answer]
    said = json.dumps(request).replace('"hello"', json.dumps(text if text.startswith("tool:") else "say: " + text))

    async def go() -> bytes:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(upstream(chunk=chunk)), base_url="http://up"
        ) as client:
            url = f"{path}?{query}" if query else path
            response = await client.post(url, content=said, headers={"content-type": "application/json"})
            assert response.status_code == 200
            return response.content

    return asyncio.run(go())


GUARD = guard()


def form_of(name: str) -> Session:
    path, query, request = STREAMS[name]
    body = strict.parse(json.dumps(request).encode())
    form, params = next((f, p) for f, p in recognise("POST", path) if f.fits(body))
    return form.open(body, params, dict([query.split("=")]) if query else {})


def driven(name: str, chunks: list[bytes]) -> tuple[bytes, Decision, int]:
    """The bytes that leave, the verdict, and how many bytes had left before the last chunk came."""
    exchange = Exchange(Tenancy("t", GUARD, b"k" * 32), form_of(name))
    assert exchange.request().action is Action.NONE
    framing, answer = exchange.form.framing(), exchange.streamed()
    out = [framing.head()]

    def settle(frames: Any) -> None:
        for frame in frames:
            event, _ = answer.begin(frame)
            out.extend(framing.encode(f) for f in answer.settle(event))

    early = 0
    for i, chunk in enumerate(chunks):
        if i == len(chunks) - 1:
            early = sum(map(len, out))
        settle(framing.feed(chunk))
    settle(framing.finish())
    out.extend(framing.encode(f) for f in answer.finish())
    out.append(framing.tail())
    return b"".join(out), answer.record(), early


@cache
def in_one(name: str, answer: str, chunk: int) -> tuple[bytes, Action]:
    out, decision, _ = driven(name, [recorded(name, answer, chunk)])
    return out, decision.action


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = sorted({c % len(data) for c in at} - {0})
    return [data[a:b] for a, b in zip([0, *edges], [*edges, len(data)], strict=True)]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", STREAMS)
def test_single_bytes_and_single_cuts(name: str, answer: str) -> None:
    if name == "openai.completions" and answer == "tool":
        pytest.skip("completions have no tools")
    data = recorded(name, answer, 5)
    whole = in_one(name, answer, 5)
    ways = [[data[i : i + 1] for i in range(len(data))]] + [
        cut(data, [i]) for i in range(1, len(data), max(1, len(data) // 40))
    ]
    for chunks in ways:
        out, decision, _ = driven(name, chunks)
        assert (out, decision.action) == whole


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(STREAMS)),
    st.sampled_from(["masked", "long", "blocked"]),
    st.lists(st.integers(1, 10**6), max_size=40),
)
def test_any_cuts(name: str, answer: str, at: list[int]) -> None:
    out, decision, _ = driven(name, cut(recorded(name, answer, 5), at))
    assert (out, decision.action) == in_one(name, answer, 5)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", STREAMS)
def test_nothing_of_a_masked_or_blocked_span_leaves(name: str, answer: str) -> None:
    if name == "openai.completions" and answer == "tool":
        pytest.skip("completions have no tools")
    out, action = in_one(name, answer, 3)
    assert action is {"allowed": Action.NONE, "blocked": Action.BLOCKED}.get(answer, Action.MASKED)
    text = json.dumps(out.decode("utf-8", "replace"))
    for value in FORBIDDEN:
        assert value not in text
    if answer == "blocked":
        assert "[not said]" in text.replace("\\\\", "\\") or "not said" in text


@pytest.mark.parametrize("name", STREAMS)
def test_the_granularity_of_the_upstreams_events_changes_no_text(name: str) -> None:
    """Words a frame or characters a frame: the same verdict, and the same text once the frames are joined."""
    actions = {in_one(name, "masked", n)[1] for n in (1, 4, 1000)}
    assert actions == {Action.MASKED}


@pytest.mark.parametrize("name", STREAMS)
def test_text_leaves_before_the_answer_is_complete(name: str) -> None:
    data = recorded(name, "long", 5)
    _, _, early = driven(name, cut(data, [len(data) * 3 // 4]))
    assert early > 200


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_cannot_be_read_ends_with_the_policys_message(name: str) -> None:
    exchange = Exchange(Tenancy("t", GUARD, b"k" * 32), form_of(name))
    exchange.request()
    framing, answer = exchange.form.framing(), exchange.streamed()
    frames = answer.broken("cut off")
    text = b"".join(framing.encode(f) for f in frames)
    assert b"not said" in text
    assert answer.record().action is Action.BLOCKED
