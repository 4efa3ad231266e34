"""Content filters: HATE, INSULTS, SEXUAL, VIOLENCE, MISCONDUCT, SELF_HARM, PROMPT_ATTACK.

Policies may already say what they want of them; judging needs trained weights, which this release does not ship.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guardrails.detectors import Detector
from guardrails.errors import WeightsMissing
from guardrails.rules import Rule

__all__ = ["SPANS", "Settings", "build"]

SPANS = False


@dataclass(frozen=True, slots=True)
class Settings:
    """A category of :data:`guardrails.catalog.CONTENT` and a strength (NONE, LOW, MEDIUM, HIGH) per direction."""

    category: str
    input_strength: str = "HIGH"
    output_strength: str = "HIGH"


def build(rules: Sequence[Rule]) -> Detector:
    """Raises WeightsMissing: a filter that cannot judge must not look like one that found nothing."""
    raise WeightsMissing(
        f"the content filters ({', '.join(sorted(r.id for r in rules))}) need trained weights, and none are installed; "
        "remove the section `content:` from the policy or install a release that ships them"
    )
