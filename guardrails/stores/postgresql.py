"""State in a PostgreSQL database, for as many processes as reach it. Each step is one command, which is a transaction of its own."""

from __future__ import annotations

import importlib
import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.stores import postgresql_schema as sql
from guardrails.stores.calls import TIMEOUT_S, Calls, Trouble
from guardrails.stores.store import Ask, Held, Refused

__all__ = ["PostgreSQL"]

# Connections of a process at once, seconds for the first one (tables may have to be made), and between looks at what is over.
_CONNECTIONS, _START_S, _SWEEP_S = 8, 10.0, 300.0
_EXAMPLE = "write one such as postgresql://guardrails@state.internal:5432/state"


class PostgreSQL:
    """A :class:`~guardrails.stores.store.Store` in one database, in the first schema of its role's ``search_path``. Times are the server's.

    No call takes longer than half a second; after five that failed in a row, only one a second is tried, later one in five. Counters are
    in a table that a crash of the server empties (UNLOGGED); values are as durable as the database.
    """

    waits = True

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None, timeout_s: float = TIMEOUT_S) -> None:
        """``url``: ``postgresql://…`` as libpq reads it. ``clock``: seconds since 1970 in place of the server's. Calls nobody yet. Raises
        GuardrailsError for another URL, and where the package ``psycopg`` is not installed."""
        try:
            self._links = importlib.import_module("guardrails.stores.postgresql_link")
        except ImportError:
            told = "shared state in PostgreSQL needs psycopg: pip install 'onepolicy-guardrails[postgresql]'"
            raise GuardrailsError(told) from None
        self._place, self._conninfo = _checked(url)
        self.calls = Calls("postgresql", self._place)
        self._clock, self._timeout = clock, timeout_s
        self._idle: deque[Any] = deque()
        self._places = threading.BoundedSemaphore(_CONNECTIONS)
        self._swept = time.monotonic()

    def check(self) -> None:
        """Ask the server whether it is there, and make the tables where there are none. Raises GuardrailsError for one that does not let us in,
        Unreachable for none."""
        try:
            self._asked(sql.COUNT, ("", "", None), max(self._timeout, _START_S))
        except self._links.Locked as error:
            raise GuardrailsError(f"{self._place}: {error.told} of the URL") from None
        except Trouble as error:
            if "42501" in error.told:
                told = (
                    "the role may not make or use the tables of shared state: it needs USAGE and CREATE in its schema"
                )
                raise GuardrailsError(f"{self._place}: {told}") from None
            raise self.calls.unreachable(error) from None

    def look(self) -> None:
        """Ask the server whether it is there. Raises Trouble."""
        self._asked("select 1", (), self._timeout)

    def take(self, asks: Sequence[Ask]) -> Refused | None:
        """See :meth:`Store.take`."""
        given = [
            [f"{ask.kind}:{ask.name}", ask.kind, ask.most, ask.rate, round(ask.seconds * 1e6), ask.amount]
            for ask in asks
        ]
        told = self._run("take", sql.TAKE, json.dumps(given, ensure_ascii=False), self._now())
        return Refused(int(told[0][0]), int(told[0][1])) if told else None

    def load(self, group: str, name: str, after: int = 0) -> Held | None:
        """See :meth:`Store.load`."""
        told = self._run("load", sql.LOAD, group, name, after, self._now())
        chunks = tuple(bytes.fromhex(chunk) for _, chunk in told if chunk is not None)
        return Held(int(told[0][0]), chunks) if told else None

    def keep(
        self, group: str, name: str, chunk: bytes, *, version: int, ttl_s: float, append: bool = False, most: int = 0
    ) -> bool:
        """See :meth:`Store.keep`."""
        life = max(1, math.ceil(ttl_s * 1e6))
        told = self._run("keep", sql.KEEP, group, name, chunk, version, life, append, most, self._now())
        return bool(told[0][0] == "t")

    def drop(self, group: str, name: str, version: int | None = None) -> bool:
        """See :meth:`Store.drop`."""
        return bool(self._run("drop", sql.DROP, group, name, version, self._now()))

    def idle(self, group: str, seconds: float) -> list[str]:
        """See :meth:`Store.idle`."""
        return [str(name) for (name,) in self._run("idle", sql.IDLE, group, round(seconds * 1e6), self._now())]

    def count(self, group: str, prefix: str = "") -> int:
        """See :meth:`Store.count`."""
        return int(self._run("count", sql.COUNT, group, prefix, self._now())[0][0])

    def _now(self) -> int | None:
        return None if self._clock is None else round(self._clock() * 1e6)

    def _run(self, what: str, command: str, *values: Any) -> list[tuple[Any, ...]]:
        told = self.calls.make(what, lambda: self._asked(command, values, self._timeout))
        if time.monotonic() - self._swept > _SWEEP_S:
            self._swept = time.monotonic()
            with suppress(RuntimeError):  # no thread left: the next sweep does it
                threading.Thread(target=self.sweep, name="guardrails-state-sweep", daemon=True).start()
        return told

    def sweep(self) -> None:
        """Have the server remove what is over; any process does it now and then. What fails is left to the next one."""
        with suppress(Trouble):
            self._asked(sql.SWEEP, (self._now(),), self._timeout)

    def _asked(self, command: str, values: Sequence[Any], seconds: float) -> list[tuple[Any, ...]]:
        """The rows of a command over a connection that was idle, or a new one. Raises Trouble."""
        until = time.monotonic() + seconds
        if not self._places.acquire(timeout=seconds):
            raise Trouble("timeout", "all connections of this process are in use")
        try:
            link = self._connected(until)
            try:
                told: list[tuple[Any, ...]] = link.ask(command, values, until)
            except BaseException:  # what it would say next belongs to nobody
                link.close()
                raise
            self._idle.append(link)
            return told
        finally:
            self._places.release()

    def _connected(self, until: float) -> Any:
        with suppress(IndexError):
            while True:
                link = self._idle.pop()
                if not link.stale:
                    return link
                link.close()
        link = self._links.Link(self._conninfo, until)
        try:
            if [ready for ready, *_ in link.ask(sql.READY, (round(self._timeout * 1e3),), until)] != ["t"]:
                link.run(sql.CREATE, until)
        except BaseException:
            link.close()
            raise
        return link

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def __repr__(self) -> str:
        return f"PostgreSQL({self._place!r})"


def _checked(url: str) -> tuple[str, str]:
    """What may be shown of an address, and the address as libpq takes it. Raises GuardrailsError."""
    conninfo = importlib.import_module("psycopg.conninfo")
    errors = importlib.import_module("psycopg")
    try:
        told = conninfo.conninfo_to_dict(url)
        made = conninfo.make_conninfo(**{"application_name": "guardrails-state", **told}, client_encoding="utf8")
        [int(port) for port in str(told.get("port", "")).split(",") if port]  # libpq looks at it when it connects
    except (errors.Error, ValueError):
        raise GuardrailsError(f"shared state: this is no address of a PostgreSQL server: {_EXAMPLE}") from None
    host, port = told.get("host", ""), told.get("port", "5432")
    where = f"//{host}:{port}" if host and not str(host).startswith("/") else f"//{host}"
    return f"postgresql:{where}/{told.get('dbname', '')}", made
