"""Messages between the processes of a service: JSON behind its length, over a Unix socket that only this user can open."""

from __future__ import annotations

import struct
from typing import Any

import orjson

__all__ = ["HEAD", "MOST", "framed", "length_of"]

HEAD = struct.Struct("!I")
# Bytes of one message. A record has half of this at most.
MOST = 64_000_000


def framed(message: Any) -> bytes:
    """A message as it is sent."""
    body = orjson.dumps(message)
    return HEAD.pack(len(body)) + body


def length_of(head: bytes) -> int:
    """How many bytes follow. Raises ValueError for more than a message may have."""
    (length,) = HEAD.unpack(head)
    if length > MOST:
        raise ValueError("a message is too long")
    return int(length)
