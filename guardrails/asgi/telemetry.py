"""Counters for Prometheus, and one structured log line a decision. Neither ever holds a character of a text.

Every label is bounded: what a client or a tenant can invent more of than :data:`TENANTS` or :data:`NAMES` is counted
under ``other``.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from guardrails import __version__, stores
from guardrails.asgi.otel import OpenTelemetry
from guardrails.asgi.records import DecisionRecord, FailedRule, record_of
from guardrails.workers import abandoned

__all__ = [
    "CONTENT_TYPE",
    "LOGGER",
    "NAMES",
    "OTHER",
    "TENANTS",
    "DecisionRecord",
    "FailedRule",
    "Telemetry",
    "record_of",
]

CONTENT_TYPE = CONTENT_TYPE_LATEST
LOGGER = "guardrails.decisions"
# Distinct values of a label that are counted by name. A scrape of 1,000 tenants x 2 directions x 3 actions is 6,000 lines.
TENANTS = 1_000
NAMES = 1_000
OTHER = "other"

_log = logging.getLogger(LOGGER)

# Characters held back: nothing, a word, the longest PII values, a sentence, a paragraph, a whole answer.
_HOLD_BUCKETS = (0, 16, 32, 64, 128, 256, 512, 1_024, 4_096, 16_384, 65_536)
# Seconds: string rules take less than one millisecond, models some tens, the default deadline is ten seconds.
_TIME_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Bounded:
    """The first ``most`` names as they are, every later one as ``other``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, name: str) -> str:
        if name in self._seen:
            return name
        # What is no Unicode text would break the page of metrics for good.
        name = name.encode("utf-8", "backslashreplace").decode()
        with self._lock:
            if len(self._seen) < self._most:
                self._seen.add(name)
        return name if name in self._seen else OTHER


class _Windows(Collector):
    """What the models of this process have read. A process that asked none does not load them to be asked."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """One counter, by the model's name."""
        family = CounterMetricFamily(
            "guardrails_model_windows", "Windows of text that a model has read.", labels=["model"]
        )
        models = sys.modules.get("guardrails.inference")
        for name, count in sorted(models.windows_read().items()) if models is not None else ():
            family.add_metric([name], count)
        yield family


