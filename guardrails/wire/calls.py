"""Calls of tools in a stream: a call leaves only when all of it has come, so that nobody runs a call that was not checked.

Formats whose calls are blocks of several events (an opening, arguments in pieces, an end) hold these events together: they
are checked as one *group* and leave as one, or not at all.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum

from guardrails.wire.frames import Frame

__all__ = ["Blocks", "Group", "Of"]


@dataclass(slots=True)
class Group:
    """Events that are checked in order. ``call``: they leave together, once the last has passed, or not at all.

    ``before``: channels whose texts come before the group, and ``closes``: channels that end with it, named as by
    :class:`guardrails.wire.format.Event`.
    """

    frames: list[Frame] = field(repr=False)
    call: bool = False
    closes: frozenset[Hashable] = frozenset()
    before: frozenset[Hashable] = frozenset()


class Of(Enum):
    """What an event is to the calls of its stream."""

    CALL = "a part of a call, perhaps its first"
    PART = "a part of the block at its place, whatever that is"
    END = "the end of the block at its place"
    ANY = "of no block: it may pass a call that is held"
    LAST = "the answer ends: so does every block"
    FAILED = "the answer breaks off: a call that is held was never whole"


class Blocks:
    """Holds the block of a call until its end. Events of other blocks wait behind it: their order is the client's."""

    __slots__ = ("_held", "_name", "_open", "_waiting")

    def __init__(self, name: str) -> None:
        """``name``: of the number by which events name their block."""
        self._name = name
        self._open: int | None = None
        self._held: list[Frame] = []
        self._waiting: list[tuple[Frame, Of, int | None]] = []

    def take(self, frame: Frame, what: Of, place: int | None) -> list[Group]:
        """What is complete now, in order."""
        if self._open is None:
            if what is not Of.CALL:
                return [Group([frame])]
            self._open = place
            self._held = [frame]
            return []
        match what:
            case Of.ANY:
                return [Group([frame])]
            case Of.LAST:
                return [*self.rest(), Group([frame])]
            case Of.FAILED:
                self._open, self._held = None, []
                return [*self.rest(), Group([frame])]
        if place != self._open:
            self._waiting.append((frame, what, place))
            return []
        self._held.append(frame)
        return self._close() if what is Of.END else []

    def rest(self) -> list[Group]:
        """What the end of the answer completes."""
        groups: list[Group] = []
        while self._open is not None or self._waiting:
            groups += self._close()
        return groups

    def _close(self) -> list[Group]:
        groups: list[Group] = []
        if self._open is not None:
            groups.append(Group(self._held, True, frozenset({(self._name, self._open)})))
        self._open, self._held = None, []
        waiting, self._waiting = self._waiting, []
        for frame, what, place in waiting:
            groups += self.take(frame, what, place)
        return groups
