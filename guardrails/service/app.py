"""The service as one ASGI application: a Starlette application of contracts, and the operator's pages beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from guardrails.asgi.admission import Admission
from guardrails.asgi.otel import opened
from guardrails.asgi.recording import Recording, health_with
from guardrails.asgi.shadowing import Shadowing, ShadowSettings
from guardrails.asgi.telemetry import Telemetry
from guardrails.evidence import EvidenceLog, EvidenceSettings
from guardrails.proxy.operations import PAGES, Operations
from guardrails.service.access import Access, Scope
from guardrails.service.calls import Contract, Endpoint
from guardrails.service.catalog import Catalog
from guardrails.service.checking import Checking
from guardrails.service.contracts import contracts as chosen
from guardrails.service.errors import plain
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import nearest
from guardrails.service.handling import Handling, Resource, send_answer
from guardrails.service.limits import NONE, Limits, Usage
from guardrails.service.shared_streams import SharedStreams
from guardrails.service.streams import Streams
from guardrails.stores import Store, use
from guardrails.stores.sealing import key_of
from guardrails.tenants import Tenants
from guardrails.wire.limits import BodyLimits

__all__ = ["KEY", "ServiceApp", "service_app", "shared_streams"]

# The variable with the key that streams are sealed with in shared state.
KEY = "GUARDRAILS_SHARED_STATE_KEY"

# Requests in work at once, bytes of their bodies, requests that wait, and for how long, in milliseconds.
_IN_WORK, _BYTES, _WAITING, _WAIT_MS = 256, 256_000_000, 256, 1_000.0


class ServiceApp:
    """What :func:`service_app` makes: an ASGI application. ``operations`` are the pages of an operator; ``pages`` answers them to clients,
    None when nobody does."""

    def __init__(
        self, tenants: Tenants, handling: Handling, served: Iterable[Contract], operations: Operations, *, pages: bool
    ) -> None:
        self.tenants = tenants
        self.handling = handling
        self.operations = operations
        self.pages: Callable[..., Awaitable[None]] | None = operations if pages else None
        self.contracts = tuple(served)
        self.workbench: ASGIApp | None = None
        """What answers below ``/workbench``."""
        self._paths: dict[str, tuple[Contract, dict[str, Endpoint]]] = {}
        for contract in self.contracts:
            for endpoint in contract.endpoints:
                self._paths.setdefault(endpoint.path, (contract, {}))[1][endpoint.method] = endpoint
        self.starlette = Starlette(
            routes=[Route(path, Resource(handling, c, methods)) for path, (c, methods) in self._paths.items()],
            lifespan=self._lifespan,
        )
        self.starlette.router.redirect_slashes = False
        self.starlette.router.default = self._unknown

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one scope."""
        if scope["type"] == "http" and scope["path"] in PAGES:
            await self._page(scope, receive, send)
        elif scope["type"] == "http" and self.workbench is not None and f"{scope['path']}/".startswith("/workbench/"):
            await self.workbench(scope, receive, send)
        else:
            await self.starlette(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        watching = asyncio.get_running_loop().create_task(self.tenants.watch())
        await self.operations.verify()
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait((watching,))
            await asyncio.to_thread(self.handling.checking.close)
            if self.handling.telemetry.otel is not None:
                await asyncio.to_thread(self.handling.telemetry.otel.close)

    async def _page(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """The operator's pages. Figures name callers and policies: with keys, they need one with the scope admin."""
        if self.pages is None:
            await self._unknown(scope, receive, send)
            return
        if scope["path"] == "/metrics" and not self.handling.access.open:
            try:
                self.handling.identified(_METRICS, scope, b"")
            except Fault as fault:
                await send_answer(scope, send, plain(fault))
                return
        await self.pages(scope, receive, send)

    async def _unknown(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "there are no websockets here"})
            return
        self.handling.telemetry.refused(404)
        near = _near(scope["path"], [path.replace(":path", "") for path in self._paths])
        told = f"there is nothing on this path{near} See /openapi.json, or docs/service.md"
        await send_answer(scope, send, plain(Fault(Kind.NOT_FOUND, told)))


def _near(path: str, known: list[str]) -> str:
    """The nearest of the paths that are there, by its spelling or else by its first part."""
    first = path.split("/")[1]
    alike = next((f"; did you mean {one!r}?" for one in known if first and one.split("/")[1] == first), "")
    return nearest(path, known) or alike


def shared_streams(shared: Store) -> Streams | None:
    """Streams in shared state; None where there is no key to seal them with. Raises GuardrailsError for a bad one."""
    key = key_of(KEY)
    return SharedStreams(shared, key) if key is not None else None


async def _metrics(_: Any) -> Any:
    raise NotImplementedError


_METRICS = Endpoint("GET", "/metrics", _metrics, Scope.ADMIN, reads=False)


def service_app(
    policies: str | Path,
    *,
    keys: str | Path | None = None,
    state: str | Path | None = None,
    contracts: Iterable[str] | None = None,
    pages: bool = True,
    max_body: int = 16_000_000,
    telemetry: Telemetry | None = None,
    admission: Admission | None = None,
    evidence: EvidenceLog | EvidenceSettings | Mapping[str, Any] | str | Path | None = None,
    limits: Limits = NONE,
    shared: Store | None = None,
    streams: Streams | None = None,
    otlp: str | None = None,
    shadow: ShadowSettings | Mapping[str, Any] | str | Path | None = None,
) -> ServiceApp:
    """The service over ``policies``: a folder of policy files, each a guardrail; a folder with a ``tenants.yaml``; or one policy.

    ``keys``: a file of callers and their scopes; without it, and without a tenants.yaml, everybody may check texts and nobody may
    change anything. ``contracts``: those of :data:`guardrails.service.contracts.CONTRACTS` that are served, all by default.
    ``pages``: whether ``/healthz``, ``/readyz`` and ``/metrics`` are served here. ``max_body`` is in bytes. ``evidence``: the log in which every decision is recorded
    before its answer leaves, opened or as its settings or directory. ``limits``: of each caller that the file of keys says nothing of;
    ``shared``: state that other processes share (:func:`guardrails.stores.opened`): limits are counted there, and ``streams`` kept
    where ``GUARDRAILS_SHARED_STATE_KEY`` holds a key for them; it becomes that of the process. ``otlp``: the address that OpenTelemetry's traces and metrics are sent
    to, over HTTP. ``shadow``: a candidate policy that judges the same texts and acts on nothing (docs/release.md). Raises PolicyError or GuardrailsError when something is wrong with
    any of them.
    """
    telemetry = telemetry or Telemetry()
    telemetry.otel = opened(otlp)
    if shared is not None:
        use(shared)  # before any policy is compiled
        streams = streams or shared_streams(shared)
    tenants = Tenants.open(policies, state=state, every=True)
    by_tenant = tenants.by_tenant
    recording = None
    if evidence is not None:
        log = evidence if isinstance(evidence, EvidenceLog) else EvidenceLog.open(evidence)
        recording = Recording(log, tenants, telemetry.registry, own=log is not evidence)
    access = Access(keys, tenants if by_tenant else None, limits)
    usage = Usage(shared)
    catalog = Catalog(tenants, by_tenant=by_tenant)
    checking = Checking(telemetry, recording, usage, streams, Shadowing.opened(shadow, telemetry.registry))
    handling = Handling(
        access,
        catalog,
        checking,
        admission or Admission(_IN_WORK, _BYTES, _WAITING, _WAIT_MS),
        telemetry,
        BodyLimits(bytes=max_body, string=max(2_000_000, max_body)),
        usage,
    )

    def health() -> Mapping[str, Any]:
        return health_with(checking.evidence, tenants.health())

    return ServiceApp(tenants, handling, chosen(contracts), Operations(telemetry, health), pages=pages)
