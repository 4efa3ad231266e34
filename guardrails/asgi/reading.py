"""A request's body as its format reads it: whole, inflated, parsed once and strictly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.types import Receive

from guardrails.asgi.admission import Arrival
from guardrails.asgi.body import read_body
from guardrails.asgi.headers import Headers
from guardrails.asgi.paths import segments
from guardrails.asgi.routing import Found
from guardrails.wire import FORMATS, strict
from guardrails.wire.enums import unknown_role
from guardrails.wire.format import Session
from guardrails.wire.inflate import Inflater
from guardrails.wire.limits import BodyLimits, Malformed
from guardrails.wire.spellings import spelled_twice
from guardrails.wire.unfit import unfit

__all__ = ["body_of", "declared", "received", "session_of"]

Run = Callable[..., Awaitable[Any]]

# What some clients send with every request, with one that has nothing to say too.
_NOTHING = frozenset((b"", b"{}", b"[]", b"null", b'""'))
_BODILESS = ("GET", "DELETE")
_NO_BODY = "a {} request has no body here; send none"
_TRIFLE = 16
# Bytes above which a body is inflated and parsed on another thread.
_LONG = 65_536


def declared(method: str, headers: Headers, limits: BodyLimits) -> str:
    """The content coding of the body that the headers announce, "" for none. Raises Malformed."""
    if method not in _BODILESS:
        return strict.check_headers(headers, limits)
    lengths = [v for k, v in headers if k == b"content-length"]
    if any(not v.isdigit() or int(v[:8]) > _TRIFLE for v in lengths):
        raise Malformed(400, _NO_BODY.format(method))
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


async def body_of(scope: Mapping[str, Any], data: bytes, limits: BodyLimits, run: Run, found: Found = ()) -> Any:
    """The value of the body; None for a request that has none. ``found``: the formats of its route. Raises Malformed."""
    if not data and any(format_.bodiless for format_, _ in found):
        return None
    if scope["method"] in _BODILESS:
        if data.strip() not in _NOTHING:
            raise Malformed(400, _NO_BODY.format(scope["method"]))
        return None
    return await run(strict.parse, data, limits, light=len(data) <= _LONG)


def session_of(scope: Mapping[str, Any], body: Any, found: Found, query: Mapping[str, str]) -> Session:
    """The request as the format reads it whose shape the body has. Raises Malformed."""
    format_, params = next(((f, p) for f, p in found if f.fits(body)), (None, {}))
    if format_ is None:
        raise Malformed(422, unfit(body, [f for f, _ in found]))
    if (field := spelled_twice(body, format_.REQUEST)) is not None:
        raise Malformed(400, f"`{field}` stands in two spellings (case or width); send it once")
    texts, ids = segments(scope["path"], params)
    session = format_.open(
        body, params, query, segments=texts, names=ids, method=scope["method"], headers=scope["headers"]
    )
    session.verify()
    role = unknown_role(body) if session.name in FORMATS else None
    if role is not None:
        raise Malformed(400, f"{role} is none of the API's roles, such as system, user, assistant or tool")
    if session.unsupported is not None:
        raise Malformed(422, session.unsupported)
    return session


def _inflated(data: bytes, coding: str, most: int) -> bytes:
    inflater = Inflater(coding, most)
    out = inflater.feed(data)
    inflater.finish()
    return out
