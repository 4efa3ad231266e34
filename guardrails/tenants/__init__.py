"""Tenants: who is under which policy, known by something verified, and reloaded when a file changes."""

from __future__ import annotations

from guardrails.tenants.keys import hash_key, new_key
from guardrails.tenants.registry import Reloads, Tenants
from guardrails.tenants.resolving import Resolver
from guardrails.tenants.types import Caller, ReloadResult, Tenant, Unauthenticated, UnknownTenant

__all__ = [
    "Caller",
    "ReloadResult",
    "Reloads",
    "Resolver",
    "Tenant",
    "Tenants",
    "Unauthenticated",
    "UnknownTenant",
    "hash_key",
    "new_key",
]
