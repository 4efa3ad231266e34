"""Texts that come in pieces over several requests, under an id that the client chose."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from guardrails.service.catalog import Guardrail
from guardrails.service.faults import Fault, Kind
from guardrails.streaming.stream import TextStream
from guardrails.types import Source

__all__ = ["IDLE_S", "OpenStream", "Streams"]

# Seconds after which a stream that nobody continues is over; streams of one caller and of all, open or just ended.
IDLE_S = 120.0
_MOST_OF_ONE, _MOST = 1_024, 16_384
_RETRY_S = 5


@dataclass(slots=True)
class OpenStream:
    """One text, as far as it came. ``call`` is the request that began it. For one request at a time: hold ``lock``."""

    call: Any = field(repr=False)
    guardrail: Guardrail
    source: Source
    stream: TextStream = field(repr=False)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    texts: list[str] = field(default_factory=list, repr=False)
    piece: int = -1
    ended: bool = False
    milliseconds: float = 0.0
    used: float = field(default_factory=time.monotonic)
    said: dict[str, Any] = field(default_factory=dict, repr=False)
    mark: bytes = field(default=b"", repr=False)
    final: bool = False
    told: bool = False  # the report of its end is among what was said
    version: int = 0  # how much of it other processes know
    shown: int = 0

    def again(self, piece: int, text: str, *, final: bool) -> bool:
        """Whether this is the last piece once more, from a client that did not get its answer."""
        return self.said.get("piece") == piece == self.piece and self.mark == _mark(text, final=final)

    def take(self, piece: int, text: str, *, final: bool) -> str:
        """The next piece; returns what may be shown now. Computes."""
        started = time.perf_counter()
        self.piece, self.mark, self.final = piece, _mark(text, final=final), final
        self.texts.append(text)
        shown = self.stream.feed(text)
        if final and not self.stream.blocked:
            shown += self.stream.finish()
        self.ended = final or self.stream.blocked
        self.shown += len(shown)
        self.milliseconds += (time.perf_counter() - started) * 1000
        return shown

    def leave(self) -> None:
        """Nobody continues: what is held is never shown."""
        self.ended = True
        if not self.stream.finished and not self.stream.blocked:
            self.stream.finish()


def _mark(text: str, *, final: bool) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass") + bytes((final,)), digest_size=16).digest()


class Streams:
    """The streams of one process, by caller and id. Used on one event loop. What is awaited here is for those that processes share."""

    def __init__(self, idle_s: float = IDLE_S, clock: Callable[[], float] = time.monotonic) -> None:
        """``idle_s``: seconds after which a stream that nobody continues is over."""
        self._idle = idle_s
        self._clock = clock
        self._known: dict[tuple[str, str], OpenStream] = {}

    async def find(self, call: Any, id_: str) -> OpenStream | None:
        """The stream of this id of who calls. Raises Fault for one that cannot go on."""
        found = self._known.get((call.principal.name, id_))
        if found is not None:
            found.used = self._clock()
        return found

    async def begin(self, call: Any, id_: str, made: OpenStream) -> OpenStream:
        """A new one. Raises Fault: OVERLOADED when there are too many."""
        mine = sum(name == call.principal.name for name, _ in self._known)
        self._admit(mine, len(self._known))
        made.used = self._clock()
        self._known[call.principal.name, id_] = made
        return made

    def _admit(self, mine: int, all_: int) -> None:
        if mine >= _MOST_OF_ONE or all_ >= _MOST:
            told = f"too many streams are open; end them with final, or wait {self._idle:g} seconds"
            raise Fault(Kind.OVERLOADED, told, "call", retry_after=_RETRY_S)

    async def catch_up(self, found: OpenStream, call: Any, id_: str) -> None:
        """Take what other processes took meanwhile. Raises Fault."""

    async def keep(self, found: OpenStream, call: Any, id_: str) -> None:
        """Let other processes know what was taken and said last. Raises Fault; then this piece was not taken."""

    async def expired(self, call: Any) -> list[OpenStream]:
        """Take out those that nobody continued in time; returns those that were not at their end."""
        del call
        now = self._clock()
        old = [key for key, one in self._known.items() if now - one.used > self._idle and not one.lock.locked()]
        gone = [self._known.pop(key) for key in old]
        return [one for one in gone if not one.ended]
