"""Which path a request means: one spelling, or none. What two parsers could read in two ways is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.routing import compile_path

from guardrails.wire.enums import is_enum
from guardrails.wire.opaque import is_opaque

__all__ = ["DOCS", "Ambiguous", "Exempt", "canonical", "exemptions", "plain", "routed", "segments"]

# The pages FastAPI makes of an application's own description.
DOCS = ("GET /docs", "GET /docs/oauth2-redirect", "GET /redoc", "GET /openapi.json")

# Words of routes that are the names of vendors and of their clouds, and no list of rivals is about them.
_VENDORS = """
    openai anthropic google googleai vertex bedrock azure mistral cohere groq ollama vllm openrouter gemini perplexity deepseek xai together
    deployments publishers projects locations endpoints v1alpha v1beta v1beta1 compatible-mode inference serverless engines generatecontent
    streamgeneratecontent counttokens embedcontent batchembedcontents converse converse-stream rerank tags ps llm gateway proxy
"""
_ROUTES = frozenset(_VENDORS.split())
# Segments of letters, digits and the marks of RFC 3986 that mean nothing in a path, or percent-encoded bytes.
_SEGMENT = re.compile(r"(?:[A-Za-z0-9_.~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_NEVER = re.compile(r"%(?:0[0-9A-Fa-f]|1[0-9A-Fa-f]|7[Ff]|5[Cc])")


class Ambiguous(ValueError):
    """A path that two programs could read in two ways. The message names why, and no part of the path."""


def canonical(scope: Mapping[str, Any]) -> str:
    """The raw path of a request, percent-encoded as it came; :func:`plain` takes away slashes too many. Raises Ambiguous.

    A percent-encoding may stand only where a route has a parameter (Bedrock's model ids hold ``%3A`` and ``%2F``): that is for
    :func:`guardrails.wire.match` to say; here only what no route can mean is refused.
    """
    raw: bytes | None = scope.get("raw_path")
    path: str = scope["path"]
    if raw is None:
        text = path
        if "%" in text:
            raise Ambiguous("the server gave no raw path, and this one has a percent sign")
    else:
        try:
            text = raw.partition(b"?")[0].decode("ascii")
        except UnicodeDecodeError:
            raise Ambiguous("a path has ASCII characters only; others are percent-encoded") from None
    if not text.startswith("/"):
        raise Ambiguous("a path begins with a slash")
    if raw is not None and unquote(text) != path:
        raise Ambiguous("the path and its raw form differ")
    for segment in filter(None, text.split("/")):
        if _SEGMENT.fullmatch(segment) is None or _NEVER.search(segment):
            raise Ambiguous("a character that a path cannot have")
        if segment.replace("%2e", ".").replace("%2E", ".") in (".", ".."):
            raise Ambiguous("a dot segment")
        for code in _ESCAPE.findall(segment):
            if chr(int(code, 16)).isalnum() or chr(int(code, 16)) in "-._~%":
                raise Ambiguous("a percent-encoding of a character that needs none")
    return text


def plain(path: str) -> str:
    """The path without empty segments and without a slash at its end: what clients mean that put a base address with a slash
    before a path with one."""
    return "/" + "/".join(filter(None, path.split("/")))


def routed(scope: Mapping[str, Any], path: str) -> bool:
    """Whether the application has a route of exactly this path, slashes included."""
    routes = getattr(scope.get("app"), "routes", None) or ()
    return any(
        hasattr(route, "methods")
        and (pattern := getattr(route, "path_regex", None)) is not None
        and pattern.match(path)
        for route in routes
    )


def segments(path: str, params: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The segments and parameters of a decoded path that are no words of a route: those that could be somebody's words or
    data, and those that look like ids."""
    parts = [p for p in dict.fromkeys((*path.split("/"), *params.values())) if p and not _is_route(p)]
    return tuple(p for p in parts if not is_opaque(p)), tuple(p for p in parts if is_opaque(p))


def _is_route(part: str) -> bool:
    """Whether a segment is made of the words of the APIs' own routes (``deployments``, ``v1beta``, ``us-central1``)."""
    return is_enum(part) or part.lower() in _ROUTES


@dataclass(frozen=True, slots=True)
class Exempt:
    """A method and a Starlette route template that is not inspected."""

    method: str
    template: str
    pattern: re.Pattern[str]

    def fits(self, method: str, path: str) -> bool:
        """Whether a request is exempt. HEAD goes with GET, as everywhere.

        The path has to fit as it came and as a router reads it: an encoded slash makes two segments of one.
        """
        return (method == self.method or (method == "HEAD" and self.method == "GET")) and bool(
            self.pattern.fullmatch(path) and self.pattern.fullmatch(unquote(path))
        )


def exemptions(given: Iterable[str]) -> tuple[Exempt, ...]:
    """``"GET /static/{path:path}"`` as a matcher. Raises ValueError for anything else."""
    out = []
    for entry in given:
        method, _, template = entry.partition(" ")
        if not template.startswith("/") or not method.isalpha() or not method.isupper():
            raise ValueError(f'exempt: {entry!r} is no method and route; write "GET /docs"')
        pattern, _, _ = compile_path(template)
        out.append(Exempt(method, template, pattern))
    return tuple(out)
