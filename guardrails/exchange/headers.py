"""Headers of an answer: string rules read their names and values, and one in which something acts is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

from guardrails.types import Role
from guardrails.wire.enums import is_enum
from guardrails.wire.shape import Kind
from guardrails.wire.slots import Slot

__all__ = ["Headers", "content_type", "texts_of"]

Headers = list[tuple[bytes, bytes]]

# Numbers, durations, dates of HTTP, and what browsers are told about origins: nothing that anybody wrote.
_PLAIN = re.compile(r"[0-9][0-9.,:;\s]{0,40}(?:ms|s|m|h)?|(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?m?s|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")  # fmt: skip
_STANDARD = frozenset(
    (
        b"access-control-allow-credentials", b"access-control-allow-headers", b"access-control-allow-methods", b"access-control-max-age",
        b"connection", b"content-length", b"date", b"keep-alive", b"transfer-encoding",
    )
)  # fmt: skip
# What a client is given to show again later; a secret belongs there.
_SECRET = frozenset((b"mcp-session-id", b"set-cookie", b"x-csrf-token", b"www-authenticate", b"authentication-info"))
_TYPE = re.compile(rb"[A-Za-z0-9.+_-]+/[A-Za-z0-9.+_-]+")
# Without its type nobody can read an answer, and a rule that cannot be evaluated must not take it away.
_KNOWN = re.compile(
    rb"(?:application/(?:[a-z]+\+)?(?:json|x-ndjson|jsonl|vnd\.amazon\.eventstream)|text/(?:event-stream|plain|html))(?:; ?charset=utf-8)?",
    re.IGNORECASE,
)
_PARAMETER = re.compile(rb';\s*(charset|boundary)="?([A-Za-z0-9_.=+-]{1,70})"?(?=\s*(?:;|$))', re.IGNORECASE)


def texts_of(name: bytes, value: bytes) -> Iterable[Slot]:
    """What of a header is read, as it stands and as a client would decode it."""
    if name in _STANDARD or (name == b"content-type" and _KNOWN.fullmatch(value)):
        return
    path = f"(header {name.decode('latin-1')})"
    written = value.decode("latin-1")
    decoded = unquote_plus(written) if "%" in written or "+" in written else written
    kind = Kind.SEAL if name in _SECRET else Kind.OPAQUE
    for text in dict.fromkeys((name.decode("latin-1").replace("-", " "), written, decoded)):
        if text and not is_enum(text) and _PLAIN.fullmatch(text) is None:
            yield Slot(text, Role.ASSISTANT, path, kind=kind, fixed=True)


def content_type(value: bytes) -> bytes:
    """A media type with its character set or boundary, and no other parameter."""
    found = _TYPE.match(value.strip())
    if found is None:
        return value
    more = [b"; " + m[1].lower() + b"=" + m[2] for m in _PARAMETER.finditer(value)]
    return b"".join([found[0], *more])
