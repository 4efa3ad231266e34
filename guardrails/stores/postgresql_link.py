"""One connection to PostgreSQL whose every call ends in time: libpq without blocking, as :mod:`psycopg.pq` has it.

The connections of psycopg wait for as long as a server says nothing, and two seconds at least for one that is not there.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import pq

from guardrails.stores.calls import Trouble

__all__ = ["Link", "Locked"]

_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)  # Windows has no poll
_FOR = {
    pq.PollingStatus.READING: selectors.EVENT_READ,
    pq.PollingStatus.WRITING: selectors.EVENT_WRITE,
}
_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_CANCELLED = b"57014"


class Locked(Trouble):
    """The server wants a password, or another one."""


class Link:
    """A connection. Used by one thread at a time; after Trouble it can only be closed."""

    def __init__(self, conninfo: str, until: float) -> None:
        """Connect. ``until``: when to give up, in seconds of :func:`time.monotonic`. Raises Trouble and Locked."""
        self._raw = pq.PGconn.connect_start(conninfo.encode())
        try:
            while (state := self._polled()) is not pq.PollingStatus.OK:
                self._wait(_FOR[state], until)
            self._raw.nonblocking = 1
        except BaseException:
            self.close()
            raise

    def _polled(self) -> pq.PollingStatus:
        broken = self._raw.status == pq.ConnStatus.BAD
        state = pq.PollingStatus.FAILED if broken else pq.PollingStatus(self._raw.connect_poll())
        if state is not pq.PollingStatus.FAILED:
            return state
        if self._raw.needs_password or self._raw.used_password:
            raise Locked("refused", "the server refuses the user, the password or the database")
        raise Trouble("refused", "no connection")

    def ask(self, command: str, values: Sequence[Any], until: float) -> list[tuple[str | None, ...]]:
        """The rows that a command gives, as text. ``values``: its parameters, of which bytes are sent as they are. Raises Trouble, which holds
        none of them."""
        given = [v if v is None or isinstance(v, bytes) else str(v).encode() for v in values]
        formats = [pq.Format.BINARY if isinstance(v, bytes) else pq.Format.TEXT for v in values]
        return self._told(lambda: self._raw.send_query_params(command.encode(), given, None, formats), until)

    def run(self, script: str, until: float) -> None:
        """Several commands in one transaction. Raises Trouble."""
        self._told(lambda: self._raw.send_query(script.encode()), until)

    def _told(self, send: Callable[[], None], until: float) -> list[tuple[str | None, ...]]:
        rows: list[tuple[str | None, ...]] = []
        try:
            send()
            while self._raw.flush():
                if self._wait(selectors.EVENT_READ | selectors.EVENT_WRITE, until) & selectors.EVENT_READ:
                    self._raw.consume_input()
            while (result := self._result(until)) is not None:
                if result.status not in _GOOD:
                    raise _refusal(result)
                rows = [
                    tuple(_text(result.get_value(row, column)) for column in range(result.nfields))
                    for row in range(result.ntuples)
                ]
        except psycopg.Error as error:
            raise Trouble("broken", type(error).__name__) from None
        return rows

    def _result(self, until: float) -> Any:
        while self._raw.is_busy():
            self._wait(selectors.EVENT_READ, until)
            self._raw.consume_input()
        return self._raw.get_result()

    def _wait(self, events: int, until: float) -> int:
        """Which of these the connection is ready for. Raises Trouble once the time is over."""
        with _Selector() as selector:
            selector.register(self._raw.socket, events)
            while (left := until - time.monotonic()) > 0:
                for _, ready in selector.select(left):
                    return int(ready)
        raise Trouble("timeout", "TimeoutError")

    @property
    def stale(self) -> bool:
        """Whether the server has said something that nobody asked for, such as that it is gone."""
        with _Selector() as selector:
            selector.register(self._raw.socket, selectors.EVENT_READ)
            return bool(selector.select(0))

    def close(self) -> None:
        """Let go of it."""
        self._raw.finish()


def _refusal(result: Any) -> Trouble:
    """Its code only: a message may repeat what was sent. Without a code it is libpq that speaks, of a connection that is gone."""
    code = result.error_field(pq.DiagnosticField.SQLSTATE)
    if code is None:
        return Trouble("broken", "the connection is gone")
    return Trouble("timeout" if code == _CANCELLED else "error", f"SQLSTATE {code.decode('ascii', 'replace')}")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
