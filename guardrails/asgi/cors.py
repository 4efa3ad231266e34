"""Answers of our own in a browser: a page of another origin may read them where it may read the application's.

Browsers ask before they call (a *preflight*, https://fetch.spec.whatwg.org/#cors-preflight-request) and show a page an answer
only with the application's consent, ``access-control-allow-origin``. The consent is the application's own: what it said in
its answers to that origin is remembered, and where it has said nothing yet, it is asked with an OPTIONS request.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Scope, Send

from guardrails.asgi.headers import Headers

__all__ = ["CONSENT", "Consents", "consent_of", "is_preflight", "preflight_headers", "preflight_scope"]

_log = logging.getLogger("guardrails")


_ALLOWED = b"access-control-allow-origin"
# What an answer to the request itself carries; the other headers of CORS belong to preflights.
CONSENT = frozenset((_ALLOWED, b"access-control-allow-credentials", b"access-control-expose-headers"))
# What the answer to a preflight may hold. No policy has looked at it: it comes before anybody has said who calls.
_PREFLIGHT = frozenset(
    (
        b"allow", b"alt-svc", b"cache-control", b"connection", b"content-length", b"content-type", b"date", b"retry-after",
        b"strict-transport-security", b"timing-allow-origin", b"vary", b"x-content-type-options",
    )
)  # fmt: skip
# What of a preflight goes to the application: it may not carry anything else past the policies.
_ASKED = frozenset(
    (
        b"accept", b"access-control-request-headers", b"access-control-request-method", b"access-control-request-private-network",
        b"host", b"origin", b"user-agent",
    )
)  # fmt: skip
# Origins and paths whose consent is remembered, and how long either may be.
_KNOWN, _LENGTH = 2_000, 256
# Questions to the application at once, and seconds each may take: a refusal must not wait for long.
_ASKING, _SECONDS = 8, 2.0


def is_preflight(scope: Mapping[str, Any]) -> bool:
    """Whether a browser asks if a page may send a request. It carries no credentials and no body."""
    if scope["method"] != "OPTIONS":
        return False
    names = {k.lower() for k, _ in scope["headers"]}
    return b"origin" in names and b"access-control-request-method" in names


def preflight_scope(scope: Mapping[str, Any]) -> Scope:
    """A preflight as the application gets it: its path, its origin and what it asks for."""
    kept = [(k.lower(), v) for k, v in scope["headers"] if k.lower() in _ASKED]
    return {**scope, "headers": kept, "query_string": b""}


def preflight_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """What of an application's answer to a preflight goes to the browser."""
    return [(k, v) for k, v in headers if k.lower() in _PREFLIGHT or k.lower().startswith(b"access-control-")]


def consent_of(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The consent in an answer's headers, with ``vary: origin`` where it holds for one origin only; empty when there is none."""
    found = [(k.lower(), v) for k, v in headers if k.lower() in CONSENT]
    allowed = [v.strip() for k, v in found if k == _ALLOWED]
    if not allowed:
        return []
    return found if allowed == [b"*"] else [*found, (b"vary", b"Origin")]


class Consents:
    """What one application allows pages of other origins, by origin and path. For one event loop."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._known: OrderedDict[tuple[bytes, str], tuple[bool, Headers]] = OrderedDict()
        self._asking = 0

    def noting(self, scope: Mapping[str, Any], send: Send) -> Send:
        """``send`` for the application, which remembers the consent in its answer."""
        origin = _origin(scope)
        if origin is None:
            return send
        path: str = scope["path"]
        whole = not is_preflight(scope)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                consent = consent_of(message.get("headers", ()))
                if consent or message["status"] < 500:  # an upstream that is not there says nothing
                    self._note(origin, path, consent, whole=whole)
            await send(message)

        return noted

    def answering(self, scope: Mapping[str, Any], send: Send) -> Send:
        """``send`` for an answer of our own, which adds the consent that the application gives."""
        if _origin(scope) is None:
            return send

        async def allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = await self.allow(scope, message)
            await send(message)

        return allowed

    async def allow(self, scope: Mapping[str, Any], message: Message, *, ask: bool = True) -> Message:
        """The start of an answer of our own with the application's consent. ``ask``: whether it may be asked for it."""
        origin = _origin(scope)
        headers: Headers = list(message.get("headers", ()))
        if origin is None or any(k.lower() == _ALLOWED for k, _ in headers):
            return message
        key = (origin, scope["path"])
        if key not in self._known and ask and scope["method"] != "OPTIONS":
            await self._ask(scope, origin)
        _, consent = self._known.get(key, (False, []))
        return {**message, "headers": [*headers, *consent]} if consent else message

    def _note(self, origin: bytes, path: str, consent: Headers, *, whole: bool) -> None:
        """``whole``: of an answer to a request itself, which says more than one to a preflight."""
        whole = whole and bool(consent)
        if not whole:  # a preflight is not told what a page may read
            consent = [(k, v) for k, v in consent if k != b"access-control-expose-headers"]
        known = self._known.get((origin, path))
        if len(path) > _LENGTH or (known is not None and known[0] and not whole):
            return
        self._known[origin, path] = whole, consent
        self._known.move_to_end((origin, path))
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)

    async def _ask(self, scope: Mapping[str, Any], origin: bytes) -> None:
        """OPTIONS changes nothing (RFC 9110, section 9.2.1). First as a request itself, then as a preflight."""
        if self._asking >= _ASKING:
            return
        self._asking += 1
        method = (b"access-control-request-method", scope["method"].encode())
        try:
            async with asyncio.timeout(_SECONDS):
                for more, whole in (([], True), ([method], False)):
                    consent = consent_of(await self._options(scope, origin, more))
                    self._note(origin, scope["path"], consent, whole=whole)
                    if consent:
                        return
        except Exception as error:  # the answer goes without it
            _log.warning("the application could not be asked for its CORS headers: %s", type(error).__name__)
        finally:
            self._asking -= 1

    async def _options(self, scope: Mapping[str, Any], origin: bytes, more: Headers) -> Headers:
        host = [(k, v) for k, v in scope["headers"] if k.lower() == b"host"]
        asked = {
            **scope, "method": "OPTIONS", "headers": [*host, (b"origin", origin), *more], "query_string": b"",
        }  # fmt: skip
        found: Headers = []
        over = asyncio.Event()
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                found.extend(message.get("headers", ()))
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                over.set()

        await self._app(asked, receive, send)
        return found


def _origin(scope: Mapping[str, Any]) -> bytes | None:
    """The page's origin: one, and of a length that an origin has."""
    found: list[bytes] = [v for k, v in scope["headers"] if k.lower() == b"origin"]
    return found[0] if len(found) == 1 and 0 < len(found[0]) <= _LENGTH else None
