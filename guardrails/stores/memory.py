"""State in the memory of one process."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from guardrails.stores.store import BUCKET, DAY_S, WINDOW, Ask, Held, Refused, until_more

__all__ = ["Memory"]

_TOKEN = 1_000_000  # tokens are counted in millionths, times in microseconds: whole numbers, as a server counts them
_SWEEP_S = 300


@dataclass(slots=True)
class _Value:
    version: int = 0
    chunks: dict[int, bytes] = field(default_factory=dict, repr=False)
    ends: float = 0.0
    used: float = 0.0


class Memory:
    """A :class:`~guardrails.stores.store.Store` of this process. Buckets and windows go by a clock that only goes forward, days by UTC."""

    waits = False

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time) -> None:
        """``monotonic`` and ``now``: seconds of a clock that only goes forward, and since 1970."""
        self._monotonic, self._now = monotonic, now
        self._lock = threading.RLock()
        self._buckets: dict[str, tuple[int, int, float]] = {}  # millionths of tokens, when, and when it is full again
        self._windows: dict[str, deque[int]] = {}
        self._ends: dict[str, int] = {}
        self._days: dict[str, tuple[int, int]] = {}
        self._values: dict[str, dict[str, _Value]] = {}
        self._swept = monotonic()

    def take(self, asks: Sequence[Ask]) -> Refused | None:
        """See :meth:`Store.take`."""
        with self._lock:
            at = round(self._monotonic() * 1e6)
            self._sweep(at)
            commits = []
            for index, ask in enumerate(asks):
                found = self._bucket(ask, at) if ask.kind == BUCKET else self._window(ask, at) if ask.kind == WINDOW else self._day(ask)  # fmt: skip
                if isinstance(found, int):
                    return Refused(index, found)
                commits.append(found)
            for commit in commits:
                commit()
            return None

    def _bucket(self, ask: Ask, at: int) -> int | Callable[[], None]:
        full = ask.most * _TOKEN
        tokens, before, _ = self._buckets.get(ask.name, (full, at, 0.0))
        tokens = min(full, tokens + math.floor((at - before) * ask.rate))
        if tokens < _TOKEN - ask.rate - 1:  # a microsecond more or less is rounding
            return until_more(_TOKEN - tokens, ask.rate)

        def commit() -> None:
            self._buckets[ask.name] = tokens - _TOKEN, at, at + full / ask.rate

        return commit

    def _window(self, ask: Ask, at: int) -> int | Callable[[], None]:
        times = self._windows.setdefault(ask.name, deque())
        span = round(ask.seconds * 1e6)
        while times and times[0] <= at - span:
            times.popleft()
        if len(times) + ask.amount > ask.most:
            return max(1, math.ceil((times[len(times) + ask.amount - ask.most - 1] + span - at) / 1e6))

        def commit() -> None:
            times.extend([at] * ask.amount)
            self._ends[ask.name] = at + span

        return commit

    def _day(self, ask: Ask) -> int | Callable[[], None]:
        today, second = divmod(int(self._now()), DAY_S)
        counted, used = self._days.get(ask.name, (today, 0))
        if today > counted:  # a clock that is set back brings nothing back
            counted, used = today, 0
        if 0 < ask.most <= used:
            return max(1, (counted + 1 - today) * DAY_S - second)

        def commit() -> None:
            if ask.amount:
                self._days[ask.name] = counted, used + ask.amount

        return commit

    def _sweep(self, at: int) -> None:
        """Those who went do not stay for ever."""
        if at / 1e6 - self._swept < _SWEEP_S:
            return
        self._swept = at / 1e6
        today = int(self._now()) // DAY_S
        self._buckets = {k: v for k, v in self._buckets.items() if v[2] > at}
        self._windows = {k: v for k, v in self._windows.items() if self._ends.get(k, 0) > at}
        self._ends = {k: v for k, v in self._ends.items() if v > at}
        self._days = {k: v for k, v in self._days.items() if v[0] >= today}

    # -- values ------------------------------------------------------------------------------------------------------

    def load(self, group: str, name: str, after: int = 0) -> Held | None:
        """See :meth:`Store.load`."""
        with self._lock:
            found = self._group(group).get(name)
            if found is None:
                return None
            return Held(found.version, tuple(c for n, c in sorted(found.chunks.items()) if n > after))

    def keep(
        self, group: str, name: str, chunk: bytes, *, version: int, ttl_s: float, append: bool = False, most: int = 0
    ) -> bool:
        """See :meth:`Store.keep`."""
        with self._lock:
            values = self._group(group)
            found = values.get(name) or _Value()
            if found.version != version:
                return False
            found.version += 1
            found.chunks = found.chunks if append else {}
            found.chunks[found.version] = chunk
            found.used = self._monotonic()
            found.ends = found.used + ttl_s
            values.pop(name, None)
            values[name] = found  # in the order in which they were written
            while most and len(values) > most:
                del values[next(iter(values))]
            return True

    def drop(self, group: str, name: str, version: int | None = None) -> bool:
        """See :meth:`Store.drop`."""
        with self._lock:
            values = self._group(group)
            found = values.get(name)
            if found is None or version not in (None, found.version):
                return False
            del values[name]
            return True

    def idle(self, group: str, seconds: float) -> list[str]:
        """See :meth:`Store.idle`."""
        with self._lock:
            until = self._monotonic() - seconds
            return [name for name, value in self._group(group).items() if value.used <= until]

    def count(self, group: str, prefix: str = "") -> int:
        """See :meth:`Store.count`."""
        with self._lock:
            return sum(name.startswith(prefix) for name in self._group(group))

    def _group(self, group: str) -> dict[str, _Value]:
        values = self._values.setdefault(group, {})
        now = self._monotonic()
        while values and next(iter(values.values())).ends <= now:  # all of a group live equally long
            del values[next(iter(values))]
        return values

    def __repr__(self) -> str:
        return "Memory()"
