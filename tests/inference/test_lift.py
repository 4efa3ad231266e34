"""Labels of a group support each other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from guardrails.inference.text import lifted

ROWS = st.lists(st.floats(-8, 8), min_size=5, max_size=5).map(lambda x: np.array([x], np.float32))
MOST = 0.6931


@given(ROWS)
def test_nobody_falls_and_nobody_rises_by_more_than_most(z: np.ndarray) -> None:
    out = lifted(z, [[0, 1, 2]], MOST)
    assert (out >= z - 1e-5).all()
    assert (out <= z + MOST + 1e-5).all()
    assert (out[:, 3:] == z[:, 3:]).all()
    order = z[0, :3].argsort()
    assert (np.diff(out[0, :3][order]) >= -1e-5).all()


@given(ROWS)
def test_no_logit_passes_that_of_the_whole_group(z: np.ndarray) -> None:
    out = lifted(z, [[0, 1, 2]], MOST)
    some = np.log(np.exp(z[0, :3].astype(float)).sum())
    assert (out[0, :3] <= max(some, z[0, :3].max()) + 1e-4).all()


def test_two_equal_halves_are_a_whole() -> None:
    out = lifted(np.array([[1.0, 1.0, -9.0]], np.float32), [[0, 1, 2]], MOST)
    assert np.allclose(out[0, :2], 1 + np.log(2), atol=1e-3)
