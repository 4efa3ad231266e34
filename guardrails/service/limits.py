"""How much a caller may use: requests a second and a day, and units of text a day.

:class:`Usage` is the one interface; :class:`LocalUsage` counts in this process. Another may count where several processes look.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Protocol

from guardrails.errors import GuardrailsError

__all__ = ["NONE", "UNIT", "Limit", "Limited", "Limits", "LocalUsage", "Usage", "units"]

# Characters of one unit of text, as Amazon Bedrock counts them.
UNIT = 1_000
_DAY_S = 86_400


class Limit(StrEnum):
    """What can be used up; the names are the settings'."""

    RATE = "requests_per_second"
    REQUESTS = "requests_per_day"
    UNITS = "text_units_per_day"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may use; None: as much as it wants. ``burst``: requests that may come at once, one second's worth by default.
    Days are those of UTC. Raises GuardrailsError for numbers that allow nothing."""

    requests_per_second: float | None = None
    burst: int | None = None
    requests_per_day: int | None = None
    text_units_per_day: int | None = None

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if value is not None and not 0 < value < math.inf:
                raise GuardrailsError(f"limits.{one.name}: a number above 0; leave it out for no limit")
        if self.burst is not None and self.requests_per_second is None:
            raise GuardrailsError("limits.burst: say requests_per_second too")

    @property
    def bucket(self) -> float:
        """Requests that may come at once."""
        return float(self.burst or max(1, math.ceil(self.requests_per_second or 1)))


NONE = Limits()


class Limited(GuardrailsError):
    """A limit is reached. ``retry_after``: whole seconds, at least 1, after which one more request is allowed."""

    def __init__(self, limit: Limit, retry_after: int) -> None:
        self.limit = limit
        self.retry_after = retry_after
        super().__init__(f"{limit.value} is used up; try again in {retry_after} s")


class Usage(Protocol):
    """Where usage is counted. Callers are known by their names."""

    async def request(self, caller: str, limits: Limits) -> None:
        """Count a request that is allowed. Raises Limited for one that is not, which counts for nothing."""
        ...

    async def text(self, caller: str, limits: Limits, used: int) -> None:
        """Count units of text that were checked."""
        ...


class LocalUsage:
    """Usage in the memory of this process: a token bucket a caller, and the counts of today. For one event loop."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time) -> None:
        """``monotonic`` and ``now``: seconds of a clock that only goes forward, and since 1970."""
        self._monotonic = monotonic
        self._now = now
        self._day = 0
        self._used: dict[tuple[str, Limit], int] = {}
        self._buckets: dict[str, tuple[float, float]] = {}

    async def request(self, caller: str, limits: Limits) -> None:
        """As :meth:`Usage.request`. Raises Limited."""
        self.take(caller, limits)

    async def text(self, caller: str, limits: Limits, used: int) -> None:
        """As :meth:`Usage.text`."""
        self.spend(caller, limits, used)

    def take(self, caller: str, limits: Limits) -> None:
        """Count a request. Raises Limited."""
        if limits is NONE:
            return
        left = self._today()
        for limit in (Limit.REQUESTS, Limit.UNITS):
            most = getattr(limits, limit.value)
            if most is not None and self._used.get((caller, limit), 0) >= most:
                raise Limited(limit, left)
        if limits.requests_per_second is not None:
            self._token(caller, limits.requests_per_second, limits.bucket)
        if limits.requests_per_day is not None:
            self._count(caller, Limit.REQUESTS, 1)

    def spend(self, caller: str, limits: Limits, used: int) -> None:
        """Count units of text."""
        if limits.text_units_per_day is not None and used:
            self._today()
            self._count(caller, Limit.UNITS, used)

    def _token(self, caller: str, rate: float, most: float) -> None:
        at = self._monotonic()
        tokens, before = self._buckets.get(caller, (most, at))
        tokens = min(most, tokens + (at - before) * rate)
        if tokens < 1:
            self._buckets[caller] = tokens, at
            raise Limited(Limit.RATE, max(1, math.ceil((1 - tokens) / rate)))
        self._buckets[caller] = tokens - 1, at

    def _count(self, caller: str, limit: Limit, more: int) -> None:
        self._used[caller, limit] = self._used.get((caller, limit), 0) + more

    def _today(self) -> int:
        """Seconds until the day ends. A day that has ended takes its counts along; a clock that is set back brings none back."""
        day, second = divmod(int(self._now()), _DAY_S)
        if day > self._day:
            self._day = day
            self._used.clear()
            self._buckets.clear()  # those who went do not stay for ever; each begins a day with a full one
        return max(1, (self._day + 1 - day) * _DAY_S - second)


def units(characters: int) -> int:
    """Units of text: begun thousands of characters."""
    return -(-characters // UNIT)
