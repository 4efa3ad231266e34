"""The entry point for ASGI applications: ``from guardrails.asgi import GuardrailsMiddleware``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guardrails.asgi.inspection import Exchanged
    from guardrails.asgi.middleware import GuardrailsMiddleware
    from guardrails.asgi.paths import DOCS
    from guardrails.asgi.settings import Blocked

__all__ = ["DOCS", "Blocked", "Exchanged", "GuardrailsMiddleware"]

_LAZY = {"DOCS": "paths", "Blocked": "settings", "Exchanged": "inspection", "GuardrailsMiddleware": "middleware"}


def __getattr__(name: str) -> Any:
    # The proxy's forwarding reads bodies as the middleware does, and needs nothing else of it.
    if name in _LAZY:
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(f"guardrails.asgi.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'guardrails.asgi' has no attribute {name!r}")
