"""What a refusal tells the developer: which setting, spelt as it is written in an application and at the proxy."""

from __future__ import annotations

import re

from guardrails.wire import form_class, recognise
from guardrails.wire.format import Format

__all__ = ["no_format", "spoken", "template"]

# Segments that name a route. Anything else may be somebody's id or data, and is in no message and no log.
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]{0,31}(?:\.[a-z]{1,8})?|v\d{1,2}(?:alpha|beta)?\d{0,2}")
_MOST = 8
# Calls of Ollama's that change the server, not what anybody says.
_CHANGES = re.compile(r"/api/(?:pull|push|create|copy|delete|blobs(?:/.*)?)")


def template(path: str) -> str:
    """A route's template for a path, in the words of the path and with a parameter for each segment that is none."""
    segments = path.strip("/").split("/")
    named = [s if not s or _WORD.fullmatch(s) else f"{{p{n}}}" for n, s in enumerate(segments, 1)]
    if len(named) > _MOST:
        named = [*named[:_MOST], "{rest:path}"]
    return "/" + "/".join(named)


def spoken(path: str) -> type[Format]:
    """The API whose clients call this path, to tell them in its shape that it is not served: OpenAI's where nobody can say."""
    return form_class("ollama.chat" if _CHANGES.fullmatch(path) else "openai.chat")


def no_format(method: str, path: str) -> str:
    """Why a route is not served, and the two settings that would serve it."""
    route = f"{method} {template(path)}"
    others = [m for m in ("POST", "GET") if m != method and recognise(m, path)]
    why = f"no format understands {method} on this route"
    if others:
        why += f" ({' and '.join(others)} would be inspected)"
    elif _CHANGES.fullmatch(path):
        why += " (it changes which models the server has)"
    said = f"{why}. To let it pass uninspected, exempt it: exempt=[\"{route}\"] in the middleware, --exempt '{route}' at the proxy."
    if method in {"POST", "PUT", "PATCH"}:
        said += (
            f' To have it inspected, name its format: formats={{"{route}": "openai.chat"}} in the middleware, or describe'
            ' your own (docs/wire.md) and give it as formats="formats.yaml" or --formats formats.yaml.'
        )
    return said
