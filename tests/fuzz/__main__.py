"""``python -m tests.fuzz --cases 1000000 --seed 1 --jobs 2``: cases through the middleware, and the figures of the run.

Ends with 0 when every property held, else with 1 and the cases that broke one: ``--only SEED:NUMBER`` runs one of them again.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import sys
import time
from collections import Counter
from queue import Empty

from tests.fuzz.cases import case
from tests.fuzz.running import Figures, run, table, work

__all__ = ["main"]

# Broken cases that are shown while a run goes on.
_SHOWN = 40


def _all(seed: int, cases: int, jobs: int) -> tuple[Figures, list[str]]:
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    workers = [context.Process(target=work, args=(seed, i, cases, jobs, told), daemon=True) for i in range(jobs)]
    for worker in workers:
        worker.start()
    figures: Figures = Counter()
    wrong: list[str] = []
    done, started = 0, time.monotonic()
    while done < cases:
        try:
            count, some, broken = told.get(timeout=5)
        except Empty:
            if any(w.exitcode not in (None, 0) for w in workers):
                wrong.append(f"a process ended after {done} cases")
                break
            continue
        done += count
        figures += some
        for one in broken:
            if len(wrong) < _SHOWN:
                print("\n" + one, file=sys.stderr, flush=True)
            wrong.append(one)
        rate = done / (time.monotonic() - started)
        print(
            f"\r{done:,} of {cases:,} cases, {rate:,.0f} a second, {len(wrong)} broken",
            end="",
            file=sys.stderr,
            flush=True,
        )
    print(file=sys.stderr)
    for worker in workers:
        worker.join(timeout=10)
    return figures, wrong


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--seed", type=int, default=1, help="which (1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--only", metavar="SEED:NUMBER", help="run this case alone, and show it")
    given = parser.parse_args(arguments)
    if given.only:
        seed, _, number = given.only.partition(":")
        one = case(int(seed), int(number))
        print(one.shown())
        figures, wrong = asyncio.run(run(int(seed), [int(number)]))
        print(*wrong or [next(iter(figures))[1]], sep="\n")
        return 1 if wrong else 0
    started = time.monotonic()
    figures, wrong = _all(given.seed, given.cases, given.jobs)
    print(
        f"seed {given.seed}, {sum(figures.values()):,} cases in {time.monotonic() - started:,.0f} s, {len(wrong)} broken\n"
    )
    print(table(figures))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
