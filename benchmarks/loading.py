"""A load generator that costs little: raw connections that are kept, prebuilt bytes, one process.

``closed``: each connection sends its next request when it has its answer. ``rated``: requests come at a rate of their own,
whatever becomes of the ones before; a request's time begins when it was due, so a server that stalls cannot hide it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from benchmarks.serving import PATH, percentile

Make = Callable[[int], bytes]
T = TypeVar("T")
# Connections a paced load may open.
MOST_CONNECTIONS = 4_000
_LETTERS = bytes.maketrans(b"0123456789", b"bdfgklmnpr")


@dataclass
class Timed:
    """Milliseconds of each answer by its status, over ``seconds`` of load."""

    seconds: float = 0.0
    by_status: dict[int, list[float]] = field(default_factory=dict)
    lost: int = 0

    def add(self, status: int, ms: float) -> None:
        self.by_status.setdefault(status, []).append(ms)

    @property
    def ok(self) -> list[float]:
        return self.by_status.get(200, [])

    @property
    def rate(self) -> float:
        """Answers with status 200 a second."""
        return len(self.ok) / self.seconds if self.seconds else 0.0

    def p(self, share: float, status: int = 200) -> float:
        return percentile(self.by_status.get(status, []), share)


class Connection(asyncio.Protocol):
    """One connection with one request in flight."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._done: asyncio.Future[int] | None = None
        self._head = b""
        self._left: int | None = None
        self.chunks: Callable[[bytes], None] | None = None
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, _: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError("the connection was closed"))

    def ask(self, request: bytes) -> asyncio.Future[int]:
        """Send a request; the future gives the status once the answer is complete."""
        assert self.transport is not None
        self._done = asyncio.get_running_loop().create_future()
        self._head, self._left, self._tail = b"", None, b""
        self.transport.write(request)
        return self._done

    def data_received(self, data: bytes) -> None:
        if self._left is None:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self._head[:end].lower(), self._head[end + 4 :]
            self._status = int(head[9:12])
            at = head.find(b"content-length:")
            self._left = -1 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
        if self.chunks is not None and data:
            self.chunks(data)
        if self._left >= 0:
            self._left -= len(data)
            finished = self._left <= 0
        else:
            self._tail = (self._tail + data)[-7:]
            finished = self._tail.endswith(b"0\r\n\r\n")
        if finished and self._done is not None and not self._done.done():
            self._done.set_result(self._status)


async def connect(port: int) -> Connection:
    """A fresh connection."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


async def closed(port: int, make: Make, *, connections: int, seconds: float, warm_s: float = 0.5) -> Timed:
    """``connections`` clients for ``seconds``; ``make(n)`` is the n-th request."""
    out = Timed()
    number = 0
    begin = time.perf_counter() + warm_s
    end = begin + seconds

    async def client() -> None:
        nonlocal number
        connection = await connect(port)
        while (started := time.perf_counter()) < end:
            number += 1
            status = await connection.ask(make(number))
            if time.perf_counter() >= begin:
                out.add(status, (time.perf_counter() - started) * 1000)
        if connection.transport is not None:
            connection.transport.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    out.seconds = time.perf_counter() - begin
    return out


async def rated(port: int, make: Make, *, rate: float, seconds: float) -> Timed:
    """``rate`` requests a second for ``seconds``, each on a connection that is free."""
    out = Timed(seconds=seconds)
    free: deque[Connection] = deque()
    opened = 0
    work: set[asyncio.Task[None]] = set()

    async def one(n: int, due: float) -> None:
        nonlocal opened
        if free:
            connection = free.pop()
        elif opened < MOST_CONNECTIONS:
            opened += 1
            connection = await connect(port)
        else:
            out.lost += 1
            return
        try:
            status = await connection.ask(make(n))
        except ConnectionError:
            opened -= 1
            out.lost += 1
            return
        out.add(status, (time.perf_counter() - due) * 1000)
        free.append(connection)

    begun = time.perf_counter()
    for n in range(int(rate * seconds)):
        due = begun + n / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(n, due))
        work.add(task)
        task.add_done_callback(work.discard)
    while work:
        await asyncio.wait(list(work))
    out.seconds = max(seconds, time.perf_counter() - begun)
    for connection in free:
        if connection.transport is not None:
            connection.transport.close()
    return out


async def slow_reader(port: int, request: bytes, *, seconds: float, bytes_a_second: int = 100_000) -> int:
    """Ask for something and read the answer slowly, through a small window, until the time is over; the bytes read."""
    loop = asyncio.get_running_loop()
    end = time.perf_counter() + seconds
    read = 0
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, request)
        while time.perf_counter() < end:
            try:
                data = await asyncio.wait_for(loop.sock_recv(sock, 4_096), 1.0)
            except TimeoutError:
                continue
            if not data:
                break
            read += len(data)
            await asyncio.sleep(len(data) / bytes_a_second)
    return read


def post(body: bytes, *, key: str | None = None, path: str = PATH) -> bytes:
    """A whole request."""
    auth = f"authorization: Bearer {key}\r\n" if key is not None else ""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{auth}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def numbered(body: dict[str, Any], *, mark: str = "@@@@@@@@", digits: bool = False) -> Make:
    """Requests with ``body``, in which the mark (8 characters) is the request's number: no two say the same.

    The number is written in letters: a long run of digits is something to unfold, and costs more to check.
    """
    before, _, after = post(json.dumps(body).encode()).partition(mark.encode())

    def make(n: int) -> bytes:
        number = b"%08d" % n
        return before + (number if digits else number.translate(_LETTERS)) + after

    return make


def run(main: Coroutine[Any, Any, T]) -> T:
    """``main`` on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    result: T = uvloop.run(main)
    return result