class _SharedState(Collector):
    """What became of the calls of the server that keeps shared state, where there is one."""

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Counters of calls, their seconds and their failures, and whether the last one failed."""
        calls, labels = stores.counted(), ["backend", "operation"]
        if calls is None:
            return
        backend, (made, seconds, failed) = calls.backend, calls.figures()
        for name, told, figures in (
            ("operations", "Calls of shared state.", made),
            ("seconds", "Their time.", seconds),
        ):
            family = CounterMetricFamily(f"guardrails_shared_state_{name}", told, labels=labels)
            for what, figure in sorted(figures.items()):
                family.add_metric([backend, what], figure)
            yield family
        family = CounterMetricFamily(
            "guardrails_shared_state_failures", "Calls of shared state that failed.", labels=[*labels, "kind"]
        )
        for (what, kind), count in sorted(failed.items()):
            family.add_metric([backend, what, kind], count)
        yield family
        down = GaugeMetricFamily(
            "guardrails_shared_state_down", "1 while the server of shared state is in trouble.", labels=["backend"]
        )
        down.add_metric([backend], int(bool(stores.down())))
        yield down


class Telemetry:
    """The metrics of one middleware, in a registry of their own. Thread-safe; no method raises for what it is told."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """``registry``: a registry to add the metrics to; raises ValueError when it has metrics of these names already."""
        self.otel: OpenTelemetry | None = None
        self.registry = registry if registry is not None else CollectorRegistry()
        if registry is None:  # one that was given has them already, if anybody wants them
            ProcessCollector(registry=self.registry)
        build = Gauge("guardrails_build_info", "1, with the version that runs.", ["version"], registry=self.registry)
        build.labels(__version__).set(1)
        self._tenant, self._rule, self._why, self._status = (_Bounded(n) for n in (TENANTS, NAMES, 64, 64))
        self._reloaded = {"ok": 0, "failed": 0}
        self._lock = threading.Lock()

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"guardrails_{name}", what, labels, registry=self.registry)

        def gauge(name: str, what: str) -> Gauge:
            return Gauge(f"guardrails_{name}", what, registry=self.registry)

        self._decisions = counter("decisions", "Checks, by what became of the text.", "tenant", "direction", "action")
        self._failures = counter("failures", "Rules that could not be evaluated.", "rule", "kind")
        self._fail_open = counter("fail_open", "Texts that passed although a rule could not be evaluated.", "rule")
        self._reloads = counter("reloads", "Reloads of policies and tenants.", "result")
        self._uninspected = counter("uninspected", "Content that nobody could inspect.", "why")
        self._refused = counter("refused", "Requests that were refused before any check.", "status")
        self._limited = counter("limited", "Requests over a limit of their caller.", "tenant", "limit")
        self._disconnected = counter(
            "disconnected", "Exchanges whose client left before their decision was made.", "direction"
        )
        gauge("detectors_abandoned", "Detectors at work on checks that did not wait for them.").set_function(abandoned)
        self.registry.register(_Windows())
        self.registry.register(_SharedState())
        self._degraded = gauge("policy_degraded", "1 while an older policy than the newest file is in force.")
        self._in_flight = gauge("requests_in_flight", "Requests that were admitted and are not finished.")
        self._queued = gauge("requests_queued", "Requests that wait to be admitted.")
        self._bytes = gauge("bytes_in_flight", "Bytes of bodies of admitted requests.")
        self._held = Histogram(
            "guardrails_hold_back_characters",
            "Characters of a stream that were held back when a part of it was sent.",
            buckets=_HOLD_BUCKETS,
            registry=self.registry,
        )
        self._seconds = Histogram(
            "guardrails_check_seconds",
            "Time of one check.",
            ["direction"],
            buckets=_TIME_BUCKETS,
            registry=self.registry,
        )

    def decision(self, record: DecisionRecord) -> None:
        """Count a decision with its failures and what stayed uninspected, and log it as one line of JSON."""
        self._decisions.labels(self._tenant(record.tenant), record.direction, record.action).inc()
        self._seconds.labels(record.direction).observe(record.milliseconds / 1000)
        for failed in record.failures:
            rule = self._rule(failed.rule)
            self._failures.labels(rule, failed.kind).inc()
            if failed.open:
                self._fail_open.labels(rule).inc()
        for why in record.uninspected:
            self._uninspected.labels(self._why(why)).inc()
        if self.otel is not None:
            self.otel.decision(record, self._tenant(record.tenant))
        level = logging.WARNING if any(f.open for f in record.failures) else logging.INFO
        if _log.isEnabledFor(level):
            _log.log(level, "%s", _line(record))

    def policies(self, *, degraded: bool, ok: int, failed: int) -> None:
        """Where the policies stand: whether an older one than the newest file is in force, and the reloads since the start."""
        self._degraded.set(1 if degraded else 0)
        with self._lock:
            for result, total in (("ok", ok), ("failed", failed)):
                self._reloads.labels(result).inc(max(0, total - self._reloaded[result]))
                self._reloaded[result] = max(total, self._reloaded[result])

    def queue(self, *, in_flight: int, queued: int, size: int) -> None:
        """How many requests are in work and waiting, and how many bytes their bodies have together."""
        self._in_flight.set(in_flight)
        self._queued.set(queued)
        self._bytes.set(size)

    def held_back(self, characters: int) -> None:
        """How many characters of a stream were held back when a part of it was sent."""
        self._held.observe(characters)

    def refused(self, status: int) -> None:
        """Count a request that was refused with this status before any check."""
        self._refused.labels(self._status(str(status))).inc()

    def limited(self, tenant: str, limit: str) -> None:
        """Count a request that was over one of its caller's limits."""
        self._limited.labels(self._tenant(tenant), limit).inc()

    def disconnected(self, direction: str) -> None:
        """Count a client that left before the request, or the answer, was decided."""
        self._disconnected.labels(direction).inc()

    def expose(self) -> bytes:
        """All metrics in Prometheus' text format; send it as :data:`CONTENT_TYPE`."""
        return generate_latest(self.registry)


def _line(record: DecisionRecord) -> str:
    """The decision as JSON of ASCII: whatever a name holds, it is one line."""
    line = {
        "event": "decision",
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "id": record.id,
        "tenant": record.tenant,
        "policy": record.policy,
        "sha256": record.sha256,
        "route": record.route,
        "format": record.format,
        "direction": str(record.direction),
        "action": str(record.action),
        "rules": list(record.rules),
        "failures": [{"rule": f.rule, "kind": str(f.kind), "open": f.open} for f in record.failures],
        "uninspected": list(record.uninspected),
        "not_applicable": list(record.not_applicable),
        "ms": round(record.milliseconds, 3),
        **({"ask": True} if record.ask else {}),
    }
    return json.dumps(line, separators=(",", ":"))
