"""Masked values that stand somewhere else again: a password that was recognised by the word before it, said once more without.

Looked for as they were written and in every reading of the text that word lists get, since a value that is masked in one
spelling may come back in another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.content import Content
from guardrails.fold import Folded
from guardrails.types import Finding, Hit

__all__ = ["KnownValues"]

# Values that are looked for again, in the order in which they were masked.
_MOST = 256
# Only distinctive values: of so many characters, with a digit, sign or blank among them. "Paris" is not one.
_LEAST = 6
# Readings of one value: as written, case-folded, decoded. A value with more of them is made to have more.
_READINGS = 8


class KnownValues:
    """The values masked so far, with the finding that each began with. For one caller at a time."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, tuple[re.Pattern[str], Finding]] = {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def add(self, value: str, finding: Finding) -> None:
        """Look for ``value`` from now on, if it is distinctive."""
        if not _distinctive(value) or len(self._values) >= _MOST:
            return
        low = value.lower()
        if low in self._values:
            return
        for view in Folded(value).words[:_READINGS]:
            reading = view.text.strip()
            if _distinctive(reading) and reading not in self._values:
                # Whole, but also between underscores: Markdown's emphasis.
                pattern = re.compile(rf"(?<![^\W_]){re.escape(reading)}(?![^\W_])")
                self._values[reading] = pattern, finding

    def find(self, folded: Folded) -> Iterator[tuple[Finding, int, int]]:
        """(what it was masked as, start, end) of each value that stands whole in a text, each place once."""
        if not self._values:
            return
        if folded.plain:  # one reading, its own: a long conversation looks into every message at every turn
            low = folded.text.lower()
            for reading, (pattern, finding) in self._values.items():
                if reading in low:
                    yield from ((finding, *m.span()) for m in pattern.finditer(low))
            return
        seen: set[tuple[int, int]] = set()
        for view in folded.words:
            for reading, (pattern, finding) in self._values.items():
                if reading not in view.text:
                    continue
                for match in pattern.finditer(view.text):
                    span = view.span(*match.span())
                    if span not in seen and sum(map(str.isalnum, reading)) >= view.min_match:
                        seen.add(span)
                        yield finding, *span

    def hits(self, content: Content) -> list[Hit]:
        """A hit for each place of :meth:`find` in the pieces of a content, of the rule that masked the value."""
        if not self._values:
            return []
        return [
            Hit(f.rule, f.type, start, end, f.score, index, f.level)
            for index in range(len(content.pieces))
            for f, start, end in self.find(content.folded(index))
        ]

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()


def _distinctive(value: str) -> bool:
    return len(value) >= _LEAST and not value.isalpha()
