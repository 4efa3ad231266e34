"""Samples: texts of decisions, encrypted and for a limited time, for people who review decisions and for replays. Off by default.

Each tenant's texts are sealed with a key of their own (AES-256-GCM), and the keys with the store's key, which lies beside it in ``private/``.
Erasing a decision or a tenant removes the sealed text, overwritten, and a tenant's key. A log without samples holds no text.
"""

from __future__ import annotations

import json
import logging
import queue
import random
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guardrails.errors import GuardrailsError
from guardrails.evidence.canonical import clean
from guardrails.evidence.files import Disk
from guardrails.evidence.record import Text
from guardrails.evidence.segments import Place
from guardrails.types import Role, Source

__all__ = ["Sample", "Samples", "Sampling"]

_KEY, _NONCE = 32, 12
_DAY_S = 86_400
# Samples that wait to be written, that are written together, and seconds between looks for those whose time is over.
_QUEUE, _GROUP, _EXPIRY_S = 1_000, 100, 60.0
_SCHEMA = """
create table if not exists keys (tenant text primary key, sealed blob not null) without rowid;
create table if not exists samples (
    id text not null, direction text not null, tenant text not null, kept integer not null, expires integer not null, sealed blob not null,
    primary key (id, direction)
);
create index if not exists expiring on samples (expires);
create index if not exists whose on samples (tenant);
"""

_log = logging.getLogger("guardrails.evidence")


@dataclass(frozen=True, slots=True)
class Sample:
    """A kept decision without its texts. ``kept`` and ``expires``: seconds since 1970."""

    id: str
    direction: Source
    kept: int
    expires: int


class Samples:
    """The store. Raises GuardrailsError for what its key does not open, and OSError or sqlite3.Error where the disk refuses."""

    def __init__(self, place: Place, *, make: bool = False) -> None:
        self._path = place.private / "samples.sqlite"
        key = place.samples_key
        if make and not key.exists():
            Disk().replace(key, secrets.token_bytes(_KEY), mode=0o600)
        if not key.exists():
            raise GuardrailsError(f"{place.root}: this log keeps no samples (evidence.sample_days)")
        self._key = key.read_bytes()
        if len(self._key) != _KEY:
            raise GuardrailsError(f"{key}: the key has {_KEY} bytes; restore it, or take it and the samples away")
        if make:
            self._path.touch(mode=0o600)
        with self._opened() as store:
            store.executescript(_SCHEMA)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10.0)) as store, store:
            store.execute(
                "pragma secure_delete = on"
            )  # what is erased is overwritten, and so is the journal's copy of it
            store.execute("pragma journal_mode = truncate")
            yield store

    def keep(
        self, given: Iterable[tuple[str, Source, str, Sequence[Text]]], days: float, now: float | None = None
    ) -> None:
        """Keep texts of (id, direction, tenant, texts) for so many days."""
        at = time.time() if now is None else now
        with self._opened() as store:
            store.execute("begin immediate")  # several processes keep samples, and one of them makes a tenant's key
            for id_, direction, tenant, texts in given:
                data = json.dumps([[t.pointer, str(t.role), t.text] for t in texts]).encode()
                key = self._tenant_key(store, tenant, make=True)
                row = (
                    id_,
                    direction.value,
                    tenant,
                    int(at),
                    int(at + days * _DAY_S),
                    _seal(key, data, _where(id_, direction)),
                )
                store.execute("insert or replace into samples values (?, ?, ?, ?, ?, ?)", row)

    def texts(self, id_: str, direction: Source) -> list[Text] | None:
        """The texts of a decision; None where none are kept, or not any more."""
        with self._opened() as store:
            row = store.execute(
                "select tenant, sealed from samples where id = ? and direction = ? and expires > ?",
                (id_, direction.value, int(time.time())),
            ).fetchone()
            if row is None:
                return None
            data = _unseal(self._tenant_key(store, row[0]), row[1], _where(id_, direction))
        return [Text(pointer, Role(role), text) for pointer, role, text in json.loads(data)]

    def newest(self, number: int, tenant: str | None = None) -> list[Sample]:
        """What is kept, newest first."""
        wanted = "and tenant = ?" if tenant is not None else ""
        with self._opened() as store:
            rows = store.execute(
                f"select id, direction, kept, expires from samples where expires > ? {wanted} order by kept desc, rowid desc limit ?",  # noqa: S608
                (int(time.time()), *([tenant] if tenant is not None else []), number),
            ).fetchall()
        return [Sample(id_, Source(direction), kept, expires) for id_, direction, kept, expires in rows]

    def erase(self, id_: str) -> int:
        """Erase a decision's texts. Returns of how many directions."""
        with self._opened() as store:
            return store.execute("delete from samples where id = ?", (id_,)).rowcount

    def erase_tenant(self, tenant: str) -> int:
        """Erase a tenant's texts and key. Returns how many samples."""
        with self._opened() as store:
            store.execute("delete from keys where tenant = ?", (tenant,))
            return store.execute("delete from samples where tenant = ?", (tenant,)).rowcount

    def expire(self, now: float | None = None) -> int:
        """Erase what has been kept long enough. Returns how many samples."""
        with self._opened() as store:
            at = int(time.time() if now is None else now)
            return store.execute("delete from samples where expires <= ?", (at,)).rowcount

    def _tenant_key(self, store: sqlite3.Connection, tenant: str, *, make: bool = False) -> bytes:
        where = b"tenant\n" + tenant.encode("utf-8", "surrogatepass")
        row = store.execute("select sealed from keys where tenant = ?", (tenant,)).fetchone()
        if row is not None:
            return _unseal(self._key, row[0], where)
        if not make:
            raise GuardrailsError("the key of this sample was erased")
        key = secrets.token_bytes(_KEY)
        store.execute("insert into keys values (?, ?)", (tenant, _seal(self._key, key, where)))
        return key

    def __repr__(self) -> str:
        return "Samples(...)"


