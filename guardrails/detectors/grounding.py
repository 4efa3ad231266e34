"""Contextual grounding (do the sources support the answer?) and relevance (does it answer the query?).

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
    """``kind`` is GROUNDING or RELEVANCE; a score below ``threshold`` (0 to 0.99) fires the rule."""

    kind: str
    threshold: float = 0.5


def build(rules: Sequence[Rule]) -> Detector:
    """Raises WeightsMissing: a check that cannot judge must not look like one that found nothing."""
    raise WeightsMissing(
        f"the grounding checks ({', '.join(sorted(r.id for r in rules))}) need trained weights, and none are installed; "
        "remove the sections `grounding:` and `relevance:` from the policy or install a release that ships them"
    )
