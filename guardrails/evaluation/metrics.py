"""Figures over arrays, each with a bootstrap interval. Nothing here knows a text, a rule or a file.

Rows that look alike (same score, label and verdict) are counted together in a *cell*; a figure is a function of the
cells' counts, and a resample is another set of counts. So a thousand resamples are a matrix, not a loop.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["CONFIDENCE", "FPR", "NAMES", "Curves", "Estimate", "curves", "figures", "ratios", "wilson"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CONFIDENCE = 0.95
# The false-positive rate at which recall is read off the curve.
FPR = 0.01
# Random numbers held at a time.
_HELD = 4_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its interval; None where it is not defined. ``of``: how many rows it is a share of."""

    value: float | None
    low: float | None = None
    high: float | None = None
    of: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {"value": self.value, "low": self.low, "high": self.high, "of": self.of}


@dataclass(frozen=True, slots=True)
class Curves:
    """Points from the highest score down: a false-positive rate, a recall and a precision each."""

    fpr: Floats
    recall: Floats
    precision: Floats


def figures(
    scores: npt.ArrayLike, labels: npt.ArrayLike, blocked: npt.ArrayLike, *, resamples: int = 1000, seed: str = ""
) -> dict[str, Estimate]:
    """Precision, recall, F1, false-positive rate and balanced accuracy of the verdicts; ROC AUC, average precision and
    recall at 1 % FPR of the scores. What needs rows of both labels is None without them.
    """
    cells = _Cells(scores, labels, blocked)
    point = cells.figures(cells.counts[None, :])
    of = cells.denominators()
    drawn = [cells.figures(counts) for counts in _resampled(cells.index, len(cells.counts), resamples, seed)]
    return {
        name: _estimate(float(value[0]), [d[name] for d in drawn], of.get(name), share=name in _SHARES)
        for name, value in point.items()
    }


def ratios(
    parts: Mapping[str, tuple[Sequence[int] | Ints, Sequence[int] | Ints]], *, resamples: int = 1000, seed: str = ""
) -> dict[str, Estimate]:
    """Each name's sum of its first column over the sum of its second, resampling rows (all columns together)."""
    names = list(parts)
    table = np.array([column for pair in parts.values() for column in pair], dtype=np.int64).T
    if not table.size:
        return {name: Estimate(None, of=0) for name in names}
    kinds, index, counts = np.unique(table, axis=0, return_inverse=True, return_counts=True)

    def quotients(weights: Ints) -> dict[str, Floats]:
        sums = weights @ kinds
        return {name: _over(sums[:, 2 * i], sums[:, 2 * i + 1]) for i, name in enumerate(names)}

    point = quotients(counts[None, :].astype(np.int64))
    drawn = [quotients(block) for block in _resampled(index.reshape(-1), len(kinds), resamples, seed)]
    totals = table.sum(axis=0)
    return {
        name: _estimate(float(point[name][0]), [d[name] for d in drawn], int(totals[2 * i + 1]), share=True)
        for i, name in enumerate(names)
    }


def curves(scores: npt.ArrayLike, labels: npt.ArrayLike) -> Curves | None:
    """The ROC and the precision-recall curve, None without rows of both labels."""
    cells = _Cells(scores, labels, np.zeros(np.shape(scores), dtype=bool))
    hits, alarms = (c[0].astype(np.float64) for c in cells.cumulated(cells.counts[None, :]))
    if not hits.size or not hits[-1] or not alarms[-1]:
        return None
    return Curves(alarms / alarms[-1], hits / hits[-1], hits / (hits + alarms))


def wilson(hits: int, of: int) -> Estimate:
    """A share with its score interval (Wilson 1927): in closed form, so it can follow a cut point that moves."""
    if not of:
        return Estimate(None, of=0)
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, weight = hits / of, z * z / of
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / of + weight / (4 * of)) / (1 + weight)
    return Estimate(share, max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)), of)


_SHARES = ("precision", "recall", "fpr", "recall_at_1_fpr")


