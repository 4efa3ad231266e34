"""Forwarding to one upstream: streams as they come, errors as they are, and never to a host that a client named."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import quote, unquote_to_bytes

import httpx
from starlette.types import Receive, Scope, Send

from guardrails.asgi.body import Disconnected, collected, departure
from guardrails.errors import GuardrailsError, UpstreamLost
from guardrails.proxy import headers as forwarded
from guardrails.proxy.settings import Credential, Timeouts, base_url
from guardrails.wire.limits import Malformed

__all__ = ["UpstreamApp", "UpstreamLost", "upstream_app"]

_log = logging.getLogger("guardrails.proxy")

# An idle connection is not used again after this many seconds. Servers close theirs after 5 s (uvicorn, and so vLLM) or
# more; a request that crosses such a closing would fail, and a POST must not be sent twice.
_KEPT_S = 4.0
_SIGNED = (
    "this request is signed for another host, and its signature cannot hold behind a proxy: call with a bearer key (boto3:"
    " AWS_BEARER_TOKEN_BEDROCK), or give the proxy a key of its own (--upstream-key-env)"
)


def upstream_app(
    upstream: str,
    *,
    credential: Credential | None = None,
    timeouts: Timeouts | None = None,
    max_connections: int = 1_000,
    max_body: int = 64_000_000,
    ca_file: str | None = None,
) -> UpstreamApp:
    """An ASGI application that forwards every request to ``upstream`` (``https://host[:port][/base]``).

    ``max_connections`` to the upstream at once, kept for reuse; ``max_body``: bytes of a request's body; ``ca_file``: the
    certificates that an https upstream is verified against, instead of the public ones. Proxies named in the environment are
    not used. Raises GuardrailsError for an address that is none.
    """
    base = base_url(upstream)
    verify: ssl.SSLContext | bool = True
    if ca_file is not None:
        try:
            verify = ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            raise GuardrailsError(f"{ca_file}: no readable certificates ({type(error).__name__})") from None
    limits = httpx.Limits(
        max_connections=max_connections, max_keepalive_connections=max_connections, keepalive_expiry=30
    )

    # A transport is the pool alone. A client would add cookies that it remembers, redirects, and headers of its own.
    def pool() -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits)

    return UpstreamApp(base, pool, credential, timeouts or Timeouts(), max_body)


class UpstreamApp:
    """What :func:`upstream_app` makes. Its pool lives as long as the lifespan of the server, or until :meth:`aclose`."""

    def __init__(
        self,
        base: httpx.URL,
        pool: Callable[[], httpx.AsyncHTTPTransport],
        credential: Credential | None,
        timeouts: Timeouts,
        max_body: int,
    ) -> None:
        self._base = base
        self._prefix = base.raw_path.rstrip(b"/")
        self._make_pool = pool
        self._pool: httpx.AsyncHTTPTransport | None = None
        self._credential = credential
        self._timeouts = timeouts
        self._max_body = max_body

    def __repr__(self) -> str:
        return f"UpstreamApp({str(self._base)!r})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request. Raises UpstreamLost when an answer that has begun cannot be completed."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "no websockets are forwarded"})
        else:
            await self._http(scope, receive, send)

    async def aclose(self) -> None:
        """Close all connections to the upstream. The next request opens new ones."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.aclose()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = self._target(scope)
        if target is None:
            await _refuse(
                scope, send, 400, "ambiguous_path", "the path is ambiguous: write it plainly, without dot segments"
            )
            return
        if self._credential is None and forwarded.signed(scope["headers"], scope.get("query_string", b"")):
            await _refuse(scope, send, 400, "signed_request", _SIGNED)
            return
        if scope["method"] in ("TRACE", "CONNECT"):
            await _refuse(scope, send, 405, "method_not_allowed", "this method is not forwarded")
            return
        try:
            async with asyncio.timeout(self._timeouts.body):
                body = await collected(receive, self._max_body)
        except Disconnected:
            return  # nobody is there to be answered
        except TimeoutError:
            await _refuse(scope, send, 408, "request_timeout", "the request's body did not arrive in time")
            return
        except Malformed:
            told = f"the request's body is larger than {self._max_body} bytes: raise --max-body"
            await _refuse(scope, send, 413, "request_too_large", told)
            return
        await _until_gone(receive, self._forward(scope, self._request(scope, target, body), send))

    def _target(self, scope: Scope) -> bytes | None:
        """Path and query as they go out: what was asked, byte for byte, or None where two readings of it are possible."""
        path: str = scope["path"]
        raw: bytes = scope.get("raw_path") or quote(path, safe="/:@!$&'()*+,;=~-._").encode()
        # Whoever stands in front of us may have inspected `path`; what goes out must be the same path.
        if unquote_to_bytes(raw) != path.encode("utf-8", "surrogateescape") or not raw.startswith(b"/"):
            return None
        plain = unquote_to_bytes(raw).replace(b"\\", b"/")
        if b"#" in raw or b"?" in raw or min(plain) < 0x20 or {b".", b".."} & set(plain.split(b"/")):
            return None
        query: bytes = scope.get("query_string", b"")
        if self._credential is not None and self._credential.header == "x-goog-api-key":
            # Gemini's clients may put their key there.
            query = b"&".join(p for p in query.split(b"&") if p.partition(b"=")[0].lower() != b"key")
        target = self._prefix + raw + (b"?" + query if query else b"")
        return target if all(0x21 <= byte <= 0x7E for byte in target) else None

    def _request(self, scope: Scope, target: bytes, body: bytes) -> httpx.Request:
        lines = forwarded.asked(scope["headers"], own_key=self._credential is not None)
        if self._credential is not None:
            lines.append(self._credential.line())
        lines.insert(0, (b"host", self._base.netloc))
        if body or scope["method"] in ("POST", "PUT", "PATCH"):
            lines.append((b"content-length", str(len(body)).encode()))
        wait = self._timeouts
        timeout = {"connect": wait.connect, "read": wait.silence, "write": wait.write, "pool": wait.pool}
        # `target` is sent as it stands; httpx would normalise a path that it is given as a part of the address.
        return httpx.Request(
            scope["method"],
            self._base,
            headers=lines,
            stream=httpx.ByteStream(body),
            extensions={"timeout": timeout, "target": target},
        )

    async def _forward(self, scope: Scope, request: httpx.Request, send: Send) -> None:
        if self._pool is None:
            self._pool = self._make_pool()
        try:
            response = await self._pool.handle_async_request(request)
        except httpx.PoolTimeout:
            await _refuse(
                scope, send, 503, "upstream_busy", "all connections to the upstream are in use", retry_after=1
            )
            return
        except httpx.TimeoutException as error:
            _log.warning("the upstream did not answer: %s", type(error).__name__)
            await _refuse(scope, send, 504, "upstream_timeout", "the upstream did not answer in time")
            return
        except httpx.TransportError as error:
            _log.warning("the upstream could not be reached: %s", type(error).__name__)
            await _refuse(scope, send, 502, "upstream_unreachable", "the upstream could not be reached")
            return
        try:
            await _pass_on(response, send)
        finally:
            await response.aclose()


async def _pass_on(response: httpx.Response, send: Send) -> None:
    """The answer, part by part: the next one is read when the server has taken the last, so a slow client slows the upstream."""
    start = {"status": response.status_code, "headers": forwarded.answered(response.headers.raw)}
    await send({"type": "http.response.start", **start})
    parts = cast("httpx.AsyncByteStream", response.stream).__aiter__()
    while True:
        try:
            part = await anext(parts)
        except StopAsyncIteration:
            break
        except httpx.TransportError as error:
            _log.warning("the upstream broke off: %s", type(error).__name__)
            raise UpstreamLost("the upstream broke off in the middle of its answer") from None
        if part:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    if _more_behind(response):
        # Whoever asks next on this connection would read the rest of this answer as his own.
        _log.warning("the upstream's answer is longer than it says")
        await response.extensions["network_stream"].aclose()
        raise UpstreamLost("the upstream's answer is longer than it says")
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _more_behind(response: httpx.Response) -> bool:
    """Whether bytes came behind the end of an answer. Only the parser of the connection knows."""
    part: Any = response.stream
    for name in ("_httpcore_stream", "_stream", "_connection", "_h11_state"):
        part = getattr(part, name, None)
    return bool(getattr(part, "trailing_data", (b"",))[0])


async def _until_gone(receive: Receive, work: Awaitable[None]) -> None:
    """Do the work, and give it up when the client disconnects: the upstream's connection is closed with it."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(departure(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        (working if working.done() else watching).result()
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _refuse(
    scope: Scope, send: Send, status: int, code: str, why: str, *, retry_after: int | None = None
) -> None:
    """An error of the proxy's own: in the API's shape where the middleware knows which that is, else in one that the clients
    of OpenAI, Anthropic and AWS all read."""
    shaped = getattr(scope.get("guardrails"), "error", None)
    error = {"type": "proxy_error", "code": code, "message": why}
    told = shaped(status, why, code) if shaped is not None else {"type": "error", "error": error, "message": why}
    body = json.dumps(told).encode()
    lines = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if retry_after is not None:
        lines.append((b"retry-after", str(retry_after).encode()))
    # `own`: the upstream did not say this; whoever stands in front may add headers that it would have sent.
    await send({"type": "http.response.start", "status": status, "headers": lines, "own": True})
    await send({"type": "http.response.body", "body": body})
