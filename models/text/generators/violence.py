"""Threats, plans and praise of violence, and innocent texts in the same words."""

from __future__ import annotations

import random
from collections.abc import Iterator

from models.text.generators.misconduct import Maker
from models.text.rows import Row


def generate(rng: random.Random, count: int) -> Iterator[Row]:
    """``count`` rows, half of them violent or asking how to be."""
    yield from Maker("violence", "VIOLENCE", rng).rows(count)
