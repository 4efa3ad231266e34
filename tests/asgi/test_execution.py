"""Pools: work on threads, the estimate of waiting, and what a cancelled task leaves behind."""

from __future__ import annotations

import asyncio
import threading

import pytest

from guardrails.asgi.admission import Overloaded503
from guardrails.asgi.execution import Execution, Pool
from tests.core.policies import guard, words_rule


def test_light_work_stays_on_the_thread_that_asks() -> None:
    pool = Pool(1, "test", 1.0)

    async def threads() -> tuple[int, int]:
        return await pool.run(threading.get_ident, light=True), await pool.run(threading.get_ident)

    here, there = asyncio.run(threads())
    assert here == threading.get_ident() != there


def test_an_idle_pool_refuses_nobody() -> None:
    Pool(1, "test", 0.0).check_wait()


def test_a_full_pool_refuses_and_the_other_knows_nothing_of_it() -> None:
    execution = Execution(0.0)
    gate = threading.Event()

    async def crowded() -> None:
        job = asyncio.ensure_future(execution.models.run(gate.wait))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded503):
            execution.models.check_wait()
        execution.computing.check_wait()
        gate.set()
        await job
        execution.models.check_wait()

    asyncio.run(crowded())


def test_a_cancelled_task_tells_its_work_and_waits_for_it() -> None:
    pool = Pool(1, "test", 1.0)
    begun, told, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        told.wait()
        ended.set()

    async def left() -> None:
        task = asyncio.ensure_future(pool.run(work, on_cancel=told.set))
        while not begun.is_set():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(left())
    assert ended.is_set()


def test_string_rules_compute_and_a_short_body_under_them_is_checked_at_once() -> None:
    execution = Execution(1.0)
    strings = guard(words_rule("secret", "kingfisher"))
    assert execution.pool(strings) is execution.computing
    assert execution.is_light(strings, 4_096)
    assert not execution.is_light(strings, 4_097)
