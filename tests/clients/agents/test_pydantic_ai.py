"""Pydantic AI: an agent, run whole and streamed, whose tool must not run when its call was blocked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, Proxied, Records, both_ways, call, needs, say

pytestmark = needs("pydantic_ai")

each = pytest.mark.parametrize("api", ["chat", "anthropic"])


def model(proxied: Proxied, api: str) -> Any:
    if api == "chat":
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        return OpenAIChatModel("m", provider=OpenAIProvider(base_url=proxied.base + "/v1", api_key=KEY))
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(base_url=proxied.base, api_key=KEY)
    return AnthropicModel("m", provider=AnthropicProvider(anthropic_client=client))


def run(proxied: Proxied, records: Records, message: str, *, stream: bool, api: str) -> str:
    """The agent's last words; the library's error, where it raises for a filtered answer."""
    from pydantic_ai import Agent

    async def once() -> str:
        agent = Agent(model(proxied, api), tools=[records.delete_records])
        if not stream:
            return (await agent.run(message)).output
        async with agent.run_stream(message) as running:
            return await running.get_output()

    return asyncio.run(once())


@each
@both_ways
def test_allowed(proxied: Proxied, records: Records, stream: bool, api: str) -> None:
    assert run(proxied, records, say(PLAIN), stream=stream, api=api) == PLAIN


@each
@both_ways
def test_masked(proxied: Proxied, records: Records, stream: bool, api: str) -> None:
    message = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
    assert run(proxied, records, message, stream=stream, api=api) == "Write to {EMAIL} today."
    assert "Call {PHONE}." in proxied.received()[0]


@each
@both_ways
def test_a_blocked_request_reaches_nobody(proxied: Proxied, records: Records, stream: bool, api: str) -> None:
    assert run(proxied, records, "What is project kingfisher?", stream=stream, api=api) == BLOCKED_IN
    assert proxied.received() == []


@each
@both_ways
def test_a_blocked_answer_is_asked_for_once(proxied: Proxied, records: Records, stream: bool, api: str) -> None:
    said = run(proxied, records, say("One moment please. The osprey lands at noon."), stream=stream, api=api)
    assert "osprey" not in said
    assert said.endswith(BLOCKED_OUT)
    assert len(proxied.received()) == 1


@each
@both_ways
def test_a_call_that_passes_is_run(proxied: Proxied, records: Records, stream: bool, api: str) -> None:
    assert run(proxied, records, call("old"), stream=stream, api=api) == "The tool said: deleted old"
    assert records.deleted == ["old"]


@each
@both_ways
def test_a_masked_call_is_run_masked(proxied: Proxied, records: Records, stream: bool, api: str) -> None:
    run(proxied, records, call("bob@example.com"), stream=stream, api=api)
    assert records.deleted == ["{EMAIL}"]


@each
@both_ways
def test_a_blocked_call_is_never_run(proxied: Proxied, records: Records, stream: bool, api: str) -> None:
    assert run(proxied, records, call("osprey"), stream=stream, api=api) == BLOCKED_OUT
    assert records.deleted == []
    assert len(proxied.received()) == 1


@each
def test_of_two_streamed_calls_the_blocked_one_is_never_run(proxied: Proxied, records: Records, api: str) -> None:
    run(proxied, records, "[[two calls]]", stream=True, api=api)
    assert set(records.deleted) <= {"old"}
