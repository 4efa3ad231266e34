"""Cases one after the other, in this process or in another: how they ended, and what did not hold."""

from __future__ import annotations

import asyncio
import faulthandler
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from tests.fuzz.cases import KINDS, case
from tests.fuzz.driver import OUTCOMES, Driver

__all__ = ["Batch", "Figures", "batches", "run", "table", "work"]

Figures = Counter[tuple[str, str]]
# The first of a process's cases, the first that it has not run yet, how its cases ended, and what did not hold.
Batch = tuple[int, int, Figures, list[str]]
# Cases between two words of progress.
_STEP = 100


async def run(seed: int, numbers: Iterable[int], driver: Driver | None = None) -> tuple[Figures, list[str]]:
    """Run these cases. Returns how often each kind had each outcome, and what did not hold."""
    driver = driver or Driver()
    figures: Figures = Counter()
    wrong: list[str] = []
    for number in numbers:
        one = case(seed, number)
        try:
            figures[one.kind, (await driver.check(one)).outcome()] += 1
        except Exception as error:
            figures[one.kind, "broken"] += 1
            wrong.append(f"{seed}:{number} ({one.kind}, {one.format}): {_told(error)}")
    return figures, wrong


def _told(error: Exception) -> str:
    cause = error.__cause__ or (error if not isinstance(error, AssertionError) else None)
    frames = traceback.extract_tb(cause.__traceback__)[-3:] if cause is not None else []
    places = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))
    return f"{error}"[:600] + (f" [{type(cause).__name__} at {places}]" if places else "")


def batches(seed: int, first: int, last: int, step: int) -> Iterator[Batch]:
    """The cases from ``first`` to ``last`` in strides of ``step``, some hundred at a time."""
    driver = Driver()
    with asyncio.Runner() as runner:
        for start in range(first, last, step * _STEP):
            end = min(start + step * _STEP, last)
            yield (first, end, *runner.run(run(seed, range(start, end, step), driver)))


def work(seed: int, first: int, last: int, step: int, told: Any) -> None:
    """The same, from another process."""
    faulthandler.enable()
    for batch in batches(seed, first, last, step):
        told.put(batch)


def table(figures: Figures) -> str:
    """The figures, a kind a line."""
    lines = [f"| kind | cases | {' | '.join(OUTCOMES)} |", "|---|" + "---:|" * (len(OUTCOMES) + 1)]
    for kind in (*KINDS, "all"):
        row = [
            sum(n for (k, o), n in figures.items() if k in (kind, kind if kind != "all" else k) and o == outcome)
            for outcome in OUTCOMES
        ]
        lines.append(f"| {kind} | {sum(row):,} | {' | '.join(f'{n:,}' for n in row)} |")
    return "\n".join(lines)
