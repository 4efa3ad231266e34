"""One exchange of an application: the request is checked, the application asked, and its answer checked."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guardrails.asgi.admission import Overloaded503
from guardrails.asgi.answering import Answering
from guardrails.asgi.body import Disconnected, Replay, departure
from guardrails.asgi.cors import Consents
from guardrails.asgi.execution import Execution
from guardrails.asgi.headers import forwarded
from guardrails.asgi.recording import Recording
from guardrails.asgi.refusals import Refusals
from guardrails.asgi.settings import Settings
from guardrails.asgi.shadowing import Shadowing
from guardrails.asgi.telemetry import Telemetry, record_of
from guardrails.asgi.tenancy import Memory
from guardrails.decision import Decision
from guardrails.errors import GuardrailsError, UpstreamLost
from guardrails.evidence import EvidenceLost
from guardrails.exchange import Exchange, Kept, MessageExchange, Messages, Tenancy
from guardrails.guard import Guard
from guardrails.stores import Unreachable
from guardrails.tenants import Tenant
from guardrails.types import Source
from guardrails.vault import Vault, Vaults
from guardrails.wire import strict
from guardrails.wire.format import Session

__all__ = ["Exchanged", "Incoming", "Inspection"]

_log = logging.getLogger("guardrails")
# Seconds after which a client may try again when its conversation could not be read.
_RETRY_S = 5

# Headers of a request that a reply to something in its answer must not repeat.
_OF_ONE_REQUEST = frozenset((b"accept", b"last-event-id", b"mcp-method", b"mcp-name"))
_ACCEPT = (b"accept", b"application/json, text/event-stream")
_UNSEEN = frozenset(
    ("http.response.pathsend", "http.response.zerocopysend", "http.response.push", "http.response.debug")
)


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


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that was read. ``scope``: as the application gets it; ``light``: checking it is quick; ``conversation``: the id
    of the one that it goes on with."""

    scope: Scope
    receive: Receive
    send: Send
    tenant: Tenant
    session: Session
    light: bool
    conversation: str | None = None


