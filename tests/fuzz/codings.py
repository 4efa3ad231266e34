"""Compressed bodies: right ones, and several members, cut short, damaged, under another name, or far larger than they look."""

from __future__ import annotations

import gzip
import sys
import zlib
from functools import cache
from random import Random

import brotli  # type: ignore[import-untyped]

from tests.fuzz.mutate import damaged

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["coded"]

# What a body is compressed with; `raw` is deflate without the frame of zlib, as some servers send it.
_WAYS = ("gzip", "gzip", "deflate", "raw", "zstd", "x-gzip", "br")
_NAMES = (b"gzip", b"deflate", b"zstd", b"br", b"identity", b"compress", b"gzip, gzip", b"\xff", b"")


def coded(rng: Random, data: bytes) -> tuple[bytes, bytes, bool]:
    """The value of a ``content-encoding`` header, a body under it, and whether both are right: then it stands for ``data``."""
    way = rng.choice(_WAYS)
    name = b"deflate" if way == "raw" else way.encode()
    body = _pressed(rng, way, data)
    match rng.randrange(18):
        case 0:
            at = rng.randrange(len(data) + 1)  # two members
            return name, _pressed(rng, way, data[:at]) + _pressed(rng, way, data[at:]), False
        case 1:
            return name, body[: rng.randrange(len(body) + 1)], False
        case 2:
            return name, damaged(rng, body), False
        case 3:
            return rng.choice(_NAMES), body, False
        case 4:
            return name, _bomb(way), False
        case 5:
            return name, body + rng.choice((b"\x00", b"{}", body, b"harbour heron", b"project kingfisher")), False
        case 6:
            return name, data, False
        case 7:
            return name, _pressed(rng, rng.choice(_WAYS), body), False
        case 8:
            return rng.choice((name.upper(), b" " + name + b" ")), body, True
    return name, body, True


@cache
def _bomb(way: str) -> bytes:
    return _pressed(Random(0), way, bytes(3_000_000))


def _pressed(rng: Random, way: str, data: bytes) -> bytes:
    match way:
        case "zstd":
            return bytes(zstd.compress(data))
        case "br":
            return bytes(brotli.compress(data, quality=1))
        case "gzip" | "x-gzip" if rng.random() < 0.5:
            return gzip.compress(data, mtime=0)
    bits = {"deflate": zlib.MAX_WBITS, "raw": -zlib.MAX_WBITS}.get(way, zlib.MAX_WBITS | 16)
    press = zlib.compressobj(rng.choice((1, 6, 9)), zlib.DEFLATED, bits)
    # A server that streams flushes behind each event, so that it can be read as it comes.
    edges = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice((0, 1, 5))))
    out = b""
    for a, b in zip([0, *edges], [*edges, len(data)], strict=True):
        out += press.compress(data[a:b]) + press.flush(zlib.Z_SYNC_FLUSH)
    return out + press.flush()
