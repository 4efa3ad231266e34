"""LlamaIndex under a policy in its own process: real packages, a canned model on a socket that speaks Ollama."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guardrails import Guard
from guardrails.decision import Decision
from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, PLAIN, Proxied, Records, both_ways, call, needs, say

pytestmark = needs("llama_index.llms.ollama")

LONG = "The first sentence is about nothing at all. " * 12


def guarded(upstream: Proxied, guard: Guard, **more: Any) -> Any:
    from llama_index.llms.ollama import Ollama

    from guardrails.integrations.llama_index import GuardedLLM

    return GuardedLLM.of(Ollama(model="m", base_url=upstream.upstream, context_window=4096), guard, **more)


def chat(llm: Any, message: str, *, stream: bool) -> Any:
    """The last response."""
    from llama_index.core.llms import ChatMessage

    asked = [ChatMessage(role="user", content=message)]
    return list(llm.stream_chat(asked))[-1] if stream else llm.chat(asked)


@both_ways
def test_allowed(upstream: Proxied, guard: Guard, stream: bool) -> None:
    assert chat(guarded(upstream, guard), say(PLAIN), stream=stream).message.content == PLAIN


@both_ways
def test_masked_in_both_directions(upstream: Proxied, guard: Guard, stream: bool) -> None:
    message = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
    said = chat(guarded(upstream, guard), message, stream=stream)
    assert said.message.content == "Write to {EMAIL} today."
    assert "bob@example.com" not in repr(said)
    assert "Call {PHONE}." in upstream.received()[0]


@both_ways
def test_blocked_in_both_directions(upstream: Proxied, guard: Guard, stream: bool) -> None:
    llm = guarded(upstream, guard)
    assert chat(llm, "What is project kingfisher?", stream=stream).message.content == BLOCKED_IN
    assert upstream.received() == []
    said = chat(llm, say("The osprey lands at noon. " + LONG), stream=stream)
    assert said.message.content == BLOCKED_OUT
    assert "osprey" not in repr(said)


def test_text_is_streamed_as_it_is_checked(upstream: Proxied, guard: Guard) -> None:
    from llama_index.core.llms import ChatMessage

    text = (LONG + "Write to bob@example.com today. " + LONG).strip()
    said = list(guarded(upstream, guard).stream_chat([ChatMessage(role="user", content=say(text))]))
    assert "".join(s.delta for s in said) == said[-1].message.content == text.replace("bob@example.com", "{EMAIL}")
    assert len(said) > 2


def test_completions(upstream: Proxied, guard: Guard) -> None:
    llm = guarded(upstream, guard)
    assert llm.complete(say("Mail bob@example.com")).text == "Mail {EMAIL}"
    assert list(llm.stream_complete(say("Mail bob@example.com")))[-1].text == "Mail {EMAIL}"
    assert llm.complete("What is project kingfisher?").text == BLOCKED_IN


def test_an_agents_call_passes_is_masked_or_never_run(upstream: Proxied, guard: Guard, records: Records) -> None:
    from llama_index.core.agent.workflow import FunctionAgent

    async def once() -> list[str]:
        seen = []
        for streaming in (False, True):
            for message in (call("old"), call("bob@example.com"), call("osprey")):
                agent = FunctionAgent(tools=[records.delete_records], llm=guarded(upstream, guard), streaming=streaming)
                seen.append(str(await agent.run(message)))
        return seen

    said = asyncio.run(once())
    assert [said[0], said[2], said[3], said[5]] == ["The tool said: deleted old", BLOCKED_OUT] * 2
    assert records.deleted == ["old", "{EMAIL}"] * 2


def test_decisions_are_handed_on(upstream: Proxied, guard: Guard) -> None:
    seen: list[Decision] = []
    chat(guarded(upstream, guard, on_decision=seen.append), say("Write to bob@example.com today."), stream=True)
    assert [(d.direction.value, d.action.value, d.format) for d in seen] == [
        ("INPUT", "NONE", "llama-index"),
        ("OUTPUT", "MASKED", "llama-index"),
    ]


@pytest.mark.parametrize("blocks", ["image", "text"])
def test_what_nobody_can_read_is_refused(upstream: Proxied, guard: Guard, blocks: str) -> None:
    from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock

    image = ImageBlock(image=b"\x89PNG\r\n\x1a\n" + bytes(64), image_mimetype="image/png")
    asked = ChatMessage(role="user", blocks=[TextBlock(text=say("Hello.")), *([image] if blocks == "image" else [])])
    said = guarded(upstream, guard).chat([asked]).message.content
    assert (said == "Hello.") is (blocks == "text")
    assert len(upstream.received()) == (blocks == "text")
