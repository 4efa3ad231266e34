"""Google's ADK with a policy as its plugin: the real package, a canned model on a socket that speaks Gemini."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guardrails import Guard
from tests.clients.proxied import KEY, Proxied, Records, call, needs

pytestmark = needs("google.adk")
MESSAGE = "I was told not to say. [policy clients: words.forbidden]"
REFUSED = "I was told not to ask. [policy clients: words.secret]"


@pytest.fixture
def run(upstream: Proxied, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs an agent with one tool under the policy; returns the texts of its events."""
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", upstream.upstream)

    def go(tool: Any, *parts: Any) -> str:
        from google.adk.agents import LlmAgent
        from google.adk.runners import InMemoryRunner
        from google.genai import types

        from guardrails.integrations.google_adk import GuardrailsPlugin

        agent = LlmAgent(name="records", model="gemini-2.5-flash", tools=[tool])

        async def once() -> str:
            runner = InMemoryRunner(agent=agent, app_name="records", plugins=[GuardrailsPlugin(guard)])
            session = await runner.session_service.create_session(app_name="records", user_id="u")
            given = [types.Part(text=p) if isinstance(p, str) else p for p in parts]
            message = types.Content(role="user", parts=given)
            said = []
            async for event in runner.run_async(user_id="u", session_id=session.id, new_message=message):
                said += [p.text for p in (event.content.parts or () if event.content else ()) if p.text]
            kept = await runner.session_service.get_session(app_name="records", user_id="u", session_id=session.id)
            assert "kingfisher" not in repr(kept)
            return "".join(said)

        return asyncio.run(once())

    return go


def test_a_call_passes_is_masked_or_never_made(run: Any, records: Records) -> None:
    assert "deleted old" in run(records.delete_records, call("old"))
    run(records.delete_records, call("bob@example.com"))
    assert MESSAGE in run(records.delete_records, call("osprey"))
    assert records.deleted == ["old", "{EMAIL}"]


@pytest.mark.parametrize(
    ("result", "read"),
    [
        ("The number is +1 415 555 0134.", "The number is {PHONE}."),
        ("It is project kingfisher.", REFUSED),
        ({"rows": [{"phone": "+1 415 555 0134"}]}, "{PHONE}"),
    ],
)
def test_a_result_is_read_masked_or_not_at_all(run: Any, upstream: Proxied, result: Any, read: str) -> None:
    def delete_records(where: str = "") -> Any:
        """Delete."""
        return result

    assert read in run(delete_records, call("old"))
    sent = "".join(upstream.received())
    assert "kingfisher" not in sent
    assert "555 0134" not in sent


def test_what_a_user_writes_is_masked_or_ends_the_run(run: Any, upstream: Proxied, records: Records) -> None:
    run(records.delete_records, "Call +1 415 555 0134. [[say: Hello.]]")
    assert "Call {PHONE}." in upstream.received()[0]
    upstream.forget()
    assert run(records.delete_records, "What is project kingfisher?") == REFUSED
    assert upstream.received() == []


def test_what_nobody_can_read_ends_the_run(run: Any, upstream: Proxied, records: Records) -> None:
    from google.genai import types

    image = types.Part(inline_data=types.Blob(data=b"\x89PNG\r\n\x1a\n" + bytes(64), mime_type="image/png"))
    assert "[policy clients]" in run(records.delete_records, "[[say: Hello.]]", image)
    assert upstream.received() == []
