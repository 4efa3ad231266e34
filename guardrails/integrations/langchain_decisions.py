"""LangChain: a policy as a decision model, local and without a prompt. Needs ``onepolicy-guardrails[langchain]`` and langchain-core 1.8.

>>> agent = create_agent(model, tools, middleware=[
...     AutoModeMiddleware(tools=tools, classifier=GuardrailsDecisionModel.of("agents.yaml"))])     # doctest: +SKIP
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

try:
    from langchain_core.decisions import BaseDecisionModel, ClassifierResponse
    from langchain_core.messages import AIMessage, BaseMessage
    from pydantic import PrivateAttr
except ImportError as error:
    raise ImportError(
        "this needs LangChain: pip install 'onepolicy-guardrails[langchain]' 'langchain-core>=1.8'"
    ) from error

from guardrails.decision import Decision
from guardrails.evidence import EvidenceLog
from guardrails.guard import Guard
from guardrails.integrations.langchain_messages import plain
from guardrails.integrations.turns import OnDecision, Turns
from guardrails.types import Action, Role, Source
from guardrails.wire.openai_chat import Chat

__all__ = ["GuardrailsDecisionModel"]

# Where the policy's cut point lies in every answer.
_HALF = 0.5
# A stopped state never reads as less than one half, one that passes never as as much.
_BELOW = 0.499


class _Judged(NamedTuple):
    """What the policy says of a state: whether it stops it, and how much of each cut point each score reaches, in [0, 1]."""

    stopped: bool
    reached: Mapping[str, float]

    def probability(self, keys: Sequence[str] | None) -> float:
        """Of some scores, or of the whole policy."""
        if keys is not None:
            return max(self.reached[key] for key in keys)
        most = max(self.reached.values(), default=0.0)
        return max(_HALF, most) if self.stopped else min(_BELOW, most)


class GuardrailsDecisionModel(BaseDecisionModel):
    """Answers questions about a text, messages, or a call of a tool by what a policy says of them; no model is asked what a question means.

    A ``Noul`` is the probability that the policy stops the state, or, where the question's id names a score (``PROMPT_ATTACK``,
    ``VIOLENCE``, ``topic.tax-advice``), that this one does. A ``Choice`` is among such names and one more label for none of them. Cut points
    lie at 0.5 exactly, so that :class:`langchain.agents.middleware.AutoModeMiddleware`, which stops calls from 0.5 on, stops what the
    policy stops. A call that the policy would mask or ask about counts as stopped: nobody masks it or asks here.
    """

    model: str = "guardrails"
    _turns: Turns = PrivateAttr()

    @classmethod
    def of(
        cls, policy: str | Path | Guard, *, on_decision: OnDecision | None = None, evidence: EvidenceLog | None = None
    ) -> GuardrailsDecisionModel:
        """A policy file, a shipped policy, or a guard. ``on_decision``: called with every decision. ``evidence``: an opened log, which
        records each before it is answered. Raises PolicyError."""
        turns = Turns(policy, "langchain", on_decision, evidence)
        made = cls(model=turns.guard.policy.name)
        made._turns = turns
        return made

    @property
    def _provider(self) -> str:
        return "guardrails"

    def _classify(self, state: Any, questions: Mapping[str, Any]) -> ClassifierResponse:
        """Raises ValueError for a question that a policy cannot answer, and for a state without anything to read."""
        thresholds = {
            key: value
            for source in (Source.INPUT, Source.OUTPUT)
            for key, value in self._turns.guard.thresholds(source, Role.USER).items()
        }
        asked = {name: _asked(name, question, thresholds) for name, question in questions.items()}
        judged = self._judged(state, thresholds)
        return ClassifierResponse.model_validate(
            {"model": self.model, "answers": {name: _answer(one, judged) for name, one in asked.items()}}
        )

    def _judged(self, state: Any, thresholds: Mapping[str, float]) -> _Judged:
        decisions = list(self._decisions(state))
        call = isinstance(state, Mapping) and "tool_call" in state
        stopping = {Action.BLOCKED, Action.MASKED} if call else {Action.BLOCKED}
        stopped = any(d.blocked for d in decisions) or decisions[-1].action in stopping
        worst: dict[str, float] = dict.fromkeys(thresholds, 0.0)
        for decision in decisions:
            for key, value in decision.scores.items():
                if key in thresholds:
                    worst[key] = max(worst[key], _scaled(value, thresholds[key]))
        return _Judged(stopped, worst)

    def _decisions(self, state: Any) -> list[Decision]:
        """What is decided about a state: about what is sent to a model, and about its answer where the state ends with one."""
        history, last = _conversation(state)
        exchange = self._turns.exchange(Chat.open({"model": "", "messages": history}))
        out = [self._turns.told(exchange, exchange.request())] if history else []
        if last is not None and not any(d.blocked for d in out):
            choice = {"index": 0, "message": last, "finish_reason": "stop"}
            out.append(self._turns.told(exchange, exchange.answer({"choices": [choice]})[1]))
        exchange.forget()
        return out


def _scaled(score: float, threshold: float) -> float:
    """A score with its cut point moved to one half."""
    if score < threshold:
        return _HALF * score / threshold
    return _HALF + _HALF * (score - threshold) / (1 - threshold) if threshold < 1 else 1.0


def _conversation(state: Any) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """(messages before, the assistant's message or call that is judged, if any)."""
    if isinstance(state, Mapping) and "tool_call" in state:
        call = state["tool_call"]
        before = _messages(state.get("messages") or ())
        # The call that is judged stands in the last message as well.
        at = next((i for i, m in enumerate(before) if _holds(m, call.get("id"))), len(before))
        described = state.get("tool_description")
        history = [_plain(m) for m in before[:at]]
        written = json.dumps(call.get("args") or {}, ensure_ascii=False, default=str)
        last = {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": str(call.get("id") or "call"),
                    "type": "function",
                    "function": {"name": str(call["name"]), "arguments": written},
                }
            ],
        }
        return (
            [{"role": "tool", "tool_call_id": "description", "content": described}] if described else []
        ) + history, last
    found = _messages(state["messages"] if isinstance(state, Mapping) and "messages" in state else state)
    if not found:
        raise ValueError("the state is empty: give a text, messages, or {'messages': ..., 'tool_call': ...}")
    if _says(found[-1]):
        return [_plain(m) for m in found[:-1]], _plain(found[-1])
    return [_plain(m) for m in found], None


