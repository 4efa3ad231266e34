"""Hooks of coding agents over HTTP: an event as the agent sends it, and the answer as it reads it.

Agents go on after any status but 200, so every answer has it, and one that is a refusal where something is wrong.
"""

from __future__ import annotations

from guardrails.hooks.agents import agent
from guardrails.hooks.events import BLOCKS, Malformed, Reply
from guardrails.hooks.judging import opened, verdict
from guardrails.hooks.relay import CODE
from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.faults import Fault, Kind

__all__ = ["CONTRACT"]


async def hook(call: Call) -> Answer:
    """``POST /v1/hooks/{agent}``."""
    try:
        asked = agent(call.params["agent"])
        event = asked.read(call.body.value)
    except Malformed as error:
        raise Fault(Kind.INVALID, str(error)) from None
    guardrail = call.guardrail()
    form, answer = opened(event)
    body, decision = await call.checking.exchange(call, guardrail, form, answer)
    return _answer(asked.answer(event, verdict(event, guardrail.guard, body, decision)))


def _answer(reply: Reply) -> Answer:
    return Answer(dict(reply.body or {}), headers=((CODE.encode(), str(reply.code).encode()),))


def refused(fault: Fault) -> Answer:
    """A refusal that stops every agent at every event, whoever asked."""
    told = f"guardrails: {fault.told}"
    words = {"continue": False, "stopReason": told, "decision": "block", "reason": told}
    return _answer(Reply({**words, "permissionDecision": "deny", "permissionDecisionReason": told}, BLOCKS))


CONTRACT = Contract("hooks", (Endpoint("POST", "/v1/hooks/{agent}", hook),), refused)
