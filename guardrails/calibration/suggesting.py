"""For a topic: which of its false positives to name as ``not_examples``, and what that would change on the other rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from guardrails import inference
from guardrails.calibration.choosing import Point, Scores
from guardrails.calibration.dials import Dial
from guardrails.calibration.scoring import Calibration, scored
from guardrails.evaluation import Data, Row, predictions
from guardrails.guard import Guard
from guardrails.rules import Policy

__all__ = ["Suggestions", "spread", "suggested"]

FIELD = "not_examples"
# Longer texts are no example of one thing that somebody may ask.
_WORDS = 60


@dataclass(frozen=True)
class Suggestions:
    """Rows to take into ``not_examples``, best first, and the cut point without and with them on the rows that are left."""

    rows: tuple[Row, ...]
    before: Point
    after: Point


def suggested(
    calibration: Calibration, dial: Dial, scores: Scores, cut: float | str, most: int = 3
) -> Suggestions | None:
    """Up to ``most`` false positives that differ from each other. None for a rule that takes no such phrases, or without mistakes."""
    known = getattr(dial.rule.settings, FIELD, None)
    if known is None:
        return None
    by_line = {row.line: row for row in calibration.data.rows}
    wrong = [(by_line[m.line], m.distance) for m in scores.mistakes(cut) if not m.label]
    wrong = [(row, distance) for row, distance in wrong if len(row.text.split()) <= _WORDS]
    if not wrong:
        return None
    chosen = [wrong[i][0] for i in spread([row.text for row, _ in wrong], [d for _, d in wrong], most)]
    taken = {row.line for row in chosen}
    kept = ~np.isin(scores.lines, list(taken))
    rest = replace(scores, lines=scores.lines[kept], scores=scores.scores[kept], labels=scores.labels[kept])
    fires = {int(line) for line in rest.lines[rest.margin(cut) >= 0]}
    # What is excluded only lowers scores: rows that did not fire need not be judged again.
    rows = tuple(by_line[line] for line in sorted(fires))
    rule = replace(dial.rule, settings=replace(dial.rule.settings, **{FIELD: (*known, *(r.text for r in chosen))}))
    again = _again(replace(calibration.policy, rules=(rule,)), replace(calibration.data, rows=rows), rule.id)
    new = dict(zip(again.lines.tolist(), again.scores.tolist(), strict=True))
    changed = np.array([new.get(int(line), score) for line, score in zip(rest.lines, rest.scores, strict=True)])
    return Suggestions(tuple(chosen), rest.at(cut), replace(rest, scores=changed).at(cut))


def _again(policy: Policy, data: Data, rule: str) -> Scores:
    lines = predictions(Guard(policy.unhurried()), data)
    return scored(policy, data, lines).of(rule)[1]


def spread(texts: Sequence[str], weights: Sequence[float], most: int) -> list[int]:
    """Indexes of up to ``most`` texts: the heaviest first, each then as far as may be from those before (weight × distance)."""
    vectors = inference.text_engine().embed(list(texts))
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    left = np.maximum(np.asarray(weights, dtype=np.float64), 1e-6)
    out: list[int] = []
    far = np.ones(len(texts))
    while len(out) < min(most, len(texts)):
        best = int(np.argmax(left * far))
        out.append(best)
        far = np.minimum(far, 1 - vectors @ vectors[best])
        far[out] = -1.0
    return out
