"""Figures against scikit-learn's values and against the plainest possible code."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.evaluation.metrics import NAMES, _Cells, curves, figures, ratios

LABELS = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1]
SCORES = [0.9, 0.8, 0.8, 0.7, 0.6, 0.55, 0.5, 0.5, 0.5, 0.3, 0.2, 0.1]

# (score, label, blocked); few different scores, so that many are equal.
ROWS = st.lists(
    st.tuples(st.integers(0, 12).map(lambda n: n / 12), st.integers(0, 1), st.booleans()), min_size=1, max_size=40
)


def of(rows: list[tuple[float, int, bool]], resamples: int = 0) -> dict[str, float | None]:
    return {k: e.value for k, e in figures(*zip(*rows, strict=True), resamples=resamples).items()}


def test_values_of_scikit_learn() -> None:
    """roc_auc_score, average_precision_score, precision_score, recall_score, f1_score, balanced_accuracy_score of 1.9.1."""
    values = figures(SCORES, LABELS, [s >= 0.55 for s in SCORES], resamples=0)
    assert values["auc"].value == pytest.approx(0.5972222222222222)
    assert values["average_precision"].value == pytest.approx(0.6712962962962962)
    for name in ("precision", "recall", "f1", "balanced_accuracy", "fpr"):
        assert values[name].value == pytest.approx(0.5)


def test_more_values_of_scikit_learn() -> None:
    n = np.arange(400)
    labels = (n % 4 == 0).astype(int)
    scores = np.round((np.sin(n * 12.9898) * 43758.5453) % 1 * 0.7 + labels * 0.3, 3)
    values = figures(scores, labels, scores >= 0.6, resamples=0)
    expected = {
        "auc": 0.8493666666666667, "average_precision": 0.7404728779662872, "precision": 0.580952380952381,
        "recall": 0.61, "f1": 0.5951219512195122, "balanced_accuracy": 0.7316666666666667, "recall_at_1_fpr": 0.48,
    }  # fmt: skip
    assert {k: values[k].value for k in expected} == pytest.approx(expected)
    assert (values["recall_at_1_fpr"].of, values["fpr"].of) == (100, 300)


@given(ROWS)
def test_figures_are_their_definitions(rows: list[tuple[float, int, bool]]) -> None:
    good = [s for s, y, _ in rows if y]
    bad = [s for s, y, _ in rows if not y]
    tp, fp = (sum(b for _, y, b in rows if y == wanted) for wanted in (1, 0))
    values = of(rows)
    assert values["recall"] == (tp / len(good) if good else None)
    assert values["fpr"] == (fp / len(bad) if bad else None)
    if not good or not bad:
        assert {k for k, v in values.items() if v is not None} == {"recall" if good else "fpr"}
        return
    assert values["precision"] == (tp / (tp + fp) if tp + fp else None)
    assert values["f1"] == pytest.approx(2 * tp / (2 * tp + fp + len(good) - tp))
    pairs = [(p > n) + (p == n) / 2 for p, n in itertools.product(good, bad)]
    assert values["auc"] == pytest.approx(sum(pairs) / len(pairs))
    area, before, best = 0.0, 0.0, 0.0
    for cut in sorted({s for s, _, _ in rows}, reverse=True):
        hits, alarms = sum(s >= cut for s in good), sum(s >= cut for s in bad)
        area += (hits / len(good) - before) * hits / (hits + alarms)
        before = hits / len(good)
        if alarms / len(bad) <= 0.01:
            best = before
    assert values["average_precision"] == pytest.approx(area)
    assert values["recall_at_1_fpr"] == pytest.approx(best)


@given(ROWS, st.sampled_from([lambda s: s**3, math.exp, lambda s: 5 * s - 2, lambda s: s / (2 - s)]))
def test_a_rising_function_of_scores_changes_nothing(
    rows: list[tuple[float, int, bool]], f: Callable[[float], float]
) -> None:
    moved = [(f(s), y, b) for s, y, b in rows]
    assert figures(*zip(*moved, strict=True), resamples=20) == figures(*zip(*rows, strict=True), resamples=20)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_nothing(rows: list[tuple[float, int, bool]], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert of(shuffled) == of(rows)


@given(ROWS)
def test_opposite_labels_turn_the_curve_around(rows: list[tuple[float, int, bool]]) -> None:
    auc, turned = of(rows)["auc"], of([(s, 1 - y, b) for s, y, b in rows])["auc"]
    assert (auc is None) == (turned is None)
    if auc is not None:
        assert auc + turned == pytest.approx(1)


@given(ROWS, st.data())
def test_a_resample_is_rows_repeated(rows: list[tuple[float, int, bool]], data: st.DataObject) -> None:
    """Figures of counts of cells are those of the rows themselves, each as often as it was drawn."""
    drawn = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=40))
    cells = _Cells(*zip(*rows, strict=True))
    counts = np.bincount(cells.index[drawn], minlength=len(cells.counts))[None, :]
    values = {k: float(v[0]) for k, v in cells.figures(counts).items()}
    expected = of([rows[i] for i in drawn])
    assert {k: None if math.isnan(v) else pytest.approx(v) for k, v in values.items()} == expected


@given(ROWS, st.sampled_from([1, 3, 50]))
@settings(deadline=None)
def test_intervals_hold_the_figure(rows: list[tuple[float, int, bool]], resamples: int) -> None:
    for name, e in figures(*zip(*rows, strict=True), resamples=resamples, seed="x").items():
        assert name in NAMES
        if e.value is None:
            assert e.low is None
            assert e.high is None
        elif e.low is not None and e.high is not None:
            assert 0 <= e.low <= e.value <= e.high <= 1


def test_intervals_are_as_wide_as_they_should_be() -> None:
    """A share of 80 % of 400 has a standard error of .02, and 95 % are 1.96 of them either way."""
    rows = [(float(i % 5 != 0), 1, i % 5 != 0) for i in range(400)] + [(0.0, 0, False)] * 400
    recall = figures(*zip(*rows, strict=True), resamples=2000)["recall"]
    assert recall.low == pytest.approx(0.8 - 1.96 * 0.02, abs=0.006)
    assert recall.high == pytest.approx(0.8 + 1.96 * 0.02, abs=0.006)


def test_intervals_are_seeded_and_by_name() -> None:
    rows = list(zip(SCORES, LABELS, [s > 0.5 for s in SCORES], strict=True)) * 8
    first, again, other = (figures(*zip(*rows, strict=True), seed=seed) for seed in ("a", "a", "b"))
    assert first == again
    assert first != other
    assert {k: e.value for k, e in first.items()} == {k: e.value for k, e in other.items()}


def test_what_never_happened_still_has_an_upper_bound() -> None:
    none = figures([0.1] * 20 + [0.9], [0] * 20 + [1], [False] * 20 + [True])
    assert none["fpr"].value == 0
    assert none["fpr"].high == pytest.approx(0.16843, abs=1e-4)  # exact binomial bound of 0 in 20
    assert none["recall"].low == pytest.approx(0.025)


def test_nothing_at_all() -> None:
    assert all(e.value is None for e in figures([], [], []).values())
    assert curves([], []) is None
    assert ratios({"a": ([], [])})["a"].value is None


def test_curves_end_at_one() -> None:
    c = curves(SCORES, LABELS)
    assert c is not None
    assert (c.fpr[-1], c.recall[-1], c.precision[-1]) == (1, 1, 0.5)
    assert np.trapezoid([0, *c.recall], [0, *c.fpr]) == pytest.approx(0.5972222222222222)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30))
def test_ratios(pairs: list[tuple[int, int]]) -> None:
    above, below = [min(a, b) for a, b in pairs], [b for _, b in pairs]
    both = ratios({"x": (above, below), "y": (below, below)}, resamples=50)
    assert both["x"].value == (sum(above) / sum(below) if sum(below) else None)
    assert both["y"].value == (1 if sum(below) else None)
    assert both["x"].of == sum(below)
