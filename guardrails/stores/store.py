"""The interface of state that processes share: counters, and sealed values that live for a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from guardrails.errors import Overloaded

__all__ = [
    "BUCKET",
    "DAY",
    "DAY_S",
    "WINDOW",
    "Ask",
    "Held",
    "Refused",
    "Store",
    "Unreachable",
    "bucket",
    "day",
    "window",
]

BUCKET, WINDOW, DAY = "bucket", "window", "day"
DAY_S = 86_400


class Unreachable(Overloaded):
    """The server that keeps shared state did not answer, or not as it should. Nobody knows whether anything was counted or kept."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One counter that is asked for ``amount`` more: see :func:`bucket`, :func:`window`, :func:`day`, which make them."""

    kind: str
    name: str
    most: int
    rate: float = 0.0
    seconds: float = 0.0
    amount: int = 1


def bucket(name: str, rate: float, most: int) -> Ask:
    """A token bucket: ``rate`` a second on average, above 0, and ``most`` at once. It begins full."""
    return Ask(BUCKET, name, most, rate)


def window(name: str, most: int, seconds: float) -> Ask:
    """A sliding window: never more than ``most`` in any stretch of ``seconds``. Each that was counted is remembered for that long."""
    return Ask(WINDOW, name, most, seconds=seconds)


def day(name: str, most: int | None, amount: int = 1) -> Ask:
    """The count of a day in UTC: refused once ``most`` are used, None: never. ``amount`` is then added; with 0 it is only looked at."""
    return Ask(DAY, name, most or 0, amount=amount)


@dataclass(frozen=True, slots=True)
class Refused:
    """What was refused: the place of the counter among those that were asked, and whole seconds, at least 1, until it allows one more."""

    index: int
    retry_after: int


@dataclass(frozen=True, slots=True)
class Held:
    """A value: its version, which is how often it was written, and the pieces that were asked for, in order."""

    version: int
    chunks: tuple[bytes, ...] = field(repr=False)


class Store(Protocol):
    """Where counters and sealed values are. Thread-safe; each method is one step that no other process comes between.

    Values stand in groups, under names that tell nothing, and hold nothing that can be read: who keeps them seals them first.
    Every method raises :class:`Unreachable` where it asks a server. ``waits``: whether it does.
    """

    @property
    def waits(self) -> bool:
        """Whether it asks a server."""
        ...

    def take(self, asks: Sequence[Ask]) -> Refused | None:
        """Count all of these, or, when one of them refuses, none."""
        ...

    def load(self, group: str, name: str, after: int = 0) -> Held | None:
        """A value's pieces that were written after that version; None when there is no value, or its time is over."""
        ...

    def keep(
        self, group: str, name: str, chunk: bytes, *, version: int, ttl_s: float, append: bool = False, most: int = 0
    ) -> bool:
        """Write a piece, in place of the others or behind them, unless the value has another ``version`` (0: there is none); then
        False. ``ttl_s``: seconds for which it stays from now on. ``most``: how many values of the group there may be; the ones
        that were written the longest time ago go. 0: as many as come."""
        ...

    def drop(self, group: str, name: str, version: int | None = None) -> bool:
        """Remove a value, with ``version`` only that one. Whether it was there."""
        ...

    def idle(self, group: str, seconds: float) -> list[str]:
        """The names of values that nobody has written for so long."""
        ...

    def count(self, group: str, prefix: str = "") -> int:
        """How many values there are whose names begin like that; some may be over already."""
        ...


def until_more(missing: float, rate: float) -> int:
    """Whole seconds in which so many millionths of a token flow in."""
    return max(1, math.ceil(missing / rate / 1e6))
