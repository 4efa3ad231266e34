"""The operator's pages of all workers together: as ready as they are, and their figures added up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from starlette.types import Receive, Scope, Send

from guardrails.asgi.telemetry import CONTENT_TYPE
from guardrails.proxy.operations import PAGES, State, send_page

__all__ = ["Together", "added", "reached"]

_PATIENCE_S = 5.0
# Of these, all workers together have what the highest, or the first of them, has.
_HIGHEST = (
    "guardrails_policy_degraded",
    "guardrails_evidence_down",
    "guardrails_shared_state_down",
    "guardrails_build_info",
    "guardrails_shadow_over",
)
_READY = (State.READY.value, State.DEGRADED.value)


class Together:
    """``/healthz``, ``/readyz`` and ``/metrics`` of the workers whose sockets these are; ``others`` have figures only."""

    def __init__(self, workers: Sequence[Path], others: Sequence[Path] = ()) -> None:
        self._workers = tuple(workers)
        self._others = tuple(others)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return
        if scope["path"] not in PAGES or scope["method"] not in ("GET", "HEAD"):
            await send_page(scope, send, 404, b'{"error":"there are /healthz, /readyz and /metrics; GET only"}')
        elif scope["path"] == "/healthz":
            await send_page(scope, send, 200, b'{"status":"alive"}')
        elif scope["path"] == "/readyz":
            told = await self.state()
            await send_page(scope, send, 200 if told["status"] in _READY else 503, json.dumps(told).encode())
        else:
            pages = await asyncio.gather(*(_page(path, "/metrics") for path in (*self._workers, *self._others)))
            await send_page(scope, send, 200, added(page.text for page in pages if page is not None), CONTENT_TYPE)

    async def state(self) -> dict[str, Any]:
        """What ``/readyz`` says: ready when all workers are, degraded when one is."""
        answers = await asyncio.gather(*(_page(path, "/readyz") for path in self._workers))
        states: list[Mapping[str, Any]] = [{"status": "gone"} if a is None else a.json() for a in answers]
        ready = [s for s in states if s["status"] in _READY]
        if ready:
            well = len(ready) == len(states) and all(s["status"] == State.READY for s in ready)
            status = State.READY if well else State.DEGRADED
        else:
            others = [s["status"] for s in states if s["status"] in (State.DRAINING, State.STARTING)]
            status = State(others[0]) if others else State.NOT_READY
        # Of those that are ready, one that is degraded says why.
        told = next((s for s in ready if s["status"] != State.READY), next(iter(ready or states)))
        workers = {"ready": len(ready), "of": len(states), "states": [s["status"] for s in states]}
        return {**told, "status": status.value, "workers": workers}


async def reached(path: Path) -> bool:
    """Whether a process tells on this socket that it has started."""
    answer = await _page(path, "/readyz")
    return answer is not None and answer.json()["status"] != State.STARTING


def added(pages: Iterable[str]) -> bytes:
    """Pages of figures as one: counters, histograms and gauges added up; the first of two times, the highest of two states."""
    families: dict[str, Metric] = {}
    samples: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for page in pages:
        for family in text_string_to_metric_families(page):
            families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            known = samples.setdefault(family.name, {})
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                known[key] = _joined(family.name, known.get(key), sample.value)
    for name, family in families.items():
        family.samples = [Sample(n, dict(labels), value) for (n, labels), value in samples[name].items()]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(families.values()))
    return generate_latest(registry)


def _joined(name: str, before: float | None, value: float) -> float:
    if before is None:
        return value
    if name.endswith(("_created", "_start_time_seconds")):
        return min(before, value)
    return max(before, value) if name in _HIGHEST else before + value


class _Collected(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


async def _page(path: Path, page: str) -> httpx.Response | None:
    """A page of one process; None when it is gone."""
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    try:
        async with httpx.AsyncClient(transport=transport, timeout=_PATIENCE_S) as client:
            return await client.get(f"http://worker{page}")
    except httpx.HTTPError:
        return None