class Sampling:
    """Keeps samples in a thread of its own, so that no answer waits for it. What finds no room is counted in ``dropped``."""

    def __init__(self, samples: Samples, days: float, share: float) -> None:
        self.kept = self.dropped = 0
        self._samples = samples
        self._days = days
        self._share = share
        self._chance = random.SystemRandom()
        self._queue: queue.Queue[tuple[str, Source, str, Sequence[Text]] | None] = queue.Queue(_QUEUE)
        self._thread = threading.Thread(target=self._run, name="guardrails-evidence-samples", daemon=True)
        self._thread.start()

    def offer(self, id_: str, direction: Source, tenant: str, texts: Sequence[Text]) -> None:
        """Keep the texts of a decision, if it is one of the share."""
        if self._share < 1 and self._chance.random() >= self._share:
            return
        try:
            self._queue.put_nowait((clean(id_), direction, clean(tenant), texts))
        except queue.Full:
            self.dropped += 1

    def settle(self) -> None:
        """Returns when everything that waited is written, or dropped."""
        self._queue.join()

    def close(self) -> None:
        """Write what waits, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        ended, looked = False, -_EXPIRY_S
        while not ended:
            group = self._group()
            ended = None in group
            given = [one for one in group if one is not None]
            try:
                if given:
                    self._samples.keep(given, self._days)
                    self.kept += len(given)
                if time.monotonic() - looked >= _EXPIRY_S:
                    self._samples.expire()
                    looked = time.monotonic()
            except (OSError, sqlite3.Error, GuardrailsError, ValueError) as error:
                self.dropped += len(given)
                _log.error("evidence: samples could not be kept: %s", type(error).__name__)
            for _ in group:
                self._queue.task_done()

    def _group(self) -> list[tuple[str, Source, str, Sequence[Text]] | None]:
        """What waits; at least one after a while, or nothing."""
        group: list[tuple[str, Source, str, Sequence[Text]] | None] = []
        with suppress(queue.Empty):
            group.append(self._queue.get(timeout=_EXPIRY_S))
            while len(group) < _GROUP and group[-1] is not None:
                group.append(self._queue.get_nowait())
        return group


def _where(id_: str, direction: Source) -> bytes:
    """What a sealed text is bound to: it opens nowhere else."""
    return f"sample\n{direction.value}\n{id_}".encode("utf-8", "surrogatepass")


def _seal(key: bytes, data: bytes, where: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, where)


def _unseal(key: bytes, sealed: bytes, where: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], where)
    except (InvalidTag, ValueError):
        raise GuardrailsError("a sample does not open with its key: it was changed, or the key was") from None
