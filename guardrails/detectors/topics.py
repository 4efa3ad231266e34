"""Denied topics, each given by a name, a definition and a few examples.

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
    """What the topic is called, what belongs to it (a definition), and example phrases."""

    name: str
    definition: str
    examples: tuple[str, ...] = ()


def build(rules: Sequence[Rule]) -> Detector:
    """Raises WeightsMissing: a topic that cannot judge must not look like one that found nothing."""
    raise WeightsMissing(
        f"the denied topics ({', '.join(sorted(r.id for r in rules))}) need trained weights, and none are installed; "
        "remove the section `topics:` from the policy or install a release that ships them"
    )
