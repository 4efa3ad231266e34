"""A request's body as its format reads it: whole, inflated, parsed once and strictly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from guardrails.asgi.admission import Arrival
from guardrails.asgi.body import Receive, read_body
from guardrails.wire import strict
from guardrails.wire.inflate import Inflater
from guardrails.wire.limits import BodyLimits, Malformed

__all__ = ["body_of", "declared", "forwarded", "received"]

Run = Callable[..., Awaitable[Any]]
Headers = list[tuple[bytes, bytes]]

# What some clients send with every request, with one that has nothing to say too.
_NOTHING = frozenset((b"", b"{}", b"[]", b"null", b'""'))
_NO_BODY = "a GET request has no body here; send none"
_TRIFLE = 16
# A body of JSON that repeats itself may inflate to this much, whatever its ratio; beyond it, to a hundred times its size.
_FREE, _RATIO = 2_000_000, 100
# Bytes above which a body is inflated and parsed on another thread.
_LONG = 65_536


def declared(method: str, headers: Headers, limits: BodyLimits) -> str:
    """The content coding of the body that the headers announce, "" for none. Raises Malformed."""
    if method != "GET":
        return strict.check_headers(headers, limits)
    lengths = [v for k, v in headers if k == b"content-length"]
    if any(not v.isdigit() or int(v[:8]) > _TRIFLE for v in lengths):
        raise Malformed(400, _NO_BODY)
    return ""


async def received(  # noqa: PLR0917 - what a body comes from
    receive: Receive, coding: str, limits: BodyLimits, seconds: float, held: Arrival, run: Run
) -> bytes:
    """The body, inflated. Raises Malformed, Overloaded503 and Disconnected."""
    data = await read_body(receive, limits.bytes, seconds, held)
    if coding in ("", "identity"):
        return data
    inflated: bytes = await run(_inflated, data, coding, limits.bytes, light=len(data) <= _LONG)
    held.grow(len(inflated) - len(data))
    return inflated


async def body_of(scope: Mapping[str, Any], data: bytes, limits: BodyLimits, run: Run) -> Any:
    """The value of the body; None for a request that has none. Raises Malformed."""
    if scope["method"] == "GET":
        if data.strip() not in _NOTHING:
            raise Malformed(400, _NO_BODY)
        return None
    return await run(strict.parse, data, limits, light=len(data) <= _LONG)


def forwarded(headers: Headers, size: int, *, has_body: bool) -> Headers:
    """The headers of the request as it is forwarded: the body is ours now, in JSON and not compressed, and the answer must
    come in a form that we can read."""
    kept = [(k, v) for k, v in headers if k not in _DROPPED and not k.startswith(b"x-guardrails-")]
    kept.append((b"accept-encoding", b"identity"))
    if not has_body:
        return kept
    said = [v for k, v in headers if k == b"content-type"]
    # What was read as JSON must not be read as a form, or under another charset.
    kind = said[0] if said and said[0].strip().lower() in _PLAINLY else b"application/json"
    return [*kept, (b"content-type", kind), (b"content-length", str(size).encode())]


_DROPPED = frozenset(
    (
        b"accept-encoding", b"content-encoding", b"content-length", b"content-md5", b"content-digest", b"content-type", b"digest",
        b"expect", b"repr-digest", b"transfer-encoding",
    )
)  # fmt: skip
_PLAINLY = frozenset((b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"))


def _inflated(data: bytes, coding: str, most: int) -> bytes:
    inflater = Inflater(coding, most, ratio=_RATIO, free=min(_FREE, most))
    out = inflater.feed(data)
    inflater.finish()
    return out
