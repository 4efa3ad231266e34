"""A chosen cut point in the policy file, with what it rests on in a comment behind it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from guardrails.calibration.choosing import Point, Scores
from guardrails.calibration.dials import Dial
from guardrails.evaluation import Data
from guardrails.evaluation.metrics import Estimate
from guardrails.policy.editing import edit, set_field

__all__ = ["evidence", "percent", "rewritten"]


def percent(estimate: Estimate) -> str:
    """A share and its interval, as people read them."""
    if estimate.value is None:
        return "not measured"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.1%}"
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"


def evidence(data: Data, scores: Scores, point: Point, day: date) -> str:
    """What the choice of a cut point rests on, in one line: day, data, counts, figures with their 95 % intervals."""
    figures = [
        f"{name} {percent(estimate)} of {estimate.of}"
        for name, estimate in (("false positives", point.false_positives), ("recall", point.recall))
        if estimate.value is not None
    ]
    return (
        f"calibrated {day.isoformat()} on {len(scores.lines)} texts (sha256 {data.sha256[:12]}): {', '.join(figures)}"
    )


def rewritten(path: Path, text: str, dial: Dial, cut: float | str, comment: str) -> str:
    """``text``, the policy in ``path``, with the cut point in place of the present one and ``comment`` behind it.

    Raises GuardrailsError where the file cannot say it: the rule stands in another file, or the file is JSON.
    """
    return edit(text, lambda document: set_field(document, dial.rule, dial.field, cut, comment), name=str(path))
