"""Which closed segments cannot have a decision: a Bloom filter for each, in one file, so that a search opens the index of the others only.

The file is a cache beside the indexes: filters one after the other, each with a head that says which segment it is of, and blocks of 512
bits with a checksum each. A key has its seven bits in one block, so that a search reads 68 bytes a segment. What is missing or damaged,
or of a segment of another length, says nothing, and the segment's index is asked.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from guardrails.evidence.files import Disk
from guardrails.evidence.index import Index

__all__ = ["absent", "add", "drop", "filter_of", "mend"]

_HEAD = struct.Struct("<8sQQQ")  # magic, first record, bytes of the segment, blocks
_MAGIC = b"GRBLM\x01\x00\x00"
_SUM = struct.Struct("<I")
_BASE = _HEAD.size + _SUM.size
_BITS, _EACH = 512, 7
_BLOCK = _BITS // 8 + _SUM.size
_PER_ID = 16  # bits, of which about two in a thousand of other keys find theirs set


class _Filter(NamedTuple):
    """Where a segment's filter stands: ``at`` is its first block, ``seed`` what the checksums of its blocks go on from."""

    first: int
    size: int
    blocks: int
    at: int
    seed: int

    @property
    def end(self) -> int:
        return self.at + self.blocks * _BLOCK


def absent(path: Path, segments: Sequence[tuple[int, Path]], key: bytes) -> set[int]:
    """The first records of those segments that have no record with this key."""
    out, sizes = set[int](), dict(segments)
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError:
        return out
    try:
        for found in _filters(handle):
            if (
                found.first in sizes
                and sizes[found.first].stat().st_size == found.size
                and not _may(handle, found, key)
            ):
                out.add(found.first)
    finally:
        os.close(handle)
    return out


def add(path: Path, disk: Disk, made: bytes) -> None:
    """Write a filter behind the others. Raises OSError, and nothing was written then."""
    file = disk.open(path)
    before = file.size
    try:
        file.write(made)
        file.sync()
    except OSError:
        file.truncate(before)
        raise
    finally:
        file.close()


def mend(path: Path, disk: Disk, closed: Mapping[int, tuple[Path, Path]]) -> None:
    """Make the filters that are missing, of (segment, its index) by first record. Raises OSError."""
    have, end = dict[int, int](), 0
    if path.exists():
        with path.open("rb") as file:
            for found in _filters(file.fileno()):
                have[found.first], end = found.size, found.end
        if end != path.stat().st_size:
            file_ = disk.open(path)
            file_.truncate(end)
            file_.close()
    for first, (segment, index) in closed.items():
        if have.get(first) != segment.stat().st_size:
            # One whose index is damaged goes without.
            with Index(index, segment) as read, suppress(ValueError):
                if read.end == segment.stat().st_size:
                    add(path, disk, filter_of(first, read.end, read.keys()))


def drop(path: Path, disk: Disk, before: int) -> None:
    """Forget the filters of segments that begin before this record. Raises OSError."""
    if path.exists():
        data = path.read_bytes()
        with path.open("rb") as file:
            kept = [data[f.at - _BASE : f.end] for f in _filters(file.fileno()) if f.first >= before]
        disk.replace(path, b"".join(kept))


def filter_of(first: int, size: int, keys: bytes) -> bytes:
    """The filter of a segment of ``size`` bytes, over its keys, 16 bytes each."""
    import numpy as np  # noqa: PLC0415 - only where a log is read or closed

    words = np.array(struct.unpack(f"<{len(keys) // 8}Q", keys), np.uint64).reshape(-1, 2)
    blocks = max(1, -(-len(words) * _PER_ID // _BITS))
    bits = np.zeros((blocks, _BITS), bool)
    for i in range(_EACH):
        bits[words[:, 0] % np.uint64(blocks), words[:, 1] >> np.uint64(9 * i) & np.uint64(_BITS - 1)] = True
    head = _HEAD.pack(_MAGIC, first, size, blocks)
    seed = zlib.crc32(head)
    packed = np.packbits(bits, axis=1, bitorder="little").tobytes()
    out = [head, _SUM.pack(seed)]
    for number in range(blocks):
        block = packed[number * _BITS // 8 : (number + 1) * _BITS // 8]
        out += [block, _sum(block, number, seed)]
    return b"".join(out)


def _sum(block: bytes, number: int, seed: int) -> bytes:
    return _SUM.pack(zlib.crc32(block, zlib.crc32(_SUM.pack(number), seed)))


def _filters(handle: int) -> Iterator[_Filter]:
    """The filters of a file, up to one whose head is damaged or that is not whole."""
    at, end = 0, os.fstat(handle).st_size
    while at + _BASE <= end:
        head = _read(handle, _BASE, at)
        magic, first, size, blocks = _HEAD.unpack_from(head)
        seed = zlib.crc32(head[: _HEAD.size])
        found = _Filter(first, size, blocks, at + _BASE, seed)
        if magic != _MAGIC or head[_HEAD.size :] != _SUM.pack(seed) or not blocks or found.end > end:
            return
        yield found
        at = found.end


def _may(handle: int, found: _Filter, key: bytes) -> bool:
    """Whether the segment may have a record with this key."""
    where, which = struct.unpack("<QQ", key)
    number = where % found.blocks
    block = _read(handle, _BLOCK, found.at + number * _BLOCK)
    if block[_BITS // 8 :] != _sum(block[: _BITS // 8], number, found.seed):
        return True
    bits = int.from_bytes(block[: _BITS // 8], "little")
    return all(bits >> (which >> 9 * i & _BITS - 1) & 1 for i in range(_EACH))


def _read(handle: int, size: int, at: int) -> bytes:
    os.lseek(handle, at, os.SEEK_SET)
    return os.read(handle, size)
