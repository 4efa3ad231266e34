"""Reading a log record by record while it is written, from any record on, and remembering how far one came."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from pathlib import Path
from typing import BinaryIO

from guardrails.errors import GuardrailsError
from guardrails.evidence.index import Index, looked_up
from guardrails.evidence.segments import HEADER, LONGEST, Place, frames, names

__all__ = ["Cursor", "Tail"]

# What is read at once: bytes and records.
_CHUNK = 1_000_000
_RECORDS = 1_000


class Tail:
    """The records of a log in order. Reads only what its caller knows to be on the disk, and keeps nothing else: what stands behind
    it may still be taken back. Not thread-safe."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._file: BinaryIO | None = None
        self._at = -1  # the record that the file is read at, and where that is
        self._offset = 0

    def read(self, first: int, upto: int) -> list[bytes]:
        """Some of the records ``first`` to ``upto`` (exclusive), at least one. Raises OSError, and GuardrailsError when there is no
        such record."""
        if self._file is None or self._at != first:
            self._seek(first)
        found = self._records(upto)
        if not found:  # the segment ended
            self._open(self._place.segment(first), 0)
            found = self._records(upto)
        if not found:
            raise GuardrailsError(f"{self._place.segments}: record {first} is missing or damaged")
        self._at += len(found)
        return found

    def close(self) -> None:
        """Close its file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _records(self, upto: int) -> list[bytes]:
        assert self._file is not None  # noqa: S101 - for mypy
        most, size = min(_RECORDS, upto - self._at), _CHUNK
        while True:
            self._file.seek(self._offset)
            data = self._file.read(size)
            found, end = list[bytes](), 0
            for end, record in frames(data):  # noqa: B007 - the last one counts
                found.append(record)
                if len(found) == most:
                    break
            if found or len(data) < size or size > LONGEST + HEADER.size:
                self._offset += end
                return found
            size *= 4  # a long record

    def _seek(self, first: int) -> None:
        segments = names(self._place.segments)
        at = bisect_right([begin for begin, _ in segments], first) - 1
        if at < 0:
            raise GuardrailsError(f"{self._place.segments}: record {first} is not there any more")
        begin, path = segments[at]
        offset = looked_up(self._place.index_for(begin), path, lambda index: _offset(index, first - begin))
        if offset is None:
            raise GuardrailsError(f"{path}: record {first} is missing or damaged")
        self._open(path, offset)
        self._at = first

    def _open(self, path: Path, offset: int) -> None:
        self.close()
        try:
            self._file = path.open("rb")
        except FileNotFoundError:
            raise GuardrailsError(f"{path}: this segment is missing") from None
        self._offset = offset


def _offset(index: Index, number: int) -> int | None:
    """Where a record of the segment begins, or where it will; None where those before it are not there."""
    if number < index.records:
        index.record(number)  # is there
        return index.offset(number)
    ends = [index.end, *(index.end + end for end, _ in frames(index.rest()))]
    return ends[number - index.records] if number - index.records < len(ends) else None


class Cursor:
    """How far a follower came, in a file beside the log: ``sinks/`` and a name. Lost or behind, it costs a repetition, never a record."""

    def __init__(self, place: Place, name: str, address: str) -> None:
        self._path = place.root / "sinks" / f"{name}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"

    def load(self) -> int | None:
        """The first record that was not sent, None where nothing is known."""
        try:
            return int(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def save(self, at: int) -> None:
        """Raises OSError."""
        self._path.parent.mkdir(exist_ok=True)
        beside = self._path.with_name(self._path.name + ".new")
        beside.write_text(f"{at}\n", encoding="utf-8")
        beside.replace(self._path)
