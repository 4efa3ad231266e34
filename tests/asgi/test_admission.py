"""Admission: never more in work than may be, no place ever lost, and nobody starved by a noisy neighbour."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.asgi.admission import Admission, Lease, Overloaded503
from guardrails.asgi.body import read_body
from guardrails.errors import Overloaded

FOREVER = 60_000.0


class Client:
    """A request that holds its place until told to leave."""

    def __init__(self, admission: Admission, tenant: str, size: int = 0) -> None:
        self.admission = admission
        self.inside = False
        self.lease: Lease | None = None
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(self._run(tenant, size))

    async def _run(self, tenant: str, size: int) -> None:
        async with self.admission.admit(tenant, size) as self.lease:
            self.inside = True
            try:
                await self.leave.wait()
            finally:
                self.inside = False

    @property
    def refused(self) -> bool:
        return self.task.done() and isinstance(self.task.exception(), Overloaded503)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def clients(admission: Admission, *wanted: str | tuple[str, int]) -> list[Client]:
    """One client after the other, each as far as it gets by itself."""
    out = []
    for want in wanted:
        out.append(Client(admission, *((want,) if isinstance(want, str) else want)))
        await settle()
    return out


async def end(*gone: Client) -> None:
    for client in gone:
        client.leave.set()
    await settle()


def gauges(admission: Admission) -> tuple[int, int, int, int]:
    return admission.in_flight, admission.queued, admission.bytes, admission.tenants


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_admits_up_to_the_bound_then_queues_then_refuses_at_once() -> None:
    async def test() -> None:
        admission = Admission(2, 1000, queue=1, queue_ms=FOREVER)
        a, b, c, d = await clients(admission, ("t", 10), ("t", 20), ("t", 30), ("t", 40))
        assert (a.inside, b.inside, c.inside) == (True, True, False)
        assert d.refused
        assert gauges(admission) == (2, 1, 30, 1)
        await end(a)
        assert c.inside
        assert gauges(admission) == (2, 0, 50, 1)
        await end(b, c)
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


def test_the_refusal_says_when_to_come_back() -> None:
    async def test() -> None:
        for queue_ms, seconds in ((0, 1), (250, 1), (1000, 1), (1001, 2), (9500, 10)):
            admission = Admission(1, 10, queue=0, queue_ms=queue_ms)
            async with admission.admit("a", 1):
                with pytest.raises(Overloaded503) as caught:
                    await admission.admit("b", 1).__aenter__()
            assert caught.value.retry_after == seconds
            assert isinstance(caught.value, Overloaded)

    run(test)


def test_waiting_ends_after_queue_ms() -> None:
    async def test() -> None:
        admission = Admission(1, 10, queue=5, queue_ms=20)
        holder, waiter = await clients(admission, "a", "b")
        await asyncio.wait([waiter.task])
        assert waiter.refused
        assert gauges(admission) == (1, 0, 0, 1)
        await end(holder)
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


def test_requests_that_can_never_fit_are_refused_at_once() -> None:
    async def test() -> None:
        admission = Admission(2, 100, queue=5, queue_ms=FOREVER)
        (large,) = await clients(admission, ("t", 101))
        assert large.refused
        (fits,) = await clients(admission, ("t", 100))
        assert fits.inside
        await end(fits)

    run(test)


def test_bytes_are_waited_for() -> None:
    async def test() -> None:
        admission = Admission(10, 100, queue=5, queue_ms=FOREVER, reserve=0)
        a, b, c = await clients(admission, ("a", 60), ("b", 60), ("c", 40))
        assert (a.inside, b.inside, c.inside) == (True, False, True)
        await end(a)
        assert b.inside
        await end(b, c)
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


def test_resize() -> None:
    async def test() -> None:
        admission = Admission(10, 100, queue=5, queue_ms=FOREVER)
        a, b = await clients(admission, ("a", 0), ("b", 50))
        assert a.lease is not None
        admission.resize(a.lease, 50)
        assert admission.bytes == 100
        with pytest.raises(Overloaded503):
            admission.resize(a.lease, 51)
        assert (a.lease.size, admission.bytes) == (50, 100)
        (c,) = await clients(admission, ("c", 30))
        assert not c.inside
        admission.resize(a.lease, 20)
        await settle()
        assert c.inside
        assert admission.bytes == 100
        with pytest.raises(ValueError, match="0 bytes"):
            admission.resize(a.lease, -1)
        await end(a, b, c)
        assert gauges(admission) == (0, 0, 0, 0)
        with pytest.raises(ValueError, match="held"):
            admission.resize(a.lease, 1)

    run(test)


def test_growing_beyond_its_share_leaves_the_reserve() -> None:
    async def test() -> None:
        admission = Admission(10, 80, queue=5, queue_ms=FOREVER)
        a, b = await clients(admission, ("t", 30), ("t", 30))
        assert a.lease is not None
        admission.resize(a.lease, 40)
        with pytest.raises(Overloaded503):
            admission.resize(a.lease, 41)
        (quiet,) = await clients(admission, ("quiet", 10))
        assert quiet.inside
        await end(a, b, quiet)

    run(test)


def test_a_lease_is_entered_once() -> None:
    async def test() -> None:
        admission = Admission(2, 10, queue=0, queue_ms=0)
        lease = admission.admit("a", 1)
        async with lease:
            with pytest.raises(RuntimeError, match="once"):
                await lease.__aenter__()
            assert "held" in repr(lease)
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


def test_an_error_inside_gives_the_place_back() -> None:
    async def test() -> None:
        admission = Admission(1, 10, queue=0, queue_ms=0)
        for _ in range(3):
            with pytest.raises(KeyError):
                async with admission.admit("a", 1):
                    raise KeyError
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


def test_tenants_are_served_in_turn() -> None:
    async def test() -> None:
        admission = Admission(1, 1000, queue=9, queue_ms=FOREVER)
        waiting = await clients(admission, "x", "a", "a", "a", "b", "b", "c")
        order = []
        for _ in waiting:
            inside = next(c for c in waiting if c.inside)
            assert inside.lease is not None
            order.append(inside.lease.tenant)
            await end(inside)
        assert order == ["x", "a", "b", "c", "a", "b", "a"]

    run(test)


def test_in_order_until_a_tenant_has_too_much_waiting_then_newest_first() -> None:
    async def order(count: int) -> list[int]:
        admission = Admission(1, 1000, queue=8, queue_ms=FOREVER)
        (holder,) = await clients(admission, "t")
        waiting = await clients(admission, *["t"] * count)
        out = []
        await end(holder)
        for _ in waiting:
            served = next(i for i, c in enumerate(waiting) if c.inside)
            out.append(served)
            await end(waiting[served])
        return out

    assert asyncio.run(order(4)) == [0, 1, 2, 3]
    assert asyncio.run(order(7)) == [6, 5, 4, 0, 1, 2, 3]


def test_a_full_queue_makes_room_for_the_tenant_with_less_in_it() -> None:
    async def test() -> None:
        admission = Admission(1, 1000, queue=4, queue_ms=FOREVER)
        noisy = await clients(admission, *["noisy"] * 6)
        assert [c.refused for c in noisy] == [False] * 5 + [True]
        quiet = await clients(admission, "quiet", "quiet", "quiet")
        # Two of four places; then both have the same, and nobody gives way.
        assert [c.refused for c in quiet] == [False, False, True]
        assert [c.refused for c in noisy] == [False, True, True, False, False, True]
        assert admission.queued == 4
        await end(*noisy, *quiet)
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


def test_a_place_is_kept_for_those_who_come_while_others_stay() -> None:
    async def test() -> None:
        admission = Admission(16, 1000, queue=2, queue_ms=FOREVER)
        noisy = await clients(admission, *["noisy"] * 20)
        assert sum(c.inside for c in noisy) == 14
        quiet = await clients(admission, "quiet", "other")
        assert [c.inside for c in quiet] == [True, True]
        await end(*noisy, *quiet)
        alone = Admission(16, 1000, queue=2, queue_ms=FOREVER, reserve=0)
        noisy = await clients(alone, *["noisy"] * 20)
        assert sum(c.inside for c in noisy) == 16
        await end(*noisy)

    run(test)


def test_bytes_are_kept_too() -> None:
    async def test() -> None:
        admission = Admission(100, 800, queue=0, queue_ms=FOREVER)
        noisy = await clients(admission, *[("noisy", 100)] * 10)
        assert sum(c.inside for c in noisy) == 7
        (quiet,) = await clients(admission, ("quiet", 100))
        assert quiet.inside
        await end(*noisy, quiet)

    run(test)


def test_who_is_below_its_share_and_does_not_fit_is_waited_for() -> None:
    async def test() -> None:
        admission = Admission(100, 100, queue=10, queue_ms=FOREVER, reserve=0)
        noisy = await clients(admission, *[("noisy", 20)] * 5)
        quiet, *more = await clients(admission, ("quiet", 30), ("noisy", 20), ("noisy", 20))
        await end(noisy[0])
        # 20 bytes are free. The noisy tenant could use them, and would keep the quiet one out for ever.
        assert [c.inside for c in (quiet, *more)] == [False, False, False]
        await end(noisy[1])
        assert [c.inside for c in (quiet, *more)] == [True, False, False]
        await end(quiet)
        assert [c.inside for c in more] == [True, True]
        await end(*noisy, *more)
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


def test_who_waits_for_more_than_its_share_is_passed_over() -> None:
    async def test() -> None:
        admission = Admission(100, 100, queue=10, queue_ms=FOREVER, reserve=0)
        held = await clients(admission, ("noisy", 40), ("other", 40))
        greedy, modest = await clients(admission, ("noisy", 60), ("quiet", 20))
        assert not greedy.inside
        assert modest.inside
        await end(*held, greedy, modest)
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


def test_whoever_leaves_the_queue_is_no_longer_in_the_way() -> None:
    async def test() -> None:
        admission = Admission(100, 100, queue=10, queue_ms=FOREVER, reserve=0)
        held = await clients(admission, ("a", 40), ("a", 40))
        blocked, behind = await clients(admission, ("b", 50), ("a", 20))
        assert not behind.inside
        blocked.task.cancel()
        await settle()
        assert behind.inside
        await end(*held, behind)
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


@pytest.mark.parametrize("settled", [False, True])
def test_cancelled_between_being_admitted_and_running(settled: bool) -> None:
    async def test() -> None:
        admission = Admission(1, 10, queue=5, queue_ms=FOREVER)
        holder, first, second = await clients(admission, "a", "a", "a")
        holder.leave.set()
        while holder.inside:
            await asyncio.sleep(0)
        # The place is given to `first`, which has not run yet (or has).
        if settled:
            await settle()
        first.task.cancel()
        await settle()
        assert second.inside
        await end(second)
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


def test_refused_and_cancelled_at_once_warns_of_nothing() -> None:
    async def test() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        admission = Admission(1, 10, queue=2, queue_ms=FOREVER)
        holder, old, _new = await clients(admission, "noisy", "noisy", "noisy")
        quiet = Client(admission, "quiet")
        await asyncio.sleep(0)
        old.task.cancel()
        await settle()
        assert old.task.cancelled()
        holder.task.cancel()
        await settle()
        quiet.task.cancel()
        _new.task.cancel()
        await settle()
        assert gauges(admission) == (0, 0, 0, 0)
        assert complaints == []

    run(test)


steps = st.lists(
    st.tuples(st.sampled_from(["come", "come", "come", "leave", "cancel", "resize", "yield", "sleep"]), st.integers(0, 50)),
    max_size=60,
)  # fmt: skip


@given(steps, st.integers(1, 9), st.integers(1, 100), st.integers(0, 6), st.sampled_from([0, 1, FOREVER]))
@settings(max_examples=200, deadline=None)
def test_never_more_than_the_bound_and_no_place_is_lost(
    plan: list[tuple[str, int]], most: int, most_bytes: int, queue: int, queue_ms: float
) -> None:
    async def test() -> None:
        admission = Admission(most, most_bytes, queue, queue_ms)
        here: list[Client] = []
        for what, n in plan:
            if what == "come":
                here.append(Client(admission, f"tenant {n % 4}", n))
            elif what == "yield":
                await asyncio.sleep(0)
            elif what == "sleep":
                await asyncio.sleep(0.002 if queue_ms == 1 else 0)
            elif here:
                client = here[n % len(here)]
                if what == "leave":
                    client.leave.set()
                elif what == "cancel":
                    client.task.cancel()
                elif client.inside and client.lease is not None:
                    with contextlib.suppress(Overloaded503):
                        admission.resize(client.lease, n)
            inside = [c.lease for c in here if c.inside and c.lease is not None]
            assert len(inside) <= admission.in_flight <= most
            assert sum(lease.size for lease in inside) <= admission.bytes <= most_bytes
            assert admission.queued <= queue
            assert admission.tenants <= 4
        for client in here:
            client.leave.set()
        await asyncio.wait_for(asyncio.gather(*(c.task for c in here), return_exceptions=True), 10)
        assert gauges(admission) == (0, 0, 0, 0)
        # And all the room is there again.
        everyone = await clients(admission, *(f"new {i}" for i in range(most)))
        assert all(c.inside for c in everyone)
        await end(*everyone)

    run(test)


@given(steps)
@settings(max_examples=100, deadline=None)
def test_nobody_waits_while_there_is_room_for_it(plan: list[tuple[str, int]]) -> None:
    async def test() -> None:
        admission = Admission(3, 1000, queue=100, queue_ms=FOREVER)
        here: list[Client] = []
        for what, n in plan:
            if what == "come":
                here.append(Client(admission, f"tenant {n % 4}"))
            elif here and what in {"leave", "cancel"}:
                client = here[n % len(here)]
                client.leave.set()
                if what == "cancel":
                    client.task.cancel()
            await settle()
            assert admission.queued == 0 or admission.in_flight == 3
        await end(*here)
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


@pytest.mark.parametrize("reserve", [0, 0.125])
def test_a_noisy_tenant_cannot_starve_a_quiet_one(reserve: float) -> None:
    """One tenant keeps 60 requests coming; the other asks for one at a time and is always served, soon."""

    async def test() -> None:
        admission = Admission(8, 10_000, queue=32, queue_ms=FOREVER, reserve=reserve)
        chance = random.Random(7)
        served: Counter[str] = Counter()
        running = True

        async def request(tenant: str) -> None:
            async with admission.admit(tenant, 100):
                for _ in range(chance.randint(1, 10)):
                    await asyncio.sleep(0)
                served[tenant] += 1

        async def noisy() -> None:
            while running:
                try:
                    await request("noisy")
                except Overloaded503:
                    await asyncio.sleep(0)

        crowd = [asyncio.create_task(noisy()) for _ in range(60)]
        await settle()
        waits = []
        for _ in range(100):
            before = served["noisy"]
            await request("quiet")
            waits.append(served["noisy"] - before)
        running = False
        await asyncio.gather(*crowd)
        assert served["quiet"] == 100
        # While one quiet request waits and runs, about one round of the others ends: never the queue of 32.
        assert max(waits) <= 24
        assert gauges(admission) == (0, 0, 0, 0)

    run(test)


@pytest.mark.parametrize(
    "wrong",
    [(0, 1, 0, 0), (1, 0, 0, 0), (1, 1, -1, 0), (1, 1, 0, -1)],
)
def test_bounds_that_admit_nothing(wrong: tuple[int, int, int, float]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Admission(*wrong)


@pytest.mark.parametrize("reserve", [-0.1, 0.6])
def test_reserve_that_is_none(reserve: float) -> None:
    with pytest.raises(ValueError, match="reserve"):
        Admission(1, 1, 1, 1, reserve=reserve)


# -- bodies that are on their way ---------------------------------------------------------------------------------------


def test_a_body_on_its_way_holds_bytes_and_no_place() -> None:
    async def go() -> None:
        admission = Admission(1, 1_000, 0, 0, reserve=0.0)
        with admission.arriving("a") as held:
            held.grow(400)
            assert (admission.in_flight, admission.bytes) == (0, 400)
            async with admission.admit("b", 0):
                assert admission.in_flight == 1
            held.grow(-100)
            assert admission.bytes == 300
            with admission.arriving("b") as other, pytest.raises(Overloaded503):
                other.grow(701)
        assert (admission.bytes, admission.tenants) == (0, 0)

    asyncio.run(go())


def test_the_slowest_body_gives_way() -> None:
    async def never() -> Any:
        await asyncio.Event().wait()

    async def go() -> None:
        admission = Admission(4, 1_000_000, 0, 0, reserve=0.0)
        loop = asyncio.get_running_loop()
        with admission.arriving("a") as slow, admission.arriving("a") as fast, admission.arriving("b") as wanting:
            readings = [asyncio.ensure_future(read_body(never, 10_000_000, 600, one)) for one in (slow, fast)]
            await asyncio.sleep(0)
            slow.started = loop.time() - 10
            slow.grow(100_000)
            fast.grow(800_000)
            wanting.grow(150_000)
            with pytest.raises(Overloaded503):
                await readings[0]
            assert (slow.evicted, fast.evicted, admission.bytes) == (True, False, 950_000)
            with pytest.raises(Overloaded503):  # nobody else is slow
                wanting.grow(100_000)
            readings[1].cancel()
            await asyncio.wait(readings[1:])
        assert (admission.bytes, admission.tenants) == (0, 0)

    asyncio.run(go())
