"""One strict reading of a JSON body: either every parser would read it this way, or it is refused.

Two readers that disagree about a body are a way around inspection: one sees the harmless text, the other the real one.
So UTF-8 only and no byte order mark, no NaN and no number beyond a double, no lone surrogates, no raw control
characters, no key twice in an object, and bounds on size, depth and number of values. Fields that a format interprets
stand in one spelling (:mod:`guardrails.wire.spellings`). What was parsed is what is forwarded: :func:`dump` writes it again, in one canonical form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from guardrails.wire.inflate import Inflater
from guardrails.wire.limits import DEFAULT_LIMITS, BodyLimits, Malformed

__all__ = ["BodyLimits", "Inflater", "Malformed", "check_headers", "dump", "parse"]

# A body is counted before it is parsed only when it could hold this many times the values it may: a parsed value takes
# up to some 200 bytes, so at the default limits the values of a refused body take no more than 16 MB on their way.
_UNCOUNTED = 8
# From this many bytes on, numpy counts faster than `bytes.count`.
_LARGE = 8192
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")
_CONTENT_TYPE = re.compile(rb'application/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?', re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,18}")
_PLAIN_JSON = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


def parse(data: bytes, limits: BodyLimits = DEFAULT_LIMITS) -> Any:
    """The value of a JSON body, key order kept. Raises Malformed.

    Integers between -2**63 and 2**64 - 1 are kept exactly and others refused; a fraction or an exponent makes a double.
    """
    if len(data) > limits.bytes:
        raise Malformed(413, f"the body is over {limits.bytes} bytes; send a smaller one or raise the limit `bytes`")
    if len(data) > limits.nodes * _UNCOUNTED:
        _count_ahead(data, limits.nodes)
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


def _count_ahead(data: bytes, nodes: int) -> None:
    """Refuses a body of far too many values before they are built; each follows a comma or an opening bracket."""
    if sum(_count(data, byte) for byte in b",[{") < nodes * _UNCOUNTED:
        return
    # Two quotes make a string, and of two strings one at least is a value: sure, and cheaper than to look at each.
    if _count(data, 0x22) - data.count(b'\\"') > 4 * nodes:
        raise _too_many(nodes)
    outside = _outside_strings(data)
    if sum(_count(outside, byte) for byte in b",[{") >= nodes * _UNCOUNTED:
        raise _too_many(nodes)


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
    nodes = depth = 0
    while level:
        nodes += len(level)
        if nodes > limits.nodes:
            raise _too_many(limits.nodes)
        below: list[Any] = []
        nested = False
        for item in level:
            kind = type(item)
            if kind is str:
                if longest is not None and len(item) > longest:
                    raise _too_long(longest)
            elif kind is dict:
                nested = True
                if longest is not None and any(len(key) > longest for key in item):
                    raise _too_long(longest)
                below.extend(item.values())
            elif kind is list:
                nested = True
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


def _too_many(nodes: int) -> Malformed:
    return Malformed(400, f"more than {nodes} values; send fewer or raise the limit `nodes`")


def _too_long(longest: int) -> Malformed:
    return Malformed(400, f"a string of more than {longest} characters; split it or raise the limit `string`")


def check_headers(headers: Sequence[tuple[bytes, bytes]], limits: BodyLimits = DEFAULT_LIMITS) -> None:
    """Whether the headers of a request announce a body that :func:`parse` may read. Raises Malformed.

    415: a content type other than ``application/json`` (with ``charset=utf-8`` or no parameter), none or two, or a
    content encoding. 413: a declared length over ``limits.bytes``. 400: a length that is no number, is given twice, or
    stands beside a transfer encoding. The declared length is never trusted: count the bytes that arrive.
    """
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value.strip(b" \t"))
    types = found.get(b"content-type", [])
    if len(types) != 1:
        what = "no content-type header" if not types else "two content-type headers"
        raise Malformed(415, f"{what}; send `content-type: application/json` once")
    if not _CONTENT_TYPE.fullmatch(types[0]):
        raise Malformed(415, "content-type: only `application/json` is read, in UTF-8 and without other parameters")
    encodings = found.get(b"content-encoding", [])
    if len(encodings) > 1 or any(e.lower() != b"identity" for e in encodings):
        raise Malformed(415, "content-encoding: only `identity` is read; send the body uncompressed")
    lengths = found.get(b"content-length", [])
    if not lengths:
        return
    if len(lengths) > 1 or b"transfer-encoding" in found:
        raise Malformed(400, "content-length: given twice, or beside transfer-encoding; send one of them once")
    if not _LENGTH.fullmatch(lengths[0]):
        raise Malformed(400, "content-length: not a number of bytes; send decimal digits")
    if int(lengths[0]) > limits.bytes:
        raise Malformed(
            413, f"content-length: over {limits.bytes} bytes; send a smaller body or raise the limit `bytes`"
        )
