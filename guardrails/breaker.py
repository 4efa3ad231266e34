"""What keeps a server in trouble from being asked: a circuit breaker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Breaker"]

# Failures in a row after which nobody asks for a while.
_FAILURES = 5
# Seconds of the first pause: each failed trial doubles it.
_FIRST = 1.0


class Breaker:
    """A circuit breaker: after five failures in a row it lets nobody through but one trial after each pause. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, longest: float = 60.0) -> None:
        """``clock``: seconds that only go forward; ``longest``: seconds of the longest pause."""
        self._clock, self._longest = clock, longest
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
                self._pause = min(self._longest, self._pause * 2)
            if self._failures >= _FAILURES:
                self._until = self._clock() + self._pause
