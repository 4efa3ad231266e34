"""How far reviewers agree, beyond what chance would give. Arithmetic on labels: no text.

Two reviewers: Cohen's kappa (Cohen 1960, "A Coefficient of Agreement for Nominal Scales"). More, or some who labelled a part: Krippendorff's
alpha for nominal data (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"), which takes missing labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from guardrails.evaluation.metrics import Estimate, wilson

__all__ = ["Agreement", "agreement", "alpha", "kappa"]

Counts = npt.NDArray[np.float64]
KAPPA, ALPHA = "Cohen's kappa", "Krippendorff's alpha"
_RESAMPLES = 2_000
_TAILS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far reviewers agree on the texts that at least two of them labelled.

    ``measure`` names what ``value`` is: 1 is full agreement, 0 what chance gives, below 0 less than that; None where everybody gave every text
    the same label, so that chance explains all of it. ``same``: the share of texts on which all agree.
    """

    measure: str
    value: Estimate
    same: Estimate

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {"measure": self.measure, "value": self.value.to_dict(), "same": self.same.to_dict()}


def kappa(table: npt.ArrayLike) -> float | None:
    """Cohen's kappa of a square table [kinds, kinds]: how many texts the one gave that label, and the other this one.

    From -1 to 1, None where both gave every text the same label.
    """
    return _point(_kappas(np.asarray(table, dtype=np.float64)[None]))


def alpha(counts: npt.ArrayLike) -> float | None:
    """Krippendorff's alpha for nominal data of counts [texts, kinds]: how many reviewers gave a text that label.

    Texts with fewer than two labels count nothing. At most 1, None where every text got the same label, or no text got two.
    """
    kinds = np.asarray(counts, dtype=np.float64)
    return _point(_alphas(kinds, np.ones((1, len(kinds)))))


def agreement(labels: Sequence[Mapping[str, int]]) -> Agreement | None:
    """The agreement of reviewers; ``labels`` has for each text what each reviewer said (0 or 1). None where no text has two labels.

    The interval holds 95 % of what samples of the texts, drawn with replacement, give; the same labels give the same interval.
    """
    both = [dict(own) for own in labels if len(own) > 1]
    if not both:
        return None
    same = wilson(sum(len(set(own.values())) == 1 for own in both), len(both))
    names = sorted({name for own in both for name in own})
    if len(names) == 2:
        pairs = Counter((own[names[0]], own[names[1]]) for own in both)
        cells = np.array([pairs[a, b] for a in (0, 1) for b in (0, 1)], dtype=np.float64)
        drawn = _kappas(_samples(cells).reshape(-1, 2, 2))
        return Agreement(KAPPA, _estimate(kappa(cells.reshape(2, 2)), drawn, len(both)), same)
    kinds = Counter((sum(1 - v for v in own.values()), sum(own.values())) for own in both)
    counts = np.array(list(kinds), dtype=np.float64)
    weights = np.array(list(kinds.values()), dtype=np.float64)
    value = _point(_alphas(counts, weights[None]))
    return Agreement(ALPHA, _estimate(value, _alphas(counts, _samples(weights)), len(both)), same)


def _kappas(tables: Counts) -> Counts:
    """Cohen's kappa of each of some tables [tables, kinds, kinds]; NaN where it is not defined."""
    totals = tables.sum(axis=(1, 2))
    seen = np.trace(tables, axis1=1, axis2=2)
    chance = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1) / np.maximum(totals, 1)
    return _over(seen - chance, totals - chance)


def _alphas(counts: Counts, weights: Counts) -> Counts:
    """Krippendorff's alpha of samples of texts: counts [texts, kinds], how often each text is in a sample [samples, texts]."""
    given = counts.sum(axis=1)
    weights = weights * (given > 1)
    pairs = (given**2 - (counts**2).sum(axis=1)) / np.maximum(given - 1, 1)
    total = weights @ given
    by_kind = weights @ counts
    chance = (total**2 - (by_kind**2).sum(axis=1)) / np.maximum(total - 1, 1)
    return 1 - _over(weights @ pairs, chance)


def _over(above: Counts, below: Counts) -> Counts:
    out = np.full(below.shape, np.nan)
    np.divide(above, below, out=out, where=below > 1e-9)
    return out


def _samples(weights: Counts) -> Counts:
    """How often each kind of text is in samples as large as the whole, drawn with replacement [samples, kinds]."""
    total = int(weights.sum())
    rng = np.random.default_rng(0)
    return rng.multinomial(total, weights / total, size=_RESAMPLES).astype(np.float64)


def _point(values: Counts) -> float | None:
    return None if np.isnan(values[0]) else float(values[0])


def _estimate(value: float | None, drawn: Counts, of: int) -> Estimate:
    drawn = drawn[~np.isnan(drawn)]
    if value is None or not drawn.size:
        return Estimate(value, of=of)
    low, high = (float(q) for q in np.quantile(drawn, _TAILS))
    return Estimate(value, min(low, value), max(high, value), of)
