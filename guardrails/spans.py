"""Arithmetic on half-open code-point ranges of one text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["beside", "expand", "inside", "union"]

# Invisible on either side of a value: default-ignorable format characters, tag characters, variation selectors and
# fillers. Left behind, they would attach to the placeholder or reveal that something was smuggled there.
_IGNORABLE = frozenset(
    [0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0]
    + [*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
    + [*range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)]
)


def _clings(char: str) -> bool:
    """True for a character that belongs to the one before it, or is invisible."""
    return (
        ord(char) in _IGNORABLE or unicodedata.category(char) in ("Mn", "Me", "Mc") or 0x1F3FB <= ord(char) <= 0x1F3FF
    )


def expand(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span so that no half character and no invisible neighbour is left beside it.

    The end moves over combining marks and ignorable characters; the start moves left over ignorable characters, and off
    a combining mark to its base.
    """
    if text.isascii():
        return start, end
    size = len(text)
    while end < size and (_clings(text[end]) or (text[end] == " " and end + 1 < size and _clings(text[end + 1]))):
        end += 1
    while 0 < start < size and _clings(text[start]) and ord(text[start]) not in _IGNORABLE:
        start -= 1
    while start > 0 and ord(text[start - 1]) in _IGNORABLE:
        start -= 1
    return start, end


def union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans with overlapping ones merged; touching spans stay apart."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def inside(start: int, end: int, spans: Iterable[tuple[int, int]]) -> bool:
    """True when one of ``spans`` covers the whole range."""
    return any(s <= start and end <= e for s, e in spans)


def beside(text: str, start: int, end: int, values: Iterable[tuple[int, int]]) -> bool:
    """True when a range is one of ``values`` and a word that was read along with it: nothing but letters between signs.

    Where two parts of a text meet, "Write to" and "bob@example.com" read as one make a longer address.
    """
    for low, high in values:
        if start <= low and high <= end and high - low < end - start:
            before = text[start:low].strip(_SIGNS)
            if (not before or before.isalpha()) and all(c.isalpha() or c in _SIGNS for c in text[high:end]):
                return True
    return False


_SIGNS = " \t\r\n.,;:!?()[]{}<>\"'-"
