"""Text folded for matching, with a map back to the original offsets.

Obfuscated text is read as a bounded set of *views*; what is forwarded is always the original, with spans replaced. Plain
ASCII text without anything that looks encoded has one view, itself, and pays one scan.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from guardrails.fold.view import View

__all__ = ["Folded", "View", "bidi_begun", "fold_term", "spacing_begun", "value_key"]


class Folded:
    """All views of one text, made when they are asked for."""

    # No cached_property: its lock costs more than deciding that a text is plain.
    __slots__ = ("_exhausted", "_patterns", "_plain", "_words", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._plain: bool | None = None
        self._patterns: tuple[View, ...] | None = None
        self._words: tuple[View, ...] | None = None
        self._exhausted: str | None = None

    @property
    def plain(self) -> bool:
        """True when there is nothing to unfold."""
        if self._plain is None:
            self._plain = self.text.isascii() and not _engine().suspicious(self.text)
        return self._plain

    @property
    def patterns(self) -> tuple[View, ...]:
        """Case-preserving views, for PII recognisers and regexes; the raw text first."""
        if self._patterns is None:
            raw = View(self.text)
            self._patterns = (raw,) if self.plain else tuple(_engine().derive(raw, self._note))
        return self._patterns

    @property
    def words(self) -> tuple[View, ...]:
        """Case-folded views, for word lists."""
        if self._words is None:
            if self.plain:
                self._words = (View(self.text.lower(), "folded"),)
            else:
                self._words = tuple(_engine().words(self.patterns, self._note))
        return self._words

    def _note(self, reason: str) -> None:
        self._exhausted = reason

    @property
    def exhausted(self) -> str | None:
        """Why some view could not be made within the budget, None when all that were asked for were."""
        return self._exhausted

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


def spacing_begun(text: str) -> int:
    """Where a run of spaced-out letters or signs begins that the end of ``text`` leaves open; its length for none."""
    from guardrails.fold import shapes  # noqa: PLC0415 - as for the engine

    return shapes.spacing_begun(text)


def bidi_begun(text: str) -> int:
    """Where the last line begins when it has direction controls, whose effect later text can change; the text's length otherwise."""
    if text.isascii():
        return len(text)
    from guardrails.fold import bidi  # noqa: PLC0415 - as for the engine

    return bidi.bidi_begun(text)


def value_key(value: str) -> str:
    """A value reduced to what identifies it: folded letters and digits; the folded value when it has none."""
    folded = fold_term(value)
    return "".join(c for c in folded if c.isalnum()) or folded
