"""One call of a model under a policy, for frameworks: messages in, the answer out, whole or in pieces.

Messages are mappings as of OpenAI's chat API (``role``, ``content``, ``tool_calls``); fields of a framework's own are read as text.
What is done with them is what the proxy does with a request and its answer (:mod:`guardrails.exchange`): the whole conversation is
read, what was refused once is replaced, calls of tools are inspected inside their JSON.
"""

from __future__ import annotations

import copy
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from guardrails.cache import Verdicts
from guardrails.decision import Decision
from guardrails.evidence import Context, EvidenceLog, EvidenceLost, Text
from guardrails.exchange import Exchange, Kept, Tenancy
from guardrails.guard import Guard
from guardrails.wire.format import Session
from guardrails.wire.framing import Frame
from guardrails.wire.openai_chat import Chat

__all__ = ["OnDecision", "Turn", "Turns", "guard_of"]

OnDecision = Callable[[Decision], None]
# Of this process: for keys of caches that nobody else may guess.
_SECRET = secrets.token_bytes(32)

_log = logging.getLogger("guardrails.evidence")


def guard_of(policy: str | Path | Guard) -> Guard:
    """The guard of a policy file, of a shipped policy by its name, or the one that is given. Raises PolicyError."""
    return policy if isinstance(policy, Guard) else Guard.from_file(policy)


class Turns:
    """Calls of models under one policy. Thread-safe; verdicts of texts that come again are kept."""

    def __init__(
        self,
        policy: str | Path | Guard,
        framework: str,
        on_decision: OnDecision | None = None,
        evidence: EvidenceLog | None = None,
    ) -> None:
        """``framework`` stands in decisions as their format, and in their records as their route. ``on_decision`` is called with every
        decision, before it takes effect, on the thread that made it; what it raises reaches the caller of the model. ``evidence``: an
        opened log, in which each decision is recorded before that; its owner closes it. Raises PolicyError, and TypeError for a log that
        is not opened."""
        if not isinstance(evidence, EvidenceLog | None):
            raise TypeError(
                f"evidence is an opened log, not {type(evidence).__name__}: write evidence=EvidenceLog.open('evidence/'), and close it at the end"
            )
        self.guard = guard_of(policy)
        self.framework = framework
        self._decided = on_decision
        self._evidence = evidence
        self._verdicts = Verdicts()

    def __deepcopy__(self, memo: Any) -> Turns:
        return self  # frameworks copy models and their settings

    def begin(self, messages: Sequence[Mapping[str, Any]]) -> Turn:
        """Check what is about to be sent to a model."""
        return Turn(self, self.exchange(Chat.open({"model": "", "messages": copy.deepcopy(list(messages))})))

    def said(self, message: Mapping[str, Any]) -> Decision:
        """The decision about a message of a model alone, without what it was asked."""
        exchange = self.exchange(Chat.open({"model": "", "messages": []}))
        choice = {"index": 0, "message": copy.deepcopy(dict(message)), "finish_reason": "stop"}
        _, decision = exchange.answer({"choices": [choice]})
        decision = self.told(exchange, decision)
        exchange.forget()
        return decision

    def exchange(self, form: Session) -> Exchange:
        """A request in a format of :mod:`guardrails.wire`, and its answer. Forget it once its decisions are told."""
        kept = None if self._evidence is None else Kept()
        return Exchange(Tenancy("default", self.guard, _SECRET), form, verdicts=self._verdicts, kept=kept)

    def told(self, exchange: Exchange, decision: Decision) -> Decision:
        """Record a decision about an exchange that is not forgotten yet, and hand it on. Raises EvidenceLost where it may not take
        effect without a record, and what ``on_decision`` raises; the exchange is forgotten then."""
        try:
            if self._evidence is not None and exchange.kept is not None:
                texts = exchange.kept.of(decision.direction)
                said = None if texts is None else [Text(*one) for one in texts]
                self._evidence.record(decision, said=said, guard=self.guard, context=Context(route=self.framework))
            decision = replace(decision, format=self.framework)
            if self._decided is not None:
                self._decided(decision)
        except BaseException:
            exchange.forget()
            raise
        return decision


class Turn:
    """One call: ``messages`` are what the model may be sent, unless ``refusal`` is what the user is told instead."""

    def __init__(self, turns: Turns, exchange: Exchange) -> None:
        self._turns = turns
        self._exchange = exchange
        decision = turns.told(exchange, exchange.request())
        self.refusal = self._message(decision) if decision.blocked else None
        self.messages: list[dict[str, Any]] = [] if decision.blocked else exchange.form.body["messages"]
        if decision.blocked:
            exchange.forget()

    def _message(self, decision: Decision) -> str:
        return self._exchange.guard.policy.blocked(decision.direction, decision.blocking)

    def answer(self, message: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """The model's message as it may be used, and whether that is the policy's own."""
        choice = {"index": 0, "message": copy.deepcopy(dict(message)), "finish_reason": "stop"}
        body, decision = self._exchange.answer({"choices": [choice]})
        self._turns.told(self._exchange, decision)
        self._exchange.forget()
        if decision.blocked:
            return {"role": "assistant", "content": self._message(decision)}, True
        done: dict[str, Any] = body["choices"][0]["message"]
        return done, False

    def stream(self) -> Pieces:
        """For an answer that comes in pieces."""
        return Pieces(self._turns, self._exchange)


class Pieces:
    """An answer that comes in pieces. ``blocked`` once the policy's message stands in its place."""

    def __init__(self, turns: Turns, exchange: Exchange) -> None:
        self._turns = turns
        self._exchange = exchange
        self._answer = exchange.streamed()
        self.blocked = False

    def feed(self, text: str) -> str:
        """More of the answer's text. Returns what may be shown now."""
        step, _ = self._answer.begin(_chunk({"content": text}))
        return "".join(d.get("content") or "" for d in self._settled(self._answer.settle(step)))

    def finish(self, rest: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The answer is complete. ``rest``: its other fields (calls of tools, blocks), whole. Returns the text that may be shown
        still, and the other fields as they may be used; none of them when the answer is blocked."""
        frames: list[Frame] = []
        for delta, finish in ((dict(rest), None), ({}, "stop")):
            if (delta or finish) and not self._answer.ended:
                step, _ = self._answer.begin(_chunk(copy.deepcopy(delta), finish))
                frames += self._answer.settle(step)
        frames += self._answer.finish()
        text = ""
        fields: dict[str, Any] = {}
        for delta in self._settled(frames):
            text += delta.pop("content", None) or ""
            calls = delta.pop("tool_calls", None)
            if calls:
                fields.setdefault("tool_calls", []).extend(calls)
            fields |= {k: v for k, v in delta.items() if k != "role"}
        self._turns.told(self._exchange, self._answer.record())
        self._exchange.forget()
        return text, {} if self.blocked else fields

    def stop(self) -> None:
        """Nobody listens any more."""
        if not self._answer.ended:
            self._answer.stop()
            try:
                self._turns.told(self._exchange, self._answer.record())
            except EvidenceLost:  # nothing more is passed on, and nobody is there to be told; the log counts it
                _log.error("the decision about an answer that nobody waited for could not be recorded")
            self._exchange.forget()

    def _settled(self, frames: list[Frame]) -> Iterator[dict[str, Any]]:
        for frame in frames:
            body = frame.body if isinstance(frame.body, dict) else {}
            for choice in body.get("choices", ()):
                self.blocked = self.blocked or choice.get("finish_reason") == "content_filter"
                yield dict(choice.get("delta") or {})


def _chunk(delta: dict[str, Any], finish: str | None = None) -> Frame:
    return Frame({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
