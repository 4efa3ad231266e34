"""Calls of tools and their results under a policy, for frameworks: JSON data in, what may be used out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guardrails.evidence import EvidenceLog
from guardrails.guard import Guard
from guardrails.hooks.events import Event, Moment, Verdict
from guardrails.hooks.judging import decided, verdict
from guardrails.integrations.turns import OnDecision, Turns

__all__ = ["Calls", "Refused"]


class Refused(Exception):
    """What the policy refused; the message is the policy's, for the model or the user."""


class Calls:
    """Calls of tools under one policy. Thread-safe."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    @classmethod
    def under(
        cls,
        policy: str | Path | Guard,
        framework: str,
        on_decision: OnDecision | None = None,
        evidence: EvidenceLog | None = None,
    ) -> Calls:
        """Under a policy file, a shipped policy, or a guard; the rest is as in :class:`Turns`. Raises PolicyError."""
        return cls(Turns(policy, framework, on_decision, evidence))

    def call(self, name: str, arguments: Any) -> Any:
        """The arguments that a tool may be called with, masked where the policy masks. Raises Refused."""
        return self._used(Event(Moment.CALL, "call", arguments, name))

    def result(self, name: str, content: Any) -> Any:
        """What may be read of a tool's result, masked where the policy masks. Raises Refused."""
        return self._used(Event(Moment.RESULT, "result", content, name))

    def prompt(self, content: Any) -> Any:
        """What may be read of a prompt, a text or the parts of one, masked where the policy masks. Raises Refused."""
        return self._used(Event(Moment.PROMPT, "prompt", content))

    def _used(self, event: Event) -> Any:
        found, blocked = self._judged(event)
        if blocked:  # there is nobody to ask
            raise Refused(found.told)
        return event.content if found.content is None else found.content

    def _judged(self, event: Event) -> tuple[Verdict, bool]:
        body, decision = decided(event, self._turns.exchange, self._turns.told)
        return verdict(event, self._turns.guard, body, decision), decision.blocked
