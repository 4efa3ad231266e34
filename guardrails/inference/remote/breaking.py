"""What keeps a server in trouble from being asked: a circuit breaker, and a budget of calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Breaker", "Budget"]

# Failures in a row after which nobody asks for a while.
_FAILURES = 5
# Seconds of the first pause, and of the longest: each failed trial doubles it.
_FIRST, _LONGEST = 1.0, 60.0


class Breaker:
    """A circuit breaker: after five failures in a row it lets nobody through but one trial after each pause. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = _FIRST
        self._until = 0.0

    def admits(self) -> bool:
        """Whether a call may be made now. Of several that ask after a pause one may."""
        with self._lock:
            if self._failures < _FAILURES:
                return True
            now = self._clock()
            if now < self._until:
                return False
            self._until = now + self._pause  # the trial has this long; others wait for what comes of it
            return True

    def succeeded(self) -> None:
        """A call was answered."""
        with self._lock:
            self._failures, self._pause = 0, _FIRST

    def failed(self) -> None:
        """A call was not answered, or not in a way that can be used."""
        with self._lock:
            self._failures += 1
            if self._failures > _FAILURES:
                self._pause = min(_LONGEST, self._pause * 2)
            if self._failures >= _FAILURES:
                self._until = self._clock() + self._pause


class Budget:
    """So many calls a minute, spread as they come: a bucket that fills evenly. Thread-safe."""

    def __init__(self, calls: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``calls``: how many a minute; 0 for no limit."""
        self._calls, self._clock = calls, clock
        self._lock = threading.Lock()
        self._left, self._at = float(calls), clock()

    def takes(self) -> bool:
        """Take one call, if there is one left."""
        if not self._calls:
            return True
        with self._lock:
            now = self._clock()
            self._left = min(float(self._calls), self._left + (now - self._at) * self._calls / 60)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
