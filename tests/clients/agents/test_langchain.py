"""LangChain: the chat models, and an agent whose tool must not run when its call was blocked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, Proxied, Records, both_ways, call, needs, say

pytestmark = needs("langchain", "langchain_openai", "langchain_anthropic")


def openai_chat(proxied: Proxied, *, stream: bool) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="m", base_url=proxied.base + "/v1", api_key=KEY, streaming=stream)


def openai_responses(proxied: Proxied, *, stream: bool) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="m", base_url=proxied.base + "/v1", api_key=KEY, streaming=stream, use_responses_api=True)


def anthropic_messages(proxied: Proxied, *, stream: bool) -> Any:
    from langchain_anthropic import ChatAnthropic

    return ChatAnthropic(model="m", base_url=proxied.base, api_key=KEY, streaming=stream, max_tokens=100)


each = pytest.mark.parametrize("model", [openai_chat, openai_responses, anthropic_messages])


def run(model: Any, proxied: Proxied, records: Records, message: str, *, stream: bool) -> str:
    """The agent's last words."""
    from langchain.agents import create_agent

    agent = create_agent(model(proxied, stream=stream), tools=[records.delete_records])
    asked = {"messages": [{"role": "user", "content": message}]}
    if stream:
        last = [state["messages"][-1] for state in agent.stream(asked, stream_mode="values")][-1]
    else:
        last = agent.invoke(asked)["messages"][-1]
    said = (
        last.text
        or last.additional_kwargs.get("refusal")
        or "".join(part.get("refusal", "") for part in last.content if isinstance(part, dict))
    )
    return str(said)


@each
@both_ways
def test_allowed(proxied: Proxied, records: Records, model: Any, stream: bool) -> None:
    assert run(model, proxied, records, say(PLAIN), stream=stream) == PLAIN


@each
@both_ways
def test_masked(proxied: Proxied, records: Records, model: Any, stream: bool) -> None:
    message = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
    assert run(model, proxied, records, message, stream=stream) == "Write to {EMAIL} today."
    assert "Call {PHONE}." in proxied.received()[0]


@each
@both_ways
def test_a_blocked_request_reaches_nobody(proxied: Proxied, records: Records, model: Any, stream: bool) -> None:
    assert run(model, proxied, records, "What is project kingfisher?", stream=stream) == BLOCKED_IN
    assert proxied.received() == []


@each
@both_ways
def test_a_blocked_answer_is_asked_for_once(proxied: Proxied, records: Records, model: Any, stream: bool) -> None:
    said = run(model, proxied, records, say("One moment please. The osprey lands at noon."), stream=stream)
    assert "osprey" not in said
    assert said.endswith(BLOCKED_OUT)
    assert len(proxied.received()) == 1


@each
@both_ways
def test_a_call_that_passes_is_run(proxied: Proxied, records: Records, model: Any, stream: bool) -> None:
    assert run(model, proxied, records, call("old"), stream=stream) == "The tool said: deleted old"
    assert records.deleted == ["old"]


@each
@both_ways
def test_a_masked_call_is_run_masked(proxied: Proxied, records: Records, model: Any, stream: bool) -> None:
    run(model, proxied, records, call("bob@example.com"), stream=stream)
    assert records.deleted == ["{EMAIL}"]


@each
@both_ways
def test_a_blocked_call_is_never_run(proxied: Proxied, records: Records, model: Any, stream: bool) -> None:
    said = run(model, proxied, records, call("osprey"), stream=stream)
    assert records.deleted == []
    assert said == BLOCKED_OUT
    assert len(proxied.received()) == 1


@pytest.mark.parametrize("model", [openai_chat, anthropic_messages])
def test_of_two_streamed_calls_the_blocked_one_is_never_run(proxied: Proxied, records: Records, model: Any) -> None:
    run(model, proxied, records, "[[two calls]]", stream=True)
    assert set(records.deleted) <= {"old"}


def test_a_blocked_call_is_never_run_by_events(proxied: Proxied, records: Records) -> None:
    """The way of chat interfaces: an asynchronous agent, token by token."""
    from langchain.agents import create_agent

    async def run() -> None:  # one loop for all: LangChain keeps its connections
        for model in (openai_chat, openai_responses, anthropic_messages):
            agent = create_agent(model(proxied, stream=True), tools=[records.delete_records])
            asked = {"messages": [{"role": "user", "content": call("osprey")}]}
            assert [one async for one in agent.astream(asked, stream_mode=["messages", "updates"])]

    asyncio.run(run())
    assert records.deleted == []
    assert len(proxied.received()) == 3


@pytest.mark.parametrize("model", [openai_chat, anthropic_messages])
def test_structured_output_is_masked(proxied: Proxied, model: Any) -> None:
    from pydantic import BaseModel

    class Person(BaseModel):
        """A person."""

        name: str
        address: str

    asked = '[[tool: Person {"name": "Zoë", "address": "bob@example.com"}]]'
    made = model(proxied, stream=False).with_structured_output(Person, method="function_calling")
    assert made.invoke(asked) == Person(name="Zoë", address="{EMAIL}")
