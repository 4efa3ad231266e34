"""Detectors that wait for a model, on threads of their own: nobody waits for them beyond a deadline."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from guardrails.content import Content, Deadline
from guardrails.errors import DeadlineExceeded, Overloaded
from guardrails.fold import Folded

__all__ = ["WORKERS", "Shared", "Task", "Workers", "abandoned", "workers"]

# Threads of one detector, at most: what hangs in one keeps no other from a thread. They wait for a model's batches more
# than for a processor, and there are as many as entry points check at once.
WORKERS = 32
# Seconds after the deadline in which a detector that saw it pass may still say what it found before.
_GRACE = 0.02
# Seconds after which a thread without work ends; a model keeps threads of its own for each that asked it.
_IDLE = 30.0
# Seconds between two looks at a deadline that somebody may have moved.
_LOOK = 0.05


class Shared(Content):
    """A content that several threads look at: what they share is made once, and the others wait for it."""

    __slots__ = ("_content", "_deadline", "_locks")

    def __init__(self, content: Content, deadline: Deadline) -> None:
        self.pieces, self.source, self.masked = content.pieces, content.source, content.masked
        self._shared, self._folded = content._shared, content._folded
        self._content = content
        self._deadline = deadline
        self._locks: dict[str | None, threading.Lock] = {None: threading.Lock()}

    def folded(self, index: int) -> Folded:
        """As :meth:`Content.folded`; raises DeadlineExceeded rather than beginning late."""
        with self._locks[None]:
            if self._folded[index] is None:
                self._deadline.check()
            folded = self._content.folded(index)
            _ = folded.patterns  # here, where nobody else makes them
        return folded

    def shared(self, name: str, make: Callable[[], Any]) -> Any:
        """As :meth:`Content.shared`; raises DeadlineExceeded rather than beginning late."""
        with self._locks.setdefault(name, threading.Lock()):
            if name not in self._shared:
                self._deadline.check()
            return super().shared(name, make)


class Task:
    """Work for another thread: waiting, then begun, then done; or left by who wanted it."""

    __slots__ = ("begun", "done", "left", "work")

    def __init__(self, work: Callable[[], None]) -> None:
        self.work = work
        self.begun = self.left = False
        self.done = threading.Event()


class Workers:
    """The threads of one detector. Work in a thread cannot be stopped: what nobody waits for any more is counted, and
    once every thread hangs in such work, more is refused at once. Daemons, so that a process ends all the same."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._queue: SimpleQueue[Task] = SimpleQueue()
        self._threads = self._open = 0
        self.abandoned = 0

    def submit(self, work: Callable[[], None]) -> Task | None:
        """The work, to be done by the next free thread; None when there is none and will be none."""
        task = Task(work)
        with self._lock:
            if self.abandoned >= WORKERS:
                return None
            self._open += 1
            more = self._open > self._threads and self._threads < WORKERS
            self._threads += more
        if more:
            try:
                threading.Thread(target=self._serve, name=f"guardrails-{self._name}", daemon=True).start()
            except RuntimeError:  # the system has no thread to give; those that are there go on
                with self._lock:
                    self._threads -= 1
                    if not self._threads:
                        self._open -= 1
                        return None
        self._queue.put(task)
        return task

    def outcome(self, task: Task, deadline: Deadline) -> Exception | None:
        """Wait for the work, until shortly after the deadline. What is wrong when it is not done then."""
        while not task.done.wait(max(0.0, min(_LOOK, deadline.remaining + _GRACE))):
            if deadline.remaining + _GRACE <= 0:
                with self._lock:
                    if task.done.is_set():
                        return None
                    task.left = True
                    self.abandoned += task.begun
                    return DeadlineExceeded() if task.begun else Overloaded()
        return None

    def _serve(self) -> None:
        with suppress(SystemExit):  # a detector that ends its thread ends it alone
            while True:
                try:
                    task = self._queue.get(timeout=_IDLE)
                except Empty:
                    with self._lock:
                        if self._open < self._threads:  # else work is on its way, and no other thread for it
                            self._threads -= 1
                            return
                    continue
                self._one(task)
                del task  # an idle thread holds no text
        with self._lock:
            self._threads -= 1

    def _one(self, task: Task) -> None:
        with self._lock:
            task.begun = not task.left
        try:
            if task.begun:
                task.work()
        finally:
            with self._lock:
                self._open -= 1
                self.abandoned -= task.left and task.begun
                task.done.set()


_pools: dict[str, Workers] = {}


def workers(name: str) -> Workers:
    """The threads of a detector, made on first use."""
    return _pools.get(name) or _pools.setdefault(name, Workers(name))


# A process that was split off has none of its parent's threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


def abandoned() -> int:
    """Detectors that are still at work on checks that did not wait for them."""
    return sum(w.abandoned for w in [*_pools.values()])
