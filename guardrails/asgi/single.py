"""One guard for everybody: what an entry point uses when it is given a compiled guard instead of files."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

from guardrails.guard import Guard
from guardrails.tenants import Caller, Tenant

__all__ = ["Single"]


class Single:
    """Every caller is the tenant ``default``, and nothing is reloaded."""

    def __init__(self, guard: Guard) -> None:
        self._tenant = Tenant("default", guard, guard.policy.identity.sha256, secrets.token_bytes(32))

    @property
    def snapshot(self) -> Single:
        """Itself: it never changes."""
        return self

    def resolve(self, caller: Caller) -> Tenant:  # noqa: ARG002 - everybody is the same
        """The one tenant."""
        return self._tenant

    def strip(self, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """All headers: none is ours."""
        return list(headers)

    async def watch(self) -> None:
        """Waits until it is cancelled."""
        await asyncio.Event().wait()

    def health(self) -> dict[str, Any]:
        """Always ``ok``."""
        return {"status": "ok", "tenants": {"default": {"revision": self._tenant.revision}}}
