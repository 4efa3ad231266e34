"""One strict reading of a JSON body: either every parser would read it this way, or it is refused.

Two readers that disagree about a body are a way around inspection: one sees the harmless text, the other the real one.
So UTF-8 only and no byte order mark, no NaN and no number beyond a double, no lone surrogates, no raw control
characters, no key twice in an object, and bounds on size, depth and number of values. Fields that a format interprets
stand in one spelling (:mod:`guardrails.wire.spellings`). What was parsed is what is forwarded: :func:`dump` writes it again, in one canonical form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from guardrails.wire import halves
from guardrails.wire.inflate import Inflater
from guardrails.wire.limits import DEFAULT_LIMITS, BodyLimits, Malformed
from guardrails.wire.vectors import is_base64, is_numbers

__all__ = ["BodyLimits", "Inflater", "Malformed", "check_headers", "dump", "parse", "parse_answer", "too_large"]

# How a refusal ends: what to change, in an application and at the proxy.
_RAISE = "in the middleware: limits=BodyLimits({}=…); at the proxy: --max-body"
# Lists longer than this are looked at as a whole: they may be token ids or a vector.
_MANY = 8
# From this many bytes on, numpy counts faster than `bytes.count`.
_LARGE = 8192
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")
# What clients call JSON, and what they say when nobody told them what to say (curl, wget, fetch). Forms of several parts,
# scripts and the rest are never read, whatever is in them.
_CONTENT_TYPE = re.compile(
    rb"(?:application/(?:[a-z0-9.-]+\+)?json|text/json|text/plain|application/x-www-form-urlencoded|application/octet-stream)",
    re.IGNORECASE,
)
_JSON_TYPE = re.compile(rb"(?:application|text)/(?:[a-z0-9.-]+\+)?json", re.IGNORECASE)
_PARAMETER = re.compile(
    rb"[ \t]*([a-z0-9_-]+)[ \t]*=[ \t]*(?:\"([a-z0-9._/:=-]*)\"|([a-z0-9._/:=-]+))[ \t]*", re.IGNORECASE
)
_CODINGS = frozenset((b"identity", b"gzip", b"x-gzip", b"deflate", b"br", b"zstd"))
_LENGTH = re.compile(rb"[0-9]{1,18}")
_PLAIN_JSON = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


def parse(data: bytes, limits: BodyLimits = DEFAULT_LIMITS) -> Any:
    """The value of a JSON body, key order kept. Raises Malformed.

    Integers between -2**63 and 2**64 - 1 are kept exactly and others refused; a fraction or an exponent makes a double.
    """
    if len(data) > limits.bytes:
        raise too_large(limits.bytes)
    if len(data) > limits.nodes:
        _count_ahead(data, limits)
    # Raised after the handlers: the parser's own error holds the document, and must not travel along as its context.
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        problem = _why_not_json(data, error)
    except MemoryError:
        problem = Malformed(413, "the body does not fit the memory; send a smaller one")
    else:
        _walk(value, data, limits)  # first: what is too deep cannot be written again
        _check_keys_once(data, value)
        return value
    raise problem


def parse_answer(data: bytes, limits: BodyLimits = DEFAULT_LIMITS) -> Any:
    """As :func:`parse`, for what a model's server says: an escaped half of a surrogate pair becomes U+FFFD."""
    try:
        return parse(data, limits)
    except Malformed:
        whole = halves.replaced(data) if rb"\u" in data and len(data) <= limits.bytes else None
        if whole is None:
            raise
    return parse(whole, limits)


def dump(value: Any) -> bytes:
    """A JSON value as compact UTF-8, key order kept: ``parse(dump(x)) == x`` for what :func:`parse` returns.

    Raises TypeError for what JSON cannot say (a lone surrogate, an integer beyond 64 bits, another type, a cycle).
    """
    return orjson.dumps(value, option=_PLAIN_JSON)


def _why_not_json(data: bytes, error: orjson.JSONDecodeError) -> Malformed:
    if data.startswith(b"\xef\xbb\xbf"):
        return Malformed(400, "byte 0: a byte order mark; send UTF-8 without one")
    if b"\0" in data[:4] or data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return Malformed(400, "byte 0: looks like UTF-16 or UTF-32; encode the body as UTF-8")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return Malformed(400, f"byte {wrong.start}: not UTF-8; encode the body as UTF-8")
    return Malformed(
        400,
        f"line {error.lineno}, column {error.colno}: not JSON; send one whole value without comments, trailing commas, "
        "NaN, raw control characters or halves of surrogate pairs",
    )


