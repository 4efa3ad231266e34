"""Calls of the server that keeps shared state: none while it is in trouble, and each of them counted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from guardrails.breaker import Breaker
from guardrails.errors import GuardrailsError
from guardrails.stores.store import Unreachable

__all__ = ["FAILURES", "PAUSE_S", "TIMEOUT_S", "Calls", "Trouble"]

# Seconds for one call, and of the longest pause of the circuit breaker.
TIMEOUT_S: Final = 0.5
PAUSE_S: Final = 5.0
# Seconds for which it is believed that a server is there, or is not.
_FRESH_S = 5.0

# How a call fails: nobody is there, or lets us in; no answer in time; the connection broke, or what came is no answer; the server says that
# it cannot (full, read-only); it failed several times in a row, and was not asked.
FAILURES: Final = ("refused", "timeout", "broken", "error", "paused")

_T = TypeVar("_T")


class Trouble(GuardrailsError):
    """A call that failed. ``kind``: one of :data:`FAILURES`; ``told`` holds nothing that was sent."""

    def __init__(self, kind: str, told: str) -> None:
        self.kind = kind
        self.told = told
        super().__init__(told)


class Calls:
    """The calls of one store. Thread-safe. ``backend``: what kind of server it is, as figures name it."""

    def __init__(self, backend: str, place: str) -> None:
        """``place``: the server's address, without secrets."""
        self.backend = backend
        self._place = place
        self._breaker = Breaker(longest=PAUSE_S)
        self._lock = threading.Lock()
        self._made: Counter[str] = Counter()
        self._failed: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[str, float] = {}
        self._at = float("-inf")
        self._looking = False
        self.down = False
        """Whether the last call failed."""

    def make(self, what: str, call: Callable[[], _T]) -> _T:
        """What a call gives. ``what``: the method it is for. Raises Unreachable where it raises Trouble, and while the server is in trouble."""
        if not self._breaker.admits():
            with self._lock:
                self._failed[what, "paused"] += 1
            raise Unreachable(f"{self._place} failed several times in a row and is asked again later")
        begun = time.monotonic()
        try:
            told = call()
        except Trouble as error:
            self._breaker.failed()
            self._counted(what, begun, error.kind)
            raise self.unreachable(error) from None
        self._breaker.succeeded()
        self._counted(what, begun)
        return told

    def _counted(self, what: str, begun: float, failed: str | None = None) -> None:
        with self._lock:
            self._at = time.monotonic()
            self._made[what] += 1
            self._seconds[what] = self._seconds.get(what, 0.0) + self._at - begun
            self.down = failed is not None
            if failed is not None:
                self._failed[what, failed] += 1

    def look(self, call: Callable[[], object]) -> None:
        """Make a call on another thread, when the last one was made some seconds ago: whoever asks whether the server is there, and does not
        wait, knows it the next time."""
        with self._lock:
            if self._looking or time.monotonic() - self._at < _FRESH_S:
                return
            self._looking = True
        try:
            threading.Thread(target=self._look, args=(call,), name="guardrails-state-look", daemon=True).start()
        except RuntimeError:  # the system has no thread left: the next one who asks tries again
            self._looking = False

    def _look(self, call: Callable[[], object]) -> None:
        try:
            # A connection that is closed meanwhile breaks in ways of its own. Whether the server is there the next call tells.
            with suppress(Exception):
                self.make("look", call)
        finally:
            self._looking = False

    def figures(self) -> tuple[dict[str, int], dict[str, float], dict[tuple[str, str], int]]:
        """By methods: calls, their seconds, and how many failed, these by kinds too (:data:`FAILURES`)."""
        with self._lock:
            return dict(self._made), dict(self._seconds), dict(self._failed)

    def unreachable(self, error: Trouble) -> Unreachable:
        """What is told of a call that failed."""
        return Unreachable(f"{self._place} does not keep shared state: {error.told}")
