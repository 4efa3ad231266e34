"""All recognisers of the package, and the types that the trained tagger finds besides."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from guardrails.detectors.pii.recognizer import Spec

__all__ = ["MODULES", "TAGGED", "specs"]

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
