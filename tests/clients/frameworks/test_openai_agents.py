"""The OpenAI Agents SDK with a policy as its guardrails: the real SDK, a canned model on a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Guard
from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, Proxied, Records, both_ways, call, needs, say

pytestmark = needs("agents")

Run = Callable[..., str]


@pytest.fixture
def run(upstream: Proxied, guard: Guard, records: Records) -> Run:
    """Runs an agent under the policy; returns its final output."""
    import agents
    from openai import AsyncOpenAI

    from guardrails.integrations.openai_agents import AgentGuardrails

    agents.set_tracing_disabled(True)

    def go(message: Any, *, stream: bool = False, masks: bool = False, api: str = "chat", **more: Any) -> str:
        policy = AgentGuardrails(guard, **more)
        kind = agents.OpenAIChatCompletionsModel if api == "chat" else agents.OpenAIResponsesModel
        tool = agents.function_tool(
            records.delete_records,
            tool_input_guardrails=[policy.tool_input],
            tool_output_guardrails=[policy.tool_output],
        )
        config = agents.RunConfig(call_model_input_filter=policy.mask if masks else None)

        async def once() -> Any:
            async with AsyncOpenAI(base_url=upstream.upstream + "/v1", api_key=KEY, max_retries=0) as client:
                agent = agents.Agent(
                    "a",
                    model=kind("m", client),
                    tools=[tool],
                    input_guardrails=[policy.input],
                    output_guardrails=[policy.output],
                )
                if not stream:
                    return (await agents.Runner.run(agent, message, run_config=config)).final_output
                running = agents.Runner.run_streamed(agent, message, run_config=config)
                async for _ in running.stream_events():
                    pass
                return running.final_output

        return str(asyncio.run(once()))

    return go


@both_ways
def test_allowed(run: Run, stream: bool) -> None:
    assert run(say(PLAIN), stream=stream) == PLAIN


@both_ways
def test_a_blocked_request_reaches_nobody(run: Run, upstream: Proxied, stream: bool) -> None:
    import agents

    with pytest.raises(agents.InputGuardrailTripwireTriggered) as caught:
        run("What is project kingfisher?", stream=stream)
    info = caught.value.guardrail_result.output.output_info
    assert (info["message"], info["rules"]) == (BLOCKED_IN, ["words.secret"])
    assert upstream.received() == []


@both_ways
def test_a_blocked_answer_trips(run: Run, stream: bool) -> None:
    import agents

    with pytest.raises(agents.OutputGuardrailTripwireTriggered) as caught:
        run(say("The osprey lands at noon."), stream=stream)
    assert caught.value.guardrail_result.output.output_info["message"] == BLOCKED_OUT


def test_what_would_be_masked_trips_or_passes(run: Run, upstream: Proxied) -> None:
    import agents

    message = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
    with pytest.raises(agents.InputGuardrailTripwireTriggered):
        run(message)
    with pytest.raises(agents.OutputGuardrailTripwireTriggered):
        run(say("Write to bob@example.com today."))
    assert run(message, on_mask="pass") == "Write to bob@example.com today."
    with pytest.raises(ValueError, match="'trip' or 'pass'"):
        run(message, on_mask="mask")


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_what_models_are_sent_is_masked(run: Run, upstream: Proxied, api: str) -> None:
    message = "Call +1 415 555 0134. " + say("Hello.")
    assert run(message, masks=True, on_mask="pass", api=api) == "Hello."
    assert "Call {PHONE}." in upstream.received()[0]


@both_ways
def test_a_call_passes_or_is_never_run(run: Run, records: Records, stream: bool) -> None:
    assert run(call("old"), stream=stream) == "The tool said: deleted old"
    assert run(call("osprey"), stream=stream) == f"The tool said: {BLOCKED_OUT}"
    run(call("bob@example.com"), stream=stream)
    assert records.deleted == ["old"]


def test_what_a_tool_answers_is_masked_or_replaced(run: Run, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["The number is +1 415 555 0134.", "It is project kingfisher."])

    def delete_records(self: Records, where: str = "") -> str:
        """Delete."""
        return next(answers)

    monkeypatch.setattr(Records, "delete_records", delete_records)
    assert run(call("old")) == "The tool said: The number is {PHONE}."
    assert run(call("old")) == f"The tool said: {BLOCKED_IN}"
