"""The decision about an event: prompts and results are read like requests to a model, calls of tools like its answers."""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from guardrails.decision import Decision
from guardrails.exchange import Exchange, Tenancy
from guardrails.guard import Guard
from guardrails.hooks.events import Event, Moment, Permission, Verdict
from guardrails.types import Action
from guardrails.wire.format import Session
from guardrails.wire.openai_chat import Chat

__all__ = ["decided", "judge", "opened", "verdict"]

_SECRET = secrets.token_bytes(32)


def judge(event: Event, guard: Guard) -> Verdict:
    """The verdict of a guard."""
    body, decision = decided(event, lambda form: Exchange(Tenancy("hooks", guard, _SECRET), form))
    return verdict(event, guard, body, decision)


def decided(
    event: Event,
    exchange_of: Callable[[Session], Exchange],
    told: Callable[[Exchange, Decision], Decision] = lambda _, decision: decision,
) -> tuple[Any, Decision]:
    """What may go on of an event that was opened as a chat API's request or answer, and the decision about it, as ``told`` hands it on
    while the exchange is there. Of a call that the agent's user may confirm, that is what goes on then."""
    form, answer = opened(event)
    exchange = exchange_of(form)
    body, decision = exchange.judged(answer)
    decision = told(exchange, decision)
    exchange.forget()
    return body, decision


def opened(event: Event) -> tuple[Session, Any]:
    """The event as a request of a chat API, and the answer to it where it is one: a call of a tool. Both are rewritten in place,
    the event is not."""
    match event.moment:
        case Moment.CALL:
            function = {"name": event.tool, "arguments": json.dumps(event.content, ensure_ascii=False)}
            function |= {} if event.server is None else {"server_name": event.server}
            call = {"id": "call", "type": "function", "function": function}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
            return Chat.open({"model": "", "messages": []}), {"choices": [choice]}
        case Moment.RESULT | Moment.BATCH:
            # A part of a kind that no API has: every string, number and key of it is read.
            part = {"type": "tool_output", "output": copy.deepcopy(event.content)}
            message = {"role": "tool", "tool_call_id": "call", "content": [part]}
        case _:
            message = {"role": "user", "content": copy.deepcopy(event.content) or ""}
    return Chat.open({"model": "", "messages": [message]}), None


def verdict(event: Event, guard: Guard, body: Any, decision: Decision) -> Verdict:
    """What a decision about an opened event means for the agent. ``body``: the request or answer as it may go on."""
    policy = guard.policy
    if event.moment is Moment.START and not decision.blocked:
        return Verdict(
            Permission.ALLOW,
            f"Calls of tools and their results are checked under the policy {policy.name}. What it refuses stays refused: do not try "
            "to reach the same by another way.",
        )
    if decision.blocked:
        message = policy.blocked(decision.direction, decision.blocking)
        told = f"{message} [policy {policy.name}{_listed(decision.blocking or decision.rules)}]"
        # An exchange has nobody who could confirm a call; an agent has.
        return Verdict(Permission.ASK, told, _arguments(body)) if decision.ask else Verdict(Permission.DENY, told)
    if decision.action is not Action.MASKED:
        return Verdict(Permission.ALLOW)
    kinds = dict.fromkeys(f.finding.type for f in decision.findings if f.finding.action is Action.MASKED)
    told = f"{', '.join(kinds)} masked in {_WHERE[event.moment]} [policy {policy.name}{_listed(decision.rules)}]"
    match event.moment:
        case Moment.CALL:
            return Verdict(Permission.ASK, told, _arguments(body))
        case Moment.RESULT | Moment.BATCH:
            return Verdict(Permission.ALLOW, told, body["messages"][0]["content"][0]["output"])
        case _:
            told = f"{told}. Send it again without"
            return Verdict(Permission.DENY, told, body["messages"][0]["content"])


def _arguments(answer: Any) -> Any:
    """The arguments of the call that an event was opened as."""
    return json.loads(answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])


_WHERE = {
    Moment.START: "the first prompt",
    Moment.PROMPT: "the prompt",
    Moment.CALL: "the arguments",
    Moment.RESULT: "the result",
    Moment.BATCH: "the results",
}


def _listed(rules: Iterable[str]) -> str:
    named = ", ".join(dict.fromkeys(rules))
    return f": {named}" if named else ""
