"""What the log of evidence costs, and whether it stays flat as it grows.

    python -m benchmarks.evidence                        # cost under 64 callers; append, prove and verify up to 1,000,000 records
    python -m benchmarks.evidence --part flat --records 10000000     # ten million: about 13 GB of disk
    python -m benchmarks.evidence --part cost --checks 2000

Cost: texts of 1 KB are checked by so many threads under words and personal data, without a log, with `fast` and with `strict`, each measured
several times in turn, so that what else the machine does meets all three alike. Flat: the time of an append and of a proof at each power of
ten, by the clock and in seconds of a core, which other work on the machine changes less. Figures are medians of one run on one machine.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Self

from guardrails import Guard
from guardrails.evidence import EvidenceLog, EvidenceSettings
from guardrails.evidence.reader import Reader
from guardrails.evidence.record import said_of
from guardrails.evidence.verify import verify
from guardrails.types import Piece
from tests.evidence.disks import decision

POLICY = """
version: 1
name: measured
metadata: {owner: benchmarks}
words: {terms: [project kingfisher, confiden*]}
pii: {entities: {EMAIL: mask, PHONE: mask, CREDIT_DEBIT_CARD_NUMBER: block, IP_ADDRESS: mask}}
"""
TEXT = " ".join(["The invoice of last month went to bob@example.com, and nobody has answered it since then;"] * 11)[
    :1_000
]
PROOFS = 300


def cost(folder: Path, callers: int, checks: int, rounds: int) -> None:
    """Checks a second without a log, with fast and with strict."""
    policy = folder / "measured.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    guard, speeds = Guard.from_file(policy), dict[str, list[float]]()
    for round_ in range(rounds):
        for mode in ("none", "fast", "strict"):
            settings = {"directory": folder / f"{mode}{round_}", "mode": mode, "queue": 1_000_000}
            with EvidenceLog.open(settings) if mode != "none" else nullcontext() as log:
                speeds.setdefault(mode, []).append(checked(guard, log, callers, checks))
    base = statistics.median(speeds["none"])
    print(f"{callers} callers, {len(TEXT)} characters, {checks:,} checks, median of {rounds} rounds")
    for mode, found in speeds.items():
        speed = statistics.median(found)
        print(
            f"  {mode:<7} {speed:>8,.0f} a second  {100 * (1 - speed / base):+6.1f} %  ({min(found):,.0f} to {max(found):,.0f})"
        )


def checked(guard: Guard, log: EvidenceLog | None, callers: int, checks: int) -> float:
    """Checks a second, each recorded before it counts."""
    ready = threading.Barrier(callers + 1)

    def work(number: int) -> None:
        ready.wait()
        for _ in range(number):
            pieces = [Piece(TEXT)]
            report = guard.check(pieces, source="INPUT")
            if log is not None:
                log.record(report, said=said_of(pieces), guard=guard)

    with ThreadPoolExecutor(callers) as pool:
        done = [pool.submit(work, checks // callers) for _ in range(callers)]
        ready.wait()
        began = time.perf_counter()
        for one in done:
            one.result()
        return checks // callers * callers / (time.perf_counter() - began)


class Spent:
    """The time that a block took: ``wall`` by the clock, ``core`` of this process's threads, both in seconds."""

    wall = core = 0.0

    def __enter__(self) -> Self:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.core = time.perf_counter() - self._began[0], time.process_time() - self._began[1]


def flat(folder: Path, records: int, proofs: int) -> None:
    """Time of an append, of a proof and of verifying at each power of ten."""
    settings = EvidenceSettings(folder, mode="fast", name="example.com/grown", queue=20_000)  # type: ignore[arg-type]
    size, goal, chance = 0, 10_000, random.Random(1)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores, load {load}; in brackets: of a core")
    print("      records        append µs         prove ms   verified a second")
    while size < records:
        goal = min(goal, records)
        with EvidenceLog.open(settings) as log:
            while size < goal - 5_000:
                size = add(log, size, 5_000)
            with Spent() as append:
                last = add(log, size, goal - size)
            added, size = last - size, last
        reader, times = Reader(folder), list[Spent]()
        for number in chance.sample(range(size), min(proofs, size)):
            with Spent() as proof:
                reader.prove(f"d{number}")
            times.append(proof)
        with Spent() as walk:
            found = verify(reader, reader.verifier())
        prove = [statistics.median(getattr(one, kind) for one in times) * 1e3 for kind in ("wall", "core")]
        print(f"  {size:>11,}   {append.wall / added * 1e6:>6.1f} ({append.core / added * 1e6:>5.1f})   {prove[0]:>6.2f} ({prove[1]:>5.2f})"
              f"   {found.size / walk.wall:>9,.0f} ({found.size / walk.core:>9,.0f}){'' if found.ok else '   NOT sound'}", flush=True)  # fmt: skip
        goal *= 10
    size_on_disk = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    print(f"  the log has {size_on_disk / 1e9:.2f} GB")


def add(log: EvidenceLog, size: int, number: int) -> int:
    """So many decisions more, on the disk when this returns."""
    for i in range(size, size + number - 1):
        log.record(decision(id=f"d{i}"))
    log.record(decision(id=f"d{size + number - 1}")).wait()
    return size + number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=["cost", "flat", "all"], default="all")
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--checks", type=int, default=6_400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--proofs", type=int, default=PROOFS, help="at each size")
    parser.add_argument("--folder", type=Path, help="on the disk that is meant; else a temporary one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evidence", dir=args.folder) as made:
        if args.part != "flat":
            cost(Path(made), args.callers, args.checks, args.rounds)
        if args.part != "cost":
            flat(Path(made, "grown"), args.records, args.proofs)


if __name__ == "__main__":
    main()
