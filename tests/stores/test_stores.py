"""Counters and values of processes: in memory and on a real server they say the same, and they keep their laws."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError
from guardrails.stores import (
    FallingBack,
    Memory,
    Redis,
    Refused,
    Store,
    Unreachable,
    day,
    opened,
    shared,
    use,
    window,
)
from guardrails.stores.sealing import Seal, Unreadable, key_of
from tests.stores.servers import PASSWORD, Database, Server, database, redis_server, served, store_at

NUMBERS = itertools.count()


class Clock:
    def __init__(self) -> None:
        self.now = 86_400 * 20_000 - 30.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with redis_server() as made:
        yield made


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Database]:
    with database() as made:
        yield made


@pytest.fixture(params=["memory", "server", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield Memory()
        return
    made = store_at(request.getfixturevalue(request.param).url)
    yield made
    made.close()


def fresh() -> str:
    return f"c{next(NUMBERS)}"


# -- counters --------------------------------------------------------------------------------------------------------

WAITS = st.floats(0, 20) | st.sampled_from([0.0, 0.001, 1.0, 10.0])


@settings(deadline=None)
@given(st.integers(1, 6), st.floats(0.5, 30), st.lists(WAITS, min_size=1, max_size=60))
def test_no_stretch_of_a_window_holds_more_than_its_number(most: int, seconds: float, waits: list[float]) -> None:
    clock = Clock()
    made = Memory(clock, clock)
    taken = []
    for wait in waits:
        clock.now += wait
        refused = made.take((window("w", most, seconds),))
        if refused is None:
            taken.append(clock.now)
        else:
            clock.now += refused.retry_after
            assert made.take((window("w", most, seconds),)) is None, "the promise of the wait holds"
            taken.append(clock.now)
    for start in taken:
        assert sum(start <= t < start + seconds - 1e-5 for t in taken) <= most


def test_what_one_counter_refuses_no_other_counts(store: Store) -> None:
    one, other = window(fresh(), 1, 3_600), window(fresh(), 2, 3_600)
    assert store.take((one, other)) is None
    assert [store.take((other, one)) for _ in range(3)] == [Refused(1, 3_600)] * 3
    assert store.take((other,)) is None
    assert store.take((other,)) is not None


def test_a_day_is_looked_at_and_added_to(store: Store) -> None:
    name = fresh()
    assert store.take((day(name, None, 7),)) is None
    assert store.take((day(name, 8, 0),)) is None
    refused = store.take((day(name, 7, 0),))
    assert refused is not None
    assert 1 <= refused.retry_after <= 86_400


# -- values ----------------------------------------------------------------------------------------------------------


def test_a_value_is_written_by_who_knows_its_version(store: Store) -> None:
    group, name = fresh(), fresh()
    assert store.load(group, name) is None
    assert store.keep(group, name, b"\x00one", version=0, ttl_s=60)
    assert not store.keep(group, name, b"late", version=0, ttl_s=60), "somebody was first"
    assert store.keep(group, name, b"two", version=1, ttl_s=60, append=True)
    held = store.load(group, name)
    assert held is not None
    assert (held.version, held.chunks) == (2, (b"\x00one", b"two"))
    behind = store.load(group, name, after=1)
    assert behind is not None
    assert behind.chunks == (b"two",)
    assert store.keep(group, name, b"whole", version=2, ttl_s=60)
    whole = store.load(group, name)
    assert whole is not None
    assert (whole.version, whole.chunks) == (3, (b"whole",))
    assert "whole" not in repr(whole)
    assert not store.drop(group, name, version=2)
    assert store.drop(group, name, version=3)
    assert not store.drop(group, name)
    assert store.load(group, name) is None


def test_the_oldest_go_when_there_are_too_many_and_idle_ones_are_told(store: Store) -> None:
    group = fresh()
    for n in range(5):
        assert store.keep(group, f"a{n}" if n % 2 else f"b{n}", b"x", version=0, ttl_s=60, most=3)
    assert [store.load(group, name) is None for name in ("b0", "a1", "b2", "a3", "b4")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert (store.count(group), store.count(group, "b"), store.count(group, "c")) == (3, 2, 0)
    assert sorted(store.idle(group, 0)) == ["a3", "b2", "b4"]
    assert store.idle(group, 50) == []


def test_a_value_lives_for_its_time() -> None:
    clock = Clock()
    made = Memory(clock, clock)
    assert made.keep("g", "n", b"x", version=0, ttl_s=10)
    clock.now += 9
    assert made.load("g", "n") is not None
    clock.now += 1
    assert made.load("g", "n") is None
    assert made.count("g") == 0


def test_a_value_on_a_server_lives_for_its_time(server: Server) -> None:
    import redis

    made, group, name = Redis(server.url), fresh(), fresh()
    assert made.keep(group, name, b"x", version=0, ttl_s=1_000)
    for key in redis.Redis.from_url(server.url).keys("guardrails:*"):
        assert redis.Redis.from_url(server.url).pttl(key) != -1, f"{key!r} would stay for ever"
    made.close()


# -- a server in trouble ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["redis", "valkey", "postgresql"])
def test_a_server_that_is_gone_fails_closed_or_is_done_without_and_begins_anew(kind: str) -> None:
    with served(kind) as own:
        strict, lenient = opened(own.url), opened(own.url, "local")
        ask = window("w", 2, 3_600)
        assert [s.take((ask,)) for s in (strict, lenient)] == [None, None]
        assert strict.take((ask,)) is not None, "they count together"
        own.kill()
        for _ in range(8):  # the breaker opens meanwhile
            with pytest.raises(Unreachable):
                strict.take((ask,))
        assert [lenient.take((ask,)) is None for _ in range(3)] == [True, True, False], "alone, from nothing"
        for call in (lambda: lenient.load("g", "n"), lambda: strict.keep("g", "n", b"", version=0, ttl_s=1)):
            with pytest.raises(Unreachable):
                call()
        own.start()
        again = opened(own.url)
        assert [again.take((ask,)) is None for _ in range(3)] == [True, True, False], "a server that crashed forgets"


@pytest.mark.parametrize("kind", ["redis", "valkey", "postgresql"])
def test_a_server_that_hangs_costs_half_a_second_and_then_nothing(kind: str) -> None:
    with served(kind) as own:
        patient, made = store_at(own.url), store_at(own.url, timeout_s=0.05)
        assert patient.take((window("w", 9, 60),)) is None
        own.hold()
        try:
            for _ in range(5):
                with pytest.raises(Unreachable, match="TimeoutError"):
                    made.take((window("w", 9, 60),))
            with pytest.raises(Unreachable, match="asked again later"):
                made.take((window("w", 9, 60),))
        finally:
            own.go_on()
        assert patient.take((window("w", 9, 60),)) is None
        for store in (patient, made):
            store.close()


def test_who_is_not_let_in_is_told_at_the_start_and_no_message_holds_the_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis_server(password=True) as own, caplog.at_level(logging.DEBUG):
        with pytest.raises(GuardrailsError, match="refuses") as caught:
            opened(f"unix://:wrong-password@{own.socket}", "local")
        made = opened(f"unix://:{PASSWORD}@{own.socket}", "local")
        told = repr(made) + str(caught.value) + caplog.text
        assert made.take((window("w", 9, 60),)) is None
        assert PASSWORD not in told
        assert "wrong-password" not in told


def test_nobody_there_stops_the_start_unless_each_may_count_alone(tmp_path: object) -> None:
    pytest.importorskip("redis", reason="the client redis is not installed (extra `redis`)")
    nowhere = f"unix://:{PASSWORD}@{tmp_path}/none.sock"
    with pytest.raises(Unreachable, match=r"none\.sock") as caught:
        opened(nowhere)
    assert PASSWORD not in str(caught.value)
    assert opened(nowhere, "local").take((window("w", 1, 60),)) is None


@pytest.mark.parametrize("url", ["", "http://state", "redis://", "redis://host:port", "memory"])
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(GuardrailsError, match="shared state"):
        opened(url)
    with pytest.raises(GuardrailsError, match="block, local"):
        opened("redis://127.0.0.1", "allow")


def test_a_store_is_that_of_the_process_until_it_is_taken_back() -> None:
    made = FallingBack(Memory())
    use(made)
    try:
        assert shared() is made
    finally:
        use(None)
    assert shared() is None


# -- at rest ---------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=40), st.binary(max_size=40))
def test_what_is_sealed_opens_where_it_lies_and_nowhere_else(data: bytes, here: bytes, there: bytes) -> None:
    seal = Seal(bytes(32))
    blob = seal.seal(here, data)
    assert seal.open(here, blob) == data
    if here != there:
        with pytest.raises(Unreadable):
            seal.open(there, blob)
    with pytest.raises(Unreadable):
        Seal(b"x" * 32).open(here, blob)


def test_a_key_is_64_hexadecimal_digits_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_of("GUARDRAILS_NO_SUCH_KEY") is None
    monkeypatch.setenv("GUARDRAILS_A_KEY", "ab" * 32)
    assert key_of("GUARDRAILS_A_KEY") == b"\xab" * 32
    for bad in ("ab" * 31, "zz" * 32, "ab" * 33):
        monkeypatch.setenv("GUARDRAILS_A_KEY", bad)
        with pytest.raises(GuardrailsError, match="GUARDRAILS_A_KEY") as caught:
            key_of("GUARDRAILS_A_KEY")
        assert bad not in str(caught.value)
