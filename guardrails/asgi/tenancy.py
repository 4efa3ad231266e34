"""Whose request it is: the tenant, the verdicts that are kept for it, and the conversation that goes on."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import Scope

from guardrails.asgi.headers import Headers
from guardrails.asgi.single import Single
from guardrails.cache import Verdicts
from guardrails.exchange import Catalogue
from guardrails.guard import Guard
from guardrails.tenants import Caller, Tenant, Tenants

__all__ = ["Identified", "KeptByTenant", "Memory", "identified", "open_tenants"]

# What a caller is known by; a conversation belongs to whoever began it.
_CREDENTIALS = frozenset(
    (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie", b"x-client-subject")
)
# Tenants whose verdicts are kept.
_TENANTS = 1_000
# Characters of a conversation's id.
_LONGEST_ID = 200


def open_tenants(policies: str | Path | Tenants | Guard, state: str | Path | None) -> Tenants | Single:
    """The tenants of a policy file, of a folder with a ``tenants.yaml``, or of what was opened before. Raises PolicyError."""
    if isinstance(policies, Tenants):
        return policies
    if isinstance(policies, Guard):
        return Single(policies)
    return Tenants.open(policies, state=Path(state) if state is not None else None)


@dataclass(frozen=True, slots=True)
class Identified:
    """Who calls: the tenant, the conversation that goes on, and the headers that may be forwarded."""

    tenant: Tenant
    conversation: str | None
    headers: Headers = field(repr=False)


def identified(tenants: Tenants | Single, scope: Scope, conversation_header: str | None) -> Identified:
    """Who sends a request, under one reload's state. Raises Unauthenticated (401) and UnknownTenant (403)."""
    headers: Headers = scope["headers"]
    client = scope.get("client")
    host = next((v.decode("latin-1") for k, v in headers if k == b"host"), None)
    now = tenants.snapshot
    tenant = now.resolve(Caller(headers, host, client[0] if client else None))
    return Identified(tenant, _conversation(headers, conversation_header), now.strip(headers))


def _conversation(headers: Headers, header: str | None) -> str | None:
    """The conversation's id, bound to the credentials it came with: who knows another's id has nothing of it.

    ``header``: the name of the header that carries it. None where there is no such header, or not one id in it.
    """
    if header is None:
        return None
    found = [v for k, v in headers if k == header.lower().encode()]
    if len(found) != 1 or not 0 < len(found[0]) <= _LONGEST_ID:
        return None
    who = hashlib.sha256()
    for k, v in sorted((k, v) for k, v in headers if k in _CREDENTIALS):
        who.update(len(k).to_bytes(8, "big") + k + len(v).to_bytes(8, "big") + v)
    return who.hexdigest() + found[0].decode("latin-1")


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept of a tenant's traffic: verdicts of texts that were checked before, and what its MCP servers define."""

    verdicts: Verdicts
    catalogue: Catalogue


class KeptByTenant:
    """What is kept of each tenant's traffic, apart for each tenant and key."""

    def __init__(self, size: int) -> None:
        """``size``: verdicts kept a tenant, and as many definitions."""
        self._size = size
        self._kept: OrderedDict[tuple[str, bytes], Memory] = OrderedDict()

    def of(self, tenant: Tenant) -> Memory:
        """What is kept of a tenant; that of whoever has not called for longest is forgotten."""
        key = (tenant.id, tenant.secret)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = Memory(Verdicts(self._size), Catalogue(self._size))
            while len(self._kept) > _TENANTS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return found