def _count(data: bytes, byte: int) -> int:
    if len(data) < _LARGE:
        return data.count(byte)
    import numpy as np  # noqa: PLC0415 - most bodies are small, and then nothing needs it

    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == byte))


def _count_ahead(data: bytes, limits: BodyLimits) -> None:
    """Refuses a body of far too many values before they are built.

    Each follows a comma or an opening bracket, and each bracket is a value itself. What passes is at most ``nodes`` lists,
    objects and strings, and numbers: some 200 bytes for each of the former, 40 for each number.
    """
    brackets = sum(_count(data, byte) for byte in b"[{")
    if brackets <= limits.nodes and brackets + _count(data, 0x2C) <= limits.nodes:
        return
    # Two quotes make a string, and of two strings one at least is a value: sure, and cheaper than to look at each.
    if _count(data, 0x22) - data.count(b'\\"') > 4 * limits.nodes:
        raise _too_many(limits.nodes)
    outside = _outside_strings(data)
    brackets = sum(_count(outside, byte) for byte in b"[{")
    if brackets > limits.nodes:
        raise _too_many(limits.nodes)
    if brackets + _count(outside, 0x2C) > limits.nodes + limits.numbers:
        raise _too_many_numbers(limits.numbers)


def _outside_strings(data: bytes) -> bytes:
    """The bytes of a JSON text outside its strings.

    A pair of backslashes is a character, and so is a backslash with a quote; every quote that is left opens or closes
    a string. Up to the first error in a text this cuts as a parser does, and no parser looks beyond it.
    """
    return b" ".join(data.replace(rb"\\", b"__").replace(rb"\"", b"__").split(b'"')[::2])


def _check_keys_once(data: bytes, value: Any) -> None:
    """Refuses a key that stands twice in one object, at any depth, escaped spellings included.

    The parser keeps the last of them. Writing the value again brings back every quote that was read, as a string's
    end or as an escaped character, except those of what the parser dropped: fewer quotes, and a key was dropped.
    """
    quotes = _count(data, 0x22)
    if rb"\u0022" in data:
        quotes += data.replace(rb"\\", b"").count(rb"\u0022")
    if quotes != _count(orjson.dumps(value), 0x22):
        raise Malformed(400, "an object holds the same key twice; send each key once")


def _walk(value: Any, data: bytes, limits: BodyLimits) -> None:
    """Number of values, depth, keys, long strings and large integers, level by level."""
    longest = limits.string if len(data) > limits.string else None
    level = [value]
    nodes = depth = numbers = 0
    while level:
        nodes += len(level)
        if nodes > limits.nodes:
            raise _too_many(limits.nodes)
        below: list[Any] = []
        nested = False
        for item in level:
            kind = type(item)
            if kind is str:
                if longest is not None and len(item) > longest and not is_base64(item):
                    raise _too_long(longest)
            elif kind is dict:
                nested = True
                if longest is not None and any(len(key) > longest for key in item):
                    raise _too_long(longest)
                below.extend(item.values())
            elif kind is list:
                nested = True
                if len(item) > _MANY and is_numbers(item):
                    numbers += len(item)
                    if numbers > limits.numbers:
                        raise _too_many_numbers(limits.numbers)
                    if float in set(map(type, item)) and not -1e18 < min(item) <= max(item) < 1e18:
                        _check_integers(data)
                    continue
                below.extend(item)
            elif kind is float and not -1e18 < item < 1e18:
                _check_integers(data)
        if nested:
            depth += 1
            if depth > limits.depth:
                raise Malformed(
                    400, f"nested deeper than {limits.depth} lists and objects; flatten it or raise the limit `depth`"
                )
        level = below


def _check_integers(data: bytes) -> None:
    """Refuses an integer that does not fit 64 bits; the parser makes a double of it, and others keep it or refuse."""
    for number in _NUMBER.findall(_outside_strings(data)):
        # More than 20 digits never fit; Python itself does not convert thousands.
        if number.lstrip(b"-").isdigit() and (len(number) > 21 or not -(2**63) <= int(number) < 2**64):
            raise Malformed(400, "an integer does not fit 64 bits; send it as a string")


