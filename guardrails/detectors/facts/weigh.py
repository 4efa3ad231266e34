"""From evidence to a shift of a claim's score."""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.detectors.facts.compare import Evidence

__all__ = ["AGAINST", "FOR", "HELD", "features", "held", "shift"]

# Names of the features that speak against a claim, and of those that speak for it; their weights are fitted by models.grounding.calibrate.
AGAINST = (
    "missing",
    "guessed",
    "small",
    "unit",
    "names",
    "swap",
    "swapped",
    "misnamed",
    "negated",
    "opposite",
    "overstated",
    "apart",
)
FOR = ("reckoned",)
# A gain below this is no rival.
_CLOSE = 0.05
_APART = 0.2
# What a score is multiplied with where a fact is wrong: however sure the model is, the claim stays below one half.
HELD = 0.45
_SWAPPED = 0.3


def features(e: Evidence) -> dict[str, float]:
    """The numbers (0 and above) that the weights apply to."""
    return {
        "missing": e.missing,
        "guessed": e.guessed,
        "small": e.small,
        "unit": e.unit,
        "names": e.names,
        "swap": float(e.swapped > _CLOSE),
        "swapped": max(0.0, e.swapped),
        "misnamed": max(0.0, e.misnamed),
        "negated": e.negated,
        "opposite": e.opposite,
        "overstated": e.overstated,
        "apart": max(0.0, e.apart - _APART),
        "reckoned": e.reckoned,
    }


def shift(e: Evidence, weights: Mapping[str, float]) -> float:
    """What the evidence adds to the logit of a claim's score."""
    found = features(e)
    against = sum(weights.get(name, 0.0) * found[name] for name in AGAINST)
    return min(0.0, against) + max(0.0, sum(weights.get(name, 0.0) * found[name] for name in FOR))


def held(e: Evidence) -> bool:
    """True where the evidence alone should keep a claim below one half: a fact that is not the sources', or one of another thing."""
    return bool(e.missing or e.guessed or e.unit or e.opposite or e.overstated or e.swapped > _SWAPPED)
