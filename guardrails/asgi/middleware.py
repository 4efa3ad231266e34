"""The middleware for ASGI applications: every request and every answer is inspected, or none.

Pure ASGI: the middleware holds no state of a request; each exchange has its own objects. A request that is not exempt is
read whole, checked, written again from what was checked, and only then given to the application; the answer comes back
through :class:`~guardrails.asgi.answering.Answering`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Unpack
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guardrails.asgi import advice, reading
from guardrails.asgi.admission import Admission, Overloaded503
from guardrails.asgi.body import Arriving, Disconnected, Replay, discarded
from guardrails.asgi.cors import Consents, is_preflight, preflight_headers, preflight_scope
from guardrails.asgi.execution import Execution
from guardrails.asgi.headers import bodiless, has_body
from guardrails.asgi.inspection import Exchanged, Incoming, Inspection
from guardrails.asgi.otel import opened
from guardrails.asgi.paths import Ambiguous, canonical, segments
from guardrails.asgi.recording import UNRECORDED, Recording
from guardrails.asgi.refusals import Refusals
from guardrails.asgi.routing import Found, Routing, query_of
from guardrails.asgi.settings import Settings, SettingsDict
from guardrails.asgi.shadowing import Shadowing
from guardrails.asgi.single import Single
from guardrails.asgi.telemetry import Telemetry
from guardrails.asgi.tenancy import Identified, KeptByTenant, identified, open_tenants
from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog, EvidenceLost
from guardrails.exchange import Exchange, Tenancy
from guardrails.guard import Guard
from guardrails.tenants import Tenant, Tenants, Unauthenticated, UnknownTenant
from guardrails.vault import Vaults
from guardrails.wire.listing import Listing
from guardrails.wire.strict import Malformed

__all__ = ["Exchanged", "GuardrailsMiddleware"]

_log = logging.getLogger("guardrails")

# Requests in work at once, bytes of their bodies, requests that wait, and for how long. Who waits longer than that would
# be served after its client gave up; a refusal that comes at once can be tried again elsewhere.
_IN_WORK, _BYTES, _WAITING, _WAIT_MS = 256, 256_000_000, 256, 1_000.0


class GuardrailsMiddleware:
    """``app.add_middleware(GuardrailsMiddleware, policies="policies/")``.

    Every route is inspected unless it is exempt. See docs/middleware.md for all settings.
    """

    def __init__(
        self,
        app: ASGIApp,
        policies: str | Path | Tenants | Guard = "policies/",
        *,
        state: str | Path | None = None,
        telemetry: Telemetry | None = None,
        admission: Admission | None = None,
        vaults: Vaults | None = None,
        cache: int = 20_000,
        reload: bool = True,
        **settings: Unpack[SettingsDict],
    ) -> None:
        """``policies``: a policy file, a folder with a ``tenants.yaml``, or what was opened before.

        ``state``: a folder where the last good policies are kept across restarts. ``cache``: verdicts kept a tenant.
        The rest is :class:`~guardrails.asgi.settings.Settings`. Raises PolicyError or GuardrailsError with every problem.
        """
        self.app = app
        self.settings = Settings.of(**settings)
        self.telemetry = telemetry or Telemetry()
        self._refusals = Refusals(self.settings, self.telemetry)
        if self.settings.explain:
            _log.warning("explain is on: answers name the rules that fired; switch it off where strangers call")
        self.tenants: Tenants | Single = open_tenants(policies, state)
        self.admission = admission or Admission(
            _IN_WORK, _BYTES, _WAITING, _WAIT_MS, reserve=0.0 if isinstance(self.tenants, Single) else 0.125
        )
        self.consents = Consents(app)
        self._routing = Routing(self.settings)
        self._kept = KeptByTenant(cache)
        self._execution = Execution(self.settings.check_wait_seconds)
        self._recording = self._recorder()
        self._shadowing = Shadowing.opened(self.settings.shadow, self.telemetry.registry)
        self.telemetry.otel = opened(self.settings.otlp)
        self._inspection = Inspection(
            app, self.settings, telemetry=self.telemetry, execution=self._execution, refusals=self._refusals,
            consents=self.consents, vaults=vaults, recording=self._recording, shadowing=self._shadowing,
        )  # fmt: skip
        self._reload = reload
        self._watch: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        match scope["type"]:
            case "http":
                self._watching()
                if self.telemetry.otel is not None:
                    await self.telemetry.otel.serve(self._http, scope, receive, send)
                else:
                    await self._http(scope, receive, send)
            case "lifespan":
                await self._lifespan(scope, receive, send)
            case "websocket":
                await self._websocket(scope, receive, send)
            case other:
                raise GuardrailsError(f"a connection of the type {str(other)[:20]!r} cannot be inspected")

    def routes(self, routes: Iterable[Any]) -> list[tuple[str, str, str]]:
        """What happens to each route of an application: ``inspected as <format>``, ``exempt`` or ``refused``."""
        return self._routing.table(routes)

    @property
    def evidence(self) -> EvidenceLog | None:
        """The log in which decisions are recorded."""
        return self._recording.log if self._recording is not None else None

    def _recorder(self) -> Recording | None:
        given = self.settings.evidence
        if given is None:
            return None
        log = given if isinstance(given, EvidenceLog) else EvidenceLog.open(given)
        return Recording(log, self.tenants, self.telemetry.registry, own=log is not given)

    async def aclose(self) -> None:
        """Stop watching the policies, close the log of evidence that was opened here, and send the last traces."""
        if self._shadowing is not None:
            await asyncio.to_thread(self._shadowing.close)
        if self._recording is not None:
            await asyncio.to_thread(self._recording.close)
        if self.telemetry.otel is not None:
            await asyncio.to_thread(self.telemetry.otel.close)
        if self._watch is not None:
            self._watch.cancel()
            # Unlike `await self._watch`, this does not take a cancellation of ours for its.
            await asyncio.wait((self._watch,))
            self._watch = None

    # -- connections -------------------------------------------------------------------------------------------------

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = scope.get("app")
        for method, path, what in self.routes(getattr(app, "routes", ())):
            _log.info("route %s %s: %s", method, path, what)
        self._watching()

        async def closing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):  # the server may end once it was told
                await self.aclose()
            await send(message)

        try:
            await self.app(scope, receive, closing)
        finally:
            await self.aclose()

    def _watching(self) -> None:
        if self._reload and (self._watch is None or self._watch.done()):
            self._watch = asyncio.get_running_loop().create_task(self.tenants.watch())

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            path = canonical(scope)
        except Ambiguous:
            path = ""
        if self._routing.is_exempt("WEBSOCKET", path):
            await self.app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "not inspected here"})
        self.telemetry.refused(403)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request: where it goes, and whose it is."""
        try:
            path = canonical(scope)
        except Ambiguous as error:
            scope = {**scope, "path": "/", "raw_path": b"/", "query_string": b""}
            if is_preflight(scope):
                await self._preflight(scope, receive, send)
                return
            ours = self.consents.answering(scope, send)
            await self._refusals.unchecked(ours, 400, f"ambiguous path: {error}", "ambiguous_path")
            return
        scope, path, exempt = self._routing.place(scope, path)
        if exempt:
            await self.app(scope, receive, send)
            return
        scope = {**scope, "headers": [(k.lower(), v) for k, v in scope["headers"]]}
        if is_preflight(scope):
            await self._preflight(scope, receive, send)
            return
        ours = self.consents.answering(scope, send)
        try:
            caller = identified(self.tenants, scope, self.settings.conversation_header)
        except Unauthenticated as error:
            await self._refusals.unchecked(ours, 401, str(error), "unauthenticated", (b"www-authenticate", b"Bearer"))
            return
        except UnknownTenant as error:
            await self._refusals.unchecked(ours, 403, str(error), "unknown_tenant")
            return
        if scope["method"] in ("OPTIONS", "HEAD"):
            await self._without_body({**scope, "headers": caller.headers}, receive, send, caller.tenant)
            return
        found = self._routing.formats(scope["method"], path)
        if not found:
            told = advice.no_format(scope["method"], path)
            await self._refusals.unchecked(ours, 404, told, "no_format", format_=advice.spoken(path))
            return
        await self._with_body(scope, receive, send, caller, found)

    async def _preflight(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A browser's question, which nobody can sign: the application answers it, whoever calls later."""

        async def bare(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": preflight_headers(message.get("headers", ()))}
            await send(bodiless(message, scope["method"]))

        await self.app(preflight_scope(scope), Replay(b"", receive), self.consents.noting(scope, bare))

    # -- one request -------------------------------------------------------------------------------------------------

    async def _with_body(self, scope: Scope, receive: Receive, send: Send, caller: Identified, found: Found) -> None:
        """A request that may have a body: it waits for its turn, is read, checked and forwarded; or refused, in words."""
        refuse = partial(self._refusals.unchecked, self.consents.answering(scope, send), format_=found[0][0])
        tenant = caller.tenant
        arriving = Arriving(receive)
        try:
            query = query_of(scope)
            coding = reading.declared(scope["method"], scope["headers"], self.settings.limits)
            with self.admission.arriving(tenant.id) as held:
                # Who is slow to say what he wants keeps nobody else from a place in work.
                data = await reading.received(
                    arriving,
                    coding,
                    self.settings.limits,
                    self.settings.body_seconds,
                    held,
                    self._execution.computing.run,
                )
                async with self.admission.admit(tenant.id, 0):
                    self._gauge()
                    body = await reading.body_of(
                        scope, data, self.settings.limits, self._execution.computing.run, found
                    )
                    session = reading.session_of(scope, body, found, query)
                    light = self._execution.is_light(tenant.guard, len(data))
                    del data, body
                    inner = {**scope, "headers": caller.headers}
                    incoming = Incoming(inner, receive, send, tenant, session, light, caller.conversation)
                    if not session.waits:
                        await self._inspection.run(incoming, self._kept.of(tenant))
                if session.waits:  # for hours perhaps, and nothing is in work meanwhile
                    await self._inspection.run(incoming, self._kept.of(tenant))
        except Malformed as error:
            # What is left of a body that never comes is not waited for; of one that is too long, so that its sender reads why.
            if error.status == 413 and not any(name == b"expect" for name, _ in scope["headers"]):
                await discarded(arriving, 2 * self.settings.limits.bytes, self.settings.body_seconds)
            close = ((b"connection", b"close"),) if error.status in (408, 413) else ()
            await refuse(error.status, error.reason, error.code, *close)
        except Overloaded503 as error:
            retry = (b"retry-after", str(error.retry_after).encode())
            await refuse(503, "too many requests at once; try again later", "overloaded", retry)
        except EvidenceLost:
            await refuse(503, UNRECORDED, "evidence_lost")
        except Disconnected:
            return
        finally:
            self._gauge()

    async def _without_body(self, scope: Scope, receive: Receive, send: Send, tenant: Tenant) -> None:
        """OPTIONS and HEAD pass without a body, in either direction; string rules read their path and query."""
        ours = self.consents.answering(scope, send)
        if has_body(scope["headers"]):
            await self._refusals.unchecked(ours, 400, f"{scope['method']} has no body here", "invalid_request")
            return
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        texts, ids = segments(scope["path"], {})
        session = Listing.open(query=dict(query), segments=texts, names=ids)
        exchange = Exchange(
            Tenancy(tenant.id, tenant.guard, tenant.secret), session, verdicts=self._kept.of(tenant).verdicts
        )
        decision = exchange.bare()
        if decision is not None:
            await self._inspection.decided(decision)
            with suppress(EvidenceLost):  # nothing passes in any case
                await self._inspection.record(exchange, decision)
            await self._refusals.blocked(ours, exchange, decision)
            return

        async def bare(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [(bytes(k), bytes(v)) for k, v in message.get("headers", ())]
                message = {**message, "headers": exchange.headers(given)}
            await send(bodiless(message, scope["method"]))

        await self.app(scope, Replay(b"", receive), self.consents.noting(scope, bare))

    def _gauge(self) -> None:
        self.telemetry.queue(
            in_flight=self.admission.in_flight, queued=self.admission.queued, size=self.admission.bytes
        )
