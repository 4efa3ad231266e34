"""The link between a worker and the process that writes: acknowledged, refused while nobody is there, sent again, and counted."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from guardrails.evidence import EvidenceLog, EvidenceLost, EvidenceSettings, Text
from guardrails.evidence.reader import Reader
from guardrails.evidence.samples import Samples
from guardrails.evidence.segments import Place
from guardrails.evidence.writer import Pending
from guardrails.service.limits import Limited, Limits, Usage
from guardrails.service.processes.handed import HandedLog, HandedStore
from guardrails.service.processes.hub import Hub
from guardrails.service.processes.link import Link
from guardrails.stores import FallingBack, Held, Unreachable
from guardrails.types import Role, Source
from tests.evidence.disks import decision

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")


def until(true: Callable[[], Any]) -> None:
    for _ in range(60_000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")


class Writing:
    """A hub in a thread, which can be killed."""

    def __init__(self, log: EvidenceLog | None, root: Path) -> None:
        self.hub = Hub(log)
        self._root = root
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        until((root / "pages.sock").exists)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serving = self.hub.serve(self._root / "hub.sock", self._root / "pages.sock", asyncio.Event())
        self._task = self._loop.create_task(serving)
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.run_until_complete(asyncio.sleep(0))
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self._loop.close()

    def kill(self) -> None:
        def now() -> None:
            for worker in self.hub._workers:
                worker._writer.transport.abort()
            self._task.cancel()

        self._loop.call_soon_threadsafe(now)
        self._thread.join(60)
        (self._root / "pages.sock").unlink(missing_ok=True)


def pending(name: str, *, stays: bool = False) -> Pending:
    return Pending("decision", orjson.dumps({"decision_id": name}), name, stays=stays)


def test_records_are_acknowledged_or_refused_and_what_stays_is_sent_again(tmp_path: Path) -> None:
    log = EvidenceLog.open(tmp_path / "log")
    writing = Writing(log, tmp_path)
    link = Link(tmp_path / "hub.sock", 100)
    first = pending("first")
    assert link.put(first)
    assert first.done.result(60).seq > 0
    writing.kill()
    until(lambda: link.counts.down)
    assert not link.put(pending("refused")), "who waits for its record is told at once"
    link.missed(lost=False)
    kept = [pending(f"kept-{n}", stays=True) for n in range(5)]
    assert all(link.put(one) for one in kept)
    again = Writing(log, tmp_path)
    assert [one.done.result(60) for one in kept] == sorted((one.done.result() for one in kept), key=lambda e: e.seq)
    until(lambda: not link.counts.down)
    link.close()
    again.kill()
    log.close()
    found = [orjson.loads(record) for _, record in Reader(tmp_path / "log").records()]
    assert [r["body"]["decision_id"] for r in found if r["kind"] == "decision"] == [
        "first",
        *(f"kept-{n}" for n in range(5)),
    ]
    (gap,) = [r["body"] for r in found if r["kind"] == "gap"]
    assert (gap["lost_since_start"], gap["refused_since_start"]) == (0, 1)


def test_the_queue_is_bounded_and_what_is_left_at_the_end_is_told(tmp_path: Path) -> None:
    log = EvidenceLog.open(tmp_path / "log")
    writing = Writing(log, tmp_path)
    link = Link(tmp_path / "hub.sock", 3)
    until(lambda: writing.hub._workers)  # a connection that nobody has taken yet ends with nobody
    writing.kill()
    until(lambda: link.counts.down)
    assert [link.put(pending(str(n), stays=True)) for n in range(4)] == [True, True, True, False]
    with pytest.raises(EvidenceLost, match="3 records"):
        link.close()
    log.close()


def test_use_is_counted_for_all_links_and_alone_while_nobody_is_there(tmp_path: Path) -> None:
    writing = Writing(None, tmp_path)
    links = [Link(tmp_path / "hub.sock", 10) for _ in range(2)]
    usages = [Usage(FallingBack(HandedStore(link))) for link in links]
    limits = Limits(requests_per_day=3, text_units_per_day=100)

    async def allowed(usage: Usage) -> bool:
        try:
            await usage.request("a", limits)
        except Limited as error:
            return error.retry_after < 1  # never: it is whole seconds, and not now
        return True

    assert [asyncio.run(allowed(usages[n % 2])) for n in range(5)] == [True, True, True, False, False]
    writing.kill()
    until(lambda: all(link.counts.down for link in links))
    assert [asyncio.run(allowed(usages[0])) for _ in range(5)] == [True, True, True, False, False]
    for link in links:
        link.close()


def test_values_are_kept_for_all_links_and_by_nobody_alone(tmp_path: Path) -> None:
    writing = Writing(None, tmp_path)
    links = [Link(tmp_path / "hub.sock", 10) for _ in range(2)]
    one, other = (FallingBack(HandedStore(link)) for link in links)
    assert one.load("g", "n") is None
    assert one.keep("g", "n", b"\x00\xff", version=0, ttl_s=60)
    assert not other.keep("g", "n", b"late", version=0, ttl_s=60)
    assert other.keep("g", "n", b"two", version=1, ttl_s=60, append=True)
    assert one.load("g", "n") == Held(2, (b"\x00\xff", b"two"))
    assert one.load("g", "n", 1) == Held(2, (b"two",))
    assert (other.count("g"), other.count("g", "m"), other.idle("g", 0), other.idle("g", 60)) == (1, 0, ["n"], [])
    assert not one.drop("g", "n", 1)
    assert one.drop("g", "n")
    writing.kill()
    until(lambda: all(link.counts.down for link in links))
    with pytest.raises(Unreachable):
        one.load("g", "n")
    for link in links:
        link.close()


def test_a_worker_keeps_samples_where_the_log_lies(tmp_path: Path) -> None:
    settings = EvidenceSettings(tmp_path / "log", sample_days=1)
    log = EvidenceLog.open(settings)
    writing = Writing(log, tmp_path)
    handed = HandedLog(settings, Link(tmp_path / "hub.sock", 100))
    until(lambda: not handed.counts.down)
    said = [Text("pieces[0]", Role.USER, "canary")]
    handed.record(decision(id="one", tenant="bank"), said=said)
    handed.close()
    writing.kill()
    log.close()
    assert (handed.samples, log.samples) == ((1, 0), (0, 0))
    assert Samples(Place(tmp_path / "log")).texts("one", Source.INPUT) == said
