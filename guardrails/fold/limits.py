"""How much folding may make of one text."""

from __future__ import annotations

__all__ = ["MAX_DEPTH", "MAX_GROWTH", "MAX_VIEWS", "SMALL"]

MAX_DEPTH = 3  # encodings inside encodings
MAX_VIEWS = 64
MAX_GROWTH = 10  # all views together, in lengths of the text (and never less than SMALL characters)
SMALL = 400_000
