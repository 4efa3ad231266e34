"""Where the upstream is, what it is called with, and how long it may take. All of it from the operator."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import httpx

from guardrails.errors import GuardrailsError
from guardrails.proxy.headers import CREDENTIALS

__all__ = ["Credential", "Timeouts", "base_url"]


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
