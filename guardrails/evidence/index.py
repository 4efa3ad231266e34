"""Where the record of a decision is: for each closed segment a table of offsets and one of ids, sorted for a binary search.

Ids are kept as the first 16 bytes of their SHA-256. Both tables can always be made again from the segment.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import orjson

from guardrails.evidence.segments import HEADER

__all__ = ["KEYS", "REMOVALS", "Building", "find", "id_of", "key_of", "offset_of"]

# What changes of the key, and removals of old records, are found by; no decision has such an id.
KEYS, REMOVALS = "(key)", "(retention)"
_KINDS = {"key": KEYS, "retention": REMOVALS}
_FOUND_BY_KIND = tuple(b'"kind":"%s"' % kind.encode() for kind in _KINDS)
_HEAD = struct.Struct("<8sQQ")
_MAGIC = b"GRIDX\x01\x00\x00"
_OFFSET = struct.Struct("<Q")
_ENTRY = struct.Struct("<16sI")


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

    def add(self, record: bytes, id_: str | None = None) -> None:
        """The next record of the segment, and its id, which is read out of the record where it is not given."""
        id_ = id_ or id_of(record)
        if id_ is not None:
            self._keys.append((key_of(id_), len(self._offsets)))
        self._offsets.append(self._end)
        self._end += HEADER.size + len(record)

    def dump(self) -> bytes:
        """The file: offsets of the records, and (key, number in the segment) of those that have an id."""
        entries = sorted(self._keys)
        head = _HEAD.pack(_MAGIC, len(self._offsets), len(entries))
        return head + b"".join(map(_OFFSET.pack, self._offsets)) + b"".join(_ENTRY.pack(*entry) for entry in entries)


def find(path: Path, key: bytes) -> list[int]:
    """The numbers, inside the segment, of the records with this key. Raises OSError or ValueError when there is no sound index."""
    with path.open("rb") as file:
        records, ids = _head(file.read(_HEAD.size))
        base = _HEAD.size + records * _OFFSET.size
        low, high = 0, ids

        def at(i: int) -> tuple[bytes, int]:
            file.seek(base + i * _ENTRY.size)
            found: tuple[bytes, int] = _ENTRY.unpack(file.read(_ENTRY.size))
            return found

        while low < high:
            middle = (low + high) // 2
            if at(middle)[0] < key:
                low = middle + 1
            else:
                high = middle
        out: list[int] = []
        while low < ids and (entry := at(low))[0] == key:
            out.append(entry[1])
            low += 1
        return out


def offset_of(path: Path, number: int) -> int:
    """Where record ``number`` of the segment begins. Raises OSError or ValueError."""
    with path.open("rb") as file:
        records, _ = _head(file.read(_HEAD.size))
        if not 0 <= number < records:
            raise ValueError("the index has no such record")
        file.seek(_HEAD.size + number * _OFFSET.size)
        return int(_OFFSET.unpack(file.read(_OFFSET.size))[0])


def _head(data: bytes) -> tuple[int, int]:
    if len(data) != _HEAD.size or not data.startswith(_MAGIC):
        raise ValueError("this is no index of a segment")
    _, records, ids = _HEAD.unpack(data)
    return records, ids
