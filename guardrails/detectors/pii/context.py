"""Context words: what stands around a match raises or lowers its score.

Presidio's enhancer works on lemmas, which its no-op NLP engine does not have. This one works on plain tokens: the
``BEFORE`` tokens in front of a match and the ``AFTER`` behind it, lower-cased. A context word counts when a token equals
it or is its plural; a phrase when its words follow each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["AFTER", "BEFORE", "BOOST", "FLOOR", "Window", "rescored"]

BEFORE = 10  # tokens; a form's label and a short clause
AFTER = 4  # tokens: "… is my account number"
BOOST = 0.35  # Presidio's context_similarity_factor
FLOOR = 0.6  # a match with context is at least that likely
PENALTY = 0.35

# Characters that surely hold so many tokens; a longer window would only cost time.
_REACH_BEFORE = 120
_REACH_AFTER = 48
_TOKEN = re.compile(r"[^\W_]+")


class Window:
    """The tokens around one match."""

    __slots__ = ("after", "before")

    def __init__(self, text: str, start: int, end: int) -> None:
        low = max(0, start - _REACH_BEFORE)
        tokens = _TOKEN.findall(text[low:start].lower())
        # A token cut by the window's edge is no token.
        if low and tokens and text[low - 1].isalnum() and text[low].isalnum():
            tokens = tokens[1:]
        self.before = " " + " ".join(tokens[-BEFORE:]) + " "
        self.after = " " + " ".join(_TOKEN.findall(text[end : end + _REACH_AFTER].lower())[:AFTER]) + " "

    def has(self, words: Sequence[str]) -> bool:
        """True when one of the words or phrases stands in the window."""
        return any(f" {w} " in side or f" {w}s " in side for w in words for side in (self.before, self.after))


def rescored(score: float, window: Window, context: Sequence[str], against: Sequence[str]) -> tuple[float, bool]:
    """The score after context, and whether a context word was there."""
    found = bool(context) and window.has(context)
    if found:
        score = max(min(score + BOOST, 1.0), FLOOR)
    if against and window.has(against):
        score = max(score - PENALTY, 0.0)
    return score, found
