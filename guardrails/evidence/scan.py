"""What each segment says, read without anything that stands before it, so that several processes can read.

A part holds no verdict: :mod:`guardrails.evidence.verify` puts parts together in the order of the records, and judges there.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
import zlib
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from guardrails.errors import GuardrailsError
from guardrails.evidence.ends import Ends, Told
from guardrails.evidence.segments import HEADER, LONGEST
from guardrails.evidence.tree import leaf_hashes, subtrees

__all__ = ["SPAN", "Part", "jobs_for", "parts", "scan"]

# Records whose hashes are held at once.
SPAN = 65_536
# Parts that wait for each process, and the bytes of a log that more than one process is worth its start for.
_AHEAD = 2
_WORTH = {"fork": 128 * 1024 * 1024, "spawn": 512 * 1024 * 1024}
# Records that are hashed one after the other.
_BATCH = 32


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
    if sum(path.stat().st_size for _, path in segments) < _WORTH[_method()]:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _method() -> str:
    """How processes start: as copies of this one where that is safe, which costs them nothing; else each imports everything anew."""
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


def parts(segments: Sequence[tuple[int, Path]], marks: Sequence[int], jobs: int) -> Generator[Part, None, None]:
    """The part of each segment, given as (number of its first record, file), in order; ``jobs`` processes read ahead. ``marks``: sizes of
    the log at which a span has to end, ascending. Raises OSError, and GuardrailsError when a process ends."""
    if jobs < 2 or len(segments) < 2:
        yield from (scan(path, start, marks) for start, path in segments)
        return
    ends = [*(start for start, _ in segments[1:]), 1 << 62]
    pool = ProcessPoolExecutor(min(jobs, len(segments)), mp_context=get_context(_method()))
    waiting, given = deque[Future[Part]](), 0
    try:
        for (start, path), end in zip(segments, ends, strict=True):
            for (begin, file), upto in zip(segments[given:], ends[given:], strict=True):
                if len(waiting) == jobs * _AHEAD:
                    break
                within = marks[bisect_right(marks, begin) : bisect_right(marks, upto)]
                with warnings.catch_warnings():
                    # About threads of numpy's, which copies never use; there are none of ours.
                    warnings.simplefilter("ignore", DeprecationWarning)
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
    """Read a segment whose first record has the number ``start``. Raises OSError."""
    data = path.read_bytes()
    out, ends, seeds = Part(start, start), Ends(data), _Seeds()
    at, size, due = 0, start, bisect_right(marks, start)
    while at < len(data) and not out.damage:
        upto = min([size + SPAN, *marks[due : due + 1]])
        leaves, stops = _hashed(data, at, upto - size, seeds)
        out.told += ends.heed(at, stops, size)
        out.spans.append((size + len(stops), subtrees(leaves, size)))
        size, at = size + len(stops), stops[-1] if stops else at
        if size < upto and at < len(data):
            out.damage = f"{path.name}: byte {at}: record {size} is damaged or incomplete"
        due = bisect_right(marks, size)
    out.end = size
    out.kinds, out.first, out.last = ends.kinds, ends.first.decode(), ends.last.decode()
    return out


def _hashed(data: bytes, at: int, most: int, seeds: _Seeds) -> tuple[list[bytes], list[int]]:
    """Of the sound frames from ``at`` on, ``most`` at most: the hashes of their leaves, and where they end. Written for speed: a few
    records are held at once, so that what is hashed is still in the processor's cache."""
    unpack, crc32, bound = HEADER.unpack_from, zlib.crc32, len(data) - HEADER.size
    leaves, stops, records = list[bytes](), list[int](), list[bytes]()
    with suppress(KeyError):  # of a length that no frame has
        for _ in range(most):
            if at > bound:
                break
            length, crc = unpack(data, at)
            begin = at + 8
            at = begin + length
            record = data[begin:at]
            if crc32(record, seeds[length]) != crc:
                break
            records.append(record)
            stops.append(at)
            if len(records) == _BATCH:
                leaves += leaf_hashes(records)
                records.clear()
    leaves += leaf_hashes(records)
    if stops and stops[-1] > len(data):  # only the last one can be incomplete
        return leaves[:-1], stops[:-1]
    return leaves, stops


class _Seeds(dict[int, int]):
    """The checksum of a frame's length, which that of the record goes on from. No other length has one."""

    def __missing__(self, length: int) -> int:
        if not 0 < length <= LONGEST:
            raise KeyError(length)
        self[length] = found = zlib.crc32(length.to_bytes(4, "little"))
        return found
