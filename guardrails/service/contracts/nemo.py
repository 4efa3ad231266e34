"""NeMo Guardrails' checks: the newest message of each kind under input, output and tool rails."""

from __future__ import annotations

from typing import Any

from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.catalog import Guardrail
from guardrails.service.checking import Checked
from guardrails.service.errors import detail
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body
from guardrails.types import Action, Piece, Qualifier, Role, Source

__all__ = ["CONTRACT"]

_RAILS = ("input", "output", "tool_call", "tool_result")
# The roles of the messages that a rail reads.
_READ = {"input": ("user",), "output": ("assistant",), "tool_call": ("assistant",), "tool_result": ("tool", "function")}
_ROLES = ("system", "developer", "user", "assistant", "tool", "function", "context")


async def checks(call: Call) -> Answer:
    """``POST /v1/checks`` and ``POST /v1/guardrail/checks``."""
    body = call.body
    messages = body.objects("messages")
    if not messages:
        raise Fault(Kind.INVALID, "is empty; add at least one message", "messages")
    for message in messages:
        message.choice("role", _ROLES)
    options = body.object("guardrails", None) or Body({}, "guardrails")
    guardrail = call.guardrail(_config(options))
    rails = options.texts("rail_types", []) or [_rail(messages[-1])]
    status, content, told = "passed", "", {}
    for number, rail in enumerate(rails):
        if rail not in _RAILS:
            raise Fault(Kind.INVALID, f"is none of {', '.join(_RAILS)}", f"guardrails.rail_types[{number}]")
        outcome = await _one(call, guardrail, rail, messages, options)
        content = outcome["content"] if rail in ("input", "output") or not content else content
        if outcome["status"] == "blocked":
            return Answer(outcome)
        if outcome["status"] == "modified":
            status, told = "modified", outcome
    return Answer({**told, "status": status, "content": content})


def _config(options: Body) -> str:
    named = options.texts("config_ids", [])
    if len(named) > 1:
        raise Fault(
            Kind.INVALID, "names several; one policy decides: let it extend the others", "guardrails.config_ids"
        )
    return options.text("config_id", "") or (named[0] if named else "")


def _rail(message: Body) -> str:
    role = message.text("role")
    if role == "assistant":
        return "tool_call" if message.value.get("tool_calls") and not message.value.get("content") else "output"
    return "tool_result" if role in ("tool", "function") else "input"


async def _one(call: Call, guardrail: Guardrail, rail: str, messages: list[Body], options: Body) -> dict[str, Any]:
    """What one rail says of the newest message that it reads."""
    chosen = [m for m in messages if m.text("role") in _READ[rail]]
    if rail == "tool_call":
        chosen = [m for m in chosen if m.value.get("tool_calls")]
    if not chosen:
        raise Fault(
            Kind.INVALID,
            f"{rail} reads a message of the role {_READ[rail][0]}, and there is none",
            "guardrails.rail_types",
        )
    message = chosen[-1]
    source = Source.OUTPUT if rail in ("output", "tool_call") else Source.INPUT
    calls = message.objects("tool_calls") if rail == "tool_call" else []
    if calls:
        pieces = [Piece(c.object("function").text("arguments", ""), Role.ASSISTANT) for c in calls]
    else:
        pieces = [Piece(_text(message), {"user": Role.USER, "tool": Role.TOOL}.get(_READ[rail][0], Role.ASSISTANT))]
    content = "" if calls else pieces[0].text
    sources = options.mapping("context").get("relevant_chunks")
    if rail == "output" and isinstance(sources, str) and sources:
        pieces.append(Piece(sources, Role.DOCUMENT, Qualifier.GROUNDING_SOURCE))
    done = await call.checking.check(call, guardrail, pieces, source)
    if calls and done.action is not Action.NONE:
        return _blocked(guardrail, done, source, _violations(calls, done))
    if done.blocked:
        return _blocked(guardrail, done, source, [])
    outputs = done.report.outputs
    if done.action is Action.MASKED and outputs[0] != content:
        return {"status": "modified", "content": outputs[0], "rail": _named(done), "reason": "masked"}
    return {"status": "passed", "content": content}


def _text(message: Body) -> str:
    content = message.value.get("content")
    if isinstance(content, str):
        return content
    parts = message.objects("content")
    return "\n".join(p.text("text") for p in parts)


def _named(done: Checked) -> str:
    """The rule that acted first."""
    return next((f.rule for f in done.report.findings if f.action is done.action), "")


def _blocked(guardrail: Guardrail, done: Checked, source: Source, violations: list[dict[str, Any]]) -> dict[str, Any]:
    rule = _named(done) or next((f.rule for f in done.report.failures), "")
    told = guardrail.guard.policy.blocked(source, done.decision.blocking)
    out: dict[str, Any] = {"status": "blocked", "content": told, "rail": rule, "reason": f"the rule {rule}"}
    return {**out, "tool_violations": violations} if violations else out


def _violations(calls: list[Body], done: Checked) -> list[dict[str, Any]]:
    out = []
    for finding in done.report.findings:
        if finding.action is Action.NONE or finding.piece >= len(calls):
            continue
        item = calls[finding.piece]
        out.append(
            {
                "kind": "tool_call",
                "violation_type": finding.type,
                "reason": f"the rule {finding.rule}",
                "tool_call_id": item.text("id", ""),
                "tool_name": item.object("function").text("name", ""),
                "index": finding.piece,
            }
        )
    return out


CONTRACT = Contract(
    "nemo",
    (Endpoint("POST", "/v1/checks", checks), Endpoint("POST", "/v1/guardrail/checks", checks)),
    detail,
)
