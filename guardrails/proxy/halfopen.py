"""Clients that close their own direction once they have asked, and wait for the answer (``nc -N``, ``socat``, old scripts).

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


class HalfOpenProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, which closes a connection as soon as its client sends no more."""

    _asking: asyncio.TimerHandle | None = None

    def on_message_begin(self) -> None:
        """A request whose client has shown a certificate says whose it is, as ASGI's TLS extension does."""
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
