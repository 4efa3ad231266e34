"""Decisions about tools in a log of evidence: real toolkits, a canned model on a socket, a log on the disk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.evidence import EvidenceLog
from guardrails.evidence.reader import Reader
from guardrails.evidence.verify import verify
from tests.clients.proxied import KEY, Proxied, Records, call, needs
from tests.evidence.disks import Forgetful, bodies, opened

pytestmark = needs("pydantic_ai", "google.adk")


def pydantic(upstream: Proxied, guard: Guard, records: Records, log: EvidenceLog) -> None:
    from pydantic_ai import Agent, FunctionToolset
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from guardrails.integrations.pydantic_ai import GuardedToolset

    model = OpenAIChatModel("m", provider=OpenAIProvider(base_url=upstream.upstream + "/v1", api_key=KEY))
    toolset = GuardedToolset.of(FunctionToolset([records.delete_records]), guard, evidence=log)
    Agent(model, toolsets=[toolset]).run_sync(call("bob@example.com"))


def adk(upstream: Proxied, guard: Guard, records: Records, log: EvidenceLog) -> None:
    from google.adk.agents import LlmAgent
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    from guardrails.integrations.google_adk import GuardrailsPlugin

    async def once() -> None:
        agent = LlmAgent(name="records", model="gemini-2.5-flash", tools=[records.delete_records])
        runner = InMemoryRunner(agent=agent, app_name="records", plugins=[GuardrailsPlugin(guard, evidence=log)])
        session = await runner.session_service.create_session(app_name="records", user_id="u")
        message = types.Content(role="user", parts=[types.Part(text=call("bob@example.com"))])
        async for _ in runner.run_async(user_id="u", session_id=session.id, new_message=message):
            pass

    asyncio.run(once())


CALLED = [("OUTPUT", "MASKED"), ("INPUT", "NONE")]  # the call, and its result
KITS: list[Any] = [
    pytest.param(pydantic, "pydantic-ai", CALLED, id="pydantic"),
    pytest.param(adk, "google-adk", [("INPUT", "NONE"), *CALLED], id="adk"),
]


@pytest.fixture(autouse=True)
def gemini(upstream: Proxied, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", upstream.upstream)


@pytest.mark.parametrize(("kit", "route", "found"), KITS)
def test_each_decision_is_a_record(  # noqa: PLR0917 - fixtures and cases
    upstream: Proxied, guard: Guard, records: Records, tmp_path: Path, kit: Any, route: str, found: Any
) -> None:
    with opened(tmp_path) as log:
        kit(upstream, guard, records, log)
    assert records.deleted == ["{EMAIL}"]
    assert [(b["direction"], b["action"]) for b in bodies(tmp_path)] == found
    assert {b["route"] for b in bodies(tmp_path)} == {route}
    assert all(b["text_commitment"] for b in bodies(tmp_path))
    assert verify(Reader(tmp_path), Reader(tmp_path).verifier()).ok


@pytest.mark.parametrize(("kit", "route", "found"), KITS)
def test_no_tool_is_called_without_a_record(  # noqa: PLR0917 - fixtures and cases
    upstream: Proxied, guard: Guard, records: Records, tmp_path: Path, kit: Any, route: str, found: Any
) -> None:
    disk = Forgetful()
    log = opened(tmp_path, disk)
    disk.full = True
    with pytest.raises(Exception, match="cannot be recorded"):  # a toolkit may wrap it
        kit(upstream, guard, records, log)
    assert records.deleted == []
    disk.full = False
    log.close()
    assert bodies(tmp_path) == []