def _messages(state: Any) -> list[Any]:
    """A state as messages; what is none is one message of the user, as JSON."""
    if isinstance(state, str | BaseMessage):
        return [state] if state else []
    if isinstance(state, Sequence) and state and all(isinstance(m, BaseMessage) or _is_message(m) for m in state):
        return list(state)
    return [json.dumps(state, ensure_ascii=False, default=_shown)] if state else []


def _shown(value: Any) -> Any:
    return plain(value) if isinstance(value, BaseMessage) else str(value)


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("role"), str) and "content" in value


def _plain(message: Any) -> dict[str, Any]:
    if isinstance(message, BaseMessage):
        return plain(message)
    return {"role": "user", "content": message} if isinstance(message, str) else dict(message)


def _says(message: Any) -> bool:
    return isinstance(message, AIMessage) or (isinstance(message, Mapping) and message["role"] == "assistant")


def _holds(message: Any, id: Any) -> bool:
    calls = message.tool_calls if isinstance(message, AIMessage) else ()
    return id is not None and any(c.get("id") == id for c in calls)


class _Asked(NamedTuple):
    """A question: the scores of each label; None: the whole policy; an empty list: none of the others."""

    labels: Mapping[str, Sequence[str] | None]
    choice: bool


def _asked(name: str, question: Any, thresholds: Mapping[str, float]) -> _Asked:
    if question.type == "noul":
        return _Asked({name: _keys(name, thresholds) or None}, choice=False)
    if question.type == "choice":
        labels = {label: _keys(label, thresholds) for label in question.criteria}
        if len(labels) > 1 and sum(not keys for keys in labels.values()) <= 1:
            return _Asked(labels, choice=True)
        known = ", ".join(sorted({key.split(".", 1)[1] for key in thresholds}))
        raise ValueError(
            f"question {name!r}: its labels are names of what the policy scores ({known}), and at most one other for none of them"
        )
    raise ValueError(f"question {name!r}: a policy answers Noul and Choice, not {type(question).__name__}")


def _keys(name: str, thresholds: Mapping[str, float]) -> list[str]:
    """The scores that a name stands for: `content.VIOLENCE` or VIOLENCE, and `prompt_attack` for all of its kinds."""
    wanted = name.casefold()
    return [
        key for key in thresholds if wanted in {key.casefold(), *key.casefold().split(".", 1)} and wanted != "content"
    ]


def _answer(asked: _Asked, judged: _Judged) -> dict[str, Any]:
    if not asked.choice:
        (keys,) = asked.labels.values()
        return {"type": "noul", "noul": judged.probability(keys)}
    found = {label: judged.probability(keys) for label, keys in asked.labels.items() if keys}
    for label, keys in asked.labels.items():
        if not keys:  # as much as the nearest of the others leaves
            found[label] = 1 - max(found.values())
    total = sum(found.values()) or 1.0
    shares = {label: found[label] / total for label in asked.labels}
    best = max(shares, key=lambda label: shares[label])
    return {"type": "choice", "choice": best, "probabilities": shares, "confidence": shares[best]}
