"""Text folded for matching, with a map back to the original offsets (placeholder: identity only)."""

from __future__ import annotations

from functools import cached_property

__all__ = ["Folded", "View", "fold_term"]


class View:
    """A derived text. ``span`` maps a range of ``text`` to the whole run of the original it came from.

    ``kind`` tells how it was derived (``raw``, ``normal``, ``base64>normal`` …). ``min_match`` is the number of
    letters and digits a match must have to count in this view (0: any).
    """

    __slots__ = ("ends", "kind", "min_match", "starts", "text")

    def __init__(self, text: str, kind: str = "raw", starts: object = None, ends: object = None, min_match: int = 0):
        self.text, self.kind, self.starts, self.ends, self.min_match = text, kind, starts, ends, min_match

    def span(self, start: int, end: int) -> tuple[int, int]:
        return start, end


class Folded:
    """All views of one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def patterns(self) -> tuple[View, ...]:
        """Case-preserving views, for PII recognisers and regexes; the raw text first."""
        return (View(self.text),)

    @cached_property
    def words(self) -> tuple[View, ...]:
        """Case-folded views, for word lists."""
        return (View(self.text.lower(), "folded"),)

    @property
    def exhausted(self) -> str | None:
        """Why some view could not be made within the budget, None when all were."""
        return None


def fold_term(term: str) -> str:
    """A list term folded as the text is in :attr:`Folded.words`."""
    return term.lower()
