"""Texts of an answer that something else interrupts: each uninterrupted run is a channel of its own.

What an answer says after a tool call does not continue what it said before it. Clients see the parts in order, so the
text before the call has to be complete when the call is sent.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Runs"]

Key = tuple[object, ...]


class Runs:
    """Counts the runs of each kind of text; a kind is a channel without its run, such as ``("text", ("index", 0))``."""

    __slots__ = ("_count", "_open")

    def __init__(self) -> None:
        self._count: dict[Key, int] = {}
        self._open: dict[Key, None] = {}

    def channel(self, key: Key) -> Key:
        """The channel of the run that is open, or of a new one."""
        self._open[key] = None
        return (*key, ("run", self._count.setdefault(key, 0)))

    def opened(self) -> list[Key]:
        """The kinds with an open run."""
        return list(self._open)

    def close(self, keys: Iterable[Key]) -> set[Key]:
        """End the runs of these kinds; the channels that end."""
        ended: set[Key] = set()
        for key in keys:
            if key in self._open:
                del self._open[key]
                ended.add((*key, ("run", self._count[key])))
                self._count[key] += 1
        return ended
