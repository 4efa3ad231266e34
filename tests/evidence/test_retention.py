"""Old records are removed only once somebody else has vouched for them, and what is left verifies as before."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog, EvidenceSettings
from guardrails.evidence import log as log_module
from guardrails.evidence.note import Checkpoint, Cosigner, Witness
from guardrails.evidence.reader import Reader
from guardrails.evidence.segments import names
from guardrails.evidence.verify import Verified, verify
from guardrails.evidence.witness import cosign, keep_cosigned, load_cosigner
from tests.evidence.disks import decision, opened, raw, records
from tools import verify_evidence


def grown(folder: Path, number: int = 20, **more: Any) -> None:
    with opened(folder / "log", segment_bytes=4_000, **more) as log:
        for i in range(number):
            log.record(decision())
            if i == 3:
                log.rotate_key()


def witnessed(folder: Path) -> str:
    """Cosigned as it is now. Returns the witness's public key."""
    reader, cosigner = Reader(folder / "log"), load_cosigner(folder / "witness", "witness.example.com/one")
    keep_cosigned(reader.place, cosign(reader, cosigner, folder / "witness", reader.verifier()), cosigner)
    return str(cosigner.witness)


def keeping(folder: Path, key: str, **more: Any) -> EvidenceLog:
    return opened(folder / "log", segment_bytes=4_000, keep_days=0, witnesses=[key], **more)


def verified(folder: Path, *kept: str, witness: str | None = None) -> Verified:
    """By both verifiers, which agree."""
    reader = Reader(folder / "log")
    found = verify(
        reader, reader.verifier(), [(f"kept {i}", note) for i, note in enumerate(kept)],
        witnesses=[Witness.parse(witness)] if witness else (),
    )  # fmt: skip
    key = verify_evidence.key_of((folder / "log" / "log.vkey").read_text())
    try:
        verify_evidence.verify_log(folder / "log", key, list(kept))
        theirs = True
    except (verify_evidence.Wrong, OSError):
        theirs = False
    assert found.ok == theirs, found.problems
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log whose first records are removed; a copy of it before, and the witness's key."""
    grown(tmp_path)
    key = witnessed(tmp_path)
    grown(tmp_path)
    shutil.copytree(tmp_path / "log", tmp_path / "before")
    (tmp_path / "key").write_text(key)
    with keeping(tmp_path, key) as log:
        assert log.prune() > 5
        assert log.prune() == 0
        log.record(decision(id="after"))
    return tmp_path


def test_what_is_left_verifies_and_every_old_checkpoint_does(folder: Path) -> None:
    old = Reader(folder / "before")
    found = verified(folder, *old.checkpoints(), witness=(folder / "key").read_text())
    first = names(folder / "log" / "segments")[0][0]
    assert found.problems == []
    assert found.removed == first > 0
    assert found.signed == found.size
    assert raw(folder / "log")[: len(raw(folder / "before")) - first] == raw(folder / "before")[first:]


def test_nothing_goes_that_is_not_witnessed(folder: Path) -> None:
    first, size = (
        names(folder / "log" / "segments")[0][0],
        Checkpoint.parse(Reader(folder / "log").witnessed()[-1][1]).size,
    )
    assert first <= size
    with keeping(folder, (folder / "key").read_text()) as log:
        for _ in range(20):
            log.record(decision())
        assert log.prune() == 0
    witnessed(folder)
    with keeping(folder, (folder / "key").read_text()) as log:
        assert log.prune() > 10
    assert verified(folder).ok


def test_the_log_says_what_was_removed(folder: Path) -> None:
    (told,) = (r["body"] for r in records(folder / "log", "retention"))
    before = names(folder / "before" / "segments")
    gone = [(first, path) for first, path in before if first < told["before"]]
    assert [s["first"] for s in told["segments"]] == [first for first, _ in gone]
    assert [s["sha256"] for s in told["segments"]] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for _, path in gone
    ]
    assert sum(s["records"] for s in told["segments"]) == told["before"] == names(folder / "log" / "segments")[0][0]
    left = {path.stem for path in (folder / "log" / "private" / "salts").iterdir()}
    assert left == {path.stem for _, path in names(folder / "log" / "segments")}


