"""Cut points: what one does, and which is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.calibration import Scores
from guardrails.evaluation.metrics import wilson

ROWS = st.lists(
    st.tuples(st.integers(0, 1_000_000).map(lambda n: n / 1_000_000), st.sampled_from((0, 1, -1))),
    min_size=1,
    max_size=40,
)


def scores(rows: list[tuple[float, int]], *, falls: bool = False, current: float = 0.5) -> Scores:
    values, labels = zip(*rows, strict=True)
    return Scores(np.arange(1, len(rows) + 1), np.array(values), np.array(labels), current, falls=falls)


def rates(rows: list[tuple[float, int]], cut: float, *, falls: bool) -> tuple[float, float]:
    """False-positive rate and recall, counted by hand."""

    def share(label: int) -> float:
        own = [value for value, said in rows if said == label]
        return sum(value < cut if falls else value >= cut for value in own) / len(own) if own else 0.0

    return share(0), share(1)


@given(ROWS, st.sampled_from((0.0, 0.01, 0.2, 0.5, 1.0)), st.booleans())
@settings(deadline=None, max_examples=200)
def test_no_other_cut_point_has_more_recall_within_the_rate(
    rows: list[tuple[float, int]], rate: float, falls: bool
) -> None:
    chosen = scores(rows, falls=falls).choose(fpr=rate)
    if chosen is None:  # nothing that should not be found, or a score that no cut point up to 1 leaves out
        assert not any(label == 0 for _, label in rows) or (not falls and any(row == (1, 0) for row in rows))
        return
    fpr, recall = rates(rows, float(chosen.cut), falls=falls)
    assert fpr <= rate
    assert [chosen.false_positives.value, chosen.recall.value or 0.0] == pytest.approx([fpr, recall])
    every = (
        rates(rows, cut, falls=falls) for value, _ in rows for cut in (value, np.nextafter(value, 2.0)) if cut <= 1
    )
    assert recall >= max((other for alarms, other in every if alarms <= rate), default=0.0)


@given(ROWS, st.sampled_from((0.1, 0.5, 0.9, 1.0)), st.booleans())
@settings(deadline=None, max_examples=200)
def test_no_other_cut_point_with_that_recall_has_fewer_false_positives(
    rows: list[tuple[float, int]], wanted: float, falls: bool
) -> None:
    chosen = scores(rows, falls=falls).choose(recall=wanted)
    if chosen is None:  # nothing to find, or a cut point of 1 that nothing lies below
        assert not any(label == 1 for _, label in rows) or (falls and any(value == 1 for value, _ in rows))
        return
    fpr, recall = rates(rows, float(chosen.cut), falls=falls)
    assert recall >= wanted
    every = (
        rates(rows, cut, falls=falls) for value, _ in rows for cut in (value, np.nextafter(value, 2.0)) if cut <= 1
    )
    assert fpr <= min((alarms for alarms, other in every if other >= wanted), default=1.0)


def test_a_cut_point_is_a_number_that_an_author_would_write() -> None:
    assert scores([(0.412345, 0), (0.687654, 1)]).choose(fpr=0.0).cut == 0.55  # type: ignore[union-attr]
    assert scores([(0.412345, 0), (0.412346, 1)]).choose(fpr=0.0).cut == 0.412346  # type: ignore[union-attr]


def test_mistakes_are_nearest_first() -> None:
    found = scores([(0.9, 0), (0.55, 0), (0.1, 1), (0.48, 1), (0.7, 1), (0.2, 0), (0.51, -1)]).mistakes(0.5)
    assert [(m.line, m.kind) for m in found] == [
        (4, "missed"), (2, "false positive"), (1, "false positive"), (3, "missed")
    ]  # fmt: skip
    assert [m.line for m in scores([(0.9, -1), (0.4, -1), (0.2, 1)]).nearest(0.5, 1)] == [2]


def test_named_cut_points_fire_on_their_margins() -> None:
    margins = {"LOW": np.array([-0.2, 0.1]), "HIGH": np.array([0.1, 0.3])}
    own = Scores(np.array([1, 2]), np.array([0.5, 0.8]), np.array([0, 1]), "HIGH", margins=margins)
    assert own.cuts() == ["HIGH", "LOW"]
    assert own.choose(fpr=0.0).cut == "LOW"  # type: ignore[union-attr]
    assert own.choose(recall=1.0).cut == "LOW"  # type: ignore[union-attr]
    assert own.at("HIGH").false_positives.value == 1.0


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (8, 1000, 0.00406, 0.01571)],
)
def test_wilson(hits: int, of: int, low: float, high: float) -> None:
    """Against R's ``prop.test(correct = FALSE)``."""
    found = wilson(hits, of)
    assert [found.low, found.high] == pytest.approx([low, high], abs=1e-4)
    assert wilson(0, 0).value is None
