"""The porch for ASGI applications: every request and every answer, or none.

Pure ASGI: the middleware holds no state of a request; each exchange has its own objects. A request that is not exempt is
read whole, checked, written again from what was checked, and only then given to the application; the answer comes back
through :class:`~guardrails.asgi.answering.Answering`.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from guardrails.asgi import advice, reading
from guardrails.asgi.admission import Admission, Arrival, Overloaded503
from guardrails.asgi.answering import Answering
from guardrails.asgi.body import Disconnected, Receive, Replay, Send, departure
from guardrails.asgi.cors import Consents, is_preflight, preflight_headers, preflight_scope
from guardrails.asgi.paths import Ambiguous, canonical, plain, routed, segments
from guardrails.asgi.refusals import Refusals
from guardrails.asgi.settings import Settings
from guardrails.asgi.single import Single
from guardrails.asgi.telemetry import Decision as Record
from guardrails.asgi.telemetry import FailedRule, Telemetry
from guardrails.cache import Verdicts
from guardrails.decision import Decision
from guardrails.errors import GuardrailsError, UpstreamLost
from guardrails.exchange import Exchange, Tenancy
from guardrails.guard import Guard
from guardrails.tenants import Caller, Tenant, Tenants, Unauthenticated, UnknownTenant
from guardrails.types import Source
from guardrails.vault import Vaults
from guardrails.wire import FORMATS, recognise, strict
from guardrails.wire.enums import unknown_role
from guardrails.wire.form import Form
from guardrails.wire.listing import Listing, Page
from guardrails.wire.shape import is_opaque
from guardrails.wire.spellings import spelled_twice
from guardrails.wire.strict import Malformed
from guardrails.wire.unfit import unfit

__all__ = ["Exchanged", "GuardrailsMiddleware"]

ASGIApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_log = logging.getLogger("guardrails")

# Checks in work at once. They wait for models and for each other's batches more than for a processor.
_THREADS = 16
# What only computes in Python: every thread more that wants the interpreter is one more that the event loop waits behind.
_COMPUTING = 2
# A body up to this size, under rules without a model, is checked where it was read: a hop to a thread costs more. Text that
# has to be unfolded takes up to 2.5 ms a KB, and the event loop stands still meanwhile.
_LIGHT_BYTES = 4_096
# Requests in work at once, bytes of their bodies, requests that wait, and for how long. Who waits longer than that would
# be served after its client gave up; a refusal that comes at once can be tried again elsewhere.
_IN_WORK, _BYTES, _WAITING, _WAIT_MS = 256, 256_000_000, 256, 1_000.0
# What a caller is known by; a conversation belongs to whoever began it.
_CREDENTIALS = frozenset(
    (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie", b"x-client-subject")
)
_UNSEEN = frozenset(
    ("http.response.pathsend", "http.response.zerocopysend", "http.response.push", "http.response.debug")
)
# Names of parameters: Google's begin with a dollar sign, and lists end with brackets.
_KEY = re.compile(r"[A-Za-z0-9_.:$-]{1,64}(?:\[\])?")
# Tenants whose verdicts are kept.
_CACHED_TENANTS = 1_000
# Paths whose formats are remembered: an application has few, and a client can invent any number.
_ROUTED, _ROUTED_LENGTH = 1_000, 256


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What the application finds in ``scope["guardrails"]``: who calls, and what was decided about the request.

    ``guard`` is the caller's policy, compiled, for texts of the application's own: ``await guard.acheck(text, source="OUTPUT")``.
    It stays the same for the whole request, whatever is reloaded meanwhile. ``error(status, message, code)`` is the body of an
    error as the client's API writes it.
    """

    tenant: str
    policy: str
    decision: Decision
    guard: Guard = field(repr=False)
    error: Callable[[int, str, str], Any] | None = None


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
        **settings: Any,
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
        self.tenants: Tenants | Single = (
            policies
            if isinstance(policies, Tenants)
            else Single(policies)
            if isinstance(policies, Guard)
            else Tenants.open(policies, state=Path(state) if state is not None else None)
        )
        self.admission = admission or Admission(
            _IN_WORK, _BYTES, _WAITING, _WAIT_MS, reserve=0.0 if isinstance(self.tenants, Single) else 0.125
        )
        self.consents = Consents(app)
        self._vaults = vaults
        self._reload = reload
        self._cache = cache
        self._verdicts: OrderedDict[tuple[str, bytes], Verdicts] = OrderedDict()
        self._routed: OrderedDict[tuple[str, str], list[tuple[type[Form], dict[str, str]]]] = OrderedDict()
        self._waiting = ThreadPoolExecutor(_THREADS, thread_name_prefix="guardrails")
        self._computing = ThreadPoolExecutor(_COMPUTING, thread_name_prefix="guardrails-light")
        self._watch: asyncio.Task[None] | None = None
        self._checking = 0  # what is checked on threads now
        self._check_seconds = 0.01
        self._check_ended = 0.0

    # -- ASGI --------------------------------------------------------------------------------------------------------

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One connection."""
        match scope["type"]:
            case "http":
                self._watching()
                await self._http(scope, receive, send)
            case "lifespan":
                await self._lifespan(scope, receive, send)
            case "websocket":
                await self._websocket(scope, receive, send)
            case other:
                raise GuardrailsError(f"a connection of the type {str(other)[:20]!r} cannot be inspected")

    async def _lifespan(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        app = scope.get("app")
        for method, path, what in self.routes(getattr(app, "routes", ())):
            _log.info("route %s %s: %s", method, path, what)
        self._watching()
        try:
            await self.app(scope, receive, send)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Stop watching the policies."""
        if self._watch is not None:
            self._watch.cancel()
            # Unlike `await self._watch`, this does not take a cancellation of ours for its.
            await asyncio.wait((self._watch,))
            self._watch = None

    def _watching(self) -> None:
        if self._reload and (self._watch is None or self._watch.done()):
            self._watch = asyncio.get_running_loop().create_task(self.tenants.watch())

    async def _websocket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        try:
            path = canonical(scope)
        except Ambiguous:
            path = ""
        if any(e.fits("WEBSOCKET", path) for e in self.settings.exempt):
            await self.app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "not inspected here"})
        self.telemetry.refused(403)

    # -- routes ------------------------------------------------------------------------------------------------------

    def routes(self, routes: Iterable[Any]) -> list[tuple[str, str, str]]:
        """What happens to each route of an application: ``inspected as <format>``, ``exempt`` or ``refused``."""
        out: list[tuple[str, str, str]] = []
        for route in routes:
            path = getattr(route, "path", None)
            if path is None:
                continue
            for method in sorted(getattr(route, "methods", None) or ("*",)):
                if method == "HEAD":
                    continue
                if any((e.method, e.template) == (method, path) or e.fits(method, path) for e in self.settings.exempt):
                    what = "exempt"
                else:
                    forms = self._forms(method, path.replace("{", "").replace("}", ""))
                    what = f"inspected as {forms[0][0].name}" if forms else "refused"
                out.append((method, path, what))
        return out

    def _forms(self, method: str, path: str) -> list[tuple[type[Form], dict[str, str]]]:
        named = self.settings.formats.get(f"{method} {path}")
        if named is not None:
            return [(named, {})]
        path = plain(path)
        found = self._routed.get((method, path))
        if found is None:
            found = recognise(method, path, self.settings.forms)
            if not found and method == "GET" and self.settings.inspect_gets:
                found = [(Page, {})]
            if len(path) <= _ROUTED_LENGTH:
                self._routed[method, path] = found
                while len(self._routed) > _ROUTED:
                    self._routed.popitem(last=False)
        return found

    # -- one request -------------------------------------------------------------------------------------------------

    async def _http(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        method: str = scope["method"]
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
        if any(e.fits(method, path) for e in self.settings.exempt):
            await self.app(scope, receive, send)
            return
        if plain(path) != path and not routed(scope, path):
            # What is inspected is what is forwarded: the plain path.
            path = plain(path)
            scope = {**scope, "path": unquote(path)} | ({"raw_path": path.encode()} if scope.get("raw_path") else {})
            if any(e.fits(method, path) for e in self.settings.exempt):
                await self.app(scope, receive, send)
                return
        headers: list[tuple[bytes, bytes]] = [(k.lower(), v) for k, v in scope["headers"]]
        scope = {**scope, "headers": headers}
        if is_preflight(scope):
            await self._preflight(scope, receive, send)
            return
        ours = self.consents.answering(scope, send)
        client = scope.get("client")
        host = next((v.decode("latin-1") for k, v in headers if k == b"host"), None)
        try:
            tenants = self.tenants.snapshot  # one reload's state, for the whole request
            tenant = tenants.resolve(Caller(headers, host, client[0] if client else None))
        except Unauthenticated as error:
            await self._refusals.unchecked(ours, 401, str(error), "unauthenticated", (b"www-authenticate", b"Bearer"))
            return
        except UnknownTenant as error:
            await self._refusals.unchecked(ours, 403, str(error), "unknown_tenant")
            return
        if method in ("OPTIONS", "HEAD"):
            await self._bodiless({**scope, "headers": tenants.strip(headers)}, receive, send, tenant)
            return
        forms = self._forms(method, path)
        if not forms:
            told = advice.no_format(method, path)
            await self._refusals.unchecked(ours, 404, told, "no_format", form=advice.spoken(path))
            return
        api = forms[0][0]
        try:
            query = _query(scope)
            coding = reading.declared(method, headers, self.settings.limits)
            with self.admission.arriving(tenant.id) as held:
                # Who is slow to say what he wants keeps nobody else from a place in work.
                data = await self._received(receive, coding, held)
                async with self.admission.admit(tenant.id, 0):
                    self._gauge()
                    form, light = await self._read(scope, data, tenant, forms, query)
                    del data
                    conversation = self._conversation(scope)
                    scope = {**scope, "headers": tenants.strip(headers)}
                    await self._exchange(scope, receive, send, tenant, form, conversation, light=light)
        except Malformed as error:
            # What is left of a body that is too long, or that never comes, is not waited for.
            close = ((b"connection", b"close"),) if error.status in (408, 413) else ()
            await self._refusals.unchecked(ours, error.status, error.reason, "invalid_request", *close, form=api)
        except Overloaded503 as error:
            retry = (b"retry-after", str(error.retry_after).encode())
            await self._refusals.unchecked(
                ours, 503, "too many requests at once; try again later", "overloaded", retry, form=api
            )
        except Disconnected:
            return
        finally:
            self._gauge()

    async def _received(self, receive: Receive, coding: str, held: Arrival) -> bytes:
        run = partial(self._run, pool=self._computing)
        return await reading.received(receive, coding, self.settings.limits, self.settings.body_seconds, held, run)

    async def _read(
        self,
        scope: MutableMapping[str, Any],
        data: bytes,
        tenant: Tenant,
        forms: list[tuple[type[Form], dict[str, str]]],
        query: Mapping[str, str],
    ) -> tuple[Form, bool]:
        """The request as its format reads it, and whether checking it is light. Raises Malformed."""
        body = await reading.body_of(scope, data, self.settings.limits, partial(self._run, pool=self._computing))
        found = next(((f, p) for f, p in forms if f.fits(body)), None)
        if found is None:
            raise Malformed(422, unfit(body, [f for f, _ in forms]))
        form = found[0](body, found[1], query)
        if (field := spelled_twice(body, form.REQUEST)) is not None:
            raise Malformed(400, f"`{field}` stands in two spellings (case or width); send it once")
        form.segments, form.names = segments(scope["path"], found[1])
        role = unknown_role(body) if form.name in FORMATS else None
        if role is not None:
            raise Malformed(400, f"{role} is none of the API's roles, such as system, user, assistant or tool")
        if form.unsupported is not None:
            raise Malformed(422, form.unsupported)
        return form, len(data) <= _LIGHT_BYTES and is_light(tenant.guard)

    async def _exchange(  # noqa: PLR0917 - what an exchange is made of
        self,
        scope: MutableMapping[str, Any],
        receive: Receive,
        send: Send,
        tenant: Tenant,
        form: Form,
        conversation: str | None,
        *,
        light: bool,
    ) -> None:
        vault = None
        if self._vaults is not None and conversation is not None:
            vault = await self._run(self._vaults.open, tenant.id, conversation, tenant.guard.policy.rules)
        exchange = Exchange(
            Tenancy(tenant.id, tenant.guard, tenant.secret), form, verdicts=self._verdicts_of(tenant), vault=vault
        )
        try:
            decision = await self._checked(exchange, receive, scope, light=light)
            await self._decided(decision, scope)
            if decision.blocked:
                await self._refusals.blocked(self.consents.answering(scope, send), exchange, decision)
                return
            forwarded = b"" if form.body is None else strict.dump(form.body)
            inner = dict(scope)
            inner["headers"] = reading.forwarded(scope["headers"], len(forwarded), has_body=form.body is not None)
            inner["guardrails"] = scope["guardrails"] = Exchanged(
                tenant.id, tenant.revision, decision, tenant.guard, form.error
            )
            # A file that the server would read itself could not be looked at.
            inner["extensions"] = {k: v for k, v in (scope.get("extensions") or {}).items() if k not in _UNSEEN}
            replay = Replay(forwarded, receive)
            refusal = partial(self._refusals.body, exchange) if self._refusals.own else None
            run = partial(self._run, hurry=exchange.cancel, pool=self._pool(exchange))
            answering = Answering(
                send, exchange, self.settings.answer_limits, run, refusal=refusal, stop=replay.stop, light=light,
                explain=self.settings.explain,
            )  # fmt: skip
            try:
                await self.app(inner, replay, self.consents.noting(scope, answering))
            except UpstreamLost:
                if not await answering.lost():
                    raise
            except Exception:
                await answering.lost()
                raise
            finally:
                if answering.close() and replay.left:
                    self.telemetry.disconnected(Source.OUTPUT.value)
                if exchange.output is not None:
                    await self._decided(exchange.output, scope)
                    self.telemetry.held_back(exchange.output.held)
        finally:
            if vault is not None and self._vaults is not None:
                with suppress(GuardrailsError):  # the conversation was deleted meanwhile: then nothing of it stays
                    await self._run(self._vaults.save, vault)
            exchange.forget()

    async def _checked(
        self, exchange: Exchange, receive: Receive, scope: Mapping[str, Any], *, light: bool
    ) -> Decision:
        """The decision about the request. Raises Disconnected when the client leaves before it is made; that is counted."""
        if light:
            return exchange.request()
        expected = self._checking * self._check_seconds
        if expected > self.settings.check_wait_seconds:
            raise Overloaded503(math.ceil(expected), "checks would wait for each other too long")
        return await self._watched(exchange, receive, scope)

    async def _watched(self, exchange: Exchange, receive: Receive, scope: Mapping[str, Any]) -> Decision:
        """A check on one of our threads, cut short when the client leaves."""
        work = asyncio.ensure_future(self._run(exchange.request, hurry=exchange.cancel, pool=self._pool(exchange)))
        gone = asyncio.ensure_future(departure(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                exchange.cancel()
            # A request that nobody waits for holds its place until its thread is free again, and that is soon.
            decision: Decision = await work
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait((work,))
            raise
        finally:
            gone.cancel()
        if not gone.done():
            return decision
        self.telemetry.disconnected(Source.INPUT.value)
        await self._decided(exchange.unfinished(Source.INPUT), scope)
        raise Disconnected

    def _conversation(self, scope: Mapping[str, Any]) -> str | None:
        """The conversation's id, bound to the credentials it came with: who knows another's id has nothing of it."""
        name = self.settings.conversation_header
        if name is None:
            return None
        found = [v for k, v in scope["headers"] if k == name.lower().encode()]
        if len(found) != 1 or not 0 < len(found[0]) <= 200:
            return None
        who = hashlib.sha256()
        for k, v in sorted((k, v) for k, v in scope["headers"] if k in _CREDENTIALS):
            who.update(len(k).to_bytes(8, "big") + k + len(v).to_bytes(8, "big") + v)
        written: str = found[0].decode("latin-1")
        return who.hexdigest() + written

    async def _preflight(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """A browser's question, which nobody can sign: the application answers it, whoever calls later."""

        async def bare(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": preflight_headers(message.get("headers", ()))}
            await _bodiless(message, scope["method"], send)

        await self.app(preflight_scope(scope), Replay(b"", receive), self.consents.noting(scope, bare))

    async def _bodiless(self, scope: MutableMapping[str, Any], receive: Receive, send: Send, tenant: Tenant) -> None:
        """OPTIONS and HEAD pass without a body, in either direction; string rules read their path and query."""
        ours = self.consents.answering(scope, send)
        if _has_body(scope["headers"]):
            await self._refusals.unchecked(ours, 400, f"{scope['method']} has no body here", "invalid_request")
            return
        form = Listing(
            None, query=dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
        )
        form.segments, form.names = segments(scope["path"], {})
        exchange = Exchange(Tenancy(tenant.id, tenant.guard, tenant.secret), form, verdicts=self._verdicts_of(tenant))
        decision = exchange.bare()
        if decision is not None:
            await self._decided(decision, scope)
            await self._refusals.blocked(ours, exchange, decision)
            return

        async def bare(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {
                    **message,
                    "headers": exchange.headers([(bytes(k), bytes(v)) for k, v in message.get("headers", ())]),
                }
            await _bodiless(message, scope["method"], send)

        await self.app(scope, Replay(b"", receive), self.consents.noting(scope, bare))

    # -- around it ---------------------------------------------------------------------------------------------------

    async def _run(
        self,
        work: Callable[..., Any],
        *args: Any,
        light: bool = False,
        hurry: Callable[[], None] | None = None,
        pool: ThreadPoolExecutor | None = None,
    ) -> Any:
        """On this thread when it is light, else on one of ours: the event loop goes on.

        ``hurry`` is called when the task is cancelled: work in a thread cannot be stopped, only told.
        """
        if light:
            return work(*args)
        job = (pool or self._waiting).submit(work, *args)
        done = asyncio.wrap_future(job)
        # Of requests and of answers: both wait for the same models.
        self._checking += 1
        started = time.monotonic()
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if hurry is not None:
                hurry()
            if not job.cancel():  # it has begun, and works on what the caller is about to clear
                await asyncio.wait((done,))
            raise
        finally:
            self._checking -= 1
            # The time between two that end, while there are any: how soon the next one's turn comes.
            ended = time.monotonic()
            taken = min(ended - max(started, self._check_ended), self.settings.check_wait_seconds)
            self._check_seconds += (taken - self._check_seconds) / 8
            self._check_ended = ended

    def _pool(self, exchange: Exchange) -> ThreadPoolExecutor:
        return self._computing if is_light(exchange.guard) else self._waiting

    def _verdicts_of(self, tenant: Tenant) -> Verdicts:
        key = (tenant.id, tenant.secret)
        found = self._verdicts.get(key)
        if found is None:
            found = self._verdicts[key] = Verdicts(self._cache)
            while len(self._verdicts) > _CACHED_TENANTS:
                self._verdicts.popitem(last=False)
        self._verdicts.move_to_end(key)
        return found

    def _gauge(self) -> None:
        self.telemetry.queue(
            in_flight=self.admission.in_flight, queued=self.admission.queued, size=self.admission.bytes
        )

    async def _decided(self, decision: Decision, scope: Mapping[str, Any]) -> None:
        """Count and log it, and tell the application's hook; a hook that fails changes nothing."""
        self.telemetry.decision(_record(decision, scope))
        hook = self.settings.on_decision
        if hook is None:
            return
        try:
            result = hook(decision)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            _log.error("the on_decision hook failed: %s", type(error).__name__)


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request says that it has a body."""
    return any(k == b"transfer-encoding" or (k == b"content-length" and v != b"0") for k, v in headers)


async def _bodiless(message: MutableMapping[str, Any], method: str, send: Send) -> None:
    """Send a message of the application's without its body."""
    if message["type"] == "http.response.body":
        message = {**message, "body": b""}
    elif message["type"] == "http.response.start" and method != "HEAD":
        kept = [(k, v) for k, v in message.get("headers", ()) if k.lower() != b"content-length"]
        message = {**message, "headers": [*kept, (b"content-length", b"0")]}
    await send(message)


def _query(scope: Mapping[str, Any]) -> dict[str, str]:
    """The query's parameters, each once and none a text: nobody inspects a query."""
    raw: bytes = scope.get("query_string", b"")
    if not raw:
        return {}
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=32
        )
    except ValueError:
        raise Malformed(400, "the query cannot be read") from None
    query = dict(pairs)
    names = [k for k, _ in pairs if not k.endswith("[]")]
    if len(set(names)) != len(names):
        raise Malformed(400, "a parameter of the query stands there twice")
    if not all(_KEY.fullmatch(k) and all(is_opaque(part) for part in re.split("[;,]", v)) for k, v in pairs):
        raise Malformed(400, "a parameter of the query is no id or number; texts belong into the body")
    return query


def _record(decision: Decision, scope: Mapping[str, Any]) -> Record:
    del scope
    return Record(
        id=decision.id,
        tenant=decision.tenant,
        policy=decision.policy.name,
        sha256=decision.policy.sha256,
        route=decision.format,
        format=decision.format,
        direction=decision.direction.value,
        action=decision.action.value,
        rules=decision.fired,
        failures=tuple(FailedRule(f.rule, f.kind.value, f.rule in decision.fail_open) for f in decision.failures),
        uninspected=tuple(why for why, _ in decision.unread),
        not_applicable=decision.not_applicable,
        milliseconds=decision.milliseconds,
    )


def is_light(guard: Guard) -> bool:
    """Whether no rule of either direction asks a model."""
    return all(guard.direction(source).light for source in Source)
