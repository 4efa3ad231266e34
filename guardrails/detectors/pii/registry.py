"""All recognisers of the package, and the types that the trained tagger finds besides."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from guardrails.detectors.pii.context import Evidence, scored
from guardrails.detectors.pii.recognizer import Spec

__all__ = ["MODULES", "TAGGED", "score_range", "specs"]

# Types that the trained tagger finds beside the patterns (guardrails.inference.tagging.TAGGED, which imports numpy).
TAGGED = ("NAME", "ADDRESS", "AGE", "USERNAME", "PASSWORD")

# Recogniser modules, by the seam of the problem. Each has a tuple RECOGNIZERS of Specs.
MODULES: dict[str, str] = {
    "contact": "guardrails.detectors.pii.recognizers.contact",
    "phones": "guardrails.detectors.pii.recognizers.phones",
    "network": "guardrails.detectors.pii.recognizers.network",
    "passwords": "guardrails.detectors.pii.recognizers.passwords",
    "named_secrets": "guardrails.detectors.pii.recognizers.named_secrets",
    "person": "guardrails.detectors.pii.recognizers.person",
    "finance": "guardrails.detectors.pii.recognizers.finance",
    "identity": "guardrails.detectors.pii.recognizers.identity",
    "cloud": "guardrails.detectors.pii.recognizers.cloud",
    "secrets": "guardrails.detectors.pii.recognizers.secrets",
    "health": "guardrails.detectors.pii.recognizers.health",
    "hl7": "guardrails.detectors.pii.recognizers.hl7",
    "national": "guardrails.detectors.pii.recognizers.national",
}


@cache
def specs() -> tuple[Spec, ...]:
    """All recognisers, in the order of the modules."""
    found: tuple[Spec, ...] = ()
    for path in MODULES.values():
        found += import_module(path).RECOGNIZERS
    return found


@cache
def score_range(entity: str) -> tuple[float, float]:
    """Between which scores, in [0, 1], everything that is found of a type lies. Of a type that nobody finds: (0, 1)."""
    found = [score for spec in specs() if spec.type == entity for score in _reached(spec)]
    if entity in TAGGED or not found:
        found += [0.0, 1.0]
    return round(min(found), 4), round(max(found), 4)


def _reached(spec: Spec) -> list[float]:
    """The scores that a recogniser may give: of each pattern, or 1 where its check held, as the words around it raise and lower it."""
    signs = [0, 1 if spec.context else 0, -1 if spec.against else 0]
    if spec.requires_context:
        signs = [1]
    bases = [score for _, score in spec.patterns] + ([1.0] if spec.validate else [])
    return [scored(base, Evidence(sign)) for base in bases for sign in signs]
