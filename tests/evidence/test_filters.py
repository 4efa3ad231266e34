"""Filters are a cache: they spare a search the indexes of segments that do not have what is looked for, and change nothing that is found."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.evidence.filters import absent, filter_of
from guardrails.evidence.index import KEYS, key_of
from guardrails.evidence.reader import Reader
from guardrails.evidence.segments import names
from tests.evidence.disks import decision, opened
from tools import verify_evidence

# Decisions of the log.
MANY = 250


class Opened:
    """The names of the files that are opened while it is entered. A hook cannot be taken away again: it stays, and sees nothing."""

    def __init__(self) -> None:
        self.names: list[str] | None = None
        sys.addaudithook(self._seen)

    def _seen(self, event: str, args: tuple[object, ...]) -> None:
        if event == "open" and self.names is not None:
            self.names.append(str(args[0]))

    @contextmanager
    def __call__(self) -> Iterator[list[str]]:
        self.names = found = list[str]()
        try:
            yield found
        finally:
            self.names = None


@pytest.fixture(scope="module")
def files_opened() -> Opened:
    return Opened()


def made_of(folder: Path, number: int) -> None:
    """A log in which nearly every record has a segment of its own."""
    with opened(folder, mode="fast", segment_bytes=1_000) as log:
        for i in range(number):
            log.record(decision(id=f"d{i}", setting="x" * 400)).wait()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of many small segments."""
    folder = tmp_path_factory.mktemp("made") / "log"
    made_of(folder, MANY)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "log")
    return tmp_path / "log"


def of_segments(files: list[str]) -> list[str]:
    return [name for name in files if name.endswith((".idx", ".log")) and not name.endswith("checkpoints.log")]


def test_a_proof_opens_as_many_files_whatever_the_number_of_segments(
    made: Path, tmp_path: Path, files_opened: Opened
) -> None:
    made_of(tmp_path / "small", 25)
    counted = []
    for log, number in ((tmp_path / "small", 25), (made, MANY)):
        reader, most = Reader(log), 0
        assert len(names(log / "segments")) > number * 0.8
        key = verify_evidence.key_of(str(reader.verifier()))
        for i in range(0, number, 7):
            with files_opened() as files:
                proof = reader.prove(f"d{i}")
            assert verify_evidence.verify_proof(proof, key).startswith("1 records")
            most = max(most, len(of_segments(files)))
        counted.append(most)
    # Index and segment of the one and of the newest, for the decision and for changes of the key; and one more that may be asked in vain.
    assert counted[0] <= 10
    assert counted[1] <= 12


def test_without_filters_each_segment_is_asked(folder: Path, files_opened: Opened) -> None:
    (folder / "index" / "filters").unlink()
    with files_opened() as files:
        assert Reader(folder).find("d7")
    assert len(of_segments(files)) > 2 * len(names(folder / "segments")) - 4


def test_every_decision_is_found(made: Path) -> None:
    reader = Reader(made)
    seen = [reader.find(f"d{i}") for i in range(MANY)]
    assert [seq for (seq,) in seen] == sorted({seq for (seq,) in seen})
    assert reader.find("nobody") == []
    assert reader.find(KEYS) == []


def test_filters_are_made_again_when_a_log_is_opened(folder: Path) -> None:
    path = folder / "index" / "filters"
    before = path.read_bytes()
    for data in (None, b"", before[: len(before) // 2], before[:100] + b"x" + before[101:]):
        path.unlink()
        if data is not None:
            path.write_bytes(data)
        opened(folder).close()
        assert sorted(blocks(path.read_bytes())) == sorted(blocks(before)) or data == before[:100] + b"x" + before[101:]
        assert Reader(folder).find("d7")


def blocks(data: bytes) -> list[bytes]:
    return data.split(b"GRBLM")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.integers(0, 1 << 20),
    how=st.sampled_from(["flipped", "truncated", "zeros"]),
    which=st.integers(0, MANY - 1),
)
def test_a_damaged_filter_changes_nothing(made: Path, place: int, how: str, which: int) -> None:
    path = made / "index" / "filters"
    before = path.read_bytes()
    at = place % len(before)
    changed = (
        bytes([before[at] ^ 1 << at % 8]) + before[at + 1 :]
        if how == "flipped"
        else b""
        if how == "truncated"
        else bytes(len(before) - at)
    )
    path.write_bytes(before[:at] + changed)
    try:
        seq = Reader(made).find(f"d{which}")
        assert len(seq) == 1
        assert b'"decision_id":"d%d"' % which in Reader(made).record(seq[0])
    finally:
        path.write_bytes(before)


def test_a_filter_that_leaves_a_decision_out_does_not_hide_it(folder: Path) -> None:
    """One with sound checksums that is made over other records."""
    path, out = folder / "index" / "filters", []
    for first, segment in names(folder / "segments")[:-1]:
        out.append(filter_of(first, segment.stat().st_size, key_of("another")))
    path.write_bytes(b"".join(out))
    reader = Reader(folder)
    assert absent(path, reader.segments(), key_of("d7"))
    assert len(reader.find("d7")) == 1


def test_the_filter_of_a_segment_that_is_another_now_says_nothing(folder: Path) -> None:
    path, segments = folder / "index" / "filters", names(folder / "segments")
    path.write_bytes(b"".join(filter_of(first, file.stat().st_size + 1, b"") for first, file in segments))
    assert absent(path, segments, key_of("d7")) == set()


@given(
    keys=st.lists(st.binary(min_size=16, max_size=16), max_size=300),
    other=st.lists(st.binary(min_size=16, max_size=16), max_size=50),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_filter_has_every_key_of_its_segment(tmp_path: Path, keys: list[bytes], other: list[bytes]) -> None:
    segment, path = tmp_path / "segment", tmp_path / "filters"
    segment.write_bytes(b"123")
    path.write_bytes(filter_of(5, 3, b"".join(keys)))
    assert not any(absent(path, [(5, segment)], key) for key in keys)
    if not keys:
        assert all(absent(path, [(5, segment)], key) == {5} for key in other)


def test_few_other_keys_are_taken_for_one_of_a_segment(tmp_path: Path) -> None:
    segment, path = tmp_path / "segment", tmp_path / "filters"
    segment.write_bytes(b"123")
    path.write_bytes(filter_of(0, 3, b"".join(key_of(f"d{i}") for i in range(5_000))))
    wrong = sum(not absent(path, [(0, segment)], key_of(f"e{i}")) for i in range(5_000))
    assert wrong < 50  # fixed keys: the same number every time


def test_filters_of_removed_segments_are_dropped(folder: Path) -> None:
    from guardrails.evidence.files import Disk
    from guardrails.evidence.filters import drop

    path, segments = folder / "index" / "filters", names(folder / "segments")
    before = path.stat().st_size
    drop(path, Disk(), segments[40][0])
    assert 0 < path.stat().st_size < before
    assert absent(path, segments, key_of("nobody")) == {first for first, _ in segments[40:-1]}
