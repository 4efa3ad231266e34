"""The detector registry: one table of detectors, and what each of them is made of.

A detector module has

* ``Settings``: a frozen dataclass, what a rule of this detector may say (``settings`` of :class:`~guardrails.rules.Rule`);
* ``SPEC``: its traits (:class:`~guardrails.detectors.traits.DetectorSpec`), all that the rest of the package knows about it;
* ``SECTIONS``, where its rules have a section of their own in a policy file (:mod:`guardrails.detectors.settings`);
* ``lint(rules)``, where it has something to say of rules that load (:class:`guardrails.detectors.settings.Remark`);
* ``build(rules) -> Detector``: one detector for all rules of that kind which are enabled in one direction.

A detector finds. It knows no action, no other detector, and returns no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Protocol, runtime_checkable

from guardrails.content import Content, Deadline
from guardrails.detectors.traits import DetectorSpec, Reach, References, Scores
from guardrails.errors import GuardrailsError
from guardrails.rules import Rule
from guardrails.types import Found, Hit, Role, Source

__all__ = [
    "DETECTORS",
    "SECTIONS",
    "Detector",
    "DetectorSpec",
    "Reach",
    "References",
    "Scores",
    "Scoring",
    "build",
    "counts_in_ids",
    "lower_is_worse",
    "module",
    "register",
    "spec",
]


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
    "tools": "guardrails.detectors.tools",
    "provenance": "guardrails.detectors.provenance",
    "flows": "guardrails.detectors.flows",
    "lock": "guardrails.detectors.lock",
    "remote": "guardrails.detectors.remote",
}

# Sections of a policy file and the detectors whose rules stand in each, in the order of a policy's rules.
SECTIONS: dict[str, tuple[str, ...]] = {
    "content": ("content",),
    "topics": ("topics",),
    "words": ("words",),
    "pii": ("pii", "regex"),
    "rules": (),  # detectors without a section of their own
    "grounding": ("grounding",),
    "relevance": ("grounding",),
    "tools": ("tools", "provenance", "flows", "lock"),
    "remote": ("remote",),
}


def register(name: str, path: str, *, sections: Sequence[str] = ()) -> None:
    """Add a detector module (import path) under a name of its own, and the top-level sections of a policy file that are its own
    (``SECTIONS`` of the module declares them). Raises ValueError when a name is taken."""
    if name in DETECTORS:
        raise ValueError(f"there is a detector {name!r} already: {DETECTORS[name]}")
    taken = [section for section in sections if section in SECTIONS]
    if taken:
        raise ValueError(f"there is a section {taken[0]!r} already, of {', '.join(SECTIONS[taken[0]])}")
    DETECTORS[name] = path
    SECTIONS.update(dict.fromkeys(sections, (name,)))


def module(name: str) -> ModuleType:
    """The module of a detector, imported on first use. Raises KeyError for an unknown name."""
    return import_module(DETECTORS[name])


def spec(name: str) -> DetectorSpec:
    """The traits of a detector. Raises KeyError for an unknown name, GuardrailsError for a module that declares none."""
    declared = getattr(module(name), "SPEC", None)
    if not isinstance(declared, DetectorSpec):
        raise GuardrailsError(
            f"the detector {name!r} ({DETECTORS[name]}) declares no traits: write SPEC = DetectorSpec(spans=True), or False when its "
            "hits point at no part of a text"
        )
    return declared


def counts_in_ids(rule: Rule) -> Callable[[str, Hit, bool], bool] | None:
    """Whether a hit of the rule in an id counts: see ``in_ids`` of :class:`DetectorSpec`; None when the rule reads no ids."""
    declared = spec(rule.detector).in_ids
    return None if declared is None else declared(rule.settings)


def lower_is_worse(rules: Iterable[Rule]) -> frozenset[str]:
    """The keys of scores, of these rules' detectors, of which the lowest is the worst."""
    return frozenset(key for name in {r.detector for r in rules} for key in spec(name).lower_is_worse)


def build(name: str, rules: Sequence[Rule]) -> Detector:
    """The detector for these rules."""
    detector: Detector = module(name).build(rules)
    return detector
