"""LlamaIndex: the chat model, and an agent whose tool must not run when its call was blocked."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, Proxied, Records, both_ways, call, needs, say

pytestmark = needs("llama_index.llms.openai")


def model(proxied: Proxied) -> Any:
    from llama_index.llms.openai import OpenAI

    return OpenAI(model="gpt-4o", api_base=proxied.base + "/v1", api_key=KEY)


def chat(proxied: Proxied, message: str, *, stream: bool) -> str:
    from llama_index.core.llms import ChatMessage

    asked = [ChatMessage(role="user", content=message)]
    if stream:
        return "".join(str(part.delta or "") for part in model(proxied).stream_chat(asked))
    return str(model(proxied).chat(asked).message.content or "")


def act(proxied: Proxied, records: Records, message: str, *, stream: bool) -> str:
    """The agent's last words."""
    from llama_index.core.agent.workflow import FunctionAgent

    async def once() -> str:
        agent = FunctionAgent(tools=[records.delete_records], llm=model(proxied), streaming=stream)
        return str(await agent.run(message))

    return asyncio.run(once())


@both_ways
def test_allowed(proxied: Proxied, stream: bool) -> None:
    assert chat(proxied, say(PLAIN), stream=stream) == PLAIN


@both_ways
def test_masked(proxied: Proxied, stream: bool) -> None:
    message = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
    assert chat(proxied, message, stream=stream) == "Write to {EMAIL} today."
    assert "Call {PHONE}." in proxied.received()[0]


@both_ways
def test_a_blocked_request_reaches_nobody(proxied: Proxied, stream: bool) -> None:
    assert chat(proxied, "What is project kingfisher?", stream=stream) == BLOCKED_IN
    assert proxied.received() == []


@both_ways
def test_a_blocked_answer_is_asked_for_once(proxied: Proxied, stream: bool) -> None:
    said = chat(proxied, say("One moment please. The osprey lands at noon."), stream=stream)
    assert "osprey" not in said
    assert said.endswith(BLOCKED_OUT)
    assert len(proxied.received()) == 1


@both_ways
def test_a_call_that_passes_is_run(proxied: Proxied, records: Records, stream: bool) -> None:
    assert act(proxied, records, call("old"), stream=stream) == "The tool said: deleted old"
    assert records.deleted == ["old"]


@both_ways
def test_a_masked_call_is_run_masked(proxied: Proxied, records: Records, stream: bool) -> None:
    act(proxied, records, call("bob@example.com"), stream=stream)
    assert records.deleted == ["{EMAIL}"]


@both_ways
def test_a_blocked_call_is_never_run(proxied: Proxied, records: Records, stream: bool) -> None:
    assert act(proxied, records, call("osprey"), stream=stream) == BLOCKED_OUT
    assert records.deleted == []
    assert len(proxied.received()) == 1


def test_of_two_streamed_calls_the_blocked_one_is_never_run(proxied: Proxied, records: Records) -> None:
    act(proxied, records, "[[two calls]]", stream=True)
    assert set(records.deleted) <= {"old"}
