"""Text folded for matching, with a map back to the original offsets.

Obfuscated text is read as a bounded set of *views*; what is forwarded is always the original, with spans replaced. Plain
ASCII text without anything that looks encoded has one view, itself, and pays one scan.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

from guardrails.fold.view import View

__all__ = ["Folded", "View", "fold_term"]

MAX_DEPTH = 3  # encodings inside encodings
MAX_VIEWS = 64
MAX_GROWTH = 8  # all views together, in lengths of the text (and never less than _SMALL characters)
_SMALL = 100_000


class Folded:
    """All views of one text, made when they are asked for."""

    __slots__ = ("__dict__", "text")

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def plain(self) -> bool:
        """True when there is nothing to unfold."""
        return self.text.isascii() and not _engine().suspicious(self.text)

    @cached_property
    def patterns(self) -> tuple[View, ...]:
        """Case-preserving views, for PII recognisers and regexes; the raw text first."""
        raw = View(self.text)
        if self.plain:
            return (raw,)
        return tuple(_engine().derive(raw, self._note))

    @cached_property
    def words(self) -> tuple[View, ...]:
        """Case-folded views, for word lists."""
        if self.plain:
            return (View(self.text.lower(), "folded"),)
        return tuple(_engine().words(self.patterns, self._note))

    def _note(self, reason: str) -> None:
        self.__dict__["_exhausted"] = reason

    @property
    def exhausted(self) -> str | None:
        """Why some view could not be made within the budget, None when all that were asked for were."""
        reason: str | None = self.__dict__.get("_exhausted")
        return reason

    def __repr__(self) -> str:
        return f"Folded({len(self.text)} characters)"


@lru_cache(maxsize=1)
def _engine() -> Any:
    # The tables and regexes cost an import that `import guardrails` alone does not need.
    from guardrails.fold.engine import Engine  # noqa: PLC0415

    return Engine()


@lru_cache(maxsize=65536)
def _fold_term(term: str) -> str:
    return str(_engine().fold_term(term))


def fold_term(term: str) -> str:
    """A list term folded as the text is in :attr:`Folded.words`."""
    return term.lower() if term.isascii() else _fold_term(term)

