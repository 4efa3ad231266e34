"""Where the upstream is, what it is called with, and how long it may take. All of it from the operator."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from guardrails.errors import GuardrailsError
from guardrails.proxy.headers import CREDENTIALS

__all__ = ["Cors", "Credential", "Timeouts", "base_url"]


@dataclass(frozen=True, slots=True)
class Credential:
    """The proxy's own key for the upstream. It replaces whatever credential a client sent.

    ``header`` is where the API reads it: ``authorization`` (as a bearer key), ``x-api-key``, ``x-goog-api-key`` or ``api-key``.
    """

    key: str = field(repr=False)
    header: str = "authorization"

    def __post_init__(self) -> None:
        if self.header.encode() not in CREDENTIALS - {b"cookie"}:
            raise GuardrailsError(
                f"the upstream's key cannot be sent in {self.header!r}: choose authorization, x-api-key, x-goog-api-key or api-key"
            )
        if not self.key or not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise GuardrailsError("the upstream's key is empty or holds a character that no header can carry")

    @classmethod
    def from_env(cls, name: str, header: str = "authorization") -> Credential:
        """The key in an environment variable. Raises GuardrailsError, naming the variable and never its value."""
        key = os.environ.get(name, "").strip()
        if not key:
            raise GuardrailsError(f"the environment variable {name} is empty or not set: put the upstream's key there")
        return cls(key, header)

    def line(self) -> tuple[bytes, bytes]:
        """The header as it is sent."""
        value = f"Bearer {self.key}" if self.header == "authorization" else self.key
        return self.header.encode(), value.encode()


# What a page has to be allowed to read: our own headers, and those by which SDKs wait and report.
_EXPOSED = (
    "x-guardrails-action",
    "x-guardrails-decision-id",
    "x-guardrails-degraded",
    "x-guardrails-rules",
    "retry-after",
    "request-id",
    "x-request-id",
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Cors:
    """Which pages of other origins may call the proxy (https://fetch.spec.whatwg.org/#http-cors-protocol).

    ``origins``: ``https://app.example.com``, or ``*`` for every page; ``credentials``: whether browsers may send cookies, which
    ``*`` excludes; ``expose``: headers that a page may read beside the decision's, ``retry-after`` and request ids; ``max_age``:
    seconds for which a browser need not ask again. Raises GuardrailsError for an origin that is none.
    """

    origins: tuple[str, ...]
    credentials: bool = False
    expose: tuple[str, ...] = ()
    max_age: int = 600

    def __post_init__(self) -> None:
        for origin in self.origins:
            if origin != "*" and not _is_origin(origin):
                raise GuardrailsError(
                    f"cors: {origin[:100]!r} is no origin; write it as browsers send it, such as https://app.example.com"
                    " (scheme, host and port, no slash at the end)"
                )
        if not self.origins:
            raise GuardrailsError("cors: name at least one origin, or * for every page")
        if "*" in self.origins and self.credentials:
            raise GuardrailsError("cors: credentials need a list of origins; with * every page could use them")
        for name in self.expose:
            if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
                raise GuardrailsError(f"cors: {name[:100]!r} is no name of a header")

    def around(self, app: Callable[..., Awaitable[None]]) -> Any:
        """``app`` with the headers of CORS on each answer, whoever wrote it; preflights are answered here."""
        from starlette.middleware.cors import CORSMiddleware  # noqa: PLC0415 - only who sets it needs it

        return CORSMiddleware(
            app,
            allow_origins=self.origins,
            allow_methods=_METHODS,
            allow_headers=("*",),
            allow_credentials=self.credentials,
            expose_headers=tuple(dict.fromkeys((*_EXPOSED, *(n.lower() for n in self.expose)))),
            max_age=self.max_age,
        )


def _is_origin(origin: str) -> bool:
    try:
        url = httpx.URL(origin)
    except httpx.InvalidURL:
        return False
    plain = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
    return bool(url.scheme and url.host) and not url.userinfo and origin == plain


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``connect`` to the upstream; ``silence`` of the upstream before its first byte and between two later ones
    (a model may think for minutes); ``write`` of one part of a body; ``pool``: the wait for a free connection; ``body``: until
    the client has sent its own."""

    connect: float = 5.0
    silence: float = 300.0
    write: float = 30.0
    pool: float = 10.0
    body: float = 30.0


def base_url(upstream: str) -> httpx.URL:
    """The upstream's address. Raises GuardrailsError for anything but http(s)://host[:port][/base], without quoting it."""
    try:
        url = httpx.URL(upstream)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.userinfo:
        raise GuardrailsError("the upstream's address holds a user or a key: take it out, and use --upstream-key-env")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise GuardrailsError("the upstream must be an address like https://api.example.com or http://127.0.0.1:11434")
    return url