def too_large(most: int) -> Malformed:
    """The body has more bytes than it may."""
    return Malformed(
        413,
        f"the body is over {most} bytes; send a smaller one or raise the limit `bytes` ({_RAISE.format('bytes')})",
    )


def _too_many(nodes: int) -> Malformed:
    return Malformed(400, f"more than {nodes} values; send fewer or raise the limit `nodes` ({_RAISE.format('nodes')})")


def _too_many_numbers(numbers: int) -> Malformed:
    return Malformed(
        400,
        f"more than {numbers} numbers in lists; send fewer or raise the limit `numbers` ({_RAISE.format('numbers')})",
    )


def _too_long(longest: int) -> Malformed:
    return Malformed(
        400,
        f"a string of more than {longest} characters; split it or raise the limit `string` ({_RAISE.format('string')})",
    )


def check_headers(headers: Sequence[tuple[bytes, bytes]], limits: BodyLimits = DEFAULT_LIMITS) -> str:
    """The content coding of a body that :func:`parse` may read, as a request's headers announce it. Raises Malformed.

    JSON under any of its names is read, and so is what a client sends that was not told to name a type: none at all, a
    form, plain text, bytes. The body itself must be JSON in every case; whoever forwards it calls it ``application/json``,
    so that nobody reads it as anything else. 415: another content type, two, another charset, or an unknown or stacked
    content coding. 413: a declared length over ``limits.bytes``. 400: a length that is no number, is given twice, or
    stands beside a transfer encoding. The declared length is never trusted: count the bytes that arrive.
    """
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value.strip(b" \t"))
    types = found.get(b"content-type", [])
    if len(types) > 1:
        raise Malformed(415, "two content-type headers; send `content-type: application/json` once")
    if types and types[0]:
        _check_type(types[0])
    _check_origin(found, types[0] if types else b"")
    codings = found.get(b"content-encoding", [])
    if len(codings) > 1 or any(coding.lower() not in _CODINGS for coding in codings):
        raise Malformed(415, "content-encoding: one of gzip, deflate, zstd, br and identity is read; send the body so")
    lengths = found.get(b"content-length", [])
    if lengths:
        if len(lengths) > 1 or b"transfer-encoding" in found:
            raise Malformed(400, "content-length: given twice, or beside transfer-encoding; send one of them once")
        if not _LENGTH.fullmatch(lengths[0]):
            raise Malformed(400, "content-length: not a number of bytes; send decimal digits")
        if int(lengths[0]) > limits.bytes:
            raise too_large(limits.bytes)
    return codings[0].decode("ascii").lower() if codings else ""


def _check_type(value: bytes) -> None:
    kind, *parameters = value.split(b";")
    if not _CONTENT_TYPE.fullmatch(kind.strip(b" \t")):
        raise Malformed(415, "content-type: this type is not read; send JSON, as `content-type: application/json`")
    charsets = set()
    for parameter in parameters:
        if not parameter.strip(b" \t"):
            continue
        read = _PARAMETER.fullmatch(parameter)
        if read is None:
            raise Malformed(415, "content-type: a parameter that cannot be read; send `content-type: application/json`")
        if read[1].lower() == b"charset":
            charsets.add((read[2] if read[2] is not None else read[3]).lower())
    if charsets - {b"utf-8", b"utf8", b"us-ascii"} or len(charsets) > 1:
        raise Malformed(415, "content-type: another charset; encode the body as UTF-8 and say `charset=utf-8` or none")


def _check_origin(found: Mapping[bytes, list[bytes]], kind: bytes) -> None:
    """A page of another site must name JSON, so that browsers ask first whether it may: otherwise any page that somebody
    has open could spend the tokens of a server on his own machine."""
    origins = found.get(b"origin", [])
    if not origins or _JSON_TYPE.fullmatch(kind.partition(b";")[0].strip(b" \t")):
        return
    hosts = {_host(b"http://" + h) for h in found.get(b"host", [])}
    if any(_host(origin) not in hosts for origin in origins):
        raise Malformed(415, "content-type: from a page of another site, send `content-type: application/json`")


def _host(address: bytes) -> str | None:
    try:
        name = urlsplit(address.decode("ascii", "replace")).hostname
    except ValueError:
        return None
    return "localhost" if name in {"127.0.0.1", "::1"} else name
