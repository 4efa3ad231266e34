"""Agent Control Specification: an annotator that says what a policy of ours makes of the value at an intervention point.

The specification's runtime decides by a policy of its own (Rego, Cedar) and asks annotators for what that policy cannot see. It calls
them by one signature, so nothing of it is imported here: the packages ``agent-control-spec`` (0.4) and ``agent-control-specification``
(0.3) both take this annotator.

>>> policy = ActivatedPolicy("manifest.yaml", annotator_dispatcher=GuardrailsAnnotator("retail-bank"))     # doctest: +SKIP
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from guardrails.decision import Decision
from guardrails.evidence import EvidenceLog
from guardrails.guard import Guard
from guardrails.hooks.events import Event, Moment
from guardrails.hooks.judging import opened
from guardrails.integrations.turns import OnDecision, Turns
from guardrails.types import Action
from guardrails.wire.format import Session
from guardrails.wire.openai_chat import Chat

__all__ = ["GuardrailsAnnotator"]

# What a path of a manifest may begin with, and where that is in a policy input; 0.3 says `$policy_target`.
_ROOTS: Mapping[str, tuple[str, ...]] = {
    "$": ("snapshot",),
    "$snap": ("snapshot",),
    "$pi": (),
    "$target": ("policy_target", "value"),
    "$policy_target": ("policy_target", "value"),
    "$tool": ("tool",),
}
_ROOT = re.compile(r"\$[a-z_]*")
_STEP = re.compile(r"""\.([^.\[\]"']+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]""")
_ANSWERS = ("post_model_call", "output")


class GuardrailsAnnotator:
    """An annotator for every intervention point. Thread-safe.

    ===================== ==============================================================================================
    intervention point    how the value at the annotation's ``from`` is read
    ===================== ==============================================================================================
    ``pre_tool_call``     the arguments of a call: the policy's section ``tools``, and every string in them
    ``post_tool_call``    a tool's result (INPUT, as what a tool says): every string, number and key
    ``pre_model_call``    a request (INPUT): a body with ``messages``, or a list of messages, each by its role; else as below
    ``post_model_call``,  an answer (OUTPUT): a body with ``choices``, a message with ``content`` or ``tool_calls``, or every string
    ``output``
    all others            what a user says (INPUT): every string
    ===================== ==============================================================================================
    """

    def __init__(
        self, policy: str | Path | Guard, *, on_decision: OnDecision | None = None, evidence: EvidenceLog | None = None
    ) -> None:
        """``policy``: a file, a shipped policy, or a guard. ``on_decision``: called with every decision. ``evidence``: an opened log,
        which records each before it takes effect. Raises PolicyError."""
        self._turns = Turns(policy, "agent-control", on_decision, evidence)

    def dispatch(
        self, annotator_name: str, annotator: Mapping[str, Any], policy_input: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What stands under ``input.annotations`` for the runtime's policy.

        ``verdict`` is ``allow``, ``mask``, ``ask`` (somebody may confirm the call) or ``block``, ``flagged`` whether it is another than
        ``allow``. ``value``, only with ``mask`` and ``ask``, is the value as it may be used: for a ``transform`` of the place that ``from``
        names. ``label`` is the type of the finding that scores highest among those that act, ``score`` its score (0 to 1), ``reason`` all
        that act, ``category_scores`` what models gave (0 to 1), ``message`` what the policy says to whoever is refused.

        Raises ValueError for an input that is none of the specification's; the runtime denies then, as it does for any error.
        """
        point = policy_input.get("intervention_point")
        if not isinstance(point, str):
            raise ValueError("policy_input.intervention_point: must be the name of a point")  # noqa: TRY004 - documented
        value = _at(annotator.get("from", "$target"), policy_input)
        form, answer, used = _opened(point, value, policy_input)
        exchange = self._turns.exchange(form)
        body, decision = exchange.judged(answer)
        decision = self._turns.told(exchange, decision)
        exchange.forget()
        verdict = _verdict(decision)
        found = _annotation(verdict, decision, self._turns.guard)
        return {**found, "value": used(body)} if verdict in ("mask", "ask") else found

    __call__ = dispatch


def _verdict(decision: Decision) -> str:
    if decision.blocked:
        return "ask" if decision.ask else "block"
    return "mask" if decision.action is Action.MASKED else "allow"


def _annotation(verdict: str, decision: Decision, guard: Guard) -> dict[str, Any]:
    acting = [f.finding for f in decision.findings if f.finding.action is not Action.NONE]
    first = max(acting, key=lambda f: f.score, default=None)
    reasons = [*(f"{f.rule} {f.type}" for f in acting), *(f"{f.rule} {f.kind.value}" for f in decision.failures)]
    stopped = verdict in ("ask", "block")
    return {
        "verdict": verdict,
        "flagged": verdict != "allow",
        "score": 0.0 if first is None else first.score,
        "label": None if first is None else first.type,
        "reason": "; ".join(dict.fromkeys(reasons)) or None,
        "category_scores": dict(decision.scores),
        "rules": list(decision.rules),
        "message": guard.policy.blocked(decision.direction, decision.blocking) if stopped else "",
        "decision_id": decision.id,
        "policy": {"name": decision.policy.name, "sha256": decision.policy.sha256},
    }


def _at(path: Any, policy_input: Mapping[str, Any]) -> Any:
    """The value at a path. The runtime has resolved it before, so what does not resolve is none of its own."""
    root = _ROOT.match(path) if isinstance(path, str) else None
    if root is None or root.group() not in _ROOTS:
        raise ValueError("from: must be a path that begins with $snap, $pi, $target or $tool")
    place: Any = policy_input
    steps: list[str | int] = list(_ROOTS[root.group()])
    at = root.end()
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise ValueError(f"from: cannot be read at character {at}")
        name, index, quoted = step.groups()
        steps.append(int(index) if index is not None else json.loads(f'"{quoted}"') if quoted is not None else name)
        at = step.end()
    for number, one in enumerate(steps):
        try:
            place = place[one]
        except (KeyError, IndexError, TypeError):
            raise ValueError(f"from: step {number + 1} of the path leads nowhere in the policy input") from None
    return place


_Opened = tuple[Session, Any, Callable[[Any], Any]]


def _opened(point: str, value: Any, policy_input: Mapping[str, Any]) -> _Opened:
    """The value as a request of a chat API, or as an answer, and how it is found again in what may go on."""
    if point == "pre_tool_call":
        form, answer = opened(Event(Moment.CALL, point, value, _tool(policy_input)))
        return form, answer, _arguments
    if point == "post_tool_call":
        form, answer = opened(Event(Moment.RESULT, point, value))
        return form, answer, lambda body: body["messages"][0]["content"][0]["output"]
    if point in _ANSWERS:
        return _answer(value)
    return _request(value)


def _request(value: Any) -> _Opened:
    given = copy.deepcopy(value)
    if isinstance(given, dict) and isinstance(given.get("messages"), list):
        return Chat.open(given), None, lambda body: body
    if isinstance(given, list) and given and all(isinstance(one, dict) and "role" in one for one in given):
        return Chat.open({"model": "", "messages": given}), None, lambda body: body["messages"]
    message = {"role": "user", "content": given if isinstance(given, str) else _part(given)}
    return Chat.open({"model": "", "messages": [message]}), None, lambda body: _whole(body["messages"][0]["content"])


def _answer(value: Any) -> _Opened:
    form = Chat.open({"model": "", "messages": []})
    given = copy.deepcopy(value)
    if isinstance(given, dict) and isinstance(given.get("choices"), list):
        return form, given, lambda body: body
    said = isinstance(given, dict) and (isinstance(given.get("content"), str) or bool(given.get("tool_calls")))
    message = given if said else {"role": "assistant", "content": given if isinstance(given, str) else _part(given)}
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    if said:
        return form, answer, lambda body: body["choices"][0]["message"]
    return form, answer, lambda body: _whole(body["choices"][0]["message"]["content"])


def _part(value: Any) -> list[Any]:
    """Anything as a part of a kind that no API has: every string, number and key of it is read."""
    return [{"type": "tool_output", "output": value}]


def _whole(content: Any) -> Any:
    return content if isinstance(content, str) else content[0]["output"]


def _arguments(body: Any) -> Any:
    return json.loads(body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])


def _tool(policy_input: Mapping[str, Any]) -> str:
    """The name of the tool that is called: the projected one, or the snapshot's."""
    snapshot = policy_input.get("snapshot")
    for place in (policy_input.get("tool"), snapshot.get("tool_call") if isinstance(snapshot, Mapping) else None):
        name = place.get("name") if isinstance(place, Mapping) else None
        if isinstance(name, str) and name:
            return name
    raise ValueError("pre_tool_call: neither policy_input.tool.name nor snapshot.tool_call.name names the tool")