class _Cells:
    """Rows by score (highest first), label and verdict. ``ends`` are the last cells of each score."""

    def __init__(self, scores: npt.ArrayLike, labels: npt.ArrayLike, blocked: npt.ArrayLike) -> None:
        score = np.asarray(scores, dtype=np.float64)
        kind = np.asarray(labels, dtype=np.int64) * 2 + np.asarray(blocked, dtype=np.int64)
        values, rank = np.unique(-score, return_inverse=True)
        cells, index, counts = np.unique(rank.reshape(-1) * 4 + kind, return_inverse=True, return_counts=True)
        self.index: Ints = index.reshape(-1)
        self.counts: Ints = counts.astype(np.int64)
        self.positive: Bools = cells % 4 >= 2
        self.blocked: Bools = cells % 2 == 1
        last = np.flatnonzero(np.diff(cells // 4, append=len(values)))
        self.ends: Ints = last.astype(np.int64)

    def cumulated(self, counts: Ints) -> tuple[Ints, Ints]:
        """True and false positives when everything down to each score is called positive."""
        hits = np.cumsum(counts * self.positive, axis=1)[:, self.ends]
        return hits, np.cumsum(counts, axis=1)[:, self.ends] - hits

    def denominators(self) -> dict[str, int]:
        """What the shares are shares of."""
        positives = int(self.counts[self.positive].sum())
        return {
            "precision": int(self.counts[self.blocked].sum()),
            "recall": positives,
            "fpr": int(self.counts.sum()) - positives,
            "recall_at_1_fpr": positives,
        }

    def figures(self, counts: Ints) -> dict[str, Floats]:
        """All figures of each row of counts, NaN where one is not defined."""
        positives = counts[:, self.positive].sum(axis=1)
        negatives = counts[:, ~self.positive].sum(axis=1)
        both = np.where((positives > 0) & (negatives > 0), 1.0, np.nan)
        tp = counts[:, self.positive & self.blocked].sum(axis=1)
        fp = counts[:, ~self.positive & self.blocked].sum(axis=1)
        recall, fpr = _over(tp, positives), _over(fp, negatives)
        hits, alarms = self.cumulated(counts)
        new_hits = np.diff(hits, axis=1, prepend=0)
        new_alarms = np.diff(alarms, axis=1, prepend=0)
        called = np.maximum(hits + alarms, 1)
        allowed = np.floor(negatives * FPR + 1e-9)[:, None]
        return {
            "precision": _over(tp, tp + fp) * both,
            "recall": recall,
            "f1": _over(2 * tp, positives + tp + fp) * both,
            "fpr": fpr,
            "balanced_accuracy": (recall + 1 - fpr) / 2,
            "auc": _over((new_alarms * (hits - new_hits / 2)).sum(axis=1), positives * negatives),
            "average_precision": _over((new_hits * (hits / called)).sum(axis=1), positives) * both,
            "recall_at_1_fpr": _over(np.where(alarms <= allowed, hits, 0).max(axis=1, initial=0), positives) * both,
        }


def _over(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> Floats:
    out: Floats = np.full(below.shape, np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


def _resampled(index: Ints, cells: int, resamples: int, seed: str) -> Iterator[Ints]:
    """Counts of cells in samples with replacement of the rows, some samples at a time."""
    rows = len(index)
    if not rows:
        return
    rng = np.random.default_rng([0, zlib.crc32(seed.encode("utf-8", "surrogatepass"))])
    at_once = max(1, _HELD // max(rows, cells))
    for low in range(0, resamples, at_once):
        size = min(at_once, resamples - low)
        drawn = index[rng.integers(rows, size=(size, rows))]
        drawn += (np.arange(size) * cells)[:, None]
        yield np.bincount(drawn.reshape(-1), minlength=size * cells).reshape(size, cells)


def _estimate(value: float, drawn: list[Floats], of: int | None, *, share: bool) -> Estimate:
    """The percentile interval, widened to hold the figure itself.

    Resampling cannot see what never happened: a share of none or of all gets the exact (Clopper-Pearson) bound too.
    """
    if math.isnan(value):
        return Estimate(None, of=of)
    samples = np.concatenate(drawn) if drawn else np.empty(0)
    samples = samples[~np.isnan(samples)]
    if not samples.size:
        return Estimate(value, of=of)
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(q) for q in np.quantile(samples, (tail, 1 - tail)))
    low, high = min(low, value), max(high, value)
    if share and of:
        if value <= 0:
            high = max(high, 1 - tail ** (1 / of))
        elif value >= 1:
            low = min(low, tail ** (1 / of))
    return Estimate(value, low, high, of)


# The figures in the order in which they are shown, with their short names.
NAMES: Mapping[str, str] = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "fpr": "FPR",
    "balanced_accuracy": "bal. acc.",
    "auc": "AUC",
    "average_precision": "AP",
    "recall_at_1_fpr": "R @ 1 % FPR",
}
