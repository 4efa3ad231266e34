"""How much a caller may use: requests a second and a day, and units of text a day."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from guardrails.errors import GuardrailsError
from guardrails.stores import Ask, Memory, Refused, Store, bucket, day

__all__ = ["NONE", "UNIT", "Limit", "Limited", "Limits", "Usage", "units"]

# Characters of one unit of text, as Amazon Bedrock counts them.
UNIT = 1_000


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
    def bucket(self) -> int:
        """Requests that may come at once."""
        return self.burst or max(1, math.ceil(self.requests_per_second or 1))


NONE = Limits()


class Limited(GuardrailsError):
    """A limit is reached. ``retry_after``: whole seconds, at least 1, after which one more request is allowed."""

    def __init__(self, limit: Limit, retry_after: int) -> None:
        self.limit = limit
        self.retry_after = retry_after
        super().__init__(f"{limit.value} is used up; try again in {retry_after} s")


class Usage:
    """What callers use, counted in a store: the one of this process, or one that several share. Callers are known by their names."""

    def __init__(self, store: Store | None = None) -> None:
        """``store``: where it is counted; by default in the memory of this process."""
        self._store = Memory() if store is None else store

    async def request(self, caller: str, limits: Limits) -> None:
        """Count a request that is allowed. Raises Limited for one that is not, which counts for nothing, and Unreachable."""
        asks = {}
        for limit, most in ((Limit.REQUESTS, limits.requests_per_day), (Limit.UNITS, limits.text_units_per_day)):
            if most is not None:
                asks[limit] = day(f"{limit.value}:{caller}", most, int(limit is Limit.REQUESTS))
        if limits.requests_per_second is not None:
            asks[Limit.RATE] = bucket(f"{Limit.RATE.value}:{caller}", limits.requests_per_second, limits.bucket)
        if not asks:
            return
        refused = await self._take(tuple(asks.values()))
        if refused is not None:
            raise Limited(tuple(asks)[refused.index], refused.retry_after)

    async def text(self, caller: str, limits: Limits, used: int) -> None:
        """Count units of text that were checked. Raises Unreachable."""
        if limits.text_units_per_day is not None and used:
            await self._take((day(f"{Limit.UNITS.value}:{caller}", None, used),))

    async def _take(self, asks: Sequence[Ask]) -> Refused | None:
        if self._store.waits:
            return await asyncio.to_thread(self._store.take, asks)
        return self._store.take(asks)


def units(characters: int) -> int:
    """Units of text: begun thousands of characters."""
    return -(-characters // UNIT)
