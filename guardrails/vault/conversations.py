"""Vaults that outlive their exchange: a conversation keeps its numbers and values from one request to the next."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary, WeakValueDictionary

from guardrails.errors import GuardrailsError
from guardrails.fold import Folded
from guardrails.rules import Rule
from guardrails.stores import Store as SharedStore
from guardrails.vault.exchange import Vault
from guardrails.vault.ledger import Ledger, merged, refuse_pickling
from guardrails.vault.sealed import Sealer, Unreadable, address
from guardrails.vault.stores import Folder, Memory, Shared, Store

__all__ = ["Vaults"]

_log = logging.getLogger("guardrails")
# How often a conversation is read again that another process saved meanwhile.
_TRIES = 20


class Vaults:
    """Vaults by tenant and conversation, encrypted while no exchange is open. Thread-safe.

    ``key``: 32 bytes from configuration; None makes one that dies with the process. ``ttl_s``: seconds after its last
    save at which a conversation is forgotten; ``max_entries``: how many are kept, the least recently saved go first.
    ``folder``: keep them in files there, for several processes or over a restart; ``shared``: on a server that many machines reach
    (:func:`guardrails.stores.opened`), whose failures open() and save() raise as Unreachable. Both need a ``key``. Exchanges of one
    conversation that are open at a time share their numbers. What cannot be opened (another key, changed bytes, bytes of
    another conversation) is forgotten and counted in ``unreadable``. Raises GuardrailsError for a bad setting.
    """

    def __init__(
        self,
        key: bytes | None,
        ttl_s: float,
        max_entries: int,
        *,
        folder: str | Path | None = None,
        shared: SharedStore | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not ttl_s > 0 or max_entries < 1:
            raise GuardrailsError("vaults need a ttl_s above 0 and max_entries of 1 or more")
        if folder is not None and shared is not None:
            raise GuardrailsError("vaults are kept in a folder or in shared state, not in both")
        if key is None and (folder is not None or shared is not None):
            raise GuardrailsError(
                "vaults that outlive the process need a key: what is sealed with a lost one is no use"
            )
        self._sealer = Sealer(os.urandom(32) if key is None else key)
        self._ttl = ttl_s
        self._store: Store
        if shared is not None:
            self._store = Shared(shared, ttl_s, max_entries)
        else:
            self._store = Folder(Path(folder), ttl_s, max_entries) if folder else Memory(ttl_s, max_entries, clock)
        self._lock = Lock()
        self._live: WeakValueDictionary[bytes, Ledger] = WeakValueDictionary()
        self._homes: WeakKeyDictionary[Vault, bytes] = WeakKeyDictionary()
        self.unreadable = 0
        """How many sealed conversations could not be opened."""

    def open(
        self, tenant_id: str, conversation_id: str, rules: Iterable[Rule], texts: Iterable[str | Folded] = ()
    ) -> Vault:
        """A vault with what this conversation has kept; an empty one when that is nothing. ``texts`` as for a Vault.

        The ids must be ones the server vouches for: whoever can name a conversation of a tenant can read its values.
        """
        where = address(tenant_id, conversation_id)
        with self._lock:
            ledger = self._live.get(where)
            if ledger is None:
                with self._store.locked():
                    ledger = self._stored(where) or Ledger()
                self._live[where] = ledger
        vault = Vault(texts, rules, ledger=ledger)
        with self._lock:
            self._homes[vault] = where
        return vault

    def save(self, vault: Vault) -> None:
        """Keep what the vault holds for the next exchange, and begin its time anew. The vault stays open.

        Where another process gave one number to another value meanwhile, the one that was saved first stays.
        Raises GuardrailsError for a vault that was not opened here, or that was forgotten, or whose conversation was.
        """
        with self._lock:
            where = self._homes.get(vault)
            if where is None:
                raise GuardrailsError(
                    "this vault belongs to no conversation of these vaults: open() makes one that does"
                )
            ours = vault.ledger
            for _ in range(_TRIES):
                with self._store.locked():
                    stored = self._stored(where)
                    ledger = ours if stored is None else merged(stored, ours)
                    blob = self._sealer.ledger(where, ledger, time.time())
                    if self._store.put(self._sealer.name(where), blob):
                        return
            raise GuardrailsError("a conversation was saved by others again and again; what is new in it is not kept")

    def forget(self, tenant_id: str, conversation_id: str) -> None:
        """Delete a conversation. Exchanges of it that are open go on without its values."""
        where = address(tenant_id, conversation_id)
        with self._lock:
            ledger = self._live.pop(where, None)
            for vault in [v for v, home in self._homes.items() if home == where]:
                del self._homes[vault]
            if ledger is not None:
                with ledger.lock:
                    ledger.kept.clear()
                    ledger.given.clear()
                    ledger.barred.clear()
            with self._store.locked():
                self._store.drop(self._sealer.name(where))

    def _stored(self, where: bytes) -> Ledger | None:
        name = self._sealer.name(where)
        blob = self._store.get(name)
        if blob is None:
            return None
        try:
            ledger, saved = self._sealer.opened(where, blob)
        except Unreadable as error:
            self.unreadable += 1
            _log.error("vault %s forgotten: %s", name[:12], error)
            self._store.drop(name)
            return None
        # Memory measures by the monotonic clock. Files may have been copied back: a minute is allowed to clocks that differ.
        if not isinstance(self._store, Memory) and not -60 <= time.time() - saved <= self._ttl:
            self._store.drop(name)
            return None
        return ledger

    def __len__(self) -> int:
        """How many conversations are kept."""
        with self._lock:
            return len(self._store)

    def __repr__(self) -> str:
        return f"Vaults({len(self)} conversations)"

    __reduce__ = refuse_pickling
