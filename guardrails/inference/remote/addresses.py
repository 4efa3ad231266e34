"""Which addresses of servers can be used."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["in_clear", "refused"]

_HERE = ("localhost", "127.0.0.1", "::1")


def refused(url: str) -> tuple[str, str] | None:
    """Why an address cannot be used, and what to write instead; None for one that can."""
    example = "write one such as https://models.internal:8000"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "it is no URL", example
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "it is no http or https URL", example
    if parts.username is not None or parts.password is not None:
        return "it holds a user or a password", "name the environment variable with the key in api_key_env"
    if parts.query or parts.fragment:
        return "it has a query or a fragment", "leave them out"
    return None


def in_clear(url: str) -> bool:
    """Whether what is sent there can be read on the way: plain HTTP to another machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in _HERE
