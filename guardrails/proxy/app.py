"""The proxy as one ASGI application: the operator's pages, and behind everything else the middleware and the upstream."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guardrails.asgi.cors import Consents
from guardrails.asgi.recording import health_with
from guardrails.asgi.telemetry import Telemetry
from guardrails.proxy.forwarding import upstream_app
from guardrails.proxy.operations import PAGES, Operations
from guardrails.proxy.settings import Cors, Credential, Timeouts

__all__ = ["ProxyApp", "proxy_app"]


class ProxyApp:
    """``app`` with the operator's pages beside it. ``pages=False`` leaves them to a listener of their own."""

    def __init__(self, app: ASGIApp, operations: Operations, *, pages: bool = True) -> None:
        self._app = app
        self.operations = operations
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope. The start is complete when the application's own is, and the models are verified."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._starting(send))
        elif self._pages and scope["type"] == "http" and scope["path"] in PAGES and scope["method"] in ("GET", "HEAD"):
            await self.operations(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _starting(self, send: Send) -> Send:
        async def told(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self.operations.verify()
            await send(message)

        return told


def _without_consent(send: Send) -> Send:
    """``send`` without what the upstream says of other origins: a setting answers for it."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(k, v) for k, v in message["headers"] if not k.lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return told


def _allowing(consents: Consents, scope: Scope, send: Send) -> Send:
    """``send`` with the upstream's consent on answers that the forwarding itself writes."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start" and message.get("own"):
            message = dict(await consents.allow(scope, message, ask=False))
        await send(message)

    return told


def proxy_app(
    upstream: str,
    policies: str | Path,
    *,
    credential: Credential | None = None,
    timeouts: Timeouts | None = None,
    max_connections: int = 1_000,
    max_body: int = 64_000_000,
    ca_file: str | None = None,
    pages: bool = True,
    cors: Cors | None = None,
    telemetry: Telemetry | None = None,
    **middleware: Any,
) -> ProxyApp:
    """The middleware in front of ``upstream``, under ``policies`` (a folder with a ``tenants.yaml``, or one policy).

    Parameters up to ``ca_file`` are those of :func:`guardrails.proxy.upstream_app`, ``middleware`` those of
    :class:`guardrails.asgi.GuardrailsMiddleware`. ``cors``: which pages of other origins may call, instead of what the upstream
    says. ``pages``: whether ``/healthz``, ``/readyz`` and ``/metrics`` are served here.
    Raises GuardrailsError when something is wrong with any of them.
    """
    from guardrails.asgi import GuardrailsMiddleware  # noqa: PLC0415 - it loads the policies' machinery

    telemetry = telemetry or Telemetry()
    # An upstream may keep what others said (files, batches, stored answers): of it, only what is known is asked for.
    middleware.setdefault("inspect_gets", False)
    forward = upstream_app(
        upstream,
        credential=credential,
        timeouts=timeouts,
        max_connections=max_connections,
        max_body=max_body,
        ca_file=ca_file,
    )

    parts = urlsplit(upstream)
    server = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    async def stripped(scope: Scope, receive: Receive, send: Send) -> None:
        # The middleware does so for what it inspects; a tenant's key must not go upstream with an exempt request either.
        if scope["type"] == "http":
            scope, send = {**scope, "headers": guarded.tenants.strip(list(scope["headers"]))}, told(scope, send)
        if scope["type"] == "http" and telemetry.otel is not None:
            await telemetry.otel.ask(forward, scope, receive, send, server)
        else:
            await forward(scope, receive, send)

    def told(scope: Scope, send: Send) -> Send:
        return _allowing(guarded.consents, scope, send) if cors is None else _without_consent(send)

    guarded = GuardrailsMiddleware(stripped, policies, telemetry=telemetry, **middleware)

    def health() -> Mapping[str, Any]:
        return health_with(guarded.evidence, guarded.tenants.health())

    return ProxyApp(guarded if cors is None else cors.around(guarded), Operations(telemetry, health), pages=pages)
