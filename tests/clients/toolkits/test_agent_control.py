"""The Agent Control Specification's runtimes with our annotator: the real packages, policies in Rego (0.4) and in Python (0.3)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from guardrails import Guard
from guardrails.policy import loads
from tests.clients.proxied import needs

pytestmark = needs("agent_control_spec", "agent_hooks", "agent_control_specification")

GUARD = Guard(
    loads("""
version: 1
name: agent
words: {terms: [kingfisher]}
pii: {entities: {EMAIL: mask}}
tools: {calls: [{name: send_mail, arguments: {to: {hosts: [acme.com, example.com]}}, ask: true}]}
""")
)
REGO = """
package gate
seen := input.annotations.guardrails
verdict := {"decision": "allow"} if seen.verdict == "allow"
verdict := {"decision": "transform", "transform": {"path": "$target", "value": seen.value}} if seen.verdict == "mask"
verdict := {"decision": "escalate", "message": seen.message} if seen.verdict == "ask"
verdict := {"decision": "deny", "reason": seen.label, "message": seen.message} if seen.verdict == "block"
"""
POINTS = {"pre_tool_call": "$.tool_call.args", "post_tool_call": "$.tool_result.value", "output": "$.output.content"}
CALLED = [
    ("ann@example.com", "transform", {"to": "{EMAIL}"}),
    ("acme.com", "allow", {"to": "acme.com"}),
    ("https://evil.example/", "ask", None),
    ("kingfisher@acme.com", "deny", None),
]


def manifest(version: str, policy: dict[str, Any], target: str) -> str:
    points = {
        point: {"policy_target": path, "policy": {"id": "gate"}, "annotations": {"guardrails": {"from": target}}}
        for point, path in POINTS.items()
    }
    return json.dumps({
        "agent_control_specification_version": version,
        "policies": {"gate": policy},
        "annotators": {"guardrails": {"type": "classifier"}},
        "intervention_points": points,
    })  # fmt: skip


def activated() -> tuple[Any, Any]:
    """A policy in Rego that asks our annotator, and what makes an agent's events."""
    from agent_control_spec import ActivatedPolicy
    from agent_hooks import AgentContextBuilder

    from guardrails.integrations.agent_control import GuardrailsAnnotator

    rego = {"type": "rego", "bundle": "./policy", "query": "data.gate.verdict"}
    policy = ActivatedPolicy.from_memory(
        manifest("0.4.0-alpha.1", rego, "$target"),
        {"gate": {"modules": {"gate.rego": REGO}}},
        annotator_dispatcher=GuardrailsAnnotator(GUARD),
    )
    agent = AgentContextBuilder(agent_id="support", framework="example", session_id="s")
    return policy, agent


@pytest.mark.parametrize(("to", "decision", "used"), CALLED)
def test_a_policy_in_rego_decides_by_what_the_annotator_says(to: str, decision: str, used: Any) -> None:
    policy, agent = activated()
    found = policy.evaluate("pre_tool_call", agent.pre_tool_call(call_id="c", name="send_mail", args={"to": to}))
    wire = found.to_wire()
    assert wire["decision"] == {"ask": "deny"}.get(decision, decision)
    assert ("approval" in wire) is (decision == "ask"), "a deny that somebody may lift"
    assert wire.get("transform", {}).get("value") == (used if decision == "transform" else None)
    result = policy.evaluate(
        "post_tool_call", agent.post_tool_call(call_id="c", name="send_mail", args={}, value={"said": to})
    )
    expected = {"transform": "transform", "deny": "deny"}.get(decision, "allow")
    assert result.to_wire()["decision"] == expected
    said = policy.evaluate("output", agent.output(content=f"I wrote to {to}"))
    assert said.to_wire()["decision"] == expected


@pytest.mark.parametrize(("to", "decision", "used"), CALLED)
def test_the_older_runtime_takes_the_same_annotator(to: str, decision: str, used: Any) -> None:
    from agent_control_specification import AgentControl, InterventionPoint

    from guardrails.integrations.agent_control import GuardrailsAnnotator

    class Gate:
        def evaluate(self, invocation: dict[str, Any]) -> dict[str, Any]:
            seen = invocation["input"]["annotations"]["guardrails"]
            if seen["verdict"] == "mask":
                return {"decision": "transform", "transform": {"path": "$policy_target", "value": seen["value"]}}
            return {"decision": {"ask": "escalate", "block": "deny"}.get(seen["verdict"], seen["verdict"])}

    async def run() -> Any:
        described = manifest("0.3.1-beta", {"type": "custom", "adapter": "gate"}, "$policy_target")
        control = AgentControl.from_native(described, GuardrailsAnnotator(GUARD), Gate())
        snapshot = {"tool_call": {"name": "send_mail", "args": {"to": to}}}
        return await control.evaluate_intervention_point(InterventionPoint.PRE_TOOL_CALL, snapshot)

    found = asyncio.run(run())
    assert found.verdict.decision.value == {"ask": "escalate"}.get(decision, decision)
    assert found.transformed_policy_target == (used if decision == "transform" else None)


def test_an_annotator_that_cannot_read_its_input_denies() -> None:
    policy, agent = activated()
    nameless = agent.pre_tool_call(call_id="c", name="", args={"to": "acme.com"})
    wire = policy.evaluate("pre_tool_call", nameless).to_wire()
    assert (wire["decision"], wire["reason"]) == ("deny", "runtime_error:annotation_failed")
