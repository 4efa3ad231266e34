"""The OpenAI Agents SDK: an agent whose tool must not run when its call was blocked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, Proxied, Records, both_ways, call, needs, say

pytestmark = needs("agents")

FILTERED = "content_filter"
each = pytest.mark.parametrize("api", ["chat", "responses"])


def run(proxied: Proxied, records: Records, message: str, *, stream: bool, api: str) -> str:
    """The agent's last words; where the SDK raises for a filtered answer, as it does on Responses, its reason."""
    import agents
    from openai import AsyncOpenAI

    agents.set_tracing_disabled(True)
    kind = agents.OpenAIChatCompletionsModel if api == "chat" else agents.OpenAIResponsesModel

    async def once() -> Any:
        async with AsyncOpenAI(base_url=proxied.base + "/v1", api_key=KEY) as client:
            tool = agents.function_tool(records.delete_records)
            agent = agents.Agent("a", model=kind("m", client), tools=[tool])
            if not stream:
                return (await agents.Runner.run(agent, message)).final_output
            running = agents.Runner.run_streamed(agent, message)
            async for _ in running.stream_events():
                pass
            return running.final_output

    try:
        return str(asyncio.run(once()))
    except agents.exceptions.ModelRefusalError as refused:
        return str(refused.refusal)
    except agents.exceptions.ModelBehaviorError as stopped:
        assert api == "responses"
        return FILTERED if FILTERED in str(stopped) else str(stopped)


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
    assert run(proxied, records, "What is project kingfisher?", stream=stream, api=api) == (
        BLOCKED_IN if api == "chat" else FILTERED
    )
    assert proxied.received() == []


@each
@both_ways
def test_a_blocked_answer_is_asked_for_once(proxied: Proxied, records: Records, stream: bool, api: str) -> None:
    said = run(proxied, records, say("One moment please. The osprey lands at noon."), stream=stream, api=api)
    assert "osprey" not in said
    assert said.endswith(BLOCKED_OUT if api == "chat" else FILTERED)
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
    assert run(proxied, records, call("osprey"), stream=stream, api=api) == (BLOCKED_OUT if api == "chat" else FILTERED)
    assert records.deleted == []
    assert len(proxied.received()) == 1


def test_of_two_streamed_calls_the_blocked_one_is_never_run(proxied: Proxied, records: Records) -> None:
    run(proxied, records, "[[two calls]]", stream=True, api="chat")
    assert set(records.deleted) <= {"old"}
