"""Decisions of the adapters in a log of evidence: real frameworks, a canned model on a socket, a log on the disk."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.evidence import EvidenceLost
from guardrails.evidence.reader import Reader
from guardrails.evidence.verify import verify
from tests.clients.proxied import BLOCKED_OUT, KEY, Proxied, Records, call, needs, say
from tests.evidence.disks import Forgetful, bodies, everything, opened

pytestmark = needs("langchain", "langchain_openai", "llama_index.llms.ollama", "agents")

MESSAGE = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
BOTH = [("INPUT", "MASKED"), ("OUTPUT", "MASKED")]


_TIMEOUTS = count(60)


def told(folder: Path) -> list[tuple[str, str]]:
    """What was recorded, once it is sure that all of it verifies, knows its text, and holds none."""
    reader = Reader(folder)
    assert verify(reader, reader.verifier()).ok
    assert all(b["text_commitment"] for b in bodies(folder))
    assert b"bob@example" not in everything(folder)
    return [(b["direction"], b["action"]) for b in bodies(folder)]


def openai(upstream: Proxied) -> Any:
    from langchain_openai import ChatOpenAI

    # LangChain keeps one client for each address and timeout, and its connections belong to the loop in which they were made.
    seconds = next(_TIMEOUTS)
    return ChatOpenAI(model="m", base_url=upstream.upstream + "/v1", api_key=KEY, max_retries=0, timeout=seconds)


def test_langchain(upstream: Proxied, guard: Guard, tmp_path: Path) -> None:
    from guardrails.integrations.langchain import GuardedChatModel

    async def later(llm: Any) -> str:
        return (await llm.ainvoke(MESSAGE)).text + "".join([c.text async for c in llm.astream(MESSAGE)])

    with opened(tmp_path) as log:
        llm = GuardedChatModel.of(openai(upstream), guard, evidence=log)
        assert llm.invoke(MESSAGE).text == "Write to {EMAIL} today."
        assert "".join(c.text for c in llm.stream(MESSAGE)) == "Write to {EMAIL} today."
        assert asyncio.run(later(llm)) == "Write to {EMAIL} today." * 2
    assert told(tmp_path) == BOTH * 4
    assert {b["route"] for b in bodies(tmp_path)} == {"langchain"}


def test_an_agent_of_langchain_its_calls_and_its_decision_model(
    upstream: Proxied, guard: Guard, records: Records, tmp_path: Path
) -> None:
    from langchain.agents import create_agent
    from langchain.agents.middleware import AutoModeMiddleware

    from guardrails.integrations.langchain import GuardrailsMiddleware
    from guardrails.integrations.langchain_decisions import GuardrailsDecisionModel

    tool, asked = records.delete_records, {"messages": [{"role": "user", "content": call("bob@example.com")}]}
    with opened(tmp_path / "one") as log:
        made = create_agent(openai(upstream), tools=[tool], middleware=[GuardrailsMiddleware(guard, evidence=log)])
        made.invoke(asked)
    assert records.deleted == ["{EMAIL}"]
    # The request and its answer, the call and its result, and once more the request with its answer.
    assert [d for d, _ in told(tmp_path / "one")] == ["INPUT", "OUTPUT", "OUTPUT", "INPUT", "INPUT", "OUTPUT"]
    with opened(tmp_path / "two") as log:
        judge = GuardrailsDecisionModel.of(guard, evidence=log)
        made = create_agent(
            openai(upstream), tools=[tool], middleware=[AutoModeMiddleware(tools=["delete_records"], classifier=judge)]
        )
        made.invoke(asked)
    assert records.deleted == ["{EMAIL}"]
    assert told(tmp_path / "two")[:2] == [("INPUT", "NONE"), ("OUTPUT", "MASKED")]


def test_llama_index(upstream: Proxied, guard: Guard, tmp_path: Path) -> None:
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.ollama import Ollama

    from guardrails.integrations.llama_index import GuardedLLM

    async def later(llm: Any) -> list[Any]:
        said = await llm.astream_chat([ChatMessage(role="user", content=MESSAGE)])
        return [piece async for piece in said]

    with opened(tmp_path) as log:
        llm = GuardedLLM.of(Ollama(model="m", base_url=upstream.upstream), guard, evidence=log)
        assert str(llm.complete(MESSAGE)) == "Write to {EMAIL} today."
        assert asyncio.run(later(llm))[-1].message.content == "Write to {EMAIL} today."
    assert told(tmp_path) == BOTH * 2
    assert {b["route"] for b in bodies(tmp_path)} == {"llama-index"}


def run(upstream: Proxied, policy: Any, records: Records, message: str) -> str:
    """The final output of an agent of the OpenAI Agents SDK with everything that a policy has for it."""
    import agents
    from openai import AsyncOpenAI

    agents.set_tracing_disabled(True)
    tool = agents.function_tool(
        records.delete_records, tool_input_guardrails=[policy.tool_input], tool_output_guardrails=[policy.tool_output]
    )

    async def once() -> str:
        async with AsyncOpenAI(base_url=upstream.upstream + "/v1", api_key=KEY, max_retries=0) as client:
            agent = agents.Agent(
                "a",
                model=agents.OpenAIChatCompletionsModel("m", client),
                tools=[tool],
                input_guardrails=[policy.input],
                output_guardrails=[policy.output],
            )
            config = agents.RunConfig(call_model_input_filter=policy.mask)
            return str((await agents.Runner.run(agent, message, run_config=config)).final_output)

    return asyncio.run(once())


def test_openai_agents(upstream: Proxied, guard: Guard, records: Records, tmp_path: Path) -> None:
    from guardrails.integrations.openai_agents import AgentGuardrails

    with opened(tmp_path) as log:
        policy = AgentGuardrails(guard, on_mask="pass", evidence=log)
        assert run(upstream, policy, records, call("osprey")) == f"The tool said: {BLOCKED_OUT}"
    assert records.deleted == []
    found = told(tmp_path)
    assert found[:3] == [("INPUT", "NONE"), ("INPUT", "NONE"), ("OUTPUT", "BLOCKED")]
    assert found[-1] == ("OUTPUT", "NONE")
    assert {b["protocol"] for b in bodies(tmp_path)} == {"openai.chat", "openai.responses"}
    assert {b["route"] for b in bodies(tmp_path)} == {"openai-agents"}


def test_nothing_is_sent_or_called_without_a_record(
    upstream: Proxied, guard: Guard, records: Records, tmp_path: Path
) -> None:
    from langchain.agents import create_agent
    from langchain.agents.middleware import AutoModeMiddleware
    from llama_index.llms.ollama import Ollama

    from guardrails.integrations.langchain import GuardedChatModel, GuardrailsMiddleware
    from guardrails.integrations.langchain_decisions import GuardrailsDecisionModel
    from guardrails.integrations.llama_index import GuardedLLM
    from guardrails.integrations.openai_agents import AgentGuardrails

    disk = Forgetful()
    log = opened(tmp_path, disk)
    disk.full = True
    more: dict[str, Any] = {"evidence": log}
    with pytest.raises(EvidenceLost):
        GuardedChatModel.of(openai(upstream), guard, **more).invoke(MESSAGE)
    with pytest.raises(EvidenceLost):
        list(GuardedChatModel.of(openai(upstream), guard, **more).stream(MESSAGE))
    with pytest.raises(EvidenceLost):
        GuardedLLM.of(Ollama(model="m", base_url=upstream.upstream), guard, **more).complete(MESSAGE)
    with pytest.raises(EvidenceLost):
        run(upstream, AgentGuardrails(guard, **more), records, MESSAGE)
    asked, tool = {"messages": [{"role": "user", "content": call("old")}]}, records.delete_records
    with pytest.raises(EvidenceLost):
        create_agent(openai(upstream), tools=[tool], middleware=[GuardrailsMiddleware(guard, **more)]).invoke(asked)
    assert upstream.received() == []
    # Between the model and the call: only the call is judged.
    judge = GuardrailsDecisionModel.of(guard, **more)
    made = create_agent(
        openai(upstream), tools=[tool], middleware=[AutoModeMiddleware(tools=["delete_records"], classifier=judge)]
    )
    with suppress(EvidenceLost):
        made.invoke(asked)
    assert records.deleted == []
    disk.full = False
    log.close()
    assert bodies(tmp_path) == []
