"""The nouns of this package: who calls, whose policy holds, and what a reload did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from guardrails.errors import GuardrailsError, Problem
from guardrails.guard import Guard

__all__ = ["Caller", "ReloadResult", "Tenant", "Unauthenticated", "UnknownTenant"]


class Unauthenticated(GuardrailsError):
    """The caller showed no credential, or none that is valid: a 401.

    The message is always the same, so that a client cannot tell one cause from another. ``reason`` is a short word for
    the operator's log (``missing``, ``invalid``, ``duplicate-header``, ``ambiguous-header``, ``untrusted-proxy``); it
    must not go to the client.
    """

    def __init__(self, reason: str = "invalid") -> None:
        self.reason = reason
        super().__init__("no valid credential")


class UnknownTenant(GuardrailsError):
    """What the caller showed is genuine, and no tenant, or more than one, goes with it: a 403.

    ``reason`` is for the operator's log: ``unknown``, ``conflict`` or ``unavailable`` (its policy never loaded).
    """

    def __init__(self, reason: str = "unknown") -> None:
        self.reason = reason
        super().__init__("no tenant for this caller")


@dataclass(frozen=True, slots=True)
class Caller:
    """What a request shows of who sent it. Neither its body nor its query is part of it, so neither can have a say.

    ``headers`` are those of the ASGI scope, names in lower case; ``host`` is the authority that the request was sent
    to, with or without a port; ``client`` is the address of the peer that opened the connection, None for a unix
    socket.
    """

    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    host: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant as it stood when it was asked for; a request keeps the one it got.

    ``revision`` is the policy's sha256. ``secret`` is 32 random bytes of this process and this tenant, for the keys of
    caches: what one tenant computed cannot be looked up by another.
    """

    id: str
    guard: Guard
    revision: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """What a reload did. ``changed`` are ids of tenants that are new or have another policy, ``removed`` those that are gone; ``last_good`` are those that keep an earlier
    policy because the present one cannot be used; ``missing`` those that never had one that can."""

    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    last_good: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """True when everything that stands in the files now is in use."""
        return not self.problems
