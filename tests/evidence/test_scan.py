"""Segments that several processes read: what is found is what one process finds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError
from guardrails.evidence import scan as scan_module
from guardrails.evidence.note import Checkpoint
from guardrails.evidence.reader import Reader
from guardrails.evidence.scan import jobs_for, scan
from guardrails.evidence.segments import frame, frames, names
from guardrails.evidence.tree import Frontier, leaf_hash, root_of
from guardrails.evidence.verify import verify
from tests.evidence.disks import decision, opened, raw


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of several segments, checkpoints and keys."""
    folder = tmp_path_factory.mktemp("made") / "log"
    with opened(folder, segment_bytes=9_000) as log:
        for i in range(30):
            log.record(decision(id=f"a{i}"))
        log.rotate_key()
        for i in range(20):
            log.record(decision(id=f"b{i}"))
    return folder


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Two processes, started once."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


class Shared:
    """What :func:`parts` starts and ends, over processes that stay."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def __call__(self, *_: object, **__: object) -> Shared:
        return self

    def submit(self, run: Callable[..., Any], *given_: Any) -> Future[Any]:
        return self._pool.submit(run, *given_)

    def shutdown(self, *, cancel_futures: bool) -> None:
        assert cancel_futures


def verdict(folder: Path, jobs: int) -> dict[str, Any]:
    reader = Reader(folder)
    found = verify(reader, reader.verifier(), jobs=jobs)
    return {each.name: getattr(found, each.name) for each in fields(found)}


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]


def record_changed(data: bytes, at: int) -> bytes:
    """A changed record in a sound frame."""
    records = [record for _, record in frames(data)]
    one = at % len(records)
    # Near its end, where a record says of itself what is looked at.
    records[one] = flip(records[one], len(records[one]) - 1 - at % 120)
    return b"".join(map(frame, records))


def records_exchanged(data: bytes, at: int) -> bytes:
    records = [record for _, record in frames(data)]
    one, other = at % len(records), (at // 7) % len(records)
    records[one], records[other] = records[other], records[one]
    return b"".join(map(frame, records))


def record_twice(data: bytes, at: int) -> bytes:
    records = [record for _, record in frames(data)]
    return b"".join(map(frame, [*records, records[at % len(records)]]))


def cut(data: bytes, at: int) -> bytes:
    return data[:at]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 1 << 16),
    place=st.integers(0, 1 << 20),
    change=st.sampled_from([flip, cut, record_changed, records_exchanged, record_twice]),
)
def test_damage_anywhere_is_found_and_told_alike(  # noqa: PLR0917 - fixtures, and what is drawn
    made: Path, processes: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch,
    which: int, place: int, change: Callable[[bytes, int], bytes],
) -> None:  # fmt: skip
    monkeypatch.setattr(scan_module, "ProcessPoolExecutor", Shared(processes))
    segments = names(made / "segments")
    path = segments[which % len(segments)][1]
    before = path.read_bytes()
    after = change(before, place % len(before))
    path.write_bytes(after)
    try:
        one, two = verdict(made, 1), verdict(made, 2)
    finally:
        path.write_bytes(before)
    assert one == two
    assert bool(one["problems"]) == (after != before)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_log_that_nobody_touched_verifies_with_so_many_processes(made: Path, jobs: int) -> None:
    found = verdict(made, jobs)
    assert found["problems"] == []
    assert found["size"] == found["signed"] == len(raw(made))
    assert found["root"] == Checkpoint.parse(Reader(made).checkpoint()).root
    assert sum(found["kinds"].values()) == found["size"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_segment_that_cannot_be_read_is_an_error(made: Path, jobs: int) -> None:
    assert len(names(made / "segments")) > 3
    path = names(made / "segments")[1][1]
    aside = path.rename(path.with_suffix(".aside"))
    path.mkdir()
    try:
        with pytest.raises(OSError, match=path.name):
            verdict(made, jobs)
    finally:
        path.rmdir()
        aside.rename(path)


class Dying(ProcessPoolExecutor):
    """Processes that end in the middle of their work."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        return super().submit(os._exit, 9)


def test_nothing_is_verified_when_a_process_ends(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_module, "ProcessPoolExecutor", Dying)
    with pytest.raises(GuardrailsError, match="--jobs 1"):
        verdict(made, 2)


def test_a_small_log_is_read_by_one_process(made: Path) -> None:
    assert jobs_for(names(made / "segments")) == 1


@pytest.mark.parametrize("marks", [[], [3], [1, 2, 3, 9, 15, 1_000]])
def test_a_part_has_the_tree_at_each_mark(made: Path, monkeypatch: pytest.MonkeyPatch, marks: list[int]) -> None:
    monkeypatch.setattr(scan_module, "SPAN", 4)
    path = names(made / "segments")[0][1]
    leaves = [leaf_hash(record) for _, record in frames(path.read_bytes())]
    part, edge = scan(path, 0, marks), Frontier()
    for size, nodes in part.spans:
        edge.extend(nodes, size)
        assert edge.root() == root_of(leaves[:size])
    assert edge.size == part.end == len(leaves)
    assert {mark for mark in marks if mark <= part.end} <= {size for size, _ in part.spans}


def line(kind: str, seq: int, ts: str) -> bytes:
    return f'{{"body":{{}},"kind":"{kind}","schema":"guardrails.evidence/1","seq":{seq},"ts":"{ts}"}}'.encode()


def test_what_a_record_says_of_itself_is_looked_at_in_each(tmp_path: Path) -> None:
    at = "2026-01-01T00:00:0{}.000000Z".format
    lines = [
        line("decision", 5, at(1)), line("decision", 6, at(2)), line("decision", 8, at(2)), line("decision", 8, at(1)),
        line("100%d", 9, at(3)), line("100%d", 10, at(3)), line("key", 11, at(3)), b"{}", line("key", 13, at(4)),
    ]  # fmt: skip
    path = tmp_path / "5.log"
    path.write_bytes(b"".join(map(frame, lines)))
    part = scan(path, 5, [])
    assert [(told.seq, told.problem or told.key) for told in part.told] == [
        (7, "record 7 calls itself 8"),
        (8, f"record 8 is of {at(1)}, before the one that stands before it"),
        (11, lines[6]),
        (12, "record 12 calls itself "),
        (12, "record 12 is of , before the one that stands before it"),
        (13, lines[8]),
    ]
    assert part.kinds == {b"decision": 4, b"100%d": 2, b"key": 2, b"": 1}
    assert (part.first, part.last, part.end) == (at(1), at(4), 14)
