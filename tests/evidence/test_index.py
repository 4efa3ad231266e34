"""The index is a cache: whatever is wrong with it, the same records are found."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError
from guardrails.evidence import writer
from guardrails.evidence.index import Building, Index, key_of
from guardrails.evidence.reader import Reader
from guardrails.evidence.segments import frame, names
from guardrails.evidence.tail import Tail
from tests.evidence.disks import decision, opened, raw
from tools import verify_evidence


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with closed segments, and a newest one of several blocks of an index."""
    folder = tmp_path_factory.mktemp("made") / "log"
    with opened(folder, mode="fast", segment_bytes=600_000) as log:
        for i in range(1_300):
            log.record(decision(id=f"d{i % 1_200}"))
            if i % 100 == 0:
                log.record(decision(id=f"w{i}")).wait()
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "log")
    return tmp_path / "log"


def newest(folder: Path) -> tuple[int, Path]:
    return names(folder / "segments")[-1]


def covered(folder: Path) -> int:
    """How many records of the newest segment its index covers."""
    with Index(Reader(folder).place.newest, newest(folder)[1]) as index:
        return index.records


def everything(folder: Path, ids: list[str], some: list[int]) -> object:
    reader = Reader(folder)
    tail = Tail(reader.place)
    followed = tail.read(some[0], 9_999)
    tail.close()
    return [reader.find(id_) for id_ in ids], [reader.record(seq) for seq in some], followed


def truth(folder: Path, ids: list[str], some: list[int]) -> object:
    lines = raw(folder)
    found = [[seq for seq, line in enumerate(lines) if b'"decision_id":"%b"' % id_.encode() in line] for id_ in ids]
    (first,) = [first for first, _ in names(folder / "segments") if first <= some[0]][-1:]
    return found, [lines[seq] for seq in some], tail_of(folder, first, some[0], lines)


def tail_of(folder: Path, first: int, seq: int, lines: list[bytes]) -> list[bytes]:
    """What one read gives: no more than a thousand records, a million bytes, and one segment."""
    ends = [begin for begin, _ in names(folder / "segments") if begin > first]
    out, size = list[bytes](), 0
    for line in lines[seq : min([len(lines), *ends])][:1_000]:
        size += len(frame(line))
        if size > 1_000_000:
            break
        out.append(line)
    return out


IDS = ["d0", "d7", "d1150", "d1199", "w1200", "w0", "nobody"]


def test_the_newest_segment_has_an_index_when_a_log_is_closed(made: Path) -> None:
    first, path = newest(made)
    with Index(Reader(made).place.newest, path) as index:
        assert first + index.records == len(raw(made))
        assert index.end == path.stat().st_size
        assert index.rest() == b""


def test_the_newest_segment_has_an_index_while_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_UNINDEXED", 5_000)
    with opened(tmp_path) as log:
        for i in range(30):
            log.record(decision(id=f"d{i}"))
        assert 0 < covered(tmp_path) <= 32
        assert [Reader(tmp_path).find(f"d{i}") for i in range(30)] == [[seq] for seq in range(2, 32)]


def test_what_came_after_the_index_is_found(folder: Path) -> None:
    before = covered(folder)
    stale = Reader(folder).place.newest.read_bytes()
    with opened(folder, mode="fast") as log:
        for id_ in ("d7", "new"):
            log.record(decision(id=id_))
    Reader(folder).place.newest.write_bytes(stale)
    assert covered(folder) == before > 0
    ids, some = [*IDS, "new"], [len(raw(folder)) - 3, 5]
    assert everything(folder, ids, some) == truth(folder, ids, some)
    key = verify_evidence.key_of(str(Reader(folder).verifier()))
    assert verify_evidence.verify_proof(Reader(folder).prove("new"), key)
    assert verify_evidence.verify_proof(Reader(folder).prove("d7"), key).startswith("3 records")


def damaged(data: bytes, at: int, how: str) -> bytes:
    if how == "flipped":
        return data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
    return data[:at] if how == "truncated" else data[:at] + bytes(len(data) - at)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.integers(0, 9), place=st.integers(0, 1 << 20), how=st.sampled_from(["flipped", "truncated", "zeros"]))
def test_a_damaged_index_changes_nothing(made: Path, which: int, place: int, how: str) -> None:
    files = [*sorted((made / "index").iterdir()), made / "newest.idx"]
    path = files[which % len(files)]
    before = path.read_bytes()
    chance = random.Random(place)
    ids = [*IDS, *(f"d{chance.randrange(1_200)}" for _ in range(3))]
    some = [chance.randrange(len(raw(made))) for _ in range(4)]
    path.write_bytes(damaged(before, place % len(before), how))
    try:
        assert everything(made, ids, some) == truth(made, ids, some)
    finally:
        path.write_bytes(before)


def test_an_index_of_another_segment_changes_nothing(folder: Path) -> None:
    place, segments = Reader(folder).place, names(folder / "segments")
    assert len(segments) > 1
    shutil.copy(place.index_of(0), place.newest)
    assert covered(folder) == 0
    shutil.copy(place.index_of(0), place.index_of(segments[-1][0]))
    some = [len(raw(folder)) - 3, 5]
    assert everything(folder, IDS, some) == truth(folder, IDS, some)


def test_an_index_of_a_segment_that_was_longer_or_other_changes_nothing(folder: Path) -> None:
    _, path = newest(folder)
    data, lines = path.read_bytes(), raw(folder)
    path.write_bytes(data[: -len(frame(lines[-1]))])
    assert covered(folder) == 0
    with pytest.raises(GuardrailsError, match="no record"):
        Reader(folder).record(len(lines) - 1)
    other = lines[-1].replace(b'"stop"', b'"halt"')
    path.write_bytes(data[: -len(frame(lines[-1]))] + frame(other))
    assert covered(folder) == 0
    assert Reader(folder).record(len(lines) - 1) == other


def test_an_index_that_says_what_is_not_so_is_not_believed(folder: Path) -> None:
    """With sound checksums, as somebody would write it who wants another record to be taken for a decision's."""
    first, path = newest(folder)
    place, lines = Reader(folder).place, raw(folder)
    index = Building()
    for line in lines[first:]:
        index.add(line, "d1199")
    place.newest.write_bytes(index.dump(path.stem))
    with Index(place.newest, path) as read:
        assert len(read.numbers(key_of("d1199"))) == read.records == len(lines) - first
    # What it says is looked up in the records, and the segment is read where they say something else.
    assert Reader(folder).find("d1199") == [seq for seq, line in enumerate(lines) if b'"d1199"' in line]


def test_an_index_that_is_damaged_or_of_another_form_is_made_again(folder: Path) -> None:
    path = Reader(folder).place.index_of(0)
    before = path.read_bytes()
    for data in (b"", before[:20], b"GRIDX\x01" + before[6:]):
        path.write_bytes(data)
        opened(folder).close()
        assert path.read_bytes() == before
