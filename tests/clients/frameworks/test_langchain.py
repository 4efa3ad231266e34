"""LangChain under a policy in its own process: real packages, a canned model on a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guardrails import Guard
from guardrails.decision import Decision
from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, Proxied, Records, both_ways, call, needs, say

pytestmark = needs("langchain", "langchain_openai")

LONG = "The first sentence is about nothing at all. " * 12
each = pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])


def model(upstream: Proxied, *, responses: bool = False, **more: Any) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(
        model="m",
        base_url=upstream.upstream + "/v1",
        api_key=KEY,
        use_responses_api=responses,
        max_retries=0,
        stream_usage=True,
        **more,
    )


def guarded(upstream: Proxied, guard: Guard, *, responses: bool = False, **more: Any) -> Any:
    from guardrails.integrations.langchain import GuardedChatModel

    return GuardedChatModel.of(model(upstream, responses=responses), guard, **more)


def agent(upstream: Proxied, guard: Guard, records: Records, **more: Any) -> Any:
    from langchain.agents import create_agent

    from guardrails.integrations.langchain import GuardrailsMiddleware

    return create_agent(
        model(upstream, **more), tools=[records.delete_records], middleware=[GuardrailsMiddleware(guard)]
    )


def ask(llm: Any, message: Any, *, stream: bool) -> Any:
    """The message, put together of its chunks when it is streamed."""
    if not stream:
        return llm.invoke(message)
    chunks = list(llm.stream(message))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


def run(made: Any, message: str, *, stream: bool = False) -> str:
    """The agent's last words."""
    asked = {"messages": [{"role": "user", "content": message}]}
    if stream:
        return str([state["messages"][-1] for state in made.stream(asked, stream_mode="values")][-1].text)
    return str(made.invoke(asked)["messages"][-1].text)


@each
@both_ways
def test_allowed(upstream: Proxied, guard: Guard, responses: bool, stream: bool) -> None:
    said = ask(guarded(upstream, guard, responses=responses), say(PLAIN), stream=stream)
    assert said.text == PLAIN
    assert said.usage_metadata["total_tokens"] > 0


@each
@both_ways
def test_masked_in_both_directions(upstream: Proxied, guard: Guard, responses: bool, stream: bool) -> None:
    message = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
    said = ask(guarded(upstream, guard, responses=responses), message, stream=stream)
    assert said.text == "Write to {EMAIL} today."
    assert "bob@example.com" not in repr(said)
    assert "Call {PHONE}." in upstream.received()[0]


@each
@both_ways
def test_a_blocked_request_reaches_nobody(upstream: Proxied, guard: Guard, responses: bool, stream: bool) -> None:
    said = ask(guarded(upstream, guard, responses=responses), "What is project kingfisher?", stream=stream)
    assert (said.text, said.response_metadata["finish_reason"]) == (BLOCKED_IN, "content_filter")
    assert upstream.received() == []


@each
@both_ways
def test_a_blocked_answer_is_the_policys_message(
    upstream: Proxied, guard: Guard, responses: bool, stream: bool
) -> None:
    said = ask(guarded(upstream, guard, responses=responses), say("The osprey lands at noon. " + LONG), stream=stream)
    assert (said.text, said.response_metadata["finish_reason"]) == (BLOCKED_OUT, "content_filter")
    assert "osprey" not in repr(said)


def test_text_is_streamed_as_it_is_checked(upstream: Proxied, guard: Guard) -> None:
    text = LONG + "Write to bob@example.com today. " + LONG
    chunks = [c.text for c in guarded(upstream, guard).stream(say(text.strip()))]
    assert "".join(chunks) == text.strip().replace("bob@example.com", "{EMAIL}")
    assert len([c for c in chunks if c]) > 2


def test_what_was_refused_once_does_not_block_the_next_turn(upstream: Proxied, guard: Guard) -> None:
    turns = [("user", "What is project kingfisher?"), ("assistant", BLOCKED_IN), ("user", say("Hello."))]
    assert guarded(upstream, guard).invoke(turns).text == "Hello."
    assert "kingfisher" not in upstream.received()[0]


def test_in_a_chain_and_with_structured_output(upstream: Proxied, guard: Guard) -> None:
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from pydantic import BaseModel

    class Person(BaseModel):
        """A person."""

        name: str
        address: str

    chain = ChatPromptTemplate.from_template("{asked}") | guarded(upstream, guard) | StrOutputParser()
    assert chain.invoke({"asked": say("Mail bob@example.com")}) == "Mail {EMAIL}"
    made = guarded(upstream, guard).with_structured_output(Person)
    asked = '[[tool: Person {"name": "Zoë", "address": "bob@example.com"}]]'
    assert made.invoke(asked) == Person(name="Zoë", address="{EMAIL}")


def test_decisions_are_handed_on(upstream: Proxied, guard: Guard) -> None:
    seen: list[Decision] = []
    llm = guarded(upstream, guard, on_decision=seen.append)
    llm.invoke(say("Write to bob@example.com today."))
    list(llm.stream(say("Write to bob@example.com today.")))
    assert [(d.direction.value, d.action.value, d.format) for d in seen] == [
        ("INPUT", "NONE", "langchain"),
        ("OUTPUT", "MASKED", "langchain"),
    ] * 2


