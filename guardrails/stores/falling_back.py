"""Counters of this process, for as long as a server of shared counters cannot be asked."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from guardrails.stores.calls import Calls
from guardrails.stores.memory import Memory
from guardrails.stores.store import Ask, Held, Refused, Store, Unreachable

__all__ = ["FallingBack"]

_log = logging.getLogger("guardrails")


class FallingBack:
    """Counts with another store, and alone while that cannot be asked: a limit then holds for each process by itself.

    Values are never kept alone: the process that answers next would not find them.
    """

    def __init__(self, store: Store) -> None:
        """``store``: the one that is shared."""
        self._store, self._alone = store, Memory()
        self._down = False

    @property
    def waits(self) -> bool:
        """See :class:`Store`."""
        return self._store.waits

    @property
    def calls(self) -> Calls | None:
        """The calls of the one that is shared."""
        return getattr(self._store, "calls", None)

    def look(self) -> None:
        """As the one that is shared."""
        getattr(self._store, "look", int)()

    def take(self, asks: Sequence[Ask]) -> Refused | None:
        """See :meth:`Store.take`. Never raises Unreachable."""
        try:
            told = self._store.take(asks)
        except Unreachable as error:
            if not self._down:
                _log.warning("%s: limits are counted in this process alone", error)
            self._down = True
            return self._alone.take(asks)
        if self._down:
            _log.warning("%r: limits are shared again", self._store)
        self._down = False
        return told

    def load(self, group: str, name: str, after: int = 0) -> Held | None:
        """See :meth:`Store.load`."""
        return self._store.load(group, name, after)

    def keep(
        self, group: str, name: str, chunk: bytes, *, version: int, ttl_s: float, append: bool = False, most: int = 0
    ) -> bool:
        """See :meth:`Store.keep`."""
        return self._store.keep(group, name, chunk, version=version, ttl_s=ttl_s, append=append, most=most)

    def drop(self, group: str, name: str, version: int | None = None) -> bool:
        """See :meth:`Store.drop`."""
        return self._store.drop(group, name, version)

    def idle(self, group: str, seconds: float) -> list[str]:
        """See :meth:`Store.idle`."""
        return self._store.idle(group, seconds)

    def count(self, group: str, prefix: str = "") -> int:
        """See :meth:`Store.count`."""
        return self._store.count(group, prefix)

    def __repr__(self) -> str:
        return f"FallingBack({self._store!r})"
