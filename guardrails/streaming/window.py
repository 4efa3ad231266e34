"""The text of a stream between what was shown and what has not come: arithmetic on buffers, no policy in it.

A text is cut into *segments* (sentences, or a bounded length) that depend on the text alone, never on the chunks it came in.
"""

from __future__ import annotations

import re

from guardrails.reading import Reading
from guardrails.rewriting import Range

__all__ = ["CONTEXT", "SEGMENT", "TextWindow", "boundary"]

# Safe text that is looked at again together with a new segment: what came before a value often says what it is, and an
# encoder's window of 256 tokens holds about this much and a segment.
CONTEXT = 600
# A segment ends with the first sentence that ends after so many characters, and at the latest after the second number.
# Short segments let text out early; each costs one pass of the models.
SEGMENT = (120, 600)

_SENTENCE = re.compile(r"[.!?…][\"'”’)\]*_`]*\s|[。！？]|\n")


class TextWindow:
    """What was shown last (``context``) and the text behind it that is not out yet (``pending``), of which the segments that have
    closed were checked before, and held back."""

    __slots__ = ("_checked", "_ends", "context", "edits", "pending", "reading", "released", "total")

    def __init__(self, context: str = "", *, asked: bool = False) -> None:
        """``context``: what was shown before this text. ``asked``: JSON was asked for."""
        self.context = context
        self.pending = ""
        self.reading = Reading(asked=asked)
        # What was masked of the text so far: start and end in the text as it is read, and what stands there now.
        self.edits: list[tuple[int, int, str]] = []
        self.released = 0  # characters of the text as it is read that are out
        self.total = 0  # characters that came
        self._checked = 0  # characters of `pending` that lie in segments that were checked
        self._ends: list[int] = []  # ends of those segments inside `pending`

    def push(self, chunk: str) -> None:
        """More of the text."""
        self.pending += self.reading.feed(chunk)
        self.total += len(chunk)

    def end(self) -> None:
        """The text is complete: what was waited for can be read."""
        self.pending += self.reading.finish()

    def clear(self) -> None:
        """Nothing of what is here will leave."""
        self.pending = ""

    @property
    def held(self) -> int:
        """Characters that are here and not out."""
        return len(self.pending) + self.reading.waiting

    @property
    def base(self) -> int:
        """Where the pending text begins in :meth:`text`."""
        return len(self.context)

    @property
    def checked(self) -> int:
        """Characters of the pending text that lie in segments that were checked."""
        return self._checked

    def text(self, cut: int) -> str:
        """What is read together: the context, and the pending text up to ``cut``."""
        return self.context + self.pending[:cut]

    def range(self, text: str, size: int) -> Range:
        """The first ``size`` characters of the pending text, as a range of :meth:`text`."""
        return Range(text, self.base, self.base + size, self.reading, self.released)

    def segment(self) -> int | None:
        """Where in the pending text the next segment ends, None while it is open."""
        # What is held back is read again with every segment: segments grow with it, so that the whole stays linear.
        least = max(SEGMENT[0], self._checked // 2)
        return boundary(self.pending, self._checked, least=least, most=max(SEGMENT[1], 2 * least))

    def start_of(self, offset: int) -> int:
        """Where in the pending text the segment begins that an offset lies in."""
        return max(end for end in (0, *self._ends, self._checked) if end <= offset)

    def commit(self, shown: Range, cut: int, context: int) -> None:
        """The range leaves as it is masked; the text up to ``cut`` was checked. ``context``: how much of what was shown is kept."""
        size = shown.size
        self.context = _tail(self.context + shown.masked.text, context)
        self.edits += [(start + self.released, end + self.released, new) for start, end, new in shown.masked.edits]
        self.pending = self.pending[size:]
        self.released += size
        self._checked = cut - size
        self._ends = [end - size for end in (*self._ends, cut) if end > size]


def boundary(text: str, start: int, *, least: int = SEGMENT[0], most: int = SEGMENT[1]) -> int | None:
    """Where the segment that begins at ``start`` ends, None while that is open. What follows cannot move it."""
    found = _SENTENCE.search(text, start + least, start + most)
    if found is not None:
        return found.end()
    if len(text) - start >= most:
        blank = max(text.rfind(" ", start + least, start + most), text.rfind("\t", start + least, start + most))
        return blank + 1 if blank > 0 else start + most
    return None


def _tail(text: str, size: int) -> str:
    """The last ``size`` characters, from the start of a word on."""
    if len(text) <= size:
        return text
    cut = len(text) - size
    blank = text.find(" ", cut, cut + 64)
    return text[blank + 1 if blank >= 0 else cut :]
