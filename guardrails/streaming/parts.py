"""A text in parts: read as if each followed the last at once, and as if a line break stood between them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from guardrails.actions import Masked
from guardrails.content import Content
from guardrails.reading import Edit, Place, Reading
from guardrails.spans import beside
from guardrails.streaming.lookahead import Lookahead
from guardrails.types import Finding

__all__ = ["Apart", "Parts"]


class Parts:
    """Where in a text another part begins, and which part what was shown last belongs to."""

    __slots__ = ("_borders", "current")

    def __init__(self) -> None:
        self._borders: list[int] = []
        self.current = 0

    def begin(self, offset: int) -> None:
        """Another part begins."""
        self._borders.append(offset)

    def out(self, part: int, released: int, held: int) -> bool:
        """Whether all that came of a part is out."""
        if self.current != part:
            return self.current > part
        return not held if not self._borders else released >= self._borders[0]

    def borders(self, shift: int, base: int, size: int) -> list[int]:
        """The borders in a window of ``size`` characters whose text begins ``shift`` before that of the parts."""
        return [b + shift for b in self._borders if base <= b + shift < size and b + shift > 0]

    def render(self, masked: Masked, start: int, reading: Reading) -> list[tuple[int, Place, str]]:
        """A masked text that begins at ``start``, as it is written: the part, the place and the text of each piece."""
        end = start + len(masked.original)
        borders = [b for b in self._borders if start <= b <= end]
        edits = [Edit(e.start + start, e.end + start, e.new) for e in masked.edits]
        pieces: list[tuple[int, Place, str]] = []
        at = start
        for border in (*borders, end):
            here, edits = _split(edits, border)
            pieces += [(self.current, place, text) for place, text in reading.render(at, border, here) if text]
            at = border
            if self._borders and self._borders[0] == border:
                self._borders.pop(0)
                self.current += 1
        return pieces


@dataclass(frozen=True, slots=True)
class Apart:
    """A window whose parts stand on lines of their own: ``breaks`` are the offsets of the line breaks between them."""

    content: Content
    breaks: Sequence[int]
    findings: Sequence[Finding] = ()

    @staticmethod
    def text(window: str, borders: Sequence[int]) -> str:
        """The window with a line break at each of its borders."""
        return "\n".join(window[a:b] for a, b in pairwise((0, *borders, len(window))))

    def _offset(self, offset: int) -> int:
        return offset - bisect_left(self.breaks, offset)

    def joined(self) -> Iterator[Finding]:
        """The findings, with offsets as if no break stood there."""
        for f in self.findings:
            if f.start is None or f.end is None:
                yield f
            elif (start := self._offset(f.start)) < (end := self._offset(f.end)):
                yield replace(f, start=start, end=end)

    def neighbours(self, finding: Finding, apart: Iterable[Finding], window: str) -> bool:
        """Whether a finding that crosses a break is a value of one part and a word of the other."""
        start, end = finding.start, finding.end
        if start is None or end is None or not any(start < b - i < end for i, b in enumerate(self.breaks)):
            return False
        values = [
            (f.start, f.end) for f in apart if f.rule == finding.rule and f.start is not None and f.end is not None
        ]
        return beside(window, start, end, values)

    def watermark(self, lookahead: Lookahead, base: int, is_span: Callable[[Finding], bool]) -> int:
        """As :meth:`guardrails.streaming.lookahead.Lookahead.watermark`, with offsets as if no break stood there."""
        size = len(self.content.pieces[0].text)
        open_ = [f.start for f in self.findings if is_span(f) and f.start is not None and (f.end or 0) >= size]
        return self._offset(lookahead.watermark(self.content, base, open_))


def _split(edits: Iterable[Edit], border: int) -> tuple[list[Edit], list[Edit]]:
    """The edits before a border and those behind it. What an edit across it puts in stands before it."""
    before: list[Edit] = []
    behind: list[Edit] = []
    for e in edits:
        if e.end <= border:
            before.append(e)
        elif e.start >= border:
            behind.append(e)
        else:
            before.append(Edit(e.start, border, e.new))
            behind.append(Edit(border, e.end, ""))
    return before, behind
