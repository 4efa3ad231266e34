"""What is rewritten of a text, and the way back: offsets of masked text to those of the text, and of that to what was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from guardrails.actions import Masked
from guardrails.reading import Edit, Place, Reading, escaped
from guardrails.spans import inside
from guardrails.types import Action, Finding

__all__ = ["Range", "as_written", "located"]


class Range:
    """The range of a text that may be rewritten. What stands before it was shown already; what stands behind it may change."""

    __slots__ = ("end", "masked", "reading", "shift", "start", "text")

    def __init__(
        self, text: str, start: int = 0, end: int | None = None, reading: Reading | None = None, shift: int = 0
    ) -> None:
        """``reading``: how the range is read, from ``shift`` of the reading on; None: as it stands."""
        self.text = text
        self.start = start
        self.end = len(text) if end is None else end
        self.reading = reading
        self.shift = shift
        self.masked = Masked(text[start : self.end], ())

    @property
    def size(self) -> int:
        """How many characters of the text are rewritten."""
        return self.end - self.start

    @property
    def again(self) -> str:
        """The whole text with the range as it is masked."""
        return self.text[: self.start] + self.masked.text + self.text[self.end :]

    @property
    def output(self) -> str:
        """The range masked, as it is written."""
        if self.reading is None:
            return self.masked.text
        at = self.shift
        edits = [Edit(e.start + at, e.end + at, e.new) for e in self.masked.edits]
        return "".join(text for _, text in self.reading.render(at, at + self.size, edits))

    def clip(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings to be masked, with offsets into the range. A finding that crosses its end moves the end before it."""
        spans = [f for f in findings if f.action is Action.MASKED and f.start is not None]
        if self.start:
            spans = [
                replace(f, start=max(0, (f.start or 0) - self.start), end=(f.end or 0) - self.start) for f in spans
            ]
        moved = True
        while moved:
            moved = False
            for f in spans:
                if (f.start or 0) < self.size < (f.end or 0):
                    self.end, moved = self.start + (f.start or 0), True
        return [f for f in spans if (f.end or 0) <= self.size]

    def back(self, finding: Finding) -> Finding | None:
        """A finding of :attr:`again` with offsets into the text; None for one that the masks account for, or outside the range.

        A finding without a place counts only when it acts.
        """
        if finding.start is None or finding.end is None:
            return None if finding.action is Action.NONE else finding
        size, masked = len(self.masked.text), self.masked
        start, end = max(finding.start - self.start, 0), finding.end - self.start
        if end <= 0 or start >= size or inside(start, end, masked.replaced):
            return None
        if finding.action is Action.NONE and finding.start < self.start:
            return None
        low = masked.span(start, min(end, size))[0]
        high = masked.span(start, end)[1] if end <= size else self.size + end - size
        return replace(finding, start=low + self.start, end=high + self.start)


def as_written(found: Reading, masked: Masked) -> list[Edit]:
    """The edits of a text that was masked as it is read, as edits of what was written."""
    out: list[Edit] = []
    for start, end, new in masked.edits:
        kind = next((k for k, _, _ in found.places(start, end)), Place.TEXT)
        out.append(Edit(found.written(start), found.written(end), escaped(new) if kind is Place.STRING else new))
    return out


def located(finding: Finding, readings: Mapping[int, Reading]) -> Finding:
    """A finding with the offsets of what was written."""
    found = readings.get(finding.piece)
    evidence = finding.evidence
    if evidence is not None and (source := readings.get(evidence[0])) is not None:
        evidence = (evidence[0], source.written(evidence[1]), source.written(evidence[2]))
    if found is None or finding.start is None or finding.end is None:
        return finding if evidence is finding.evidence else replace(finding, evidence=evidence)
    return replace(finding, start=found.written(finding.start), end=found.written(finding.end), evidence=evidence)
