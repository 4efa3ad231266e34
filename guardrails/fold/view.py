"""A derived text and its exact map back to the original.

The map is piecewise: a segment is *linear* (each character is one of the source, in order), a *block* (the characters
stand for the whole source run: an entity, a base64 token, a ligature) or *mirrored* (linear, backwards). Source characters
that were dropped have no segment; a range that spans them covers them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

__all__ = ["Builder", "View"]

LINEAR, BLOCK, MIRRORED = 0, 1, 2


class View:
    """A derived text. Immutable.

    ``kind`` tells how it was derived (``raw``, ``clean``, ``clean>base64`` …). A match in it counts only when it has at
    least ``min_match`` letters and digits, and only when it meets one of the ranges ``only`` (None: anywhere). ``joined`` views
    may have lost the blanks between words; in ``respelled`` ones, doubled letters are single.
    """

    __slots__ = (
        "_kinds",
        "_parent",
        "_reordered",
        "_source_ends",
        "_source_starts",
        "_starts",
        "joined",
        "kind",
        "min_match",
        "only",
        "respelled",
        "text",
    )

    def __init__(
        self, text: str, kind: str = "raw", parent: View | None = None, min_match: int = 0, joined: bool = False
    ) -> None:
        """A text equal to its source in length, character for character."""
        self.text = text
        self.kind = kind
        self.min_match: int = max(min_match, parent.min_match if parent is not None else 0)
        self.joined: bool = joined or (parent is not None and parent.joined)
        self.only: tuple[tuple[int, int], ...] | None = None
        self.respelled = False
        self._parent = parent
        self._starts: list[int] | None = None
        self._source_starts: list[int] = []
        self._source_ends: list[int] = []
        self._kinds: list[int] = []
        self._reordered = False

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open range of the original behind a non-empty range of ``text``."""
        starts = self._starts
        if starts is not None:
            first = bisect_right(starts, start) - 1
            last = bisect_right(starts, end - 1) - 1
            if self._reordered:
                places = [
                    self._part(i, max(start, starts[i]), min(end, self._view_end(i))) for i in range(first, last + 1)
                ]
                start, end = min(p[0] for p in places), max(p[1] for p in places)
            else:
                low = self._part(first, start, start + 1)[0]
                end = self._part(last, end - 1, end)[1]
                start = low
        return self._parent.span(start, end) if self._parent is not None else (start, end)

    def ancestors(self) -> Iterator[View]:
        """What this view was derived from, the nearest first."""
        view = self._parent
        while view is not None:
            yield view
            view = view._parent

    def _view_end(self, i: int) -> int:
        starts = self._starts or []
        return starts[i + 1] if i + 1 < len(starts) else len(self.text)

    def _part(self, i: int, start: int, end: int) -> tuple[int, int]:
        """The source of a range that lies in segment ``i``."""
        offset = (self._starts or [0])[i]
        low, high, kind = self._source_starts[i], self._source_ends[i], self._kinds[i]
        if kind == LINEAR:
            return low + start - offset, low + end - offset
        if kind == MIRRORED:
            return high - (end - offset), high - (start - offset)
        return low, high

    def __repr__(self) -> str:
        return f"View({self.kind}, {len(self.text)} characters)"


class Builder:
    """Builds a view of ``parent``, from left to right or in any other order."""

    __slots__ = ("_at", "_ends", "_kinds", "_moved", "_out", "_parent", "_source", "_starts", "_starts_of", "changed")

    def __init__(self, parent: View) -> None:
        self._parent = parent
        self._source = parent.text
        self._out: list[str] = []
        self._starts: list[int] = []
        self._starts_of: list[int] = []
        self._ends: list[int] = []
        self._kinds: list[int] = []
        self._at = 0
        self._moved = False
        self.changed = False

    def copy(self, start: int, end: int) -> None:
        """The source as it is."""
        if end > start:
            if self._ends and self._kinds[-1] == LINEAR and self._ends[-1] == start:
                self._ends[-1] = end
                self._out.append(self._source[start:end])
                self._at += end - start
            else:
                self._add(self._source[start:end], start, end, LINEAR)

    def put(self, text: str, start: int, end: int) -> None:
        """Another text for a source run; an empty one drops it."""
        self.changed = True
        if text:
            # One for one stays exact; only a change of length makes a block of the run.
            self._add(text, start, end, LINEAR if len(text) == end - start else BLOCK)

    def block(self, text: str, start: int, end: int) -> None:
        """A decoded text: each of its characters stands for the whole run."""
        self.changed = True
        if text:
            self._add(text, start, end, BLOCK)

    def mirror(self, text: str, start: int, end: int) -> None:
        """A source run backwards, character for character."""
        self.changed = True
        if text:
            self._add(text, start, end, MIRRORED)

    def _add(self, text: str, start: int, end: int, kind: int) -> None:
        self._moved |= bool(self._ends) and start < self._ends[-1]
        self._out.append(text)
        self._starts.append(self._at)
        self._starts_of.append(start)
        self._ends.append(end)
        self._kinds.append(kind)
        self._at += len(text)

    def view(self, kind: str, *, min_match: int = 0, joined: bool = False) -> View:
        """The finished view."""
        parent = self._parent
        name = kind if parent.kind == "raw" else f"{parent.kind}>{kind}"
        view = View("".join(self._out), name, parent, min_match, joined)
        if self._starts:
            view._starts = self._starts
            view._source_starts = self._starts_of
            view._source_ends = self._ends
            view._kinds = self._kinds
            view._reordered = MIRRORED in self._kinds or self._moved
        return view
