"""A log: what is acknowledged stays, whatever happens to the machine, and what cannot be kept is never lost in silence."""

from __future__ import annotations

import asyncio
import os
import random
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog, EvidenceLost, EvidenceSettings
from guardrails.evidence.note import Checkpoint, Verifier
from guardrails.evidence.reader import Reader
from guardrails.evidence.segments import frame, names
from guardrails.evidence.tree import leaf_hash, root_of
from tests.evidence.disks import Crash, Forgetful, bodies, decision, opened, raw, records


def checkpoint(folder: Path) -> Checkpoint:
    note = (folder / "checkpoint").read_text(encoding="utf-8")
    assert Verifier.parse((folder / "log.vkey").read_text(encoding="utf-8")).verifies(note)
    return Checkpoint.parse(note)


def assert_whole(folder: Path) -> None:
    """The records have numbers without a gap, times that never go back, and are those of the last checkpoint."""
    lines = raw(folder)
    read = [orjson.loads(line) for line in lines]
    assert [r["seq"] for r in read] == list(range(len(read)))
    assert [r["ts"] for r in read] == sorted(r["ts"] for r in read)
    latest = checkpoint(folder)
    assert latest.root == root_of(leaf_hash(line) for line in lines[: latest.size])
    for path in sorted((folder / "tree").iterdir()):
        assert path.stat().st_size == (len(lines) >> int(path.name[-2:])) * 32


