"""Which headers go on, in both directions, and which stay here (RFC 9110, section 7.6.1)."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["CREDENTIALS", "Headers", "answered", "asked", "signed"]

Headers = list[tuple[bytes, bytes]]

# Headers that hold a client's credential in one of the supported APIs.
CREDENTIALS = frozenset((b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie"))

_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
# Written anew for the upstream, or claims about a client that an upstream may trust when they come from this machine.
_OURS = frozenset(
    (
        b"host",
        b"content-length",
        b"accept-encoding",
        b"expect",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-real-ip",
    )
)


def asked(headers: Iterable[tuple[bytes, bytes]], *, own_key: bool) -> Headers:
    """A request's headers as the upstream gets them; the caller adds host and length.

    ``own_key``: the proxy has a key of its own, so no credential of a client goes on.
    """
    dropped = _OURS | CREDENTIALS if own_key else _OURS
    kept = [(k, v) for k, v in _end_to_end(headers) if k not in dropped]
    # Compressed answers would have to be inflated before they can be inspected.
    return [*kept, (b"accept-encoding", b"identity")]


def answered(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """An answer's headers as the client gets them."""
    return _end_to_end(headers)


def signed(headers: Iterable[tuple[bytes, bytes]], query: bytes) -> bool:
    """True for a request that carries a signature of Amazon's (SigV4, SigV4A), which covers the host it was sent to."""
    if b"x-amz-signature=" in query.lower():
        return True
    return any(k.lower() == b"authorization" and v.lstrip().upper().startswith(b"AWS4-") for k, v in headers)


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Names in lower case, without what concerns one connection only: the fixed list and what ``connection`` names."""
    # Blanks around a value are no part of it (RFC 9110, section 5.5), and not every client can send them on.
    every = [(k.lower(), v.strip(b" \t")) for k, v in headers]
    named = {token.strip().lower() for k, v in every if k == b"connection" for token in v.split(b",")}
    return [(k, v) for k, v in every if k not in _HOP_BY_HOP and k not in named]
