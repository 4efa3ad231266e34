"""What stands before every page: whose request it is, from where, how large, and what a browser may do with the answer."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LOOPBACK", "MAX_BODY", "Guarded", "Refused"]

MAX_BODY = 32_000_000
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_COOKIE = "guardrails-workbench"
_TOKEN = "x-csrf-token"  # noqa: S105 - a header's name
_TOO_LARGE = f"this is too large: at most {MAX_BODY:,} bytes at once"
_LONG = 24  # bytes of a token


class Refused(Exception):
    """A request that is not answered. ``status`` and what is said; ``ask``: whether the browser asks for a key."""

    def __init__(self, status: int, told: str, *, ask: bool = False) -> None:
        super().__init__(told)
        self.status = status
        self.ask = ask


class Guarded:
    """Middleware. ``scope["state"]`` gets ``nonce`` for the content security policy and ``token`` against forged requests."""

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str] | None = None, authorize: Callable[[Scope], None] | None = None
    ) -> None:
        """``hosts``: the names by which this server may be called, None for any: a page of somebody else's, whose name was
        made to mean this machine, is refused. ``authorize`` raises Refused for who may not come in."""
        self._app = app
        self._hosts = None if hosts is None else frozenset(hosts)
        self._authorize = authorize

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        known = _token_of(headers)
        state = scope.setdefault("state", {})
        state["nonce"] = secrets.token_urlsafe(16)
        state["token"] = known or secrets.token_urlsafe(_LONG)
        answer = _Answer(send, state, None if known else _cookie(scope, state["token"]))
        try:
            self._check(scope, headers, known)
            await self._app(scope, _bounded(receive), answer)
        except Refused as refused:
            more = (
                {"www-authenticate": 'Basic realm="guardrails workbench", charset="UTF-8"'}
                if refused.ask
                else {"connection": "close"}
            )
            await PlainTextResponse(f"{refused}\n", refused.status, more)(scope, receive, answer)

    def _check(self, scope: Scope, headers: Headers, known: str | None) -> None:
        size = headers.get("content-length", "0")
        if not size.isdigit() or int(size) > MAX_BODY:
            raise Refused(413, _TOO_LARGE)
        host = headers.get("host", "")
        if self._hosts is not None and urlsplit(f"//{host}").hostname not in self._hosts:
            raise Refused(421, "this server does not answer to that name; open the address that it printed")
        if self._authorize is not None:
            self._authorize(scope)
        if scope["method"] in ("GET", "HEAD"):
            return
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Refused(403, "this request comes from a page of another site")
        if known is None or not hmac.compare_digest(known, headers.get(_TOKEN, "")):
            raise Refused(403, "this page is too old; load it again")


class _Answer:
    """Sends an answer with the headers that all of them have."""

    def __init__(self, send: Send, state: dict[str, Any], cookie: str | None) -> None:
        self._send = send
        self._nonce = state["nonce"]
        self._cookie = cookie

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            nonce = f"'nonce-{self._nonce}'"
            headers["content-security-policy"] = (
                f"default-src 'none'; script-src {nonce}; style-src {nonce}; img-src 'self'; connect-src 'self'; "
                "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
            )
            headers["x-content-type-options"] = "nosniff"
            headers["referrer-policy"] = "no-referrer"
            headers["cross-origin-opener-policy"] = headers["cross-origin-resource-policy"] = "same-origin"
            headers.setdefault("cache-control", "no-store")
            if self._cookie is not None:
                headers.append("set-cookie", self._cookie)
        await self._send(message)


def _token_of(headers: Headers) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel is not None and len(morsel.value) >= _LONG else None


def _cookie(scope: Scope, token: str) -> str:
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    return f"{_COOKIE}={token}; Path={scope.get('root_path') or '/'}; HttpOnly; SameSite=Strict{secure}"


def _bounded(receive: Receive) -> Receive:
    """``receive``, that refuses more than :data:`MAX_BODY` bytes."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise HTTPException(413, _TOO_LARGE, {"connection": "close"})
        return message

    return bounded
