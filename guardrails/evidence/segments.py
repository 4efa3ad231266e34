"""Segments: files of records that are only ever written at their end, each record with its length and a checksum.

A frame is four bytes of length, four of CRC-32 over the length and the record (both little-endian), and the record. A segment is
named after the number of its first record. Beside each lies the file of its salts, 32 bytes a record, which is the one place where
something is ever overwritten: an erased salt is zeros.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guardrails.errors import GuardrailsError
from guardrails.evidence.files import Disk, Growing

__all__ = ["HEADER", "LONGEST", "SALT", "Place", "Segment", "frame", "frames", "names", "sound"]

HEADER = struct.Struct("<II")
SALT = 32
# The longest record; a frame that says more is damage.
LONGEST = 16 * 1024 * 1024


def frame(record: bytes) -> bytes:
    """A record as it stands in a segment. Raises ValueError when it is too long."""
    if not 0 < len(record) <= LONGEST:
        raise ValueError(f"a record has 1 to {LONGEST} bytes")
    length = len(record).to_bytes(4, "little")
    return length + zlib.crc32(record, zlib.crc32(length)).to_bytes(4, "little") + record


def frames(data: bytes, at: int = 0) -> Iterator[tuple[int, bytes]]:
    """(offset behind it, record) of each sound frame from ``at`` on, up to the first that is damaged or incomplete."""
    end, unpack, head = len(data), HEADER.unpack_from, HEADER.size
    while at + head <= end:
        length, crc = unpack(data, at)
        stop = at + head + length
        if not 0 < length <= LONGEST or stop > end:
            return
        record = data[at + head : stop]
        if zlib.crc32(record, zlib.crc32(data[at : at + 4])) != crc:
            return
        at = stop
        yield at, record


def sound(data: bytes) -> int:
    """How many bytes of a segment are sound."""
    end = 0
    for end, _ in frames(data):  # noqa: B007 - the last one counts
        pass
    return end


def names(folder: Path) -> list[tuple[int, Path]]:
    """(first record, file) of each segment, in order. Raises GuardrailsError for a file that does not belong there."""
    out: list[tuple[int, Path]] = []
    for path in folder.glob("*.log"):
        if len(path.stem) != 20 or not path.stem.isdigit():
            raise GuardrailsError(f"{path}: a segment is named after its first record, with 20 digits; move this away")
        out.append((int(path.stem), path))
    return sorted(out)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of a log lie. What is in ``private`` never leaves the machine that writes."""

    root: Path

    @property
    def segments(self) -> Path:
        """Records."""
        return self.root / "segments"

    @property
    def tree(self) -> Path:
        """Hashes of complete subtrees, a file a level."""
        return self.root / "tree"

    @property
    def index(self) -> Path:
        """Where the record of a decision is: a file a closed segment."""
        return self.root / "index"

    @property
    def checkpoints(self) -> Path:
        """Every signed checkpoint, framed as records are."""
        return self.root / "checkpoints.log"

    @property
    def checkpoint(self) -> Path:
        """The latest one, as a note."""
        return self.root / "checkpoint"

    @property
    def verifier(self) -> Path:
        """The public key."""
        return self.root / "log.vkey"

    @property
    def witnessed(self) -> Path:
        """Checkpoints with the cosignature of a witness: a note a file."""
        return self.root / "witnessed"

    @property
    def stamped(self) -> Path:
        """Time stamps of checkpoints: a token a file, named after the checkpoint's size."""
        return self.root / "stamped"

    @property
    def keys(self) -> Path:
        """Proofs of the changes of the key whose records were removed."""
        return self.root / "keys.json"

    @property
    def private(self) -> Path:
        """Keys and salts."""
        return self.root / "private"

    @property
    def samples_key(self) -> Path:
        """The key of the samples."""
        return self.private / "samples.key"

    @property
    def salts(self) -> Path:
        """A file a segment."""
        return self.private / "salts"

    def segment(self, first: int) -> Path:
        """The file of the segment that begins with this record."""
        return self.segments / f"{first:020}.log"

    def salts_of(self, first: int) -> Path:
        """The salts of that segment."""
        return self.salts / f"{first:020}.salts"

    def index_of(self, first: int) -> Path:
        """The index of that segment."""
        return self.index / f"{first:020}.idx"

    @property
    def newest(self) -> Path:
        """The index of as much of the newest segment as there was when it was written."""
        return self.root / "newest.idx"

    @property
    def filters(self) -> Path:
        """Which closed segments cannot have a decision."""
        return self.index / "filters"

    def index_for(self, first: int) -> Path:
        """The index to try for that segment, which may be another's."""
        path = self.index_of(first)
        return path if path.exists() else self.newest


class Segment:
    """The segment that is written, with its salts."""

    def __init__(self, disk: Disk, place: Place, first: int) -> None:
        """Opens or makes it; what stands there counts as durable. Raises OSError."""
        self.first = first
        self.count = 0
        self._records: Growing = disk.open(place.segment(first))
        self._salts: Growing = disk.open(place.salts_of(first))
        self._durable = (self._records.size, self._salts.size)
        self._clean = True

    @property
    def size(self) -> int:
        """Bytes of records."""
        return self._records.size

    def append(self, records: list[bytes], salts: list[bytes]) -> None:
        """Write records and their salts, on the disk when this returns. Raises OSError, and nothing was written then; what
        could not be taken back at once is before the next record."""
        data = b"".join(map(frame, records))
        if not self._clean:
            self._rollback()
        self._clean = False
        try:
            self._salts.write(b"".join(salts))
            self._records.write(data)
            self._salts.sync()
            self._records.sync()
        except OSError:
            self._try_rollback()
            raise
        self._durable = (self._records.size, self._salts.size)
        self.count += len(records)
        self._clean = True

    def cut(self, size: int, count: int) -> None:
        """Keep the first ``size`` bytes, which hold ``count`` records. Raises OSError."""
        self._durable = (size, count * SALT)
        self._rollback()
        self.count = count

    def _try_rollback(self) -> None:
        try:
            self._rollback()
        except OSError:
            return

    def _rollback(self) -> None:
        # Pages whose sync failed may count as clean though they never reached the disk (fsync(2)): they are cut, not synced again.
        self._records.truncate(self._durable[0])
        self._records.sync()
        if self._salts.size < self._durable[1]:
            self._salts.write(bytes(self._durable[1] - self._salts.size))
        self._salts.truncate(self._durable[1])
        self._salts.sync()
        self._clean = True

    def close(self) -> None:
        """Close its files."""
        self._records.close()
        self._salts.close()