def test_a_decision_that_cannot_be_kept_has_no_effect(upstream: Proxied, guard: Guard) -> None:
    def full(decision: Decision) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        guarded(upstream, guard, on_decision=full).invoke(say("Hello."))
    assert upstream.received() == []


@both_ways
def test_an_agents_call_passes_is_masked_or_never_run(
    upstream: Proxied, guard: Guard, records: Records, stream: bool
) -> None:
    made = agent(upstream, guard, records)
    assert run(made, call("old"), stream=stream) == "The tool said: deleted old"
    run(made, call("bob@example.com"), stream=stream)
    assert run(made, call("osprey"), stream=stream) == BLOCKED_OUT
    assert records.deleted == ["old", "{EMAIL}"]


def test_an_agents_request_is_masked_for_the_model_and_kept_in_its_state(
    upstream: Proxied, guard: Guard, records: Records
) -> None:
    made = agent(upstream, guard, records)
    message = "Call +1 415 555 0134. " + say("Hello.")
    state = made.invoke({"messages": [{"role": "user", "content": message}]})
    assert state["messages"][0].text == message
    assert "Call {PHONE}." in upstream.received()[0]
    assert run(made, "What is project kingfisher?") == BLOCKED_IN


@pytest.mark.parametrize("mode", ["messages", "updates"])
def test_nothing_unchecked_leaves_an_agents_stream(
    upstream: Proxied, guard: Guard, records: Records, mode: str
) -> None:
    """Chat interfaces show tokens as the model says them: callbacks must not see what was not checked."""
    made = agent(upstream, guard, records, streaming=True)
    asked = {"messages": [{"role": "user", "content": say("Write to bob@example.com. " + LONG)}]}
    said = list(made.stream(asked, stream_mode=mode))
    assert "bob@example.com" not in repr(said)
    if mode == "messages":
        assert "".join(m.text for m, _ in said).startswith("Write to {EMAIL}.")
        assert len(said) > 2
    else:
        assert said[-1]["model"]["messages"][-1].text.startswith("Write to {EMAIL}.")


def test_asynchronous_calls_and_an_agents_events(upstream: Proxied, guard: Guard, records: Records) -> None:
    async def once() -> tuple[str, str, list[Any]]:  # one loop for all: LangChain keeps its connections
        llm = guarded(upstream, guard)
        whole = await llm.ainvoke(say("Write to bob@example.com today."))
        streamed = "".join([c.text async for c in llm.astream(say("Mail eve@example.com now. " + LONG))])
        made = agent(upstream, guard, records, streaming=True)
        asked = {"messages": [{"role": "user", "content": call("osprey")}]}
        return whole.text, streamed, [e async for e in made.astream_events(asked, version="v2")]

    whole, streamed, events = asyncio.run(once())
    assert whole == "Write to {EMAIL} today."
    assert streamed == f"Mail {{EMAIL}} now. {LONG}"
    said = [e["data"]["chunk"] for e in events if e["event"] == "on_chat_model_stream"]
    assert "osprey" not in repr(said)
    assert "".join(c.text for c in said) == BLOCKED_OUT
    assert records.deleted == []


READ = {
    "The number is +1 415 555 0134.": "The number is {PHONE}.",
    "It is project kingfisher.": "I was told not to ask. [policy clients: words.secret]",
}


@pytest.mark.parametrize("result", list(READ))
def test_a_tools_result_is_masked_or_replaced_in_the_state(
    upstream: Proxied, guard: Guard, records: Records, monkeypatch: pytest.MonkeyPatch, result: str
) -> None:
    def delete_records(self: Records, where: str = "") -> str:
        """Delete."""
        return result

    monkeypatch.setattr(Records, "delete_records", delete_records)
    made, asked = agent(upstream, guard, records), {"messages": [{"role": "user", "content": call("old")}]}
    assert [m.content for m in made.invoke(asked)["messages"] if m.type == "tool"] == [READ[result]]
    assert "kingfisher" not in "".join(upstream.received())
    assert "555 0134" not in "".join(upstream.received())


def test_a_call_that_no_guarded_model_made_is_checked(guard: Guard) -> None:
    """One that another middleware, or a person, put into the state."""
    from langchain.agents.middleware import ToolCallRequest
    from langchain_core.messages import ToolMessage
    from langgraph.types import Command

    from guardrails.integrations.langchain import GuardrailsMiddleware

    made: list[Any] = []

    def handler(request: Any) -> Any:
        made.append(request.tool_call["args"])
        said = ToolMessage("Call +1 415 555 0134.", tool_call_id="c")
        return Command(update={"messages": [said]}) if request.tool_call["args"].get("go") else said

    async def later(request: Any) -> Any:
        return handler(request)

    def ask(**args: Any) -> Any:
        call_ = {"name": "mail", "args": args, "id": "c", "type": "tool_call"}
        request = ToolCallRequest(tool_call=call_, tool=None, state={}, runtime=None)
        middleware = GuardrailsMiddleware(guard)
        now = middleware.wrap_tool_call(request, handler)
        assert asyncio.run(middleware.awrap_tool_call(request, later)) == now
        return now

    refused = ask(to="osprey")
    assert (refused.content, refused.status) == ("I was told not to say. [policy clients: words.forbidden]", "error")
    assert ask(to="bob@example.com").content == "Call {PHONE}."
    assert ask(go="on").update["messages"][0].content == "Call {PHONE}."
    assert made == [{"to": "{EMAIL}"}] * 2 + [{"go": "on"}] * 2
