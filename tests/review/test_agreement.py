"""How far reviewers agree: published examples, and the laws that every such figure keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.review import agreement, alpha, kappa
from guardrails.review.agreement import ALPHA, KAPPA

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": four observers, twelve units, five values, gaps.
NOMINAL = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
BINARY = ("0100000010", "1110010000")  # same paper: two observers, no gaps


def counted(rows: tuple[str, ...], kinds: str) -> list[list[int]]:
    return [[column.count(kind) for kind in kinds] for column in zip(*rows, strict=True)]


def test_the_examples_of_their_papers() -> None:
    assert kappa([[20, 5], [10, 15]]) == pytest.approx(0.4)
    assert alpha(counted(BINARY, "01")) == pytest.approx(0.095, abs=5e-4)
    assert alpha(counted(NOMINAL, "12345")) == pytest.approx(0.743, abs=5e-4)


LABELS = st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 1)), max_size=30)


@given(LABELS)
@settings(deadline=None, max_examples=60)
def test_what_holds_of_every_agreement(labels: list[dict[str, int]]) -> None:
    found = agreement(labels)
    both = [own for own in labels if len(own) > 1]
    if not both:
        assert found is None
        return
    assert found is not None
    assert found.same.of == len(both)
    value = found.value.value
    if value is None:
        assert len({v for own in both for v in own.values()}) == 1
        return
    assert value <= 1 + 1e-9
    assert (value > 1 - 1e-9) == (found.same.value == 1)
    assert found.value.low is not None
    assert found.value.high is not None
    assert found.value.low <= value <= found.value.high
    turned = agreement([{name: 1 - v for name, v in own.items()} for own in labels])
    assert turned is not None
    assert turned.value.value == pytest.approx(value)
    assert agreement([*labels, {"a": 1}]) == found or len({n for own in both for n in own}) < 3


def test_two_reviewers_have_kappa_and_more_have_alpha() -> None:
    two = [{"ann": 1, "bob": 1}, {"ann": 0, "bob": 0}, {"ann": 1, "bob": 0}]
    found = agreement(two)
    assert found is not None
    assert (found.measure, found.same.value) == (KAPPA, 2 / 3)
    more = agreement([*two, {"ann": 0, "eve": 0}])
    assert more is not None
    assert more.measure == ALPHA


def test_chance_gives_nothing() -> None:
    rng = np.random.default_rng(3)
    found = agreement([{"a": int(x), "b": int(y), "c": int(z)} for x, y, z in rng.integers(0, 2, (4_000, 3))])
    assert found is not None
    assert found.value.value == pytest.approx(0, abs=0.05)
