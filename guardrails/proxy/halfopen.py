"""Clients that are slow to ask, and clients that close their own direction once they have asked (``nc -N``, ``socat``, old scripts).

The head of a request has its time and its size: without them, whoever opens connections and says nothing, or a header that
never ends, keeps others out.

A client that only stopped sending and one that is gone look alike until something is sent to it. So before an answer has
begun, the end of a client's data does not end its request; after a second, an interim response (RFC 9110, section 15.2)
shows whether anybody is there: the system of a client that is gone answers it with a reset.
"""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HalfOpenProtocol"]

# Seconds until a silent client is asked whether it is there, and between that and a look at what came of it.
_PATIENCE, _LOOK = 1.0, 0.25
# Attributes of a subject by their short names, and characters that stand behind a backslash in it.
_SHORT = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C"}
_ESCAPED = re.compile(r'[",+;<>\\=]|^[ #]| $')
_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
# Seconds in which the head of a request is complete once it has begun, and bytes that may come of it before it is.
_HEAD_SECONDS, _HEAD_BYTES = 30.0, 262_144


class HalfOpenProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, which waits for heads without end and closes a connection as soon as its client sends no more."""

    _asking: asyncio.TimerHandle | None = None
    _heading: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """A connection on which nothing is asked stays as long as one that is idle between two requests."""
        super().connection_made(transport)
        self._expect(self.timeout_keep_alive)

    def data_received(self, data: bytes) -> None:
        """Refuses a head that is too long."""
        super().data_received(data)
        if self._heading is not None:
            self._head += len(data)
            if self._head > _HEAD_BYTES:
                self._refuse(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._expect(None)
        super().on_headers_complete()

    def _expect(self, seconds: float | None) -> None:
        """A head is waited for, so long; None: no longer."""
        if self._heading is not None:
            self._heading.cancel()
        self._head = 0
        self._heading = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect(_HEAD_SECONDS)  # an answer is on its way on the same connection
        else:
            self._refuse(b"408 Request Timeout")

    def _refuse(self, status: bytes) -> None:
        self._expect(None)
        if not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status)
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request whose client has shown a certificate says whose it is, as ASGI's TLS extension does."""
        self._expect(_HEAD_SECONDS)
        super().on_message_begin()
        subject = self._subject()
        if subject is not None:
            self.scope["extensions"] = {"tls": {"client_cert_name": subject}}

    def _subject(self) -> str | None:
        """The subject of the client's certificate (RFC 4514), None without one. It was verified, or there is none."""
        shown: dict[str, Any] | None = self.transport.get_extra_info("peercert") if self.scheme == "https" else None
        if not shown:
            return None
        parts = [(_SHORT.get(name, name), value) for rdn in shown.get("subject", ()) for name, value in rdn]
        return ",".join(f"{name}={_ESCAPED.sub(_escape, value)}" for name, value in reversed(parts))

    def eof_received(self) -> Any:
        """Keep the connection for the answer to a complete request, unless the answer has begun or nobody can be asked."""
        cycle = self.cycle
        if (
            cycle is None
            or cycle.more_body
            or cycle.response_started
            or self.pipeline
            or self.scheme == "https"
            or self.scope.get("http_version", "1.1") != "1.1"
        ):
            return None
        cycle.keep_alive = False
        self._asking = self.loop.call_later(_PATIENCE, self._ask)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or the answer is out."""
        if self._asking is not None:
            self._asking.cancel()
        self._expect(None)
        super().connection_lost(exc)

    def _ask(self) -> None:
        if self.cycle is not None and not self.cycle.response_started and not self.transport.is_closing():
            self.transport.write(_INTERIM)
            self._asking = self.loop.call_later(_LOOK, self._look)

    def _look(self) -> None:
        made: socket.socket | None = self.transport.get_extra_info("socket")
        if made is not None and made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
        elif self.cycle is not None and not self.cycle.response_started:
            self._asking = self.loop.call_later(10 * _PATIENCE, self._ask)


def _escape(found: re.Match[str]) -> str:
    return "\\" + found[0]