def test_proofs_go_on_over_keys_whose_records_are_gone(folder: Path) -> None:
    reader = Reader(folder / "log")
    assert reader.key_changes(1_000)[0]["index"] < names(folder / "log" / "segments")[0][0]
    key = verify_evidence.key_of((folder / "log" / "log.vkey").read_text())
    assert verify_evidence.verify_proof(reader.prove("after"), key)
    kept = Reader(folder / "before").checkpoint()
    assert verify_evidence.verify_proof(reader.consistency(kept, reader.checkpoint()), key)
    old = json.loads(raw(folder / "before")[2])["body"]["decision_id"]
    assert reader.find(old) == []
    with pytest.raises(GuardrailsError, match="was removed"):
        reader.record(2)


def test_a_record_that_somebody_kept_is_proved_after_its_removal(folder: Path) -> None:
    old = Reader(folder / "before").record(2)
    reader = Reader(folder / "log")
    assert hashlib.sha256(b"\0" + old).digest() == reader.node(0, 2)


@pytest.mark.parametrize("change", ["first", "hashes", "key"])
def test_what_nobody_recorded_is_no_removal(folder: Path, change: str) -> None:
    log = folder / "log"
    if change == "first":
        names(log / "segments")[0][1].unlink()
    else:
        path = log / ("tree/level-00" if change == "hashes" else "keys.json")
        data = bytearray(path.read_bytes())
        data[data.index(b"verifier") + 20 if change == "key" else 70] ^= 1
        path.write_bytes(data)
    assert not verified(folder).ok
    if change == "first":
        with pytest.raises(GuardrailsError, match="no record says"):
            opened(log)


def test_the_first_segments_of_a_log_that_removes_nothing_are_missed(tmp_path: Path) -> None:
    grown(tmp_path)
    names(tmp_path / "log" / "segments")[0][1].unlink()
    assert not verified(tmp_path).ok
    with pytest.raises(GuardrailsError, match="no record says"):
        opened(tmp_path / "log")


def test_a_crash_between_the_record_and_the_removal_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(tmp_path)
    key = witnessed(tmp_path)

    def crash(*_: object) -> None:
        raise OSError("the machine stops")

    with keeping(tmp_path, key) as log:
        monkeypatch.setattr(log_module, "remove", crash)
        with pytest.raises(OSError, match="stops"):
            log.prune()
        monkeypatch.undo()
    assert verified(tmp_path).ok
    with keeping(tmp_path, key) as log:
        assert log.prune() > 0
    assert verified(tmp_path).ok


def test_young_records_and_those_that_a_sink_has_not_stay(tmp_path: Path) -> None:
    grown(tmp_path)
    key = witnessed(tmp_path)
    with opened(tmp_path / "log", keep_days=1, witnesses=[key]) as log:
        assert log.prune() == 0
    pytest.importorskip("boto3", reason="boto3 is not installed")
    with keeping(tmp_path, key, sinks="s3://evidence/x?endpoint=http://127.0.0.1:9&region=us-east-1") as log:
        assert log.prune() == 0
    with keeping(tmp_path, str(Cosigner.new("witness.example.com/one").witness)) as log:
        assert log.prune() == 0
    with keeping(tmp_path, key) as log:
        assert log.prune() > 0


def test_a_log_whose_hashes_are_gone_says_what_to_do(folder: Path) -> None:
    (folder / "log" / "tree" / "level-01").unlink()
    with pytest.raises(GuardrailsError, match="restore the folder"):
        opened(folder / "log")


def test_keeping_needs_a_witness(tmp_path: Path) -> None:
    with pytest.raises(GuardrailsError, match=r"evidence\.witnesses"):
        EvidenceSettings(tmp_path, keep_days=180)
    with pytest.raises(GuardrailsError, match="key of a witness"):
        EvidenceSettings(tmp_path, keep_days=180, witnesses=("x",))
