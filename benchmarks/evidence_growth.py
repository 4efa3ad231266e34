"""How a log of evidence behaves as it grows: appending, proving and verifying, each in a process of its own, so that each has its own peak of memory.

    python -m benchmarks.evidence --part flat --records 10000000     # ten million: about 8 GB of disk

Records come as worker processes hand them over: bodies that are made already. The writer numbers, stamps, frames, hashes, syncs, indexes
and signs them. What a record costs before that is a matter of the decision (``--part cost``).
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Self

from guardrails.evidence import EvidenceLog, EvidenceSettings
from guardrails.evidence.canonical import of_schema
from guardrails.evidence.keys import Hashing
from guardrails.evidence.reader import Reader
from guardrails.evidence.record import Context, Sealing, of_decision
from guardrails.evidence.verify import verify
from guardrails.evidence.writer import Pending
from tests.evidence.disks import decision

# Records that are handed over together, and how many of such groups are on their way.
GROUP, WAITING = 1_000, 8
STEP = 1_000_000


class Spent:
    """The time that a block took: ``wall`` by the clock, ``core`` of this process's threads, both in seconds."""

    wall = core = 0.0

    def __enter__(self) -> Self:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.core = time.perf_counter() - self._began[0], time.process_time() - self._began[1]


def flat(folder: Path, records: int, proofs: int, jobs: int) -> None:
    """Appends, and at each power of ten proofs and a verification."""
    print(f"{os.cpu_count()} cores, load {', '.join(f'{one:.1f}' for one in os.getloadavg())}; in brackets: of a core", flush=True)  # fmt: skip
    size, goal = 0, 10_000
    while size < records:
        goal = min(goal, records)
        phase(folder, "append", size, goal)
        size, goal = goal, goal * 10
        phase(folder, "prove", size, proofs)
        phase(folder, "verify", size, 1)
    if jobs > 1:
        phase(folder, "verify", size, jobs)
    on_disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"  the log has {on_disk / 1e9:.2f} GB, {on_disk / size:,.0f} bytes a record")


def phase(folder: Path, name: str, size: int, number: int) -> None:
    """One of them, in its own process."""
    subprocess.run([sys.executable, "-m", __name__, str(folder), name, str(size), str(number)], check=True)


def append(folder: Path, size: int, goal: int) -> None:
    """From ``size`` records on to ``goal``, told every million. Both are counts of decisions."""
    settings = EvidenceSettings(folder, mode="fast", name="example.com/grown", queue=GROUP * (WAITING + 2))  # type: ignore[arg-type]
    before, behind = of_schema(_fields()).split(b"the id")
    with EvidenceLog.open(settings) as log:
        while size < goal:
            end, waiting = min(size + STEP, goal), deque[Pending]()
            began = size
            with Spent() as spent:
                while size < end:
                    group = [Pending("decision", b"%bd%d%b" % (before, i, behind), f"d{i}") for i in range(size, min(size + GROUP, end))]  # fmt: skip
                    if not log.take(*group):
                        raise SystemExit("the queue is full")
                    waiting.append(group[-1])
                    size += len(group)
                    if len(waiting) > WAITING:
                        waiting.popleft().done.result()
                for last in waiting:
                    last.done.result()
            each = 1e6 / (size - began)
            print(f"  {size:>11,}   append {spent.wall * each:>7.1f} ({spent.core * each:>5.1f}) µs   {_peak()}", flush=True)  # fmt: skip


def _fields() -> dict[str, object]:
    return of_decision(decision(id="the id"), None, None, Context(), Sealing(Hashing(bytes(32)), bytes(32)))


def prove(folder: Path, size: int, proofs: int) -> None:
    """Proofs of so many decisions anywhere in the log. Each reader is new, as that of a command is."""
    times = list[Spent]()
    for number in random.Random(size).sample(range(size), min(proofs, size)):
        with Spent() as spent:
            Reader(folder).prove(f"d{number}")
        times.append(spent)
    wall, core = (statistics.median(getattr(one, kind) for one in times) * 1e3 for kind in ("wall", "core"))
    print(f"  {size:>11,}   prove {wall:>8.2f} ({core:>5.2f}) ms   {_peak()}", flush=True)


def walk(folder: Path, jobs: int) -> None:
    """Verify all of it."""
    reader = Reader(folder)
    with Spent() as spent:
        found = verify(reader, reader.verifier(), jobs=jobs)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    core = spent.core + children.ru_utime + children.ru_stime
    print(f"  {found.size:>11,}   verify {found.size / spent.wall:>9,.0f} ({found.size / core:>9,.0f}) a second"
          f"{f' with {jobs} processes' if jobs > 1 else ''}   {_peak()}{'' if found.ok else '   NOT sound'}", flush=True)  # fmt: skip


def _peak() -> str:
    return f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB"


def main() -> None:
    """One phase: what :func:`phase` starts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("phase", choices=["append", "prove", "verify"])
    parser.add_argument("size", type=int)
    parser.add_argument("number", type=int)
    args = parser.parse_args()
    if args.phase == "append":
        append(args.folder, args.size, args.number)
    elif args.phase == "prove":
        prove(args.folder, args.size, args.number)
    else:
        walk(args.folder, args.number)


if __name__ == "__main__":
    main()
