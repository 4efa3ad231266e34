"""The circuit breaker and the budget of calls, on a clock of the test."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.inference.remote.breaking import Breaker, Budget


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_five_failures_in_a_row_open_it_and_one_trial_closes_it() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(4):
        breaker.failed()
    breaker.succeeded()
    for _ in range(5):
        assert breaker.admits()
        breaker.failed()
    assert not breaker.admits()
    clock.now += 1
    assert breaker.admits()
    assert not breaker.admits()  # one trial only
    breaker.succeeded()
    assert breaker.admits()
    assert breaker.admits()


def test_each_failed_trial_doubles_the_pause_up_to_a_minute() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed()
    for pause in (1, 2, 4, 8, 16, 32, 60, 60):
        clock.now += pause - 0.1
        assert not breaker.admits()
        clock.now += 0.1
        assert breaker.admits()
        breaker.failed()


def test_a_trial_that_never_comes_back_is_not_the_last() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed()
    clock.now += 1
    assert breaker.admits()
    clock.now += 1
    assert breaker.admits()


@settings(deadline=None)
@given(st.integers(1, 30), st.lists(st.floats(0, 20), max_size=200))
def test_no_minute_takes_more_than_twice_the_budget(calls: int, pauses: list[float]) -> None:
    """A full bucket and what flows in meanwhile."""
    clock = Clock()
    budget = Budget(calls, clock)
    taken = []
    for pause in pauses:
        clock.now += pause
        if budget.takes():
            taken.append(clock.now)
    for start in taken:
        assert sum(start <= t < start + 60 for t in taken) <= 2 * calls + 1


def test_without_a_number_there_is_no_limit() -> None:
    budget = Budget(0)
    assert all(budget.takes() for _ in range(1_000))
