"""Streams that any of several processes goes on with: what was taken is kept, sealed, where all of them look.

Each piece is one write that names the version it goes on from, so that of two processes with the same piece one takes it. A process that
did not see the last pieces reads them again, one by one: the same pieces under the same policy give the same answers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import orjson

from guardrails.errors import GuardrailsError
from guardrails.service.access import Principal
from guardrails.service.catalog import Guardrail
from guardrails.service.faults import Fault, Kind
from guardrails.service.limits import Limits
from guardrails.service.streams import IDLE_S, OpenStream, Streams
from guardrails.stores import Held, Store, Unreachable
from guardrails.stores.sealing import Seal, Unreadable
from guardrails.types import Role, Source

__all__ = ["SharedStreams"]

_GROUP = "streams"
# Seconds for which a stream stays after its last piece, so that somebody can still decide about one that was left; and between looks.
_STAYS_S, _LOOK_S = 3_600.0, 1.0
_RETRY_S = 5
_ROLES = {Source.INPUT: Role.USER, Source.OUTPUT: Role.ASSISTANT}
_log = logging.getLogger("guardrails")


@dataclass(frozen=True, slots=True)
class _Begun:
    """The request that began a stream, as far as a record of it needs to know."""

    id: str
    contract: str
    principal: Principal = field(repr=False)
    size: int = 0


class SharedStreams(Streams):
    """The streams of all processes that share ``store``; of these the last ones in this process are at hand."""

    def __init__(
        self, store: Store, key: bytes, idle_s: float = IDLE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``key``: 32 bytes that all of them have. Raises GuardrailsError for another length."""
        super().__init__(idle_s, clock)
        self._store, self._seal = store, Seal(key)
        self._looked = clock()

    async def find(self, call: Any, id_: str) -> OpenStream | None:
        """As :meth:`Streams.find`, wherever it began."""
        found = await super().find(call, id_)
        if found is not None:
            return found
        held = await self._ask(partial(self._store.load, _GROUP, self._name(call.principal.name, id_)))
        if held is None:
            return None
        made = self._made(call, self._first(self._name(call.principal.name, id_), held))
        made.used = self._clock()
        # Two requests may have asked at once: they must wait for each other.
        return self._known.setdefault((call.principal.name, id_), made)

    async def begin(self, call: Any, id_: str, made: OpenStream) -> OpenStream:
        """As :meth:`Streams.begin`; the numbers are those of all processes, give or take what they begin at the same moment."""
        mine = self._seal.name(call.principal.name.encode())[:32]
        count = self._store.count
        self._admit(await self._ask(partial(count, _GROUP, mine)), await self._ask(partial(count, _GROUP)))
        made.used = self._clock()
        return self._known.setdefault((call.principal.name, id_), made)

    async def catch_up(self, found: OpenStream, call: Any, id_: str) -> None:
        """As :meth:`Streams.catch_up`."""
        name = self._name(call.principal.name, id_)
        held = await self._ask(partial(self._store.load, _GROUP, name, found.version))
        if held is None:
            if found.version == 0:
                return
            self._forget(call, id_)
            raise Fault(Kind.NOT_FOUND, "this stream is over: begin again with piece 0", "call")
        try:
            await call.checking.run(partial(self._replay, found, name, held))
        except (Unreadable, _Differs) as error:
            self._forget(call, id_)
            _log.error("a stream cannot go on in this process: %s", error)
            raise Fault(Kind.CONFLICT, "this stream cannot go on: choose another id, and begin again", "call") from None

    async def keep(self, found: OpenStream, call: Any, id_: str) -> None:
        """As :meth:`Streams.keep`."""
        name = self._name(call.principal.name, id_)
        said: dict[str, Any] = {"said": found.said, "told": found.told, "shown": found.shown}
        if not found.told:
            said |= {"text": found.texts[-1], "final": found.final}
        if found.version == 0:
            said["begun"] = self._begun(found, call)
        chunk = self._seal.seal(_where(name, found.version + 1), orjson.dumps(said))
        try:
            kept = await self._ask(
                partial(
                    self._store.keep, _GROUP, name, chunk, version=found.version, ttl_s=_STAYS_S, append=True
                )
            )  # fmt: skip
        except Fault:
            self._forget(call, id_)  # it may be there or not: whoever goes on reads what is
            raise
        if not kept:
            self._forget(call, id_)
            told = "another process has just taken a piece of this stream; send this piece again"
            raise Fault(Kind.CONFLICT, told, "piece")
        found.version += 1

    async def expired(self, call: Any) -> list[OpenStream]:
        """As :meth:`Streams.expired`, of all processes: one of them decides about each."""
        await super().expired(call)
        now = self._clock()
        if now - self._looked < _LOOK_S:
            return []
        self._looked = now
        gone = []
        for name in await self._ask(partial(self._store.idle, _GROUP, self._idle)):
            held = await self._ask(partial(self._store.load, _GROUP, name))
            version = held.version if held is not None else None
            mine = await self._ask(partial(self._store.drop, _GROUP, name, version))
            if held is not None and mine and (left := await self._left(call, name, held)) is not None:
                gone.append(left)
        return gone

    async def _left(self, call: Any, name: str, held: Held) -> OpenStream | None:
        """A stream that nobody continues, unless it was at its end, or nobody can tell what its policy said."""
        try:
            made = self._made(call, self._first(name, held), anybody=True)
            await call.checking.run(partial(self._replay, made, name, held))
        except (Fault, Unreadable, _Differs) as error:
            _log.error("a stream that nobody continued is not decided about: %s", error)
            return None
        return None if made.told else made

    # -- what is kept ------------------------------------------------------------------------------------------------

    def _name(self, caller: str, id_: str) -> str:
        """One stream of one caller, and nothing that can be read; all of a caller begin alike."""
        return self._seal.name(caller.encode())[:32] + self._seal.name(b"\0".join((caller.encode(), id_.encode())))[:32]

    def _begun(self, found: OpenStream, call: Any) -> dict[str, Any]:
        guardrail = found.guardrail
        return {
            "id": call.id,
            "contract": call.contract,
            "caller": call.principal.name,
            "limits": asdict(call.principal.limits),
            "guardrail": [guardrail.id, guardrail.version, guardrail.revision],
            "source": found.source.value,
            "size": call.size,
        }

    def _first(self, name: str, held: Held) -> dict[str, Any]:
        try:
            said: dict[str, Any] = orjson.loads(self._seal.open(_where(name, 1), held.chunks[0]))["begun"]
        except Unreadable as error:
            _log.error("a stream cannot be read: %s", error)
            raise Fault(Kind.CONFLICT, "this stream cannot go on: choose another id, and begin again", "call") from None
        return said

    @staticmethod
    def _made(call: Any, begun: dict[str, Any], *, anybody: bool = False) -> OpenStream:
        """A stream before its first piece. Raises Fault where its policy is not the same any more."""
        id_, version, revision = begun["guardrail"]
        found: Guardrail | None
        try:
            found = call.catalog.of(begun["caller"], id_, version) if anybody else call.guardrail(id_, version)
        except Fault:
            found = None
        if found is None or found.revision != revision:
            told = "the policy of this stream has changed, or is another one where this process looked; choose another id, and begin again"
            raise Fault(Kind.CONFLICT, told, "call")
        source = Source(begun["source"])
        principal = Principal(begun["caller"], limits=Limits(**begun["limits"]))
        first = _Begun(begun["id"], begun["contract"], principal, begun["size"])
        return OpenStream(first, found, source, found.guard.stream(source, role=_ROLES[source]))

    def _replay(self, found: OpenStream, name: str, held: Held) -> None:
        """Take the pieces that others took. Computes. Raises Unreadable, and _Differs where they give something else here."""
        for chunk in held.chunks:
            said = orjson.loads(self._seal.open(_where(name, found.version + 1), chunk))
            if "text" in said:
                found.take(said["said"]["piece"], said["text"], final=said["final"])
            if (found.shown, found.ended, found.stream.blocked) != (
                said["shown"],
                said["said"]["ended"],
                said["said"]["blocked"],
            ):
                raise _Differs("its pieces give another answer here")
            found.said, found.told = said["said"], said["told"]
            found.version += 1
            if found.told:
                found.texts.clear()
        if found.version != held.version:
            raise _Differs("some of its pieces are missing")

    def _forget(self, call: Any, id_: str) -> None:
        with suppress(KeyError):
            del self._known[call.principal.name, id_]

    async def _ask(self, what: Callable[[], Any]) -> Any:
        try:
            return await asyncio.to_thread(what) if self._store.waits else what()
        except Unreachable as error:
            _log.warning("%s", error)
            told = "streams cannot be continued now: what the processes of this service share is not there; send this again later"
            raise Fault(Kind.OVERLOADED, told, retry_after=_RETRY_S) from None


class _Differs(GuardrailsError):
    """Pieces that give another answer in this process."""


def _where(name: str, version: int) -> bytes:
    return f"{name}:{version}".encode()
