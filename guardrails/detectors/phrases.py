"""Whether a text says what an author wrote: the same words, whatever their case and punctuation, and up to a typo or two."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import islice

__all__ = ["Phrases", "plain"]

# A typo is allowed in this many letters, and no more than _MOST in all.
_LETTERS_A_TYPO = 14
_MOST = 3
# Sentences of a text that are compared.
_SENTENCES = 60
_SENTENCE = re.compile(r"[^\s.!?。！？][^.!?\n。！？]*[.!?。！？]*")


def plain(text: str) -> str:
    """A text as its words: compatibility forms and case folded, accents kept, everything that is no letter or digit one blank."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in folded).split())


class Phrases:
    """Phrases of an author. Immutable."""

    __slots__ = ("_exact", "_longest", "_near")

    def __init__(self, phrases: Iterable[str]) -> None:
        self._exact = frozenset(p for p in map(plain, phrases) if p)
        # A typo in a short phrase makes another word of it: ten letters and more are compared with room for one.
        self._near = tuple(sorted(p for p in self._exact if len(p) >= 10))
        self._longest = max(map(len, self._exact), default=0) + _MOST

    def whole(self, text: str) -> bool:
        """True where the whole text is one of the phrases."""
        return bool(self._exact) and len(text) <= 4 * self._longest + 40 and self._is(plain(text))

    def find(self, text: str) -> tuple[int, int] | None:
        """The half-open range of the text, or of its first sentence, that is one of the phrases."""
        if not self._exact:
            return None
        if self.whole(text):
            return 0, len(text)
        for part in islice(_SENTENCE.finditer(text), _SENTENCES):
            if self.whole(part[0]):
                return part.span()
        return None

    def _is(self, said: str) -> bool:
        if said in self._exact:
            return True
        return any(
            abs(len(p) - len(said)) <= _MOST and within(p, said, min(_MOST, max(1, len(p) // _LETTERS_A_TYPO)))
            for p in self._near
        )


def within(one: str, other: str, most: int) -> bool:
    """True where at most ``most`` letters were added, dropped, changed or swapped with their neighbour (optimal string alignment)."""
    if abs(len(one) - len(other)) > most:
        return False
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return False
        before, last = last, row
    return last[-1] <= most
