"""What a worker uses in place of a log and of counts of its own: both are in the process that writes."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any, cast

from guardrails.evidence import EvidenceLog, EvidenceLost, EvidenceSettings
from guardrails.evidence.files import Disk
from guardrails.evidence.segments import Place
from guardrails.service.limits import Limit, Limited, Limits, LocalUsage
from guardrails.service.processes.link import Link

__all__ = ["HandedLog", "HandedUsage"]


class HandedLog(EvidenceLog):
    """A log that another process writes. Keys are changed and salts erased there."""

    def __init__(self, settings: EvidenceSettings, link: Link) -> None:
        """``settings``: those of the log; its key for hashes is read from its directory."""
        super().__init__(settings, cast(Any, link), Place(settings.directory), cast(Any, None), Disk())
        self._link = link

    def close(self) -> None:
        """Hand over what waits. Raises EvidenceLost when something was not acknowledged."""
        if not self._closed:
            self._closed = True
            self._link.close()


class HandedUsage:
    """Usage that all workers count together; alone while the other process is gone."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._alone = LocalUsage()

    async def request(self, caller: str, limits: Limits) -> None:
        """As :meth:`guardrails.service.limits.Usage.request`. Raises Limited."""
        if limits == Limits():
            return
        try:
            told = await self._ask({"of": "request", "caller": caller, "limits": asdict(limits)})
        except EvidenceLost:
            self._alone.take(caller, limits)
            return
        if told is not None:
            raise Limited(Limit(told[0]), told[1])

    async def text(self, caller: str, limits: Limits, used: int) -> None:
        """As :meth:`guardrails.service.limits.Usage.text`."""
        if limits.text_units_per_day is None or not used:
            return
        try:
            await self._ask({"of": "text", "caller": caller, "limits": asdict(limits), "used": used})
        except EvidenceLost:
            self._alone.spend(caller, limits, used)

    async def _ask(self, question: dict[str, Any]) -> Any:
        return await asyncio.wrap_future(self._link.ask(question))
