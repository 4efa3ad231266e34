"""Insults of persons and chatbots, and strong language, criticism and complaints that insult nobody."""

from __future__ import annotations

import random
from collections.abc import Iterator

from models.text.generators.sexual import both
from models.text.rows import Row


def generate(rng: random.Random, count: int) -> Iterator[Row]:
    """``count`` rows, half of them harmful."""
    return both("insults", rng, count)
