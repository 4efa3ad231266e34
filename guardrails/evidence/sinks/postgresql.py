"""``postgresql://…``: every record is a row, exactly once: the log's name and the record's number are the primary key.

The table tells how far it is, so that nothing has to be remembered here. The role of the address needs INSERT and SELECT; without the
table, also CREATE in its schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from guardrails.errors import GuardrailsError
from guardrails.evidence.reader import Reader
from guardrails.evidence.segments import Place, names
from guardrails.evidence.sinks import SinkDown
from guardrails.evidence.tail import Tail

__all__ = ["TABLE", "open_sink"]

TABLE = "guardrails_evidence"
_CREATE = f"""
create table if not exists {TABLE} (
    log text not null, seq bigint not null, ts timestamptz not null, kind text not null, tenant text, decision_id text, direction text,
    action text, record text not null, primary key (log, seq)
)"""
_INDEX = f"create index if not exists {TABLE}_decision on {TABLE} (decision_id) where decision_id is not null"
_COLUMNS = "seq, ts, kind, tenant, decision_id, direction, action, record"
_INSERT = f"""
insert into {TABLE} (log, {_COLUMNS})
select %s, * from unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
on conflict do nothing"""  # noqa: S608 - names of ours
_SAME = f"""
select count(*) from {TABLE} t join unnest(%s::bigint[], %s::text[]) as given(seq, record) on t.seq = given.seq
where t.log = %s and t.record = given.record"""  # noqa: S608 - names of ours
# What the address may say otherwise: seconds, and milliseconds of silence.
_PATIENCE: dict[str, Any] = {"connect_timeout": 10, "tcp_user_timeout": 30_000, "keepalives_idle": 30,
                             "options": "-c statement_timeout=60s", "application_name": "guardrails-evidence"}  # fmt: skip


class _Postgresql:
    name = "postgresql"
    whole_segments = False

    def __init__(self, psycopg: Any, address: str, place: Place, log: str) -> None:
        self._psycopg = psycopg
        self._place = place
        self._log = log
        self._tail = Tail(place)
        self._connection: Any = None
        try:
            told = psycopg.conninfo.conninfo_to_dict(address)
        except psycopg.ProgrammingError:
            told = None
        if told is None:
            raise GuardrailsError(
                "evidence.sinks: the address of PostgreSQL cannot be read; write postgresql://user@host:5432/database (special"
                " characters of a password as %XX), or leave the password to PGPASSFILE"
            )
        self._given = {**{k: v for k, v in _PATIENCE.items() if k not in told}, "conninfo": address, "autocommit": True}

    def open(self, begun: int, size: int) -> int:  # noqa: ARG002 - the table says how far it is
        self.close()
        try:
            self._connection = self._psycopg.connect(**self._given)
            if self._one("select to_regclass(%s)", (TABLE,)) is None:
                self._connection.execute(_CREATE)
                self._connection.execute(_INDEX)
            last = self._one(f"select max(seq) from {TABLE} where log = %s", (self._log,))  # noqa: S608
            kept = self._one(f"select record from {TABLE} where log = %s and seq = %s", (self._log, last))  # noqa: S608
        except self._psycopg.Error as error:
            raise self._down(error) from None
        begin = names(self._place.segments)[0][0]
        if last is None:
            return int(begin)
        if last >= size or (last >= begin and Reader(self._place.root).record(last).decode() != kept):
            raise SinkDown(_OTHER)
        return max(int(last) + 1, begin)

    def send(self, first: int, upto: int) -> int:
        found = self._tail.read(first, upto)
        texts = [record.decode() for record in found]
        numbers = list(range(first, first + len(found)))
        columns = list(zip(*map(_row, found), strict=True))
        try:
            done = self._connection.execute(_INSERT, (self._log, numbers, *map(list, columns), texts))
            if done.rowcount != len(found) and self._one(_SAME, (numbers, texts, self._log)) != len(found):
                raise SinkDown(_OTHER)
        except self._psycopg.Error as error:
            raise self._down(error) from None
        return first + len(found)

    def close(self) -> None:
        self._tail.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _one(self, query: str, given: Sequence[Any]) -> Any:
        row = self._connection.execute(query, given).fetchone()
        return row[0] if row is not None else None

    def _down(self, error: Any) -> SinkDown:
        """What may be said of an error: its message may repeat a record or an address."""
        state = f", SQLSTATE {error.sqlstate}" if error.sqlstate else ""
        return SinkDown(
            f"PostgreSQL takes no records ({type(error).__name__}{state}): look at the server and its log, and at the address and its role"
        )


_OTHER = (
    f"the table {TABLE} holds other records under the name of this log: give each log a name of its own (evidence.name), or move"
    " those rows away"
)


def _row(record: bytes) -> tuple[Any, ...]:
    read = orjson.loads(record)
    body = read["body"]
    return read["ts"], read["kind"], *(_text(body.get(f)) for f in ("tenant", "decision_id", "direction", "action"))


def _text(value: object) -> str | None:
    """PostgreSQL's text holds every character but NUL."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else None


def open_sink(address: str, place: Place, log: str) -> _Postgresql:
    """Raises GuardrailsError for an address that cannot be read, or without psycopg."""
    try:
        import psycopg  # noqa: PLC0415
        import psycopg.conninfo  # noqa: PLC0415
    except ImportError:
        raise GuardrailsError(
            "evidence.sinks: PostgreSQL needs psycopg: pip install 'onepolicy-guardrails[postgresql]'"
        ) from None
    return _Postgresql(psycopg, address, place, log)
