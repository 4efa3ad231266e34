"""A server of shared state in trouble: each kind of trouble on each kind of server is told, counted, and over when the server is well."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from guardrails import stores
from guardrails.proxy import proxy_app
from guardrails.service import service_app
from guardrails.stores import FallingBack, PostgreSQL, Redis, Unreachable, bucket
from guardrails.stores.calls import FAILURES
from tests.proxy import policy
from tests.service.servers import folder
from tests.stores.servers import Database, Server, served, store_at

ASK = bucket("trouble", 0.0001, 2)
# What PostgreSQL says of a full disk; a whole disk is not the tests' to fill.
FULL = """
create function full_disk() returns trigger language plpgsql as $$ begin raise exception using errcode = 'disk_full'; end $$;
create trigger full_disk before insert or update on guardrails_counters for each statement execute function full_disk();
create trigger full_disk before insert or update on guardrails_values for each statement execute function full_disk();
"""


@contextmanager
def listening(*answers: bytes) -> Iterator[int]:
    """A server on a port that says these, one to each thing that it reads, and then no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    made, _ = listener.accept()
                except OSError:
                    return
                with made:
                    for answer in answers:
                        made.recv(65_536)
                        made.sendall(answer)
                    made.shutdown(socket.SHUT_WR)
                    while made.recv(65_536):
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


LET_IN = message(b"R", struct.pack("!i", 0)) + message(b"Z", b"I")
BAD = b"\xff\x00garbage" * 40
# What is no answer, whole or cut off, at first and later, and how it is counted.
GARBAGE = [
    ("redis", [BAD], "broken"), ("redis", [b"<html>no\r\n\r\n"], "broken"), ("redis", [b""], "broken"), ("redis", [b"$100\r\nshort"], "broken"),
    ("postgresql", [BAD], "refused"), ("postgresql", [b""], "refused"), ("postgresql", [LET_IN + BAD], "refused"),
    ("postgresql", [LET_IN], "broken"), ("postgresql", [LET_IN, BAD], "broken"), ("postgresql", [LET_IN, b"D\xff\xff\xff\xff"], "broken"),
    ("postgresql", [LET_IN, message(b"T", b"\0\1")[:6]], "broken"), ("postgresql", [LET_IN, message(b"Z", b"I")], "broken"),
]  # fmt: skip


def at(kind: str, port: int, timeout_s: float) -> Redis | PostgreSQL:
    if kind == "redis":
        return Redis(f"redis://127.0.0.1:{port}/0", timeout_s=timeout_s)
    return PostgreSQL(f"postgresql://u@127.0.0.1:{port}/x?sslmode=disable", timeout_s=timeout_s)


def fails(store: Redis | PostgreSQL, *kinds: str) -> None:
    """Whoever shares is refused, whoever need not counts alone, values are nobody's; and the failure is counted as what it is."""
    with pytest.raises(Unreachable) as caught:
        store.take((ASK,))
    assert "trouble" not in str(caught.value)
    alone = FallingBack(store)
    assert [alone.take((ASK,)) is None for _ in range(2)] == [True, True]
    with pytest.raises(Unreachable):
        alone.keep("g", "n", b"secret", version=0, ttl_s=60, append=True)
    made, seconds, failed = store.calls.figures()
    assert {kind for _, kind in failed} <= {*kinds} <= {*FAILURES}
    assert failed["keep", kinds[0]] == 1
    assert made["take"] >= 3
    assert seconds["take"] > 0
    assert store.calls.down


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_nobody_is_there(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    store = at(kind, port, 60)
    fails(store, "refused")
    store.close()


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_somebody_is_there_and_says_nothing(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = at(kind, silent.getsockname()[1], 0.05)
        fails(store, "timeout")
        store.close()


@pytest.mark.parametrize(("kind", "answers", "counted"), GARBAGE)
def test_what_comes_is_no_answer(kind: str, answers: list[bytes], counted: str) -> None:
    with listening(*answers) as port:
        store = at(kind, port, 60)
        fails(store, counted)
        store.close()


def fill(server: Server | Database, *, full: bool) -> None:
    if isinstance(server, Database):
        server.run(FULL if full else "drop function full_disk cascade")
        return
    import redis

    client = redis.Redis.from_url(server.url)
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1" if full else "0")
    client.close()


@pytest.mark.parametrize("kind", ["redis", "valkey", "postgresql"])
def test_it_is_full_and_restarted(kind: str) -> None:
    with served(kind) as server:
        store = store_at(server.url)
        store.check()
        fill(server, full=True)
        fails(store, "error")
        fill(server, full=False)
        assert store.take((ASK,)) is None
        assert not store.calls.down
        server.kill()
        server.start()
        told = []
        for _ in range(3):
            try:
                told.append(store.take((ASK,)) is None)
            except Unreachable:
                told.append(True)  # what was sent may have been counted: it is not sent again
        assert told[:2] == [True, True]
        assert not store.calls.down
        store.close()


# -- what operators see ----------------------------------------------------------------------------------------------


@pytest.fixture
def alone() -> Iterator[None]:
    yield
    stores.use(None)


async def page(app: Any, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as client:
        return await client.get(path)


def until(app: Any, told: str) -> dict[str, Any]:
    """What the page says once it says this of shared state."""
    for _ in range(2_000):
        state, _ = app.operations.state()
        body = asyncio.run(page(app.operations, "/readyz")).json()
        if body["policies"].get("shared_state") == told:
            return {**body, "state": state.value}
        time.sleep(0.05)
    raise AssertionError(f"it never says {told}")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("on_failure", ["block", "local"])
@pytest.mark.parametrize("entry", ["serve", "proxy"])
def test_pages_tell_that_it_is_down_and_no_replica_goes(
    tmp_path: Path, entry: str, on_failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guardrails.stores.calls._FRESH_S", 0.0)
    with served("redis") as server:
        over = store_at(server.url)
        stores.use(FallingBack(over) if on_failure == "local" else over)
        made: Callable[..., Any] = service_app if entry == "serve" else proxy_app
        app = made(folder(tmp_path)) if entry == "serve" else made("http://127.0.0.1:9", policy.write(tmp_path))
        asyncio.run(app.operations.verify())
        assert until(app, "ok")["status"] == "ready"
        server.kill()
        told = until(app, "down")
        assert (told["status"], asyncio.run(page(app.operations, "/readyz")).status_code) == ("degraded", 200)
        families = {
            f.name: f for f in text_string_to_metric_families(asyncio.run(page(app.operations, "/metrics")).text)
        }
        assert [s.value for s in families["guardrails_shared_state_down"].samples] == [1]
        assert [s.value for s in families["guardrails_policy_degraded"].samples] == [0]
        labels = [s.labels for s in families["guardrails_shared_state_failures"].samples]
        assert {"backend": "redis", "operation": "look", "kind": "refused"} in labels
        assert all(s.value >= 1 for s in families["guardrails_shared_state_operations"].samples)
        server.start()
        assert until(app, "ok")["status"] == "ready"
        over.close()


@pytest.mark.usefixtures("alone")
def test_without_shared_state_pages_say_nothing_of_it(tmp_path: Path) -> None:
    app = service_app(folder(tmp_path))
    asyncio.run(app.operations.verify())
    assert "shared_state" not in asyncio.run(page(app.operations, "/readyz")).json()["policies"]
    assert "guardrails_shared_state" not in asyncio.run(page(app.operations, "/metrics")).text