def test_start_decisions_and_stop_are_records_in_order(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        receipts = [log.record(decision()) for _ in range(25)]
        assert all(r.durable for r in receipts)
    assert [r["kind"] for r in records(tmp_path)] == ["start", "policy", *["decision"] * 25, "stop"]
    assert [b["decision_id"] for b in bodies(tmp_path)] == [r.id for r in receipts]
    assert [r.wait().seq for r in receipts] == list(range(2, 27))
    assert checkpoint(tmp_path).size == 28
    assert_whole(tmp_path)


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    for n in range(1, 4):
        with opened(tmp_path, segment_bytes=2_000) as log:
            for _ in range(n * 5):
                log.record(decision())
    assert len(names(tmp_path / "segments")) > 3
    assert len(bodies(tmp_path)) == 30
    assert_whole(tmp_path)


def test_what_is_acknowledged_has_the_hash_that_the_receipt_says(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        entry = log.record(decision()).wait()
    assert leaf_hash(raw(tmp_path)[entry.seq]) == entry.leaf


def test_secrets_are_the_owners_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.record(decision())
    if os.name == "nt":
        pytest.skip("Windows has no such modes")
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o700
    for name in ("signing.key", "values.key"):
        assert stat.S_IMODE((tmp_path / "private" / name).stat().st_mode) == 0o600


def test_a_log_has_one_writer(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(GuardrailsError, match="one writer"):
        opened(tmp_path)
    opened(tmp_path).close()


def test_many_callers_are_written_in_one_order(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        threads = [threading.Thread(target=lambda: [log.record(decision()) for _ in range(20)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({b["decision_id"] for b in bodies(tmp_path)}) == 160
    assert_whole(tmp_path)


def test_an_event_loop_goes_on_while_a_record_is_written(tmp_path: Path) -> None:
    async def many(log: EvidenceLog) -> list[Any]:
        return await asyncio.gather(*(log.arecord(decision()) for _ in range(50)))

    with opened(tmp_path) as log:
        receipts = asyncio.run(many(log))
        assert all(r.durable for r in receipts)
    assert {b["decision_id"] for b in bodies(tmp_path)} == {r.id for r in receipts}


def test_a_caller_who_leaves_takes_no_record_with_him(tmp_path: Path) -> None:
    async def leave(log: EvidenceLog) -> None:
        task = asyncio.ensure_future(log.arecord(decision(id="left")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with opened(tmp_path) as log:
        asyncio.run(leave(log))
        log.record(decision())
    assert bodies(tmp_path)[0]["decision_id"] == "left"


def test_fast_mode_keeps_everything_that_was_recorded_before_the_close(tmp_path: Path) -> None:
    with opened(tmp_path, mode="fast") as log:
        for _ in range(500):
            log.record(decision())
    assert len(bodies(tmp_path)) == 500


def test_checkpoints_come_also_when_nothing_happens(tmp_path: Path) -> None:
    with opened(tmp_path, checkpoint_seconds=0.05) as log:
        done = threading.Event()
        while log.counts.checkpoints < 4:
            done.wait(0.02)
    assert len(records(tmp_path, "heartbeat")) >= 2
    assert_whole(tmp_path)


def test_other_events_are_records_too(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.event("override", {"who": "jane", "why": "incident 7", "expires": None})
        with pytest.raises(GuardrailsError):
            log.event("no kind", {})
        with pytest.raises(TypeError):
            log.event("override", {"score": 0.5})
    assert records(tmp_path, "override")[0]["body"] == {"who": "jane", "why": "incident 7", "expires": None}


def test_a_policy_and_a_model_are_recorded_where_they_first_decide(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        for tenant in ("a", "b", "a"):
            log.record(decision(tenant=tenant, weights={"text": "1" * 64}))
    assert [(r["body"]["tenant"], r["body"]["sha256"]) for r in records(tmp_path, "policy")] == [
        ("a", "0" * 64),
        ("b", "0" * 64),
    ]
    assert [r["body"] for r in records(tmp_path, "model")] == [{"id": "text", "sha256": "1" * 64}]


def test_a_key_is_rotated_under_both_signatures(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        first = (tmp_path / "private" / "signing.key").read_text()
        log.record(decision())
        log.rotate_key()
        both = (tmp_path / "checkpoint").read_text(encoding="utf-8")
        log.record(decision())
    new = Verifier.parse(records(tmp_path, "key")[0]["body"]["verifier"])
    old = Verifier.parse((tmp_path / "log.vkey").read_text())
    last = (tmp_path / "checkpoint").read_text(encoding="utf-8")
    assert old.verifies(both)
    assert new.verifies(both)
    assert new.verifies(last)
    assert not old.verifies(last)
    assert (tmp_path / "private" / "signing.key").read_text() != first
    assert not (tmp_path / "private" / "signing.next").exists()


def test_a_rotation_that_a_crash_interrupted_is_finished_at_the_next_start(tmp_path: Path) -> None:
    opened(tmp_path).close()
    from guardrails.evidence.note import Signer

    (tmp_path / "private" / "signing.next").write_text(Signer.new("example.com/log").dump())
    opened(tmp_path).close()
    kinds = [r["kind"] for r in records(tmp_path)]
    assert kinds == ["start", "stop", "key", "start", "stop"]
    assert not (tmp_path / "private" / "signing.next").exists()
    assert Verifier.parse(records(tmp_path, "key")[0]["body"]["verifier"]).verifies(
        (tmp_path / "checkpoint").read_text(encoding="utf-8")
    )


# -- loss ------------------------------------------------------------------------------------------------------------


def test_a_full_disk_blocks_where_the_setting_says_so(tmp_path: Path) -> None:
    disk = Forgetful()
    with opened(tmp_path, disk) as log:
        kept = log.record(decision())
        disk.full = True
        for _ in range(3):
            with pytest.raises(EvidenceLost, match="on_failure"):
                log.record(decision())
        assert log.counts.down
        assert log.counts.refused == 3
        disk.full = False
        later = log.record(decision())
        log.record(decision())
    assert [b["decision_id"] for b in bodies(tmp_path)][:2] == [kept.id, later.id]
    assert records(tmp_path, "gap")[-1]["body"] == {"lost_since_start": 0, "refused_since_start": 3}
    assert_whole(tmp_path)


def test_a_full_disk_lets_pass_where_the_setting_says_so_and_the_loss_is_recorded(tmp_path: Path) -> None:
    disk = Forgetful()
    with opened(tmp_path, disk, on_failure="allow") as log:
        disk.full = True
        lost = [log.record(decision()) for _ in range(3)]
        assert not any(r.durable for r in lost)
        disk.full = False
        log.record(decision())
        log.record(decision())
    assert log.counts.lost == 3
    assert records(tmp_path, "gap")[-1]["body"] == {"lost_since_start": 3, "refused_since_start": 0}
    assert len(bodies(tmp_path)) == 2
    assert_whole(tmp_path)


def test_in_fast_mode_records_wait_for_the_disk_up_to_the_length_of_the_queue(tmp_path: Path) -> None:
    disk = Forgetful()
    with opened(tmp_path, disk, mode="fast", queue=5) as log:
        log.record(decision())
        while log.size < 3:
            threading.Event().wait(0.01)
        disk.full = True
        waiting: list[str] = []
        with pytest.raises(EvidenceLost):
            waiting.extend(log.record(decision()).id for _ in range(50))
        disk.full = False
    assert [b["decision_id"] for b in bodies(tmp_path)][1:] == waiting
    assert len(waiting) >= 5
    assert_whole(tmp_path)


def test_a_log_that_never_comes_back_says_at_its_close_what_is_missing(tmp_path: Path) -> None:
    disk = Forgetful()
    log = opened(tmp_path, disk, mode="fast")
    disk.full = True
    log.record(decision())
    with pytest.raises(EvidenceLost, match="could not be written"):
        log.close()
    disk.full = False
    opened(tmp_path).close()
    assert bodies(tmp_path) == []


# -- crashes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_no_acknowledged_record_is_lost_wherever_the_machine_stops(tmp_path: Path, seed: int) -> None:
    """Every file operation of a small run is once the last one that happens; what was not synced is lost, all or in part."""
    last, at = None, seed
    while last is None or at < last:
        folder = tmp_path / str(at)
        disk = Forgetful(crash_at=at)
        acknowledged = crashed(folder, disk)
        if acknowledged is None:
            last = at
            break
        disk.lose(random.Random(at))
        with opened(folder, segment_bytes=3_000) as log:
            log.record(decision(id="after"))
        ids = [b["decision_id"] for b in bodies(folder)]
        assert [i for i in ids if i in acknowledged] == acknowledged
        assert ids[-1] == "after"
        assert_whole(folder)
        at += 4
    assert last is not None
    assert last > 60


def crashed(folder: Path, disk: Forgetful) -> list[str] | None:
    """The ids that were acknowledged before the crash; None when there was none."""
    acknowledged: list[str] = []
    try:
        log = opened(folder, disk, segment_bytes=3_000, checkpoint_records=3)
    except (Crash, EvidenceLost):
        return acknowledged
    try:
        for _ in range(12):
            acknowledged.append(log.record(decision()).id)
        log.close()
    except EvidenceLost:
        with suppress(EvidenceLost):
            log.close()  # a process that stopped has no files open and no lock
        return acknowledged
    return None if disk.operations < (disk.crash_at or 0) else acknowledged


def test_a_disk_that_lies_about_syncs_loses_records(tmp_path: Path) -> None:
    """The control: were syncs worth nothing, the test above would fail."""
    disk = Forgetful(honest=False)
    log = opened(tmp_path, disk)
    acknowledged = [log.record(decision()).id for _ in range(5)]
    log.close()
    (tmp_path / "checkpoints.log").unlink()
    disk.lose(random.Random(1))
    opened(tmp_path).close()
    assert [b["decision_id"] for b in bodies(tmp_path)] != acknowledged


# -- damage ----------------------------------------------------------------------------------------------------------


def damaged(folder: Path, change: str) -> None:
    path = folder / "segments" / f"{0:020}.log"
    lines = raw(folder)
    match change:
        case "edited":
            lines[3] = lines[3].replace(b'"NONE"', b'"MASK"')
        case "deleted":
            del lines[3]
        case "reordered":
            lines[3], lines[4] = lines[4], lines[3]
        case "truncated":
            del lines[-3:]
        case "flipped":
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
            return
    path.write_bytes(b"".join(map(frame, lines)))


@pytest.mark.parametrize("change", ["edited", "deleted", "reordered", "truncated", "flipped"])
def test_a_log_that_was_changed_is_not_written_any_more(tmp_path: Path, change: str) -> None:
    with opened(tmp_path) as log:
        for _ in range(9):
            log.record(decision())
    damaged(tmp_path, change)
    with pytest.raises(GuardrailsError, match="last checkpoint"):
        opened(tmp_path)


@pytest.mark.parametrize("what", ["tree", "index"])
def test_what_can_be_derived_is_made_again(tmp_path: Path, what: str) -> None:
    with opened(tmp_path, segment_bytes=2_000) as log:
        for _ in range(20):
            log.record(decision())
    before = {p: p.read_bytes() for p in (tmp_path / what).iterdir()}
    for path in before:
        path.unlink()
    opened(tmp_path).close()
    for path, data in before.items():
        assert path.read_bytes()[: len(data)] == data


def test_a_log_whose_signing_key_is_gone_is_not_opened(tmp_path: Path) -> None:
    opened(tmp_path).close()
    (tmp_path / "private" / "signing.key").unlink()
    with pytest.raises(GuardrailsError, match=r"signing\.key"):
        opened(tmp_path)


def test_a_segment_ends_after_a_time_too_and_a_checkpoint_covers_it(tmp_path: Path) -> None:
    with opened(tmp_path, segment_seconds=1, checkpoint_seconds=0.1, checkpoint_records=1_000) as log:
        while len(names(tmp_path / "segments")) < 3:
            threading.Event().wait(0.05)
        assert log.size
    sizes = {Checkpoint.parse(note).size for note in Reader(tmp_path).checkpoints()}
    assert {first for first, _ in names(tmp_path / "segments")} - {0} <= sizes
    assert_whole(tmp_path)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "where the log lies"),
        ({"directory": "x", "mood": "strict"}, "did you mean mode"),
        ({"directory": "x", "mode": "quick"}, "strict, fast"),
        ({"directory": "x", "on_failure": "retry"}, "block, allow"),
        ({"directory": "x", "queue": 0}, "at least"),
        ({"directory": "x", "queue": "many"}, "a number"),
        ({"directory": "x", "sinks": 1}, "not int"),
        ({"directory": "x", "sinks": ["mysql://x:secret@y"]}, "s3://bucket"),
        (7, "a directory"),
    ],
)
def test_a_mistake_in_the_settings_names_what_may_be_written(given: Any, words: str) -> None:
    with pytest.raises(GuardrailsError, match=words):
        EvidenceSettings.of(given)
