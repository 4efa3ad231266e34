"""Pydantic AI's toolsets under a policy: the real package, a canned model on a socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from guardrails import Guard
from tests.clients.proxied import KEY, Proxied, Records, call, needs

pytestmark = needs("pydantic_ai")


@dataclass
class Where:
    to: str


MESSAGE = "I was told not to say. [policy clients: words.forbidden]"


def run(upstream: Proxied, guard: Guard, tool: Any, message: str, **more: Any) -> str:
    """The agent's last words."""
    from pydantic_ai import Agent, FunctionToolset
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from guardrails.integrations.pydantic_ai import GuardedToolset

    model = OpenAIChatModel("m", provider=OpenAIProvider(base_url=upstream.upstream + "/v1", api_key=KEY))
    toolset = GuardedToolset.of(FunctionToolset([tool]), guard, **more)
    return str(Agent(model, toolsets=[toolset]).run_sync(message).output)


def test_a_call_passes_is_masked_or_never_made(upstream: Proxied, guard: Guard, records: Records) -> None:
    tool = records.delete_records
    assert run(upstream, guard, tool, call("old")) == "The tool said: deleted old"
    run(upstream, guard, tool, call("bob@example.com"))
    assert run(upstream, guard, tool, call("osprey")) == f"The tool said: {MESSAGE}"
    assert records.deleted == ["old", "{EMAIL}"]


@pytest.mark.parametrize(
    ("result", "read"),
    [
        ("The number is +1 415 555 0134.", "The number is {PHONE}."),
        ("It is project kingfisher.", "I was told not to ask. [policy clients: words.secret]"),
        ({"rows": [{"phone": "+1 415 555 0134"}]}, '{"rows":[{"phone":"{PHONE}"}]}'),
        ("plain", "plain"),
    ],
)
def test_a_result_is_read_masked_or_not_at_all(upstream: Proxied, guard: Guard, result: Any, read: str) -> None:
    def delete_records(where: str = "") -> Any:
        """Delete."""
        return result

    assert run(upstream, guard, delete_records, call("old")) == f"The tool said: {read}"
    assert "kingfisher" not in "".join(upstream.received())


def test_masked_arguments_are_validated_again(upstream: Proxied, guard: Guard) -> None:
    """What a tool is called with is what it declares, or it is not called."""
    seen: list[Any] = []

    def delete_records(where: Where) -> str:
        """Delete."""
        seen.append(where)
        return "done"

    run(upstream, guard, delete_records, '[[tool: delete_records {"where": {"to": "bob@example.com"}}]]')
    assert seen == [Where("{EMAIL}")]


def test_decisions_are_handed_on(upstream: Proxied, guard: Guard, records: Records) -> None:
    seen: list[Any] = []
    run(upstream, guard, records.delete_records, call("bob@example.com"), on_decision=seen.append)
    assert [(d.direction.value, d.action.value, d.format) for d in seen] == [
        ("OUTPUT", "MASKED", "pydantic-ai"),
        ("INPUT", "NONE", "pydantic-ai"),
    ]
