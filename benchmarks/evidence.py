"""What the log of evidence costs, and whether it stays flat as it grows.

    python -m benchmarks.evidence                        # cost under 64 callers; append, prove and verify up to 1,000,000 records
    python -m benchmarks.evidence --part flat --records 10000000     # ten million: about 8 GB of disk
    python -m benchmarks.evidence --part cost --checks 2000

Cost: texts of 1 KB are checked by so many threads under words and personal data, without a log, with `fast` and with `strict`, each measured
several times in turn, so that what else the machine does meets all three alike. Flat (benchmarks/evidence_growth.py): the time of an append, of
a proof and of verifying as the log grows, by the clock and in seconds of a core, which other work on the machine changes less, and memory.
Figures are medians of one run on one machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

from benchmarks.evidence_growth import flat
from guardrails import Guard
from guardrails.evidence import EvidenceLog
from guardrails.evidence.record import said_of
from guardrails.types import Piece

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=["cost", "flat", "all"], default="all")
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--checks", type=int, default=6_400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--proofs", type=int, default=PROOFS, help="at each size")
    parser.add_argument("--jobs", type=int, default=2, help="processes of one more verification at the end")
    parser.add_argument("--folder", type=Path, help="on the disk that is meant; else a temporary one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evidence", dir=args.folder) as made:
        if args.part != "flat":
            cost(Path(made), args.callers, args.checks, args.rounds)
        if args.part != "cost":
            flat(Path(made, "grown"), args.records, args.proofs, args.jobs)


if __name__ == "__main__":
    main()
