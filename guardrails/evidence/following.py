"""Followers: a thread for each sink that sends it what it has not yet, and tries again while it is down."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from guardrails.evidence.sinks import Sink, SinkDown

__all__ = ["Follower", "SinkState"]

# Seconds between tries while a sink is down: at first, and at most.
_RETRY_S = (0.2, 30.0)

_log = logging.getLogger("guardrails.evidence")


@dataclass(frozen=True, slots=True)
class SinkState:
    """How a sink is: records ``sent`` since the start, how many it is ``behind``, tries that failed, whether the last one did."""

    sent: int
    behind: int
    failures: int
    down: bool


class Follower:
    """Sends one sink the records of a log, in order. ``size``: how many records a sink may have, which grows; ``told`` is called with what
    a record says of a sink that went down or came back."""

    def __init__(
        self, sink: Sink, size: Callable[[], int], spool: int, told: Callable[[dict[str, str | int]], None]
    ) -> None:
        self.name = sink.name
        self._sink = sink
        self._size = size
        self._spool = spool
        self._told = told
        self._begun = size()  # what counts as sent until the sink says how far it is
        self._at: int | None = None
        self._open = False
        self._sent = self._failures = 0
        self._down = self._catching_up = False
        self._wake = threading.Condition()
        self._closing = False
        self._until = 0.0
        self._wait = 0.0  # before the next try, while the sink is down
        self._thread = threading.Thread(target=self._run, name=f"guardrails-evidence-{sink.name}", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def grown(self) -> None:
        """There are more records."""
        with self._wake:
            self._wake.notify()

    @property
    def state(self) -> SinkState:
        """How the sink is."""
        return SinkState(self._sent, self._behind(), self._failures, self._down)

    @property
    def position(self) -> int:
        """How many records the sink has for certain."""
        return self._at or 0

    @property
    def overdue(self) -> bool:
        """Whether more waits than may. A sink that catches up with what was there before it is not."""
        return self._behind() > self._spool and (self._down or not self._catching_up)

    def close(self, patience: float) -> None:
        """Send what waits, for at most so many seconds, and end. What is left is sent after the next start."""
        with self._wake:
            self._closing = True
            self._until = time.monotonic() + patience
            self._wake.notify()
        self._thread.join(patience + 1.0)

    def _behind(self) -> int:
        return max(0, self._size() - (self._begun if self._at is None else self._at))

    def _run(self) -> None:
        while not self._ends():
            with self._wake:
                self._wake.wait_for(self._due, self._wait or None)
            try:
                self._step()
            except Exception as error:  # whatever a client library raises, the next try may pass
                self._failed(error)
                self._wait = min(_RETRY_S[1], 2 * self._wait or _RETRY_S[0])
                if self._closing:
                    break
            else:
                self._wait = 0.0
        self._sink.close()

    def _due(self) -> bool:
        return self._closing or (not self._wait and (not self._open or self._behind() > 0))

    def _ends(self) -> bool:
        done = self._open and not self._behind()
        return self._closing and (done or time.monotonic() >= self._until)

    def _step(self) -> None:
        if not self._open:
            self._at = self._sink.open(self._begun, self._size())
            self._open = True
            self._catching_up = self._behind() > self._spool
        upto = self._size()
        if self._at is not None and self._at < upto:
            after = self._sink.send(self._at, upto)
            self._sent += after - self._at
            self._at = after
        self._catching_up = self._catching_up and self._behind() > self._spool
        if self._down:
            self._down = False
            _log.warning("evidence: the sink %s takes records again", self.name)
            self._told({"sink": self.name, "state": "up", "behind": self._behind()})

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._open = False
        self._sink.close()
        if not self._down:
            self._down = True
            reason = str(error) if isinstance(error, SinkDown) else type(error).__name__
            _log.error("evidence: the sink %s is down, and its records wait in the log: %s", self.name, reason)
            self._told({"sink": self.name, "state": "down", "behind": self._behind()})
