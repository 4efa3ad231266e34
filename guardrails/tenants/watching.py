"""Noticing that files changed: the system's notices, and a slow look of our own for file systems that give none."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from guardrails.errors import GuardrailsError
from guardrails.tenants.folder import scan
from guardrails.tenants.types import ReloadResult

__all__ = ["Watched", "watch"]

_log = logging.getLogger("guardrails")
# Milliseconds: an editor or a copy writes in several steps; this long nothing must happen, and no longer than that.
_QUIET = 50
_AT_MOST = 400
_ARMED = 0.5  # seconds after which the system's notices are sure to have been asked for


class Watched(Protocol):
    """What can be reloaded."""

    @property
    def folder(self) -> Path:
        """The folder to look at."""
        ...

    @property
    def degraded(self) -> bool:
        """True while another try may help."""
        ...

    def reload(self) -> ReloadResult:
        """Read everything again."""
        ...


async def watch(tenants: Watched, poll_seconds: float) -> None:
    """Reload on every change until cancelled. Raises GuardrailsError when ``watchfiles`` is not installed."""
    try:
        import watchfiles  # noqa: F401, PLC0415 - only who watches needs it
    except ImportError:
        raise GuardrailsError("watching policies needs watchfiles: pip install watchfiles") from None
    seen = b""
    while True:
        inode = await asyncio.to_thread(_inode, tenants.folder)
        pause = poll_seconds
        try:
            async with aclosing(_notices(tenants.folder, poll_seconds)) as notices:
                async for _ in notices:
                    state = await asyncio.to_thread(scan, tenants.folder)
                    if state != seen or tenants.degraded:
                        await asyncio.to_thread(tenants.reload)
                        seen = state
                    if inode is None or await asyncio.to_thread(_inode, tenants.folder) != inode:
                        pause = 0 if inode is not None else poll_seconds
                        break  # another folder of that name: the notices are those of the old one
        except (OSError, RuntimeError) as error:  # no such folder, or no notices left in this system
            _log.warning("policies: no notices of changes (%s); looking every %g s", type(error).__name__, poll_seconds)
        await asyncio.sleep(pause)


async def _notices(folder: Path, poll_seconds: float) -> AsyncGenerator[None, None]:
    """When to look: at the start, once notices are sure to come, at every change, and every ``poll_seconds``."""
    from watchfiles import awatch  # noqa: PLC0415

    yield
    step = min(poll_seconds, _ARMED)
    armed, next_look = False, 0.0
    async for changes in awatch(
        folder,
        watch_filter=None,
        debounce=_AT_MOST,
        step=_QUIET,
        rust_timeout=max(1, int(step * 1000)),
        yield_on_timeout=True,
        ignore_permission_denied=True,
    ):
        # What changed between the first look and the first notice is seen by the second look.
        if changes or not armed or time.monotonic() >= next_look:
            yield
            armed, next_look = True, time.monotonic() + poll_seconds


def _inode(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except OSError:
        return None
