"""What each segment says, read without anything that stands before it, so that several processes can read.

A part holds no verdict: :mod:`guardrails.evidence.verify` puts parts together in the order of the records, and judges there.
"""

from __future__ import annotations

import os
import zlib
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

from guardrails.errors import GuardrailsError
from guardrails.evidence.segments import HEADER, LONGEST
from guardrails.evidence.tree import subtrees

__all__ = ["SPAN", "Part", "Told", "jobs_for", "parts", "scan"]

# Records whose hashes are held at once.
SPAN = 65_536
# Parts that wait for each process, and the bytes of a log that more than one process is worth its start for.
_AHEAD = 2
_WORTH = 512 * 1024 * 1024

_KEY = b'"kind":"key","schema"'
_KIND = b'"kind":"'
_USUAL = b',"kind":"%b","schema":"guardrails.evidence/1","seq":%%d,"ts":"'
_NEVER = b"\x00%d"  # no record of JSON has it


@dataclass(frozen=True, slots=True)
class Told:
    """What matters of a record: ``problem`` where something is wrong with it, or ``key``, a record that may change the key."""

    seq: int
    problem: str = ""
    key: bytes = b""


@dataclass(slots=True)
class Part:
    """Records ``start`` to ``end`` (exclusive). ``spans``: (size, hashes of the complete subtrees from the span before to that size).
    ``first`` and ``last``: times of records. ``damage``: what is wrong with record ``end``; nothing behind it was read."""

    start: int
    end: int
    spans: list[tuple[int, list[bytes]]] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    kinds: Counter[bytes] = field(default_factory=Counter)
    first: str = ""
    last: str = ""
    damage: str = ""


def jobs_for(segments: Sequence[tuple[int, Path]]) -> int:
    """How many processes a log is worth: as many as there are cores, one for a small log."""
    if sum(path.stat().st_size for _, path in segments) < _WORTH:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parts(segments: Sequence[tuple[int, Path]], marks: Sequence[int], jobs: int) -> Generator[Part, None, None]:
    """The part of each segment, given as (number of its first record, file), in order; ``jobs`` processes read ahead. ``marks``: sizes of
    the log at which a span has to end, ascending. Raises OSError, and GuardrailsError when a process ends."""
    if jobs < 2 or len(segments) < 2:
        yield from (scan(path, start, marks) for start, path in segments)
        return
    ends = [*(start for start, _ in segments[1:]), 1 << 62]
    pool = ProcessPoolExecutor(min(jobs, len(segments)), mp_context=get_context("spawn"))
    waiting, given = deque[Future[Part]](), 0
    try:
        for (start, path), end in zip(segments, ends, strict=True):
            for (begin, file), upto in zip(segments[given:], ends[given:], strict=True):
                if len(waiting) == jobs * _AHEAD:
                    break
                within = marks[bisect_right(marks, begin) : bisect_right(marks, upto)]
                waiting.append(pool.submit(scan, file, begin, within))
                given += 1
            part = waiting.popleft().result()
            # With more records than the next segment's name leaves room for, there may be marks that the process was not given.
            yield scan(path, start, marks) if part.end > end else part
    except BrokenProcessPool:
        raise GuardrailsError(
            "a process that read segments ended, perhaps for want of memory, and nothing is verified: try again with --jobs 1"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def scan(path: Path, start: int, marks: Sequence[int]) -> Part:
    """Read a segment whose first record has the number ``start``. Raises OSError. The loop is written for speed."""
    data = path.read_bytes()
    out, ends, seeds = Part(start, start), _Ends(), _Seeds()
    unpack, crc32, leaves = HEADER.unpack_from, zlib.crc32, list[bytes]()
    at, bound, size, due = 0, len(data) - HEADER.size, start, bisect_right(marks, start)
    key_at = _found(data, 0)
    while at < len(data) and not out.damage:
        upto = min([size + SPAN, *marks[due : due + 1]])
        usual, last = ends.usual, ends.last
        while size < upto and at <= bound:
            length, crc = unpack(data, at)
            begin = at + 8
            stop = begin + length
            record = data[begin:stop]
            if not 0 < length <= LONGEST or len(record) < length or crc32(record, seeds[length]) != crc:
                break
            leaves.append(sha256(b"\x00" + record).digest())
            # Nearly every record ends as the one before: of its kind, its number one more, its time not before.
            stamp = record[-29:-2]
            if stamp >= last and record.endswith(usual % size, 0, -29) and b'"' not in stamp and stamp.isascii():
                last = stamp
            else:
                ends.last = last
                out.told += ends.look(record, size)
                usual, last = ends.usual, ends.last
            if key_at < stop:
                if _KEY in record:
                    out.told.append(Told(size, key=record))
                key_at = _found(data, stop)
            at = stop
            size += 1
        ends.last = last
        if size < upto and at < len(data):
            out.damage = f"{path.name}: byte {at}: record {size} is damaged or incomplete"
        out.spans.append((size, subtrees(leaves, size - len(leaves))))
        leaves.clear()
        due = bisect_right(marks, size)
    out.end = size
    ends.finish(out)
    return out


def _found(data: bytes, at: int) -> int:
    """Where the next record that may be about a key says so, from ``at`` on; behind the end where none does."""
    found = data.find(_KEY, at)
    return found if found >= 0 else len(data)


class _Seeds(dict[int, int]):
    """The checksum of a frame's length, which that of the record goes on from."""

    def __missing__(self, length: int) -> int:
        self[length] = found = zlib.crc32(length.to_bytes(4, "little"))
        return found


class _Ends:
    """What records say of themselves, which stands at their ends. ``usual``: how the next one ends before its time, if its kind is that of
    the last one that was looked at; records that do are not looked at further. ``last``: the time of the last one."""

    def __init__(self) -> None:
        self.usual, self.last = _NEVER, b""
        self._first = b""
        self._kind, self._since = b"", -1  # all records from that one on are of this kind
        self._kinds = Counter[bytes]()

    def look(self, record: bytes, seq: int) -> list[Told]:
        """The problems of a record."""
        told = []
        kind, _, rest = record[record.rfind(_KIND) + len(_KIND) :].partition(b'"')
        _, _, number = rest.partition(b'"seq":')
        # Compared as text: whatever is no ASCII is the same character, and behind all that is.
        text = record[-29:-2].decode("ascii", "replace")
        stamp = text.encode()
        if not number.startswith(b"%d," % seq):
            said = number.partition(b",")[0][:20].decode("ascii", "replace")
            told.append(Told(seq, f"record {seq} calls itself {said}"))
        if stamp < self.last:
            told.append(Told(seq, f"record {seq} is of {text}, before the one that stands before it"))
        self._count(seq)
        self._kind, self._since = kind, seq
        self._first, self.last = self._first or stamp, stamp
        self.usual = _USUAL % kind.replace(b"%", b"%%") if stamp else _NEVER
        return told

    def _count(self, seq: int) -> None:
        if self._since >= 0:
            self._kinds[self._kind] += seq - self._since

    def finish(self, out: Part) -> None:
        """Put what was seen of the records into their part."""
        self._count(out.end)
        out.kinds, out.first, out.last = self._kinds, self._first.decode(), self.last.decode()