class Inspection:
    """The exchanges of one application: the parts that all of them use."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        *,
        telemetry: Telemetry,
        execution: Execution,
        refusals: Refusals,
        consents: Consents,
        vaults: Vaults | None,
        recording: Recording | None = None,
        shadowing: Shadowing | None = None,
    ) -> None:
        self._app = app
        self._settings = settings
        self._telemetry = telemetry
        self._execution = execution
        self._refusals = refusals
        self._consents = consents
        self._vaults = vaults
        self._recording = recording
        self._shadowing = shadowing
        self._replies: set[asyncio.Task[None]] = set()

    async def run(self, incoming: Incoming, memory: Memory) -> None:
        """The whole exchange. Raises Overloaded503, Disconnected when the client leaves before its request is decided, and
        EvidenceLost when it was decided and that could not be recorded."""
        kept = Kept() if self._recording is not None or self._shadowing is not None else None
        vault = await self._vault(incoming)
        exchange = self._exchange(incoming, memory, vault, kept)
        try:
            decision = await self._checked(exchange, incoming)
            await self.decided(decision)
            self._compare(exchange, decision)
            await self.record(exchange, decision, incoming.conversation)
            if decision.blocked and not exchange.stands_in:
                send = self._consents.answering(incoming.scope, incoming.send)
                await self._refusals.blocked(send, exchange, decision)
                return
            await self._forward(exchange, incoming, decision)
        finally:
            if vault is not None and self._vaults is not None:
                try:
                    await self._execution.models.run(self._vaults.save, vault)
                except Unreachable as error:
                    _log.error("a conversation is not kept: %s", error)
                except GuardrailsError:  # the conversation was deleted meanwhile: then nothing of it stays
                    pass
            exchange.forget()

    def _exchange(self, incoming: Incoming, memory: Memory, vault: Vault | None, kept: Kept | None) -> Exchange:
        tenant, session = incoming.tenant, incoming.session
        tenancy = Tenancy(tenant.id, tenant.guard, tenant.secret)
        if not session.format.messages:
            return Exchange(tenancy, session, verdicts=memory.verdicts, vault=vault, kept=kept)
        allowed = frozenset(self._settings.mcp_allow)
        path: str = incoming.scope["path"]
        server = path.rstrip("/").rpartition("/")[0].rpartition("/")[2] or None  # /github/mcp
        messages = Messages(memory.catalogue, place=path, server=server, allowed=allowed)
        return MessageExchange(tenancy, session, messages, verdicts=memory.verdicts, kept=kept)

    async def decided(self, decision: Decision) -> None:
        """Count and log a decision, and tell the application's hook; a hook that fails changes nothing."""
        self._telemetry.decision(record_of(decision))
        hook = self._settings.on_decision
        if hook is None:
            return
        try:
            result = hook(decision)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            _log.error("the on_decision hook failed: %s", type(error).__name__)

    def _compare(self, exchange: Exchange, decision: Decision) -> None:
        """Have a candidate of this policy judge the same texts, where there is one; nothing waits for it."""
        if self._shadowing is not None and exchange.kept is not None:
            self._shadowing.offer(exchange.kept.of(decision.direction) or (), decision.direction, exchange.guard)

    async def record(self, exchange: Exchange, decision: Decision, conversation: str | None = None) -> None:
        """Record a decision where that is wanted. Raises EvidenceLost when it cannot be, and the setting says ``block``."""
        if self._recording is not None:
            await self._recording.record(decision, exchange, conversation)

    async def _vault(self, incoming: Incoming) -> Vault | None:
        """The values of the conversation that a request goes on with."""
        if self._vaults is None or incoming.conversation is None:
            return None
        tenant = incoming.tenant
        try:
            vault: Vault = await self._execution.models.run(
                self._vaults.open, tenant.id, incoming.conversation, tenant.guard.policy.rules
            )
        except Unreachable as error:  # another number for a value that has one would be restored as somebody else's
            raise Overloaded503(_RETRY_S, str(error)) from None
        return vault

    async def _checked(self, exchange: Exchange, incoming: Incoming) -> Decision:
        """The decision about the request. Raises Disconnected when the client leaves before it is made; that is counted."""
        if incoming.light:
            return exchange.request()
        self._execution.pool(exchange.guard).check_wait()
        return await self._watched(exchange, incoming.receive)

    async def _watched(self, exchange: Exchange, receive: Receive) -> Decision:
        """A check on one of our threads, cut short when the client leaves."""
        pool = self._execution.pool(exchange.guard)
        work = asyncio.ensure_future(pool.run(exchange.request, on_cancel=exchange.cancel))
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
        self._telemetry.disconnected(Source.INPUT.value)
        unfinished = exchange.unfinished(Source.INPUT)
        await self.decided(unfinished)
        with suppress(EvidenceLost):  # nothing was passed on, and nobody is there to be told
            await self.record(exchange, unfinished)
        raise Disconnected

    async def _forward(self, exchange: Exchange, incoming: Incoming, decision: Decision) -> None:
        """Ask the application, and send what it answers as far as the policy lets it."""
        session, scope = incoming.session, incoming.scope
        body = b"" if session.body is None else strict.dump(session.body)
        replay = Replay(body, incoming.receive)
        answering = Answering(
            incoming.send, exchange, self._settings.answer_limits,
            partial(self._execution.pool(exchange.guard).run, on_cancel=exchange.cancel),
            refusal=partial(self._refusals.body, exchange) if self._refusals.own else None,
            stop=replay.stop, light=incoming.light, explain=self._settings.explain,
            record=partial(self.record, exchange, conversation=incoming.conversation) if self._recording is not None else None,
            reply=partial(self._reply, incoming.scope),
        )  # fmt: skip
        inner = self._inner(incoming, decision, len(body))
        try:
            await self._app(inner, replay, self._consents.noting(scope, answering))
        except UpstreamLost:
            if not await answering.lost():
                raise
        except Exception:
            await answering.lost()
            raise
        finally:
            if answering.close() and replay.left:
                self._telemetry.disconnected(Source.OUTPUT.value)
            if exchange.output is not None:
                await self.decided(exchange.output)
                self._compare(exchange, exchange.output)
                if not answering.recorded.done:  # it was left unfinished: nothing (more) was passed on
                    with suppress(EvidenceLost):
                        await self.record(exchange, exchange.output, incoming.conversation)
                self._telemetry.held_back(exchange.output.held)

    def _reply(self, scope: Scope, body: Any) -> None:
        """Send a reply beside the stream in which its request came."""
        task = asyncio.ensure_future(self._replied(scope, body))
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)

    async def _replied(self, scope: Scope, body: Any) -> None:
        """Answer a request of the upstream's own that went nowhere, as its client would have: by a request of ours."""
        data = strict.dump(body)
        headers = [_ACCEPT, *((k, v) for k, v in scope["headers"] if k not in _OF_ONE_REQUEST)]
        inner = {**scope, "method": "POST", "headers": forwarded(headers, len(data), has_body=True)}
        done = asyncio.Event()

        async def nobody() -> Message:
            await done.wait()
            return {"type": "http.disconnect"}

        async def ignore(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                done.set()

        try:
            await self._app(inner, Replay(data, nobody), ignore)
        except Exception as error:
            _log.warning("the upstream could not be told of a refusal: %s", type(error).__name__)

    @staticmethod
    def _inner(incoming: Incoming, decision: Decision, size: int) -> Scope:
        """The scope of the application, for a body of ``size`` bytes."""
        scope, tenant, session = incoming.scope, incoming.tenant, incoming.session
        inner = dict(scope)
        inner["headers"] = session.headers(forwarded(scope["headers"], size, has_body=session.body is not None))
        inner["guardrails"] = scope["guardrails"] = Exchanged(
            tenant.id, tenant.revision, decision, tenant.guard, session.error
        )
        # A file that the server would read itself could not be looked at.
        inner["extensions"] = {k: v for k, v in (scope.get("extensions") or {}).items() if k not in _UNSEEN}
        return inner
