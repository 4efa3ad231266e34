"""Wishes, methods and encouragement of self-harm, and help, recovery, idiom and literature that share their words."""

from __future__ import annotations

import random
from collections.abc import Iterator

from models.text.generators.sexual import both
from models.text.rows import Row


def generate(rng: random.Random, count: int) -> Iterator[Row]:
    """``count`` rows, half of them harmful."""
    return both("self_harm", rng, count)
