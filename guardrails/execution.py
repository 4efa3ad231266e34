"""Running detectors: on the caller's thread, or each on one of its own where it may wait; what breaks is a failure of its rules."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.errors import DeadlineExceeded, Overloaded, RemoteFailed, WeightsMissing
from guardrails.types import Failure, FailureKind, Found
from guardrails.workers import Shared, Task, Workers, workers

__all__ = ["Compiled", "failures_of", "run"]

_log = logging.getLogger("guardrails")

# A detector by its name, with the ids of its rules.
Compiled = tuple[str, tuple[str, ...], Detector]
# What each detector found, and in how many milliseconds.
Results = dict[str, tuple[Found, float]]

# Characters that string detectors read on the caller's thread: a hop costs 50 µs, as much as reading a thousand. Unfolding
# a million takes a second in which nothing looks at the clock.
_AT_ONCE = 16_384


def run(chosen: Sequence[Compiled], waiting: Collection[str], content: Content, deadline: Deadline) -> Results:
    """What each of these detectors finds, by its name. Nobody is waited for beyond the deadline.

    ``waiting``: the names of all detectors of the direction that may wait for something. Each of them gets a thread of its own; the
    others run here meanwhile, or one after the other on one thread when the text is long.
    """
    results: Results = {}
    long = sum(len(p.text) for p in content.pieces) > _AT_ONCE
    if not waiting and not long:
        _look(chosen, content, deadline, results)
        return results
    started = time.perf_counter()
    shared = Shared(content, deadline)
    groups: list[Sequence[Compiled]] = [[d] for d in chosen if d[0] in waiting]
    here = [d for d in chosen if d[0] not in waiting]
    if here and long:
        groups, here = [*groups, here], []
    told: Results = {}  # written by the threads; one that is late writes into it when nobody reads it any more
    tasks: list[tuple[Sequence[Compiled], Workers, Task | None]] = []
    for group in groups:
        pool = workers(group[0][0] if group[0][0] in waiting else "strings")
        tasks.append((group, pool, pool.submit(partial(_look, group, shared, deadline, told))))
    _look(here, shared, deadline, results)
    for group, pool, task in tasks:
        error: Exception | None = Overloaded() if task is None else pool.outcome(task, deadline)
        for name, ids, _ in group:
            found = told.get(name)
            if found is None:
                late = failures_of(name, ids, error or RuntimeError())
                found = Found(failures=late), (time.perf_counter() - started) * 1000
            results[name] = found
    return results


def _look(chosen: Sequence[Compiled], content: Content, deadline: Deadline, results: Results) -> None:
    """One detector after the other; what each found stands in ``results`` as soon as it is done."""
    for name, ids, detector in chosen:
        started = time.perf_counter()
        try:
            deadline.check()
            found = detector.find(content, deadline)
        except Exception as error:  # whatever a detector raises is a failure of its rules
            found = Found(failures=failures_of(name, ids, error))
        results[name] = found, (time.perf_counter() - started) * 1000


def failures_of(name: str, rules: Sequence[str], error: Exception) -> list[Failure]:
    """A failure per rule. Exception messages may quote the text, so only the type and the place are kept."""
    kinds = {
        DeadlineExceeded: FailureKind.TIMEOUT,
        Overloaded: FailureKind.OVERLOAD,
        WeightsMissing: FailureKind.MODEL_UNAVAILABLE,
        RemoteFailed: FailureKind.MODEL_UNAVAILABLE,
        TimeoutError: FailureKind.TIMEOUT,
        MemoryError: FailureKind.OUT_OF_MEMORY,
    }
    kind = next((k for t, k in kinds.items() if isinstance(error, t)), FailureKind.INTERNAL)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    detail = type(error).__name__
    if frame is not None:
        detail += f" at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}"
    # Too little time is what load and clients that leave bring; anything else is somebody's mistake.
    expected = kind in (FailureKind.TIMEOUT, FailureKind.OVERLOAD)
    _log.log(logging.WARNING if expected else logging.ERROR, "detector %s failed: %s", name, detail)
    return [Failure(rule, kind, None, detail) for rule in rules]
