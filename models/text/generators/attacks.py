"""Attacks on instructions, typed by users or hidden in documents, and the harmless texts that look like them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from models.text.generators import attacks_benign, attacks_direct, attacks_indirect
from models.text.rows import Row

# Shares: attacks that users type, what only looks like one, and documents (half of them attacked).
_SHARES = ((attacks_direct.generate, 0.27), (attacks_benign.generate, 0.28), (attacks_indirect.generate, 0.45))


def generate(rng: random.Random, count: int, data: Path) -> Iterator[Row]:
    """``count`` rows, about half of them attacks."""
    made = 0
    for generate_part, part in _SHARES:
        size = round(count * part) if generate_part is not _SHARES[-1][0] else count - made
        made += size
        yield from generate_part(rng, size, data)


__all__ = ["generate"]
