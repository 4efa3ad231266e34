"""Attacks on protected groups, and neutral, proud, reporting and opposing texts about the same groups."""

from __future__ import annotations

import random
from collections.abc import Iterator

from models.text.generators.sexual import both
from models.text.rows import Row


def generate(rng: random.Random, count: int) -> Iterator[Row]:
    """``count`` rows, half of them harmful."""
    return both("hate", rng, count)
