"""Sensitive information: the types of Amazon Bedrock Guardrails and more, found by patterns, checksums and context.

Every recogniser is data (a :class:`~guardrails.detectors.pii.recognizer.Spec`); the engine runs all of them in one
prefiltered pass, and :mod:`guardrails.detectors.pii.presidio` offers the same recognisers to Presidio.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from guardrails.detectors import Detector
from guardrails.detectors.pii.recognizer import Spec
from guardrails.rules import Rule

__all__ = ["COMPETING", "MODULES", "SPANS", "TAGGED", "Settings", "build", "reach", "specs", "unfinished"]

SPANS = True
# A hit may give way to another rule's; see resolve.py.
COMPETING = True

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


@dataclass(frozen=True, slots=True)
class Settings:
    """An entity type of :data:`guardrails.catalog.PII`, and the score (0 to 1) from which a match counts."""

    entity: str
    min_score: float = 0.5


@cache
def specs() -> tuple[Spec, ...]:
    """All recognisers, in the order of the modules."""
    found: tuple[Spec, ...] = ()
    for path in MODULES.values():
        found += import_module(path).RECOGNIZERS
    return found


def reach(settings: Settings) -> int | None:
    """The longest value of the type, and the words behind it that count; None for a type that only ``extra`` finds."""
    from guardrails.detectors.pii.reaching import reach_of  # noqa: PLC0415 - as below

    return reach_of(settings.entity)


def unfinished(settings: Settings) -> Callable[[str], int | None] | None:
    """For a type whose values may be of any length: where in a text one begins that has not ended."""
    from guardrails.detectors.pii.reaching import unfinished_key  # noqa: PLC0415 - as below

    return unfinished_key if settings.entity == "PRIVATE_KEY" else None


def build(rules: Sequence[Rule], extra: Sequence[Any] = ()) -> Detector:
    """One detector for all PII rules of a direction.

    ``extra`` are Presidio ``EntityRecognizer`` objects (a trained tagger, say) that run beside our own: they see the
    original text and answer with our type names. Raises GuardrailsError for a type that nothing finds.
    """
    from guardrails.detectors.pii.engine import Engine  # noqa: PLC0415 - Settings must stay cheap to import

    return Engine(rules, specs(), extra)
