"""The gallery: one table of detectors, all with the same floor plan.

A detector module has

* ``Settings``: a frozen dataclass, what a rule of this detector may say (``settings`` of :class:`~guardrails.rules.Rule`);
* ``SPANS``: True when its hits carry spans (only then may a rule of it mask);
* ``reach(settings) -> int | None``: how much text must be seen beyond a point before no hit can cover it, context included
  (:mod:`guardrails.detectors.widths`); None: all of it. A detector that finds spans must have it; one that judges texts says 0
  when it can judge them segment by segment;
* ``build(rules) -> Detector``: one detector for all rules of that kind which are enabled in one direction.

A detector finds. It knows no action, no other detector, and returns no text.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Protocol, runtime_checkable

from guardrails.content import Content, Deadline
from guardrails.rules import Rule
from guardrails.types import Found, Role, Source

__all__ = ["DETECTORS", "Detector", "Scoring", "build", "module", "register"]


class Detector(Protocol):
    """Finds; immutable and thread-safe once built."""

    def find(self, content: Content, deadline: Deadline) -> Found:
        """Hits over all pieces of ``content``, with original code-point offsets.

        What could not be evaluated comes back as failures, per rule; DeadlineExceeded may be raised.
        """
        ...


@runtime_checkable
class Scoring(Protocol):
    """A detector that gives probabilities says where each of them starts to act."""

    def thresholds(self, source: Source, role: Role) -> dict[str, float]:
        """Key of :attr:`~guardrails.types.Found.scores` → the lowest score on which some rule acts."""
        ...


DETECTORS: dict[str, str] = {
    "words": "guardrails.detectors.words",
    "regex": "guardrails.detectors.regex",
    "pii": "guardrails.detectors.pii",
    "content": "guardrails.detectors.content",
    "topics": "guardrails.detectors.topics",
    "grounding": "guardrails.detectors.grounding",
    "classifier": "guardrails.detectors.classifier",
}


def register(name: str, path: str) -> None:
    """Add a detector module (import path) under a name of its own. Raises ValueError when the name is taken."""
    if name in DETECTORS:
        raise ValueError(f"there is a detector {name!r} already: {DETECTORS[name]}")
    DETECTORS[name] = path


def module(name: str) -> ModuleType:
    """The module of a detector, imported on first use. Raises KeyError for an unknown name."""
    return import_module(DETECTORS[name])


def build(name: str, rules: Sequence[Rule]) -> Detector:
    """The detector for these rules."""
    detector: Detector = module(name).build(rules)
    return detector
