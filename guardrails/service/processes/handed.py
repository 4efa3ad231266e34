"""What a worker uses in place of a log and of a store of its own: both are in the process that writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from guardrails.evidence import EvidenceLog, EvidenceLost, EvidenceSettings
from guardrails.evidence.files import Disk
from guardrails.evidence.samples import Samples, Sampling
from guardrails.evidence.segments import Place
from guardrails.service.processes.link import Link
from guardrails.stores import Ask, Held, Refused, Store, Unreachable

__all__ = ["HandedLog", "HandedStore", "answered"]

# Seconds that the other process has for an answer.
_ANSWER_S = 5.0


class HandedLog(EvidenceLog):
    """A log that another process writes. Keys are changed and salts erased there."""

    def __init__(self, settings: EvidenceSettings, link: Link) -> None:
        """``settings``: those of the log; its key for hashes is read from its directory."""
        super().__init__(settings, cast(Any, link), Place(settings.directory), cast(Any, None), Disk())
        self._link = link
        if settings.sample_days is not None:  # texts do not go over the link: each process keeps its own
            self._samples = Samples(self._place, make=True)
            self._sampling = Sampling(self._samples, settings.sample_days, settings.sample_share)

    def close(self) -> None:
        """Hand over what waits. Raises EvidenceLost when something was not acknowledged."""
        if not self._closed:
            self._closed = True
            try:
                self._link.close()
            finally:
                if self._sampling is not None:
                    self._sampling.close()


class HandedStore:
    """The store of the process that writes, as all workers of a machine see it (:class:`guardrails.stores.Store`)."""

    waits = True

    def __init__(self, link: Link) -> None:
        self._link = link

    def take(self, asks: Sequence[Ask]) -> Refused | None:
        """See :meth:`Store.take`."""
        told = self._ask("take", [asdict(ask) for ask in asks])
        return Refused(*told) if told is not None else None

    def load(self, group: str, name: str, after: int = 0) -> Held | None:
        """See :meth:`Store.load`."""
        told = self._ask("load", group, name, after)
        return Held(told[0], tuple(bytes.fromhex(chunk) for chunk in told[1])) if told is not None else None

    def keep(
        self, group: str, name: str, chunk: bytes, *, version: int, ttl_s: float, append: bool = False, most: int = 0
    ) -> bool:
        """See :meth:`Store.keep`."""
        return bool(self._ask("keep", group, name, chunk.hex(), version, ttl_s, append, most))

    def drop(self, group: str, name: str, version: int | None = None) -> bool:
        """See :meth:`Store.drop`."""
        return bool(self._ask("drop", group, name, version))

    def idle(self, group: str, seconds: float) -> list[str]:
        """See :meth:`Store.idle`."""
        return list(self._ask("idle", group, seconds))

    def count(self, group: str, prefix: str = "") -> int:
        """See :meth:`Store.count`."""
        return int(self._ask("count", group, prefix))

    def _ask(self, what: str, *arguments: Any) -> Any:
        try:
            return self._link.ask({"of": what, "with": arguments}).result(_ANSWER_S)
        except (EvidenceLost, TimeoutError):
            raise Unreachable("the process that counts for all workers is gone") from None

    def __repr__(self) -> str:
        return "HandedStore()"


def answered(store: Store, question: Mapping[str, Any]) -> Any:
    """What a store says to a worker's question, as JSON."""
    what, given = question["of"], question["with"]
    if what == "take":
        refused = store.take([Ask(**ask) for ask in given[0]])
        return [refused.index, refused.retry_after] if refused is not None else None
    if what == "load":
        held = store.load(*given)
        return [held.version, [chunk.hex() for chunk in held.chunks]] if held is not None else None
    if what == "keep":
        group, name, chunk, version, ttl_s, append, most = given
        return store.keep(group, name, bytes.fromhex(chunk), version=version, ttl_s=ttl_s, append=append, most=most)
    asked: Any = {"drop": store.drop, "idle": store.idle, "count": store.count}[what]
    return asked(*given)
