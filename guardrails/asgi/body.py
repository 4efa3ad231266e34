"""The request's body, whole, within its limits and in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.types import Message, Receive

from guardrails.asgi.admission import Arrival, Overloaded503
from guardrails.wire.strict import Malformed, too_large

__all__ = ["Arriving", "Disconnected", "Replay", "collected", "departure", "discarded", "read_body"]

# The slowest line on which a large body may take longer than a small one: bytes a second.
_SLOWEST = 100_000


class Disconnected(Exception):
    """The client left before its request was complete."""


class Arriving:
    """``receive`` of a request, which knows whether its body has ``ended``: after that only a departure is waited for."""

    __slots__ = ("_receive", "ended")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False

    async def __call__(self) -> Message:
        """The next message."""
        message = await self._receive()
        self.ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message


async def collected(receive: Receive, most: int, came: Callable[[int, bool], None] | None = None) -> bytes:
    """The whole body, whatever was declared. Raises Malformed (413) above ``most`` bytes, and Disconnected.

    ``came`` is told of each part when it comes: its bytes, and whether more will follow.
    """
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size > most:
            raise too_large(most)
        parts.append(part)
        if came is not None:
            came(len(part), more)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_body(receive: Receive, most: int, seconds: float, held: Arrival | None = None) -> bytes:
    """The whole body, in time. Raises Malformed (413, 408), Overloaded503 and Disconnected.

    A body has ``seconds``, and a second more for every 100 KB that came; it never stands still for ``seconds``. ``held``
    counts its bytes as they come.
    """
    size = 0
    loop = asyncio.get_running_loop()
    started = loop.time()

    def came(part: int, more: bool) -> None:
        nonlocal size
        size += part
        if held is not None:
            held.grow(part)
        if more:
            timeout.reschedule(min(loop.time() + seconds, started + seconds + size / _SLOWEST))

    try:
        async with asyncio.timeout(seconds) as timeout:
            if held is not None:
                held.timeout = timeout
            return await collected(receive, most, came)
    except TimeoutError:
        if held is not None and held.evicted:
            raise Overloaded503(1, "the body came slower than others, and there was no room for all of them") from None
        raise Malformed(408, f"the body did not come within {seconds:g} seconds, or too slowly") from None
    finally:
        if held is not None:
            held.timeout = None


async def discarded(arriving: Arriving, most: int, seconds: float) -> None:
    """Read on and keep nothing, up to ``most`` bytes and ``seconds``: for a client that is still sending what was refused.

    A connection that is closed before everything on it was read is reset, and the reset overtakes the answer: the client
    would see a network error, and try again (RFC 9112, section 9.6).
    """
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not arriving.ended and size <= most:
                size += len((await arriving()).get("body", b""))


async def departure(receive: Receive) -> None:
    """Waits until the client is gone. Whatever else comes after a body that is complete is nobody's business."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Replay:
    """``receive`` for the application: the body that was inspected, then what the server says, or :meth:`stop`."""

    __slots__ = ("_body", "_receive", "_sent", "_stopped", "left")

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body = body
        self._receive = receive
        self._sent = False
        self.left = False  # whether the client is gone
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """The answer is complete as far as the client goes: the application is told that nobody listens."""
        self._stopped.set()

    async def __call__(self) -> Message:
        """The body once, whole; then only that the client is gone."""
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            while not self._stopped.is_set():
                message = asyncio.ensure_future(self._receive())
                try:
                    await asyncio.wait((stopped, message), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not message.done():
                        message.cancel()
                if message.done() and not message.cancelled() and message.result()["type"] == "http.disconnect":
                    self.left = True
                    break
            return {"type": "http.disconnect"}
        finally:
            stopped.cancel()
