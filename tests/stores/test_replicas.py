"""Two replicas against one model of the state: whichever of them is asked, they say together what one process says alone."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.service.processes.handed import HandedStore, answered
from guardrails.stores import Ask, Memory, Store, bucket, day, window
from tests.stores.servers import Database, Server, served, store_at

NUMBERS = itertools.count()
SERVERS = ("redis", "valkey", "postgresql")


class Clock:
    def __init__(self) -> None:
        self.now = 86_400 * 20_000 - 30.0

    def __call__(self) -> float:
        return self.now


class Beside:
    """What a worker of a machine has in place of a link: the store of another process, over which questions go as JSON."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ask(self, question: dict[str, Any]) -> Future[Any]:
        told: Future[Any] = Future()
        told.set_result(orjson.loads(orjson.dumps(answered(self._store, orjson.loads(orjson.dumps(question))))))
        return told


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server | Database]:
    with served(request.param) as made:
        yield made


@pytest.fixture(scope="module", params=["memory", *SERVERS])
def url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "memory":
        yield None
        return
    with served(request.param) as made:
        yield made.url


def replicas(url: str | None, clock: Clock) -> list[Any]:
    """Two replicas over one state; its server is told the time. None: two workers of one machine."""
    if url is None:
        memory = Memory(clock, clock)
        return [HandedStore(cast(Any, Beside(memory))) for _ in range(2)]
    return [store_at(url, clock=clock) for _ in range(2)]


def steps(number: int) -> st.SearchStrategy[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """One call of a store, over names of its own."""

    def named(name: str) -> str:
        return f"{number}{name}"

    asks: list[tuple[Ask, ...]] = [
        (bucket(named("b"), 0.5, 3),), (bucket(named("b"), 0.5, 3), window(named("w"), 2, 10)), (window(named("w"), 2, 10),),
        (day(named("d"), 4),), (day(named("d"), 4, 0), bucket(named("c"), 7.25, 1)), (day(named("d"), None, 3),),
        (window(named("v"), 3, 0.5), day(named("e"), 9, 2)), (bucket(named("slow"), 1e-7, 2), bucket(named("much"), 1e5, 10**6)),
    ]  # fmt: skip
    group, name = st.just(f"group{number}"), st.sampled_from(["a1", "a2", "b1", "b%", "a_"])
    writes = st.fixed_dictionaries({
        "version": st.integers(0, 3), "append": st.booleans(), "most": st.sampled_from([0, 0, 2]), "ttl_s": st.just(10.0),
    })  # fmt: skip
    nothing: st.SearchStrategy[dict[str, Any]] = st.just({})
    return st.one_of(
        st.tuples(st.just("take"), st.tuples(st.sampled_from(asks)), nothing),
        st.tuples(st.just("keep"), st.tuples(group, name, st.binary(max_size=8)), writes),
        st.tuples(st.just("load"), st.tuples(group, name, st.integers(0, 2)), nothing),
        st.tuples(st.just("drop"), st.tuples(group, name, st.none() | st.integers(1, 3)), nothing),
        st.tuples(st.just("count"), st.tuples(group, st.sampled_from(["", "a", "b%", "c"])), nothing),
        st.tuples(st.just("idle"), st.tuples(group, st.just(0.0)), nothing),
    )


WAITS = st.floats(0.001, 20) | st.sampled_from([0.001, 1.0, 9.999, 10.0])


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_replicas_say_what_one_process_says(url: str | None, data: st.DataObject) -> None:
    clock = Clock()
    model, both, number = Memory(clock, clock), replicas(url, clock), next(NUMBERS)
    # What a value lives for a Redis server measures itself.
    ages = url is None or url.startswith("postgresql:")
    for wait, which, (what, given_, more) in data.draw(
        st.lists(st.tuples(WAITS, st.integers(0, 1), steps(number)), max_size=25)
    ):
        clock.now = round(clock.now + wait, 6)
        if not ages and "ttl_s" in more:
            more |= {"ttl_s": 1e6}
        said, meant = (getattr(one, what)(*given_, **more) for one in (both[which], model))
        assert (sorted(said), sorted(meant)) == (sorted(meant),) * 2 if what == "idle" else said == meant
    for replica in both:
        getattr(replica, "close", int)()


TAKER = """
import sys
from guardrails.stores import bucket, window
from tests.stores.servers import store_at
store, name = store_at(sys.argv[1]), sys.argv[2]
print(*(sum(store.take((ask,)) is None for _ in range(400)) for ask in (window(name, 250, 3600), bucket(name, 0.0001, 150))))
"""


def test_two_processes_share_a_limit_exactly(server: Server | Database) -> None:
    name = f"p{next(NUMBERS)}"
    both = [
        subprocess.Popen([sys.executable, "-c", TAKER, server.url, name], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    counts = [[int(n) for n in one.communicate()[0].split()] for one in both]
    assert [sum(n) for n in zip(*counts, strict=True)] == [250, 150]


def test_those_who_ask_for_the_same_in_another_order_do_not_wait_for_each_other(server: Server | Database) -> None:
    one, other = window(f"p{next(NUMBERS)}", 60, 3_600), day(f"p{next(NUMBERS)}", 1_000)
    stores = [store_at(server.url) for _ in range(2)]

    def taken(n: int) -> int:
        return sum(stores[n % 2].take((one, other) if n % 3 else (other, one)) is None for _ in range(25))

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(taken, range(6))) == 60
    for store in stores:
        store.close()


def test_of_many_that_write_one_version_one_does(server: Server | Database) -> None:
    stores, group = [store_at(server.url) for _ in range(2)], f"p{next(NUMBERS)}"
    together = threading.Barrier(6)

    def wrote(n: int) -> list[bool]:
        told = []
        for version in range(5):
            together.wait(60)
            told.append(stores[n % 2].keep(group, "x", bytes((n,)), version=version, ttl_s=60, append=True, most=2))
            together.wait(60)
        return told

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(wrote, range(6)))
    assert [sum(version) for version in zip(*found, strict=True)] == [1] * 5
    held = stores[0].load(group, "x")
    assert held is not None
    assert list(held.chunks) == [bytes((row.index(True),)) for row in zip(*found, strict=True)]
    for store in stores:
        store.close()
