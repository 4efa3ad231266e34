"""``python -m tests.fuzz --cases 1000000 --seed 1 --jobs 2``: cases through the middleware, and the figures of the run.

Ends with 0 when every property held, else with 1 and the cases that broke one: ``--only SEED:NUMBER`` runs one of them again.
A line a minute on the standard output says how far it is, and with which ``--from`` an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from queue import Empty

from tests.fuzz.batches import Batch, Figures, batches, run, table, work
from tests.fuzz.cases import case

__all__ = ["main"]

# Broken cases that are shown while a run goes on.
_SHOWN = 40
# Seconds between two lines of progress that stay, for a run whose output goes to a file.
_MINUTE = 60.0
# A signal that ends the run: the figures so far are told all the same.
_stopped: list[int] = []


def _elsewhere(seed: int, first: int, cases: int, jobs: int) -> Iterator[Batch]:
    """The batches of several processes, as they come."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    workers = [
        context.Process(target=work, args=(seed, first + i, first + cases, jobs, told), daemon=True)
        for i in range(jobs)
    ]
    for worker in workers:
        worker.start()
    done = 0
    try:
        while done < cases and not _stopped:
            try:
                batch: Batch = told.get(timeout=5)
            except Empty:
                if any(w.exitcode not in (None, 0) for w in workers):
                    print(f"\na process ended: exit codes {[w.exitcode for w in workers]}", file=sys.stderr)
                    _stopped.append(0)
                continue
            done += sum(batch[2].values())
            yield batch
    finally:
        for worker in workers:
            if _stopped:
                worker.terminate()
            worker.join(timeout=10)


def _all(seed: int, first: int, cases: int, jobs: int) -> tuple[Figures, list[str], int]:
    """The figures, what did not hold, and the number from which to go on: every case before it was run."""
    figures: Figures = Counter()
    wrong: list[str] = []
    started = told = time.monotonic()
    # The first case that each process has not run yet.
    ahead = {first + i: first + i for i in range(jobs)}
    come = batches(seed, first, first + cases, 1) if jobs == 1 else _elsewhere(seed, first, cases, jobs)
    for worker, following, some, broken in come:
        ahead[worker] = following
        figures += some
        for one in broken:
            if len(wrong) < _SHOWN:
                print("\n" + one, file=sys.stderr, flush=True)
            wrong.append(one)
        done, now = sum(figures.values()), time.monotonic()
        progress = f"{done:,} of {cases:,} cases, {done / (now - started):,.1f} a second, {len(wrong)} broken"
        print("\r" + progress, end="", file=sys.stderr, flush=True)
        if now - told >= _MINUTE:
            told = now
            print(f"{progress}; --from {min(ahead.values())} goes on from here", flush=True)
        if _stopped:
            break
    print(file=sys.stderr)
    return figures, wrong, min(ahead.values())


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--from", "--first", dest="first", type=int, default=0, metavar="N",
                        help="the number of the first: goes on with a run that was interrupted; --cases then counts from there (0)")  # fmt: skip
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
    _stopped.clear()
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda received, _: _stopped.append(received)) for number in signals]
    started = time.monotonic()
    try:
        figures, wrong, following = _all(given.seed, given.first, given.cases, given.jobs)
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
    print(
        f"seed {given.seed}, {sum(figures.values()):,} cases in {time.monotonic() - started:,.0f} s, {len(wrong)} broken\n"
    )
    print(table(figures))
    if _stopped:
        left = given.first + given.cases - following
        print(f"\nstopped by signal {_stopped[0]}; go on with --from {following} --cases {left}")
    return 1 if wrong or _stopped else 0


if __name__ == "__main__":
    sys.exit(main())
