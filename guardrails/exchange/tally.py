"""What the checks of one direction of an exchange add up to."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from guardrails.cache import Outcome
from guardrails.decision import Located
from guardrails.types import Action, Failure, Report

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """Findings, failures, and what was done about them, so far.

    ``blocking``: the rules that decided a block; None: all that block among the findings. ``said``: what the checks said, for scores
    and weights. ``ask``: what blocks may be confirmed by somebody. ``started``: when the work began, by ``time.perf_counter``; ``seconds``: how long it took, None: until it is recorded.
    """

    located: list[Located] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    uninspected: list[tuple[str, str]] = field(default_factory=list)
    said: list[Outcome | Report] = field(default_factory=list)
    blocking: list[str] | None = None
    blocked: bool = False
    ask: bool = False
    masked: bool = False
    replaced: int = 0
    characters: int = 0
    held: int = 0
    started: float = field(default_factory=time.perf_counter)
    seconds: float | None = None

    def fail(self, failures: Iterable[Failure]) -> None:
        """Add failures, each once."""
        self.failures += [f for f in failures if f not in self.failures]

    def leave(self, uninspected: Iterable[tuple[str, str]]) -> None:
        """Add what nobody can inspect, why and where, each once."""
        self.uninspected += [one for one in dict.fromkeys(uninspected) if one not in self.uninspected]

    @property
    def action(self) -> Action:
        """What became of the direction."""
        return Action.BLOCKED if self.blocked else Action.MASKED if self.masked or self.replaced else Action.NONE
