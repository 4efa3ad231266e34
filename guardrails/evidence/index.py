"""Where the record of a decision is: for each segment a table of offsets and one of ids, sorted for a binary search.

Ids are kept as the first 16 bytes of their SHA-256. An index is a cache and never trusted. It has checksums and says which bytes of the
segment it covers; what it does not cover, and everything where something about it is wrong, is found by reading the segment.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Self, TypeVar

import orjson

from guardrails.evidence.segments import HEADER, frames

__all__ = ["KEYS", "REMOVALS", "Building", "Index", "id_of", "key_of", "looked_up"]

T = TypeVar("T")

# What changes of the key, and removals of old records, are found by; no decision has such an id.
KEYS, REMOVALS = "(key)", "(retention)"
_KINDS = {"key": KEYS, "retention": REMOVALS}
_FOUND_BY_KIND = tuple(b'"kind":"%s"' % kind.encode() for kind in _KINDS)
# Magic, records, ids, bytes of the segment, checksum of its last frame; behind it the checksum of the head with the segment's name.
_HEAD = struct.Struct("<8sQQQI")
_MAGIC = b"GRIDX\x02\x00\x00"
_OFFSET = struct.Struct("<Q")
_ENTRY = struct.Struct("<16sI")
_SUM = struct.Struct("<I")
# The tables are read, and have checksums, by so many bytes.
_BLOCK = 4_096
_BASE = _HEAD.size + _SUM.size


def key_of(id_: str) -> bytes:
    """What an id is found by."""
    return hashlib.sha256(id_.encode()).digest()[:16]


def id_of(record: bytes) -> str | None:
    """What a record is found by: the id of its decision, :data:`KEYS` for a change of the key, :data:`REMOVALS`, None for others."""
    if b'"decision_id":' not in record and not any(kind in record for kind in _FOUND_BY_KIND):
        return None
    read = orjson.loads(record)
    found = _KINDS.get(read["kind"]) or read["body"].get("decision_id")
    return found if isinstance(found, str) else None


class Building:
    """The index of a segment that grows."""

    def __init__(self) -> None:
        self._offsets: list[int] = []
        self._keys: list[tuple[bytes, int]] = []
        self._end = 0
        self._last = b""

    def add(self, record: bytes, id_: str | None = None) -> None:
        """The next record of the segment, and its id, which is read out of the record where it is not given."""
        id_ = id_ or id_of(record)
        if id_ is not None:
            self._keys.append((key_of(id_), len(self._offsets)))
        self._offsets.append(self._end)
        self._end += HEADER.size + len(record)
        self._last = record

    def keys(self) -> bytes:
        """The keys of the records that have an id, 16 bytes each."""
        return b"".join(key for key, _ in self._keys)

    def dump(self, segment: str) -> bytes:
        """The file for the segment of that name (without its ending): offsets of the records, (key, number in the segment) of those that
        have an id, and a checksum a block of both tables."""
        self._keys.sort()
        last = zlib.crc32(self._last, zlib.crc32(len(self._last).to_bytes(4, "little"))) if self._offsets else 0
        head = _HEAD.pack(_MAGIC, len(self._offsets), len(self._keys), self._end, last)
        seed = zlib.crc32(head, zlib.crc32(segment.encode()))
        offsets = struct.pack(f"<{len(self._offsets)}Q", *self._offsets)
        body = b"".join([offsets, *(key + number.to_bytes(4, "little") for key, number in self._keys)])
        sums = [_sum(body[at : at + _BLOCK], at, seed) for at in range(0, len(body), _BLOCK)]
        return b"".join([head, _SUM.pack(seed), body, *map(_SUM.pack, sums)])


def _sum(block: bytes, at: int, seed: int) -> int:
    return zlib.crc32(block, zlib.crc32(_OFFSET.pack(at), seed))


class Index:
    """A segment with its index: the first ``records`` records, which are ``end`` bytes, are found by the index, and the others by reading
    :meth:`rest`. Both are 0 for an index that is missing, damaged, or not of this segment. Raises OSError without the segment."""

    def __init__(self, path: Path | None, segment: Path) -> None:
        self.records = self.end = self._ids = self._seed = 0
        self._blocks: dict[int, bytes] = {}
        self._segment = segment.open("rb")
        self._file: FileIO | None = None
        try:
            if path is not None:
                self._file = FileIO(path)
                self._begin(self._file, segment)
        except (OSError, ValueError, struct.error):
            self.records = self.end = self._ids = 0

    def _begin(self, file: FileIO, segment: Path) -> None:
        """Read the head, and compare the last frame that is covered with the segment's."""
        data = file.read(_BASE)
        if len(data) != _BASE or not data.startswith(_MAGIC):
            raise ValueError("this is no index of a segment")
        _, self.records, self._ids, self.end, last = _HEAD.unpack_from(data)
        (self._seed,) = _SUM.unpack_from(data, _HEAD.size)
        if zlib.crc32(data[: _HEAD.size], zlib.crc32(segment.stem.encode())) != self._seed:
            raise ValueError("the head of the index is damaged, or that of another segment")
        at = self.offset(self.records - 1) if self.records else 0
        self._segment.seek(at)
        length, crc = HEADER.unpack(self._segment.read(HEADER.size)) if self.records else (-HEADER.size, 0)
        if at + HEADER.size + length != self.end or crc != last or segment.stat().st_size < self.end:
            raise ValueError("the segment is not the one that was indexed")

    def offset(self, number: int) -> int:
        """Where record ``number`` of the segment begins, below ``records``. Raises ValueError where the index is damaged."""
        return int(_OFFSET.unpack(self._bytes(number * _OFFSET.size, _OFFSET.size))[0])

    def record(self, number: int) -> bytes:
        """That record, out of a sound frame that says its number. Raises ValueError where the index or the segment is damaged."""
        self._segment.seek(self.offset(number))
        head = self._segment.read(HEADER.size)
        for _, record in frames(head + self._segment.read(int.from_bytes(head[:4], "little"))):
            if record.endswith(b'"seq":%d,"ts":"' % (int(Path(self._segment.name).stem) + number), 0, -29):
                return record
        raise ValueError("there is no such record where the index says")

    def numbers(self, key: bytes) -> list[int]:
        """The numbers of the covered records with this key. Raises ValueError where the index is damaged."""
        base, low, high = self.records * _OFFSET.size, 0, self._ids

        def at(i: int) -> tuple[bytes, int]:
            found: tuple[bytes, int] = _ENTRY.unpack(self._bytes(base + i * _ENTRY.size, _ENTRY.size))
            return found

        while low < high:
            middle = (low + high) // 2
            if at(middle)[0] < key:
                low = middle + 1
            else:
                high = middle
        out: list[int] = []
        while low < self._ids and (entry := at(low))[0] == key:
            out.append(entry[1])
            low += 1
        if any(number >= self.records for number in out):
            raise ValueError("the index has more ids than records")
        return out

    def keys(self) -> bytes:
        """The keys of the covered records that have an id, 16 bytes each. Raises ValueError where the index is damaged."""
        entries = self._bytes(self.records * _OFFSET.size, self._ids * _ENTRY.size)
        return b"".join(entries[at : at + 16] for at in range(0, len(entries), _ENTRY.size))

    def rest(self) -> bytes:
        """What the segment has behind what is covered."""
        self._segment.seek(self.end)
        return self._segment.read()

    def _bytes(self, at: int, size: int) -> bytes:
        """Bytes of the tables, out of blocks whose checksums are right."""
        first, last = at // _BLOCK, (at + size - 1) // _BLOCK
        data = b"".join(map(self._block, range(first, last + 1))) if size else b""
        return data[at - first * _BLOCK :][:size]

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            assert self._file is not None  # noqa: S101 - for mypy
            length = self.records * _OFFSET.size + self._ids * _ENTRY.size
            at = number * _BLOCK
            self._file.seek(_BASE + at)
            block = self._file.read(max(0, min(_BLOCK, length - at)))
            self._file.seek(_BASE + length + number * _SUM.size)
            if not block or self._file.read(_SUM.size) != _SUM.pack(_sum(block, at, self._seed)):
                raise ValueError("a block of the index is damaged")
            self._blocks[number] = block
        return self._blocks[number]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._segment.close()
        if self._file is not None:
            self._file.close()


def looked_up(path: Path, segment: Path, look: Callable[[Index], T]) -> T:
    """What ``look`` finds with the index, or without it where ``look`` raises ValueError with it: it is damaged then. Raises OSError without
    the segment."""
    try:
        with Index(path, segment) as index:
            return look(index)
    except ValueError:
        with Index(None, segment) as index:
            return look(index)
