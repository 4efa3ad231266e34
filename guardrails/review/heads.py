"""A head for a topic: a logistic regression over the text model's embedding, fitted on one half of the reviewed texts, measured on the other.

Fitting takes seconds on a CPU. How much the weights are held back is chosen within the first half, by leaving out a fifth of it at a time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from guardrails import inference
from guardrails.detectors.topicheads import Head
from guardrails.evaluation import Row
from guardrails.evaluation.metrics import Estimate
from guardrails.review.book import Review
from guardrails.review.teaching import Figures, decided_rows, halves, measured, topic_of
from guardrails.rules import Policy, Rule

__all__ = ["Fitted", "fitted_head", "logistic"]

Floats = npt.NDArray[np.float64]

# How strongly weights are drawn to 0, weakest first; of equally good ones the strongest is taken.
_STRENGTHS = (0.003, 0.03, 0.3, 3.0)
_FOLDS = 5
_STEPS, _CLOSE = 50, 1e-10


@dataclass(frozen=True, slots=True)
class Fitted:
    """A head that is fitted, as the bytes of its file. ``learned`` and ``held_out`` count the texts of each half; ``before``, what the topic does
    without the head, and ``after`` are of the second one."""

    rule: Rule
    data: bytes = field(repr=False)
    learned: int
    held_out: int
    before: Figures
    after: Figures

    @property
    def sha256(self) -> str:
        """What a policy names the file by."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def about(self) -> dict[str, Any]:
        """What the file says of itself: on what it was fitted, and its figures."""
        found: dict[str, Any] = json.loads(self.data)["fitted"]
        return found

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; it holds no text."""
        return {
            "rule": self.rule.id,
            "sha256": self.sha256,
            "learned": self.learned,
            "held_out": self.held_out,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
        }


def fitted_head(review: Review, policy: Policy) -> Fitted:
    """The head that the decided texts of a review give the topic that it asks about; the same texts give the same bytes.

    Raises GuardrailsError for a review of another kind of rule, or with too few decided texts of either label.
    """
    rule = topic_of(review, policy)
    rows = decided_rows(review, rule)
    learned, held = halves(rows)
    engine = inference.text_engine()
    vectors = engine.embed([row.text for row in learned]).astype(np.float64)
    labels = np.array([row.label for row in learned], dtype=np.float64)
    strength = _strength(vectors, labels)
    weights, bias = logistic(vectors, labels, strength)
    head = Head(
        "head", "", engine.manifest.sha256, tuple(float(f"{w:.6g}") for w in weights), float(f"{bias:.6g}"),
    )  # fmt: skip
    without = replace(rule, settings=replace(rule.settings, head=None))
    before = measured(policy, without, held)
    # A cut point that was chosen for the topic as its definition says it is none of the head's.
    after = measured(policy, replace(rule, settings=replace(rule.settings, head=head, threshold=None)), held)
    about = {
        "topic": rule.settings.name,
        "learned": len(learned),
        "held_out": len(held),
        "data": _digest(rows),
        "strength": strength,
        "auc": _figure(after.auc),
        "cut": after.point.cut,
        "recall": _figure(after.point.recall),
        "false_positives": _figure(after.point.false_positives),
    }
    return Fitted(rule, replace(head, fitted=about).write(), len(learned), len(held), before, after)


def logistic(x: Floats, y: Floats, strength: float) -> tuple[Floats, float]:
    """Weights [columns] and intercept of the logistic regression of ``y`` (0 or 1) [rows] on ``x`` [rows, columns].

    They minimise the sum of the rows' log loss and ``strength`` / 2 times the squared weights; the intercept is free. By Newton's method, in
    the space of the rows, in which the best weights lie.
    """
    basis = np.linalg.svd(x, full_matrices=False)[2]
    z = np.hstack([x @ basis.T, np.ones((len(x), 1))])
    penalty = np.full(z.shape[1], strength)
    penalty[-1] = 0.0
    w = np.zeros(z.shape[1])
    loss = _loss(z, y, w, penalty)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-z @ w))
        gradient = z.T @ (p - y) + penalty * w
        step = np.linalg.solve((z.T * (p * (1 - p))) @ z + np.diag(penalty + 1e-12), gradient)
        size = 1.0
        while (new := _loss(z, y, w - size * step, penalty)) > loss and size > _CLOSE:
            size /= 2
        w, gained, loss = w - size * step, loss - new, new
        if gained < _CLOSE:
            break
    return basis.T @ w[:-1], float(w[-1])


def _loss(z: Floats, y: Floats, w: Floats, penalty: Floats) -> float:
    scores = z @ w
    return float(np.logaddexp(0, scores).sum() - y @ scores + 0.5 * penalty @ (w * w))


def _strength(x: Floats, y: Floats) -> float:
    """The strength with the least log loss on rows that were left out."""
    # Rows come label by label, in an order of their own: every fifth of each label is a fold with both.
    x = (
        x @ np.linalg.svd(x, full_matrices=False)[2].T
    )  # as many columns as rows: what is fitted and scored stays the same
    folds = np.zeros(len(y), dtype=np.int64)
    for label in (0.0, 1.0):
        folds[y == label] = np.arange(int((y == label).sum())) % _FOLDS
    losses = {}
    for strength in _STRENGTHS:
        total = 0.0
        for fold in range(_FOLDS):
            out = folds == fold
            if not out.any() or len(set(y[~out])) < 2:
                continue
            weights, bias = logistic(x[~out], y[~out], strength)
            scores = x[out] @ weights + bias
            total += float((np.logaddexp(0, scores) - y[out] * scores).sum())
        losses[strength] = total
    return min(reversed(_STRENGTHS), key=losses.__getitem__)


def _digest(rows: Sequence[Row]) -> str:
    """sha256 of the decided texts and their labels, in an order of their own."""
    lines = sorted(json.dumps([row.text, row.label]) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _figure(value: Estimate) -> dict[str, Any]:
    return {key: round(v, 6) if isinstance(v, float) else v for key, v in value.to_dict().items()}
