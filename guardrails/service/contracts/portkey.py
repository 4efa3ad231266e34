"""Portkey's webhook guardrail: the whole body of a request or an answer, a verdict, and the body that may go on."""

from __future__ import annotations

from typing import Any

from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.errors import plain
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body
from guardrails.types import Action
from guardrails.wire import form_class
from guardrails.wire.format import Session
from guardrails.wire.unfit import unfit

__all__ = ["CONTRACT"]

_FORMS = {"chatComplete": "openai.chat", "complete": "openai.completions", "embed": "openai.embeddings"}
_EVENTS = ("beforeRequestHook", "afterRequestHook")


async def webhook(call: Call) -> Answer:
    """``POST /portkey``."""
    body = call.body
    before = body.choice("eventType", _EVENTS) == "beforeRequestHook"
    form = _form(body)
    guardrail = call.guardrail()
    answer = None if before else body.object("response").object("json").value
    done, decision = await call.checking.exchange(call, guardrail, form, answer)
    told: dict[str, Any] = {"verdict": not decision.blocked}
    if decision.action is Action.MASKED:
        told["transformedData"] = {"request" if before else "response": {"json": done}}
    return Answer(told)


def _form(body: Body) -> Session:
    kind = form_class(_FORMS[body.choice("requestType", _FORMS, "chatComplete")])
    given = body.object("request").object("json")
    if not kind.fits(given.value):
        raise Fault(Kind.INVALID, unfit(given.value, [kind]), given.place)
    return kind.open(given.value)


CONTRACT = Contract("portkey", (Endpoint("POST", "/portkey", webhook),), plain)
