"""Texts of a stream at places that no format names: read as one text from event to event, and left where they stand.

Nobody knows whether such a string is a piece of a text, the whole of it said again, or a label that every event has. So its
event waits until the text there is decided, and then leaves as it came, but for what is masked in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from guardrails.content import Deadline
from guardrails.streaming.stream import TextStream
from guardrails.streaming.window import CONTEXT

__all__ = ["Part", "Spot", "shown"]

# A string that an event repeats, or begins with what the last one said, is the same text again from this length on.
_REPEATED = 4
_GROWN = 8
# Borders between pieces that are remembered; older ones count as glued.
_BORDERS = 4_096


class Spot:
    """The text at one place, in work. ``make`` begins a stream that reads what was shown before, its argument."""

    __slots__ = (
        "_base", "_end", "_first", "_glued", "_last", "_make", "_repeats", "_same", "_unsure", "edits", "settled", "stream",
        "total",
    )  # fmt: skip

    def __init__(self, make: Callable[[str], TextStream], repeats: Callable[[str], bool]) -> None:
        """``repeats``: whether a text may stand there again and again: nothing is found over the border of two of it."""
        self._make = make
        self._repeats = repeats
        self._base = 0  # where the stream of now begins in the text
        self._last = ""
        self._first = 0  # where what was last said begins
        self._same: bool | None = None  # whether all that was said here so far is one string, again and again
        self._end = ""  # the last character so far
        self._glued: set[int] = set()  # where pieces meet that no blank parts
        self._unsure = 0  # up to here it is not known any more where they do
        self.stream = make("")
        self.edits: list[tuple[int, int, str]] = []
        self.settled = 0
        self.total = 0

    def take(self, said: str) -> tuple[int, list[TextStream]]:
        """What an event says here: where it begins in the text, and the streams that ended before it."""
        ended: list[TextStream] = []
        if said == self._last and self._same is not False and self._repeatable(said):
            self._same = True
            return self._first, ended
        grown = len(said) > len(self._last) >= _GROWN and said.startswith(self._last)
        if not grown:
            self._first = self.total
        new = said[len(self._last) :] if grown else said
        if self.stream.finished:
            ended.append(self.stream)
            before = self.stream.context + (self._last * 2 if self._same else "")
            self.stream = self._make(before[-CONTEXT:])
            self._base = self.total
        self._same = None if not self.total else False
        self._last = said
        self._meet(new)
        self.total += len(new)
        self.stream.push(new)
        return self._first, ended

    def _repeatable(self, said: str) -> bool:
        if self._same:
            return True
        enough = len(said) >= _REPEATED and any(map(str.isalpha, said))
        return enough and self._repeats(said)

    def _meet(self, new: str) -> None:
        """Remember whether what comes now is glued to what came before."""
        if not new:
            return
        if self._end and not (self._end.isspace() or new[0].isspace()):
            if len(self._glued) == _BORDERS:
                self._glued.clear()
                self._unsure = self.total
            self._glued.add(self.total)
        self._end = new[-1]

    def ambiguous(self, begin: int, end: int) -> bool:
        """Whether what was said there may be a text of its own, though it is read together with its neighbours: nothing
        parts it from them, as nothing parts two labels."""
        return begin < self._unsure or begin in self._glued or end in self._glued

    @property
    def due(self) -> bool:
        """Whether :meth:`advance` has anything to compute."""
        return not self.stream.finished and (bool(self._same) or self.stream.due)

    def advance(self, deadline: Deadline | None, *, final: bool) -> bool:
        """Decide what can be decided. False when it blocks."""
        stream = self.stream
        if stream.finished:
            return not stream.blocked
        known = len(stream.edits)
        stream.advance(final=final or bool(self._same), deadline=deadline)
        if stream.blocked:
            return False
        self.edits += [(start + self._base, end + self._base, new) for start, end, new in stream.edits[known:]]
        self.settled = self._base + stream.released
        return True


# A slot of an event, and where its text begins in the texts it is part of.
Part = tuple[Any, Sequence[tuple[Spot, int]]]


def shown(
    text: str, places: Sequence[tuple[Spot, int]], alone: Callable[[str], Sequence[tuple[int, int, str]]] | None = None
) -> str | None:
    """What a client may see of a text that begins there; None while that is not decided.

    ``alone``: what is masked in the text where it is read by itself. That counts where it may be a text of its own, and
    nothing else is masked there.
    """
    edits: list[tuple[int, int, str]] = []
    for spot, begin in places:
        if spot.settled < begin + len(text):
            return None
        edits += [
            (max(0, start - begin), min(len(text), end - begin), new if start >= begin else "")
            for start, end, new in spot.edits
            if end > begin and start < begin + len(text)
        ]
    if alone is not None and text and all(spot.ambiguous(begin, begin + len(text)) for spot, begin in places):
        edits += [e for e in alone(text) if not any(start < e[1] and e[0] < end for start, end, _ in edits)]
    out: list[str] = []
    at = 0
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if start < at:  # two texts of which this is part are masked here
            at = max(at, end)
            continue
        out += [text[at:start], new]
        at = end
    return "".join([*out, text[at:]])
