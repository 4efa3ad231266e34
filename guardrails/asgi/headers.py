"""Headers: those of a request as it is forwarded, those of an answer that may stay, and those that we write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from starlette.types import Message

from guardrails.decision import Decision
from guardrails.wire.limits import Malformed

__all__ = [
    "DEGRADED",
    "FINAL",
    "OURS",
    "Headers",
    "bodiless",
    "forwarded",
    "has_body",
    "json_headers",
    "kept",
    "only",
    "ours",
    "without_body",
]

Headers = list[tuple[bytes, bytes]]

# Clients try again by themselves; this says that the same request would fail again.
FINAL = (b"x-should-retry", b"false")
DEGRADED = (b"x-guardrails-degraded", b"fail-open")
OURS = frozenset((b"x-guardrails-action", b"x-guardrails-decision-id", b"x-guardrails-degraded", b"x-guardrails-rules"))
# Characters of the header that names rules. Servers and clients take 8 KB of all headers together.
_NAMED = 2_000
# What of a request is written anew for the body that is forwarded.
_REWRITTEN = frozenset(
    (
        b"accept-encoding", b"content-encoding", b"content-length", b"content-md5", b"content-digest", b"content-type", b"digest",
        b"expect", b"repr-digest", b"transfer-encoding",
    )
)  # fmt: skip
_PLAINLY = frozenset((b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"))
# What an answer's body that was rewritten makes untrue, and what must not be passed from one connection to another.
_DROPPED = frozenset(
    (
        b"content-length", b"content-encoding", b"content-md5", b"digest", b"content-digest", b"repr-digest", b"etag", b"last-modified",
        b"accept-ranges", b"trailer", b"transfer-encoding", *OURS,
    )
)  # fmt: skip
_NOT_MODIFIED = 304
_LENGTH = re.compile(rb"\d{1,15}")


def forwarded(headers: Headers, size: int, *, has_body: bool) -> Headers:
    """The headers of the request as it is forwarded: the body is ours now, in JSON and not compressed, and the answer must
    come in a form that we can read."""
    kept = [(k, v) for k, v in headers if k not in _REWRITTEN and not k.startswith(b"x-guardrails-")]
    kept.append((b"accept-encoding", b"identity"))
    if not has_body:
        return kept
    said = [v for k, v in headers if k == b"content-type"]
    # What was read as JSON must not be read as a form, or under another charset.
    kind = said[0] if said and said[0].strip().lower() in _PLAINLY else b"application/json"
    return [*kept, (b"content-type", kind), (b"content-length", str(size).encode())]


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request says that it has a body."""
    return any(k == b"transfer-encoding" or (k == b"content-length" and v != b"0") for k, v in headers)


def kept(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers of an answer whose body is written anew."""
    return [(bytes(k), bytes(v)) for k, v in headers if k.lower() not in _DROPPED]


def only(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """The value of a header, in small letters. Raises Malformed (415) when it stands there twice: readers differ about which one counts."""
    found = [v for k, v in headers if k.lower() == name]
    if len(found) > 1:
        raise Malformed(415, f"{name.decode()}: given twice")
    return found[0].decode("latin-1").strip().lower() if found else ""


def without_body(status: int, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers of an answer that has no body. Only one that says that nothing has changed may give a length: that of what
    has not (RFC 9110, 8.6 and 15.4.5). Servers break on a length that is no number, or on two."""
    given = [(bytes(k), bytes(v)) for k, v in headers if k.lower() not in OURS]
    lengths = [value.strip() for name, value in given if name.lower() == b"content-length"]
    one = status == _NOT_MODIFIED and len(set(lengths)) == 1 and _LENGTH.fullmatch(lengths[0])
    framing = (b"content-length", b"transfer-encoding", b"trailer")
    left = [(name, value) for name, value in given if name.lower() not in framing]
    return [*left, (b"content-length", lengths[0])] if one else left


def bodiless(message: Message, method: str) -> Message:
    """A message of the application's answer to OPTIONS or HEAD, without the body."""
    if message["type"] == "http.response.body":
        return {**message, "body": b""}
    if message["type"] == "http.response.start" and method != "HEAD":
        left = [(k, v) for k, v in message.get("headers", ()) if k.lower() != b"content-length"]
        return {**message, "headers": [*left, (b"content-length", b"0")]}
    return message


def json_headers(
    size: int, decision: Decision | None, *extra: tuple[bytes, bytes], explain: bool = False
) -> list[tuple[bytes, bytes]]:
    """Headers of an answer that we write."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(size).encode()),
        (b"cache-control", b"no-store"),
        *extra,
    ]
    return headers + ours(decision, explain=explain)


def ours(*decisions: Decision | None, explain: bool) -> list[tuple[bytes, bytes]]:
    """The most severe action of the exchange so far, its id, whether any rule failed and let the text pass, and with
    ``explain`` the rules that fired."""
    made = [d for d in decisions if d is not None]
    if not made:
        return []
    action = max((d.action for d in made), key=lambda a: a.severity)
    out = [(b"x-guardrails-action", action.value.encode()), (b"x-guardrails-decision-id", made[0].id.encode())]
    if explain and (names := dict.fromkeys(rule for d in made for rule in d.fired)):
        out.append((b"x-guardrails-rules", _named(list(names))))
    return [*out, DEGRADED] if any(d.fail_open for d in made) else out


def _named(rules: Sequence[str]) -> bytes:
    """Ids of rules as a header's value: percent-encoded where they are more than letters, digits and ``. _ -``."""
    out = ""
    for number, rule in enumerate(rules):
        more = f"{', ' if out else ''}{quote(rule, safe='')}"
        if len(out) + len(more) > _NAMED:
            return f"{out}{', ' if out else ''}{len(rules) - number} more".encode()
        out += more
    return out.encode()
