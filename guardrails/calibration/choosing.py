"""What a cut point does on some rows, and which one to take. Arithmetic on arrays: no text, no policy, no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guardrails.evaluation.metrics import Estimate, wilson

__all__ = ["Mistake", "Point", "Scores"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_DIGITS = range(2, 13)
# Below every difference of scores, which have six digits.
_LEAST = 1e-9
# Rates at which a table of cut points is made, when nobody asks for one.
_FPRS, _RECALLS = (0.001, 0.01, 0.05), (0.95, 0.9, 0.8)


class Mistake(NamedTuple):
    """A row that a cut point gets wrong. ``distance`` is how far its score lies from the cut point, in [0, 1]."""

    line: int
    score: float
    label: int
    distance: float

    @property
    def kind(self) -> str:
        """What went wrong."""
        return "missed" if self.label else "false positive"


@dataclass(frozen=True, slots=True)
class Point:
    """A cut point and what it does. ``fires`` is of all rows, ``false_positives`` of those labelled 0, ``recall`` of those
    labelled 1, ``precision`` of the labelled rows that fire; each with its 95 % interval."""

    cut: float | str
    fires: Estimate
    false_positives: Estimate
    recall: Estimate
    precision: Estimate

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        names = ("fires", "false_positives", "recall", "precision")
        return {"cut": self.cut, **{name: getattr(self, name).to_dict() for name in names}}


@dataclass(frozen=True)
class Scores:
    """The scores of one rule over the rows that it judged.

    ``lines`` name the rows, ``scores`` are in [0, 1], ``labels`` 1, 0, or -1 where nobody says. ``low`` and ``high`` bound a cut point that
    is a number; ``falls``: scores below it fire. A cut point that is a name has its ``margins``: by how much each row's score is above it.
    """

    lines: Ints
    scores: Floats = field(repr=False)
    labels: Ints = field(repr=False)
    current: float | str
    low: float = 0.0
    high: float = 1.0
    falls: bool = False
    margins: Mapping[str, Floats] = field(default_factory=dict, repr=False)

    @property
    def positives(self) -> int:
        """Rows labelled 1."""
        return int((self.labels == 1).sum())

    @property
    def negatives(self) -> int:
        """Rows labelled 0."""
        return int((self.labels == 0).sum())

    def margin(self, cut: float | str) -> Floats:
        """By how much each row's score passes the cut point; below 0 it does not. Raises KeyError for an unknown name."""
        if isinstance(cut, str):
            return self.margins[cut]
        if not self.falls:
            return self.scores - cut
        # A score that equals the cut point is not below it.
        return np.where(self.scores < cut, cut - self.scores, np.minimum(cut - self.scores, -_LEAST))

    def at(self, cut: float | str) -> Point:
        """What that cut point does."""
        fires = self.margin(cut) >= 0
        hits, alarms = int((fires & (self.labels == 1)).sum()), int((fires & (self.labels == 0)).sum())
        return Point(
            cut,
            wilson(int(fires.sum()), len(fires)),
            wilson(alarms, self.negatives),
            wilson(hits, self.positives),
            wilson(hits, hits + alarms),
        )

    def cuts(self) -> list[float | str]:
        """Every cut point that decides about these rows otherwise than its neighbour, the one on which most rows fire first."""
        if self.margins:
            return list(reversed(list(self.margins)))
        values = [float(v) for v in np.unique(self.scores)]
        found = [self.low, *(_between(*pair) for pair in pairwise(values))]
        if values and values[-1] < self.high:
            found.append(_between(values[-1], self.high))
        kept = sorted({c for c in found if self.low <= c <= self.high}, reverse=self.falls)
        return list(kept)

    def choose(self, *, fpr: float | None = None, recall: float | None = None) -> Point | None:
        """The cut point of most recall with at most that share of false positives, or of fewest false positives with at least that recall.

        None where no cut point reaches it, or no row is labelled so that it could be measured.
        """
        if (fpr is None) == (recall is None):
            raise TypeError("choose() takes fpr or recall")
        cuts = self.cuts()
        if fpr is not None:
            found = [c for c, n in zip(cuts, self._firing(cuts, 0), strict=True) if n <= fpr * self.negatives + _LEAST]
            return self.at(found[0]) if found and self.negatives else None
        found = [
            c for c, n in zip(cuts, self._firing(cuts, 1), strict=True) if n + _LEAST >= (recall or 0) * self.positives
        ]
        return self.at(found[-1]) if found and self.positives else None

    def _firing(self, cuts: Sequence[float | str], label: int) -> list[int]:
        """How many rows with that label fire, for each of the cut points."""
        mine = self.labels == label
        if self.margins:
            return [int((self.margins[str(c)] >= 0)[mine].sum()) for c in cuts]
        scores = np.sort(self.scores[mine])
        below = np.searchsorted(scores, np.array(cuts, dtype=np.float64), side="left")
        return [int(n) if self.falls else len(scores) - int(n) for n in below]

    def table(self) -> list[Point]:
        """The policy's own cut point, and those for usual rates; each once."""
        found = [self.at(self.current)]
        if self.margins:
            found += [self.at(name) for name in self.cuts()]
        else:
            found += [p for rate in _RECALLS if (p := self.choose(recall=rate))]
            found += [p for rate in reversed(_FPRS) if (p := self.choose(fpr=rate))]
        return list({p.cut: p for p in found}.values())

    def mistakes(self, cut: float | str) -> list[Mistake]:
        """The rows that the cut point gets wrong, nearest to it first."""
        margin = self.margin(cut)
        wrong = ((margin >= 0) & (self.labels == 0)) | ((margin < 0) & (self.labels == 1))
        order = sorted(np.flatnonzero(wrong), key=lambda i: (abs(margin[i]), self.lines[i]))
        return [
            Mistake(int(self.lines[i]), float(self.scores[i]), int(self.labels[i]), round(abs(float(margin[i])), 6))
            for i in order
        ]

    def nearest(self, cut: float | str, most: int) -> list[Mistake]:
        """Rows without a label that lie nearest to the cut point: what to label first."""
        margin = self.margin(cut)
        order = sorted(np.flatnonzero(self.labels == -1), key=lambda i: (abs(margin[i]), self.lines[i]))
        return [
            Mistake(int(self.lines[i]), float(self.scores[i]), -1, round(abs(float(margin[i])), 6))
            for i in order[:most]
        ]

    def histogram(self, bins: int = 20) -> dict[int, list[int]]:
        """How many rows of each label (1, 0, -1) have a score in each of ``bins`` equal parts of [0, 1]."""
        edges = np.linspace(0, 1, bins + 1)
        return {
            label: [int(n) for n in np.histogram(self.scores[self.labels == label], edges)[0]] for label in (1, 0, -1)
        }


def _between(low: float, high: float) -> float:
    """The shortest number above ``low`` and not above ``high``, near their middle: what an author would write."""
    middle = (low + high) / 2
    return next((n for digits in _DIGITS if low < (n := round(middle, digits)) <= high), high)
