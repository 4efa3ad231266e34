"""Segments that several processes read: what is found is what one process finds."""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
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


def told(data: bytes, start: int) -> tuple[list[tuple[int, str]], list[bytes], Counter[bytes], str, str]:
    """What the records of a segment say of themselves, read one by one: problems, changes of the key, kinds, first and last time."""
    problems, keys, kinds = list[tuple[int, str]](), list[bytes](), Counter[bytes]()
    first = last = ""
    for seq, (_, record) in enumerate(frames(data), start):
        kind, _, rest = record[record.rfind(b'"kind":"') + 8 :].partition(b'"')
        number = rest.partition(b'"seq":')[2].partition(b",")
        at = record[-29:-2].decode("ascii", "replace")
        if number[:2] != (b"%d" % seq, b","):
            problems.append((seq, f"record {seq} calls itself {number[0][:20].decode('ascii', 'replace')}"))
        if at < last:
            problems.append((seq, f"record {seq} is of {at}, before the one that stands before it"))
        with suppress(ValueError):
            if orjson.loads(record).get("kind") == "key" and b'"kind":"key","schema"' in record:
                keys.append(record)
        kinds[kind] += 1
        first, last = first or at, at
    return problems, keys, kinds, first, last


def spoilt(lines: list[bytes], changes: list[tuple[int, int, str]]) -> bytes:
    """Frames of these records, each change at a record and a byte before its end."""
    for which, back, how in changes:
        i = which % len(lines)
        at = len(lines[i]) - 1 - back % max(1, len(lines[i]) - 1)
        if how == "flip":
            lines[i] = flip(lines[i], at)
        elif how == "cut":
            lines[i] = lines[i][at:]
        elif how == "quote":
            lines[i] = lines[i][:at] + b'"' + lines[i][at:]
        elif how == "twice":
            lines.insert(i, lines[i])
        else:
            lines[i] = (
                lines[i].replace(b'"body":{}', b'"body":{"kind":"key","schema":"x"}').replace(b"decision", how.encode())
            )
    return b"".join(map(frame, lines))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from([0, 1, 7, 95, 990, 99_999_990]),
    kinds=st.lists(
        st.sampled_from(["decision"] * 20 + ["start", "key", "gap", "100%d", "a\\"]), min_size=1, max_size=60
    ),
    still=st.booleans(),
    changes=st.lists(
        st.tuples(
            st.integers(0, 99), st.integers(0, 130), st.sampled_from(["flip", "cut", "quote", "twice", "key", "stop"])
        ),
        max_size=3,
    ),
    span=st.sampled_from([1, 16, 65_536]),
)
def test_what_is_seen_at_once_is_what_is_seen_one_by_one(  # noqa: PLR0917 - a fixture, and what is drawn
    tmp_path: Path, start: int, kinds: list[str], still: bool, changes: list[tuple[int, int, str]], span: int
) -> None:
    lines = [
        line(kind, seq, f"2026-01-01T00:00:00.{0 if still else seq % 1_000_000:06}Z")
        for seq, kind in enumerate(kinds, start)
    ]
    path = tmp_path / "5.log"
    path.write_bytes(spoilt(lines, changes))
    with patch.object(scan_module, "SPAN", span):
        part = scan(path, start, [])
    problems, keys, counted, first, last = told(path.read_bytes(), start)
    assert [(each.seq, each.problem) for each in part.told if each.problem] == problems
    assert [each.key for each in part.told if each.key and is_of_key(each.key)] == keys
    assert (part.kinds, part.first, part.last, part.damage) == (counted, first, last, "")
    assert part.end == start + sum(counted.values())


def is_of_key(record: bytes) -> bool:
    try:
        return bool(orjson.loads(record).get("kind") == "key")
    except ValueError:
        return False


def test_a_frame_that_says_a_length_that_none_has_is_damage(tmp_path: Path) -> None:
    lines = [line("decision", seq, "2026-01-01T00:00:00.000000Z") for seq in range(3)]
    path = tmp_path / "0.log"
    # An empty record in a sound frame, one that is too long, and one that the file ends in, all with the right checksum.
    last = frame(lines[2])
    short = len(last).to_bytes(4, "little") + zlib.crc32(
        last[8:], zlib.crc32(len(last).to_bytes(4, "little"))
    ).to_bytes(4, "little")
    longest = (16 * 1024 * 1024 + 1).to_bytes(4, "little")
    for tail in (
        bytes(4) + zlib.crc32(bytes(4)).to_bytes(4, "little"),
        longest + zlib.crc32(last, zlib.crc32(longest)).to_bytes(4, "little") + last,
        short + last[8:],
        last[:5],
    ):
        path.write_bytes(b"".join(map(frame, lines)) + tail)
        part = scan(path, 0, [])
        assert (part.end, "record 3 is damaged" in part.damage) == (3, True)
        assert sum(len(nodes) for _, nodes in part.spans) == 2


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
