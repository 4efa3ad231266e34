"""The circuit breaker, on a clock of the test."""

from __future__ import annotations

from guardrails.breaker import Breaker


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
