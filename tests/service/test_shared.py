"""Two replicas of the service and what they share: limits, streams by call id, rates of tools; and a server of it that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails import Guard, stores
from guardrails.evidence import EvidenceLog
from guardrails.evidence.reader import Reader
from guardrails.policy import loads
from guardrails.service import ServiceApp, service_app
from guardrails.service.limits import Limits
from guardrails.service.shared_streams import SharedStreams
from guardrails.service.streams import Streams
from guardrails.stores import Memory, Store
from tests.service.servers import folder
from tests.stores.servers import served, store_at

KEY = bytes(range(32))
TEXT = "Write to bob@example.com now. ACC-12345678 is yours. Then nothing at all happens for a while, and that is all."


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """A service makes its store that of the process; the next test has none."""
    yield
    stores.use(None)


def replica(root: Path, store: Store, streams: Streams | None = None, **more: Any) -> ServiceApp:
    return service_app(folder(root), shared=store, streams=streams or SharedStreams(store, KEY), **more)


async def post(app: ServiceApp, path: str, body: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client:
        return await client.post(path, json=body)


async def piece(app: ServiceApp, call: str, number: int, text: str = "", **more: Any) -> httpx.Response:
    return await post(
        app, "/v1/check/stream", {"guardrail": "small", "call": call, "piece": number, "text": text, **more}
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[ServiceApp]:
    root, store = tmp_path_factory.mktemp("two"), Memory()
    return [replica(root, store) for _ in range(2)]


NUMBERS = iter(range(1_000_000))
TAKEN = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1), st.booleans()), max_size=14)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TAKEN, st.booleans())
def test_a_stream_says_the_same_whichever_replica_takes_a_piece(
    two: list[ServiceApp], cuts: list[tuple[int, int, bool]], bird: bool
) -> None:
    """Pieces at random places, to random replicas, some sent twice: as one replica alone would say."""
    text = TEXT + (" risk-free profit" if bird else "")
    parts, at = [], 0
    for length, *_ in cuts:
        parts.append(text[at : at + length])
        at += length
    parts.append(text[at:])
    where = [*((w, t) for _, w, t in cuts), (0, True)]

    async def run(apps: list[ServiceApp]) -> list[Any]:
        call, said = f"c{next(NUMBERS)}", []
        for number, (part, (which, twice)) in enumerate(zip(parts, where, strict=True)):
            for app in (apps[which], apps[1 - which]) if twice else (apps[which],):
                answer = await piece(app, call, number, part, final=number == len(parts) - 1)
                told = {k: v for k, v in answer.json().items() if k not in ("call", "report")}
                report = answer.json().get("report", {})
                said.append((answer.status_code, told, report.get("action"), report.get("id") is None))
        return said

    shared = asyncio.run(run(two))
    assert shared == asyncio.run(run([two[0], two[0]]))
    assert {status for status, *_ in shared} <= {200, 409}


def test_of_two_replicas_with_one_piece_one_takes_it(tmp_path: Path) -> None:
    store = Memory()
    apps = [replica(tmp_path, store) for _ in range(2)]

    async def run() -> list[httpx.Response]:
        await piece(apps[0], "x", 0, "Good ")
        await piece(apps[1], "x", 1, "day ")  # the first replica has not seen this one
        return list(
            await asyncio.gather(
                *(piece(app, "x", 2, text) for app, text in zip(apps, ("to you", "to all"), strict=True))
            )
        )

    answers = asyncio.run(run())
    assert sorted(a.status_code for a in answers) == [200, 409]
    assert all("to you" not in a.text and "to all" not in a.text for a in answers if a.status_code == 409)


def test_an_end_is_recorded_once_and_an_idle_stream_by_whoever_looks(tmp_path: Path) -> None:
    clock = Clock()
    store = Memory(clock, clock)
    log = EvidenceLog.open(tmp_path / "log")
    apps = [
        service_app(folder(tmp_path), shared=store, streams=SharedStreams(store, KEY, 10, clock), evidence=log)
        for _ in range(2)
    ]

    async def run() -> None:
        await piece(apps[0], "ended", 0, "to bob@example.com")
        for app in (apps[1], apps[0]):
            assert (await piece(app, "ended", 1, ".", final=True)).json()["report"]["action"] == "MASKED"
        await piece(apps[0], "left", 0, "Hello eve@example.com")
        clock.now += 60
        for app in apps[::-1]:
            assert (await piece(app, "left", 1, "and more")).status_code == 404

    asyncio.run(run())
    log.close()
    found = [r for _, r in Reader(tmp_path / "log").records() if b'"decision_id"' in r]
    assert len(found) == 2
    assert not any(b"example.com" in r for r in found)


def test_a_policy_that_changed_ends_a_stream_elsewhere(tmp_path: Path) -> None:
    store = Memory()
    first = replica(tmp_path, store)
    assert asyncio.run(piece(first, "x", 0, "Good ")).status_code == 200
    policy = tmp_path / "policies" / "small.yaml"
    changed = policy.read_text().replace("project kingfisher", "project heron")
    (tmp_path / "other").mkdir()
    other = folder(tmp_path / "other", small=changed)
    app = service_app(other, shared=store, streams=SharedStreams(store, KEY))
    assert asyncio.run(piece(app, "x", 1, "day")).status_code == 409
    assert asyncio.run(piece(first, "x", 1, "day")).status_code == 200


def test_another_key_reads_nothing_and_names_are_its_own(tmp_path: Path) -> None:
    store = Memory()
    first, other = replica(tmp_path, store), replica(tmp_path, store, SharedStreams(store, KEY[::-1]))
    assert asyncio.run(piece(first, "x", 0, "Good ")).status_code == 200
    assert asyncio.run(piece(other, "x", 1, "day")).status_code == 404


# -- over a real server ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["redis", "valkey", "postgresql"])
def test_replicas_over_a_server_that_is_killed_and_comes_back(tmp_path: Path, kind: str) -> None:
    with served(kind) as server:
        limits = Limits(requests_per_day=4)
        over = [store_at(server.url) for _ in range(2)]
        apps = [replica(tmp_path, store, limits=limits) for store in over]
        check = {"guardrail": "small", "text": "bob@example.com", "source": "INPUT"}

        async def run(ask: Callable[[int], Awaitable[httpx.Response]], times: int) -> list[int]:
            return [(await ask(n)).status_code for n in range(times)]

        async def parts(n: int) -> httpx.Response:
            return await piece(apps[n % 2], "x", n, ("Write to bob@exa", "mple.com", " now. ")[n])

        async def checks(n: int) -> httpx.Response:
            return await post(apps[n % 2], "/v1/check", check)

        assert asyncio.run(run(parts, 3)) == [200] * 3
        kept = server.everything()
        assert b"streams" in kept
        for plain in (b"bob", b"example", b"Write", b"small", b"EMAIL"):
            assert plain not in kept, "what texts and policies say is sealed"
        assert asyncio.run(run(checks, 3)) == [200, 429, 429], "four of a day, whichever replica was asked"

        server.kill()
        refused = asyncio.run(checks(0))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert refused.json()["error"]["code"] == "overloaded"
        server.start()
        assert asyncio.run(run(checks, 2)) == [200, 200], "what it counted is gone with it"
        there = 200 if kind == "postgresql" else 404
        assert asyncio.run(piece(apps[0], "x", 3, "?")).status_code == there, (
            "and so are its streams, unless it has a disk"
        )
        for store in over:
            store.close()


TOOLS = "version: 1\nname: agent\ntools: {calls: [{name: t, rate: 2%s}]}\n"


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
@pytest.mark.parametrize("on_failure", ["block", "local"])
def test_rates_of_tools_are_counted_together_and_fail_as_the_policy_says(on_failure: str, kind: str) -> None:
    with served(kind) as server:
        verdicts = []
        for _ in range(2):
            stores.use(stores.opened(server.url, on_failure))
            guard = Guard(loads(TOOLS % ""))
            verdicts += [guard.check_call("t").allowed, guard.check_call("t").allowed]
        assert verdicts == [True, True, False, False]
        server.kill()
        assert [guard.check_call("t").allowed for _ in range(3)] == (
            [False] * 3 if on_failure == "block" else [True, True, False]
        )
        assert guard.check_call("u").allowed, "a tool without a rate asks nobody"
        passing = Guard(loads(TOOLS % "" + "on_failure: allow\n"))
        if on_failure == "block":
            assert passing.check_call("t").allowed


def test_the_calls_of_a_model_are_counted_together() -> None:
    from guardrails.errors import Overloaded, RemoteFailed
    from guardrails.inference.remote.calling import Caller
    from guardrails.inference.remote.endpoint import Endpoint

    endpoint = Endpoint("vllm", "http://127.0.0.1:9", "m", calls_per_minute=3)
    stores.use(Memory())
    callers = [Caller(endpoint) for _ in range(2)]
    told = []
    for n in range(5):
        with pytest.raises((Overloaded, RemoteFailed)) as caught:
            callers[n % 2].ask("POST", "/x", {}, 1.0, lambda body: body)
        told.append(isinstance(caught.value, Overloaded))
    assert told == [False, False, False, True, True]
