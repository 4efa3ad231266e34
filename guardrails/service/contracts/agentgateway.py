"""agentgateway's webhook: messages of a request, choices of an answer; pass, replace or reject."""

from __future__ import annotations

from typing import Any

from guardrails.decision import Decision
from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.errors import plain
from guardrails.service.fields import Body
from guardrails.types import Action
from guardrails.wire.openai_chat import Chat

__all__ = ["CONTRACT"]


async def request(call: Call) -> Answer:
    """``POST /request``."""
    body = call.body.object("body")
    messages = [_message(m) for m in body.objects("messages")]
    guardrail = call.guardrail()
    done, decision = await call.checking.exchange(call, guardrail, Chat.open({"model": "any", "messages": messages}))
    return _answer(decision, guardrail.guard.policy.blocked(decision.direction, decision.blocking), done, "messages")


async def response(call: Call) -> Answer:
    """``POST /response``."""
    body = call.body.object("body")
    choices = [
        {"index": number, "message": _message(c.object("message")), "finish_reason": "stop"}
        for number, c in enumerate(body.objects("choices"))
    ]
    guardrail = call.guardrail()
    form = Chat.open({"model": "any", "messages": []})
    done, decision = await call.checking.exchange(call, guardrail, form, {"choices": choices})
    if not decision.blocked:
        done = {"choices": [{"message": c["message"]} for c in done["choices"]]}
    return _answer(decision, guardrail.guard.policy.blocked(decision.direction, decision.blocking), done, "choices")


def _message(message: Body) -> dict[str, Any]:
    return {"role": message.text("role"), "content": message.text("content")}


def _answer(decision: Decision, told: str, body: Any, kept: str) -> Answer:
    reason = ", ".join(decision.rules)
    if decision.blocked:
        return Answer({"action": {"body": told, "status_code": 403, "reason": reason or "not evaluated"}})
    if decision.action is Action.MASKED:
        return Answer({"action": {"body": {kept: body[kept]}, "reason": reason}})
    return Answer({"action": {"reason": "passed"}})


CONTRACT = Contract(
    "agentgateway", (Endpoint("POST", "/request", request), Endpoint("POST", "/response", response)), plain
)
