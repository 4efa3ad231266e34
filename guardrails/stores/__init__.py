"""State that processes share: counters of limits, and sealed values that live for a time.

:class:`Store` is the interface; :class:`Memory` is one process, :class:`Redis` a Redis or Valkey server, :class:`PostgreSQL` a database.
:func:`opened` makes one from a setting, :func:`use` makes it that of the process, for the rules of policies that count. Nothing that can be read is ever kept in one.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from guardrails.errors import GuardrailsError
from guardrails.stores.calls import Calls
from guardrails.stores.falling_back import FallingBack
from guardrails.stores.memory import Memory
from guardrails.stores.postgresql import PostgreSQL
from guardrails.stores.redis import Redis
from guardrails.stores.store import Ask, Held, Refused, Store, Unreachable, bucket, day, window

__all__ = [
    "ON_FAILURE",
    "Ask",
    "FallingBack",
    "Held",
    "Memory",
    "PostgreSQL",
    "Redis",
    "Refused",
    "Store",
    "Unreachable",
    "bucket",
    "counted",
    "day",
    "down",
    "opened",
    "shared",
    "use",
    "window",
]

_log = logging.getLogger("guardrails")

# What happens to a limit that nobody can count: the request is refused, or each process counts by itself.
ON_FAILURE: Final = ("block", "local")

_shared: list[Store] = []


def opened(url: str, on_failure: str = "block") -> Store:
    """The store at an address, as :class:`PostgreSQL` or :class:`Redis` reads it. ``on_failure``: one of :data:`ON_FAILURE`.

    The server is asked once: raises GuardrailsError when it lets nobody in, and with ``block`` when it is not there.
    """
    if on_failure not in ON_FAILURE:
        raise GuardrailsError(f"shared-state-on-failure: one of {', '.join(ON_FAILURE)}")
    store = PostgreSQL(url) if url.startswith(("postgresql://", "postgres://")) else Redis(url)
    try:
        store.check()
    except Unreachable as error:
        if on_failure == "block":
            raise
        store.calls.down = True
        _log.warning("%s: limits are counted in this process alone", error)
    return FallingBack(store) if on_failure == "local" else store


def use(store: Store | None) -> None:
    """Make a store that of this process; None: rules count for themselves. Policies that were compiled before keep to what was."""
    _shared[:] = [] if store is None else [store]


def shared() -> Store | None:
    """The store of this process, None when nothing is shared."""
    return _shared[0] if _shared else None


def counted() -> Calls | None:
    """The calls that the store of this process makes of a server, for figures; None where it makes none, or does not count them."""
    return getattr(shared(), "calls", None)


def down() -> bool | None:
    """Whether the server of shared state is in trouble, as of the last call or the last time that somebody asked; None where there is
    none. Waits for nothing."""
    store: Any = shared()
    made = counted()
    if made is None:
        return None
    made.look(store.look)
    return made.down
