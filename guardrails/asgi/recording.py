"""Decisions of exchanges on their way into the log of evidence, and what becomes of them as figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from guardrails import stores
from guardrails.asgi.single import Single
from guardrails.decision import Decision
from guardrails.evidence import Context, EvidenceLog, EvidenceLost, Text
from guardrails.evidence.record import said_of
from guardrails.exchange import Exchange
from guardrails.guard import Guard
from guardrails.tenants import Tenants
from guardrails.types import Piece, Report

__all__ = ["UNRECORDED", "EvidenceFigures", "RecordedOnce", "Recording", "health_with"]

# What a client reads whose exchange was decided, and the decision could not be recorded.
UNRECORDED = (
    "the decision about this exchange cannot be recorded, and without a record nothing is passed on; try again later"
)


def health_with(log: EvidenceLog | None, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """What operators may know of the policies, of shared state, and of the log: without its record no decision may take effect, so whoever
    balances the load sends requests elsewhere. A server of shared state that is down is down for all of them."""
    if (down := stores.down()) is not None:
        found = {**found, "shared_state": "down" if down else "ok"}
    if log is None:
        return found
    told = {"evidence": "down" if log.counts.down else "ok"}
    if log.sinks:
        told["evidence_sinks"] = "down" if any(state.down for state in log.sinks.values()) else "ok"
    return {**found, **told} | ({"status": "failed"} if log.refuses else {})


class EvidenceFigures(Collector):
    """What became of records, read from the log when somebody asks."""

    def __init__(self, log: EvidenceLog) -> None:
        self._log = log

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Counters of records, failures and checkpoints, and whether the log can be written."""
        counts = self._log.counts
        records = CounterMetricFamily(
            "guardrails_evidence_records",
            "Records written; decisions refused, or lost although they took effect, for want of one.",
            labels=["result"],
        )
        for result in ("written", "refused", "lost"):
            records.add_metric([result], getattr(counts, result))
        yield records
        yield CounterMetricFamily(
            "guardrails_evidence_failures", "Writes of the evidence log that failed.", value=counts.failures
        )
        yield CounterMetricFamily("guardrails_evidence_checkpoints", "Signed checkpoints.", value=counts.checkpoints)
        yield GaugeMetricFamily(
            "guardrails_evidence_down", "1 while the evidence log cannot be written.", value=int(counts.down)
        )
        yield from self._sinks()

        samples = CounterMetricFamily("guardrails_evidence_samples", "Samples of texts.", labels=["result"])
        for result, number in zip(("kept", "dropped"), self._log.samples, strict=True):
            samples.add_metric([result], number)
        yield samples

    def _sinks(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """What became of records in each sink."""
        states = self._log.sinks
        for made, name, told, field in (
            (CounterMetricFamily, "records", "Records that a sink took.", "sent"),
            (CounterMetricFamily, "failures", "Tries to send records to a sink that failed.", "failures"),
            (GaugeMetricFamily, "behind", "Records of the log that a sink has not yet.", "behind"),
            (GaugeMetricFamily, "down", "1 while a sink takes no records.", "down"),
        ):
            family = made(f"guardrails_evidence_sink_{name}", told, labels=["sink"])
            for sink, state in states.items():
                family.add_metric([sink], float(getattr(state, field)))
            yield family


class Recording:
    """Records the decisions of one application. A log that was given opened stays open when the application ends."""

    def __init__(self, log: EvidenceLog, tenants: Tenants | Single, registry: CollectorRegistry, *, own: bool) -> None:
        self.log = log
        self._tenants = tenants
        self._own = own
        self._reloads = getattr(tenants, "reloads", None)
        registry.register(EvidenceFigures(log))

    async def record(self, decision: Decision, exchange: Exchange, conversation: str | None = None) -> None:
        """Record a decision. Raises EvidenceLost when it cannot be, and the setting says ``block``."""
        self._reloaded()
        kept = exchange.kept.of(decision.direction) if exchange.kept is not None else None
        await self.log.arecord(
            decision,
            said=None if kept is None else [Text(*text) for text in kept],
            guard=exchange.guard,
            context=Context(
                route=decision.format,
                conversation=conversation,
                degraded=bool(getattr(self._tenants, "degraded", False)),
            ),
        )

    async def checked(
        self, decision: Decision | Report, pieces: Iterable[Piece], guard: Guard, *, id: str, tenant: str, route: str
    ) -> None:
        """Record a check of texts that no exchange brought. ``id`` and ``tenant`` are those of a report. Raises EvidenceLost."""
        self._reloaded()
        context = Context(route=route, principal=tenant, degraded=bool(getattr(self._tenants, "degraded", False)))
        await self.log.arecord(decision, said=said_of(pieces), guard=guard, context=context, id=id, tenant=tenant)

    def _reloaded(self) -> None:
        """Reloads since the last decision are records too. One that finds no room is none that anything waits for."""
        now = getattr(self._tenants, "reloads", None)
        if now is None or now == self._reloads:
            return
        try:
            self.log.event("reload", {"ok": now.ok, "failed": now.failed})
        except EvidenceLost:
            return
        self._reloads = now

    def close(self) -> None:
        """The application ended. Raises EvidenceLost when something could not be written."""
        if self._own:
            self.log.close()


class RecordedOnce:
    """The record of one decision, which is made once, before the decision takes effect."""

    def __init__(self, record: Callable[[Decision], Awaitable[None]] | None) -> None:
        """``record`` raises EvidenceLost where a decision may not take effect without a record; None: none is kept."""
        self._record = record
        self.done = record is None

    async def keep(self, decision: Decision | None) -> bool:
        """Whether a decision may take effect: it is recorded, need not be, or was before."""
        if self._record is None or self.done or decision is None:
            return True
        self.done = True
        try:
            await self._record(decision)
        except EvidenceLost:
            return False
        return True
