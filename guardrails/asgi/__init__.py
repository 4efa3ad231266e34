"""The ASGI door: ``from guardrails.asgi import GuardrailsMiddleware``."""

from guardrails.asgi.middleware import Exchanged, GuardrailsMiddleware
from guardrails.asgi.paths import DOCS
from guardrails.asgi.settings import Blocked

__all__ = ["DOCS", "Blocked", "Exchanged", "GuardrailsMiddleware"]
