"""The proxy: the middleware in front of any chat API, which need not be an ASGI application.

:func:`upstream_app` forwards to one upstream; :func:`proxy_app` puts the middleware and the pages of an operator in front
of it; :func:`serve` runs it and drains it on SIGTERM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guardrails.proxy.app import ProxyApp, proxy_app
    from guardrails.proxy.forwarding import UpstreamApp, UpstreamLost, upstream_app
    from guardrails.proxy.serving import serve
    from guardrails.proxy.settings import Cors, Credential, Timeouts

__all__ = [
    "Cors",
    "Credential",
    "ProxyApp",
    "Timeouts",
    "UpstreamApp",
    "UpstreamLost",
    "proxy_app",
    "serve",
    "upstream_app",
]

_LAZY = {
    "ProxyApp": "app",
    "proxy_app": "app",
    "Cors": "settings",
    "Credential": "settings",
    "Timeouts": "settings",
    "UpstreamApp": "forwarding",
    "UpstreamLost": "forwarding",
    "upstream_app": "forwarding",
    "serve": "serving",
}


def __getattr__(name: str) -> Any:
    # Each part brings a library of its own; whoever only forwards needs no server.
    if name in _LAZY:
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(f"guardrails.proxy.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'guardrails.proxy' has no attribute {name!r}")
