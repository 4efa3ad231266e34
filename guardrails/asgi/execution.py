"""Where the work of requests runs: on the event loop when that is quick, else on threads.

What waits for models and what only computes in Python have a pool each, so that neither waits for the other's threads.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from guardrails.asgi.admission import Overloaded503
from guardrails.guard import Guard
from guardrails.types import Source

__all__ = ["Execution", "Pool"]

# Checks in work at once. They wait for models and for each other's batches more than for a processor.
_THREADS = 16
# What only computes in Python: every thread more that wants the interpreter is one more that the event loop waits behind.
_COMPUTING = 2
# A body up to this size, under rules without a model, is checked where it was read: a hop to a thread costs more. Text that
# has to be unfolded takes up to 2.5 ms a KB, and the event loop stands still meanwhile.
_LIGHT_BYTES = 4_096
# Seconds between two jobs that end, before any has; and how much of the estimate each new one replaces.
_FIRST_GUESS, _WEIGHT = 0.01, 1 / 8


class Pool:
    """Threads, and an estimate of how long a job that comes now would wait for its turn.

    The estimate is the number of jobs in the pool times the time between two that end (a moving average).
    """

    def __init__(self, threads: int, name: str, longest: float) -> None:
        """``longest``: seconds above which a wait is refused; no job counts for more in the estimate."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._longest = longest
        self._jobs = 0
        self._between = _FIRST_GUESS
        self._ended = 0.0

    def check_wait(self) -> None:
        """Raises Overloaded503 when a job would wait longer than the pool's longest wait."""
        expected = self._jobs * self._between
        if expected > self._longest:
            raise Overloaded503(math.ceil(expected), "checks would wait for each other too long")

    async def run(
        self, work: Callable[..., Any], *args: Any, light: bool = False, on_cancel: Callable[[], None] | None = None
    ) -> Any:
        """What ``work`` returns: on this thread when it is ``light``, else on one of the pool's, and the event loop goes on.

        ``on_cancel`` is called when the task is cancelled: work in a thread cannot be stopped, only told. It is waited for.
        """
        if light:
            return work(*args)
        job = self._threads.submit(work, *args)
        done = asyncio.wrap_future(job)
        self._jobs += 1
        started = time.monotonic()
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if on_cancel is not None:
                on_cancel()
            if not job.cancel():  # it has begun, and works on what the caller is about to clear
                await asyncio.wait((done,))
            raise
        finally:
            self._jobs -= 1
            # The time between two that end, while there are any: how soon the next one's turn comes.
            ended = time.monotonic()
            taken = min(ended - max(started, self._ended), self._longest)
            self._between += (taken - self._between) * _WEIGHT
            self._ended = ended


class Execution:
    """The pools of one application: ``models`` for what waits for models, ``computing`` for what only computes."""

    def __init__(self, longest: float) -> None:
        """``longest``: seconds that a check may wait for others before its request is refused."""
        self.models = Pool(_THREADS, "guardrails", longest)
        self.computing = Pool(_COMPUTING, "guardrails-light", longest)

    def pool(self, guard: Guard) -> Pool:
        """The pool for the checks of a guard."""
        return self.computing if _asks_no_model(guard) else self.models

    @staticmethod
    def is_light(guard: Guard, size: int) -> bool:
        """Whether a body of ``size`` bytes is checked on the event loop."""
        return size <= _LIGHT_BYTES and _asks_no_model(guard)


def _asks_no_model(guard: Guard) -> bool:
    """Whether no rule of either direction asks a model."""
    return all(guard.direction(source).light for source in Source)
