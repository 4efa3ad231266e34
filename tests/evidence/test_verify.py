"""Whatever is done to a log, two verifiers find it: ours, and a script that imports nothing of ours."""

from __future__ import annotations

import ast
import base64
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pymerkle import InclusionProof, InmemoryTree, verify_inclusion

from guardrails.errors import GuardrailsError
from guardrails.evidence.note import Checkpoint, Signer, signed
from guardrails.evidence.reader import Reader
from guardrails.evidence.segments import frame, frames, names
from guardrails.evidence.tree import leaf_hash, root_of
from guardrails.evidence.verify import verify
from tests.evidence.disks import decision, opened, raw
from tools import verify_evidence

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "verify_evidence.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of several segments, checkpoints and keys, and a checkpoint of it that was kept elsewhere."""
    folder = tmp_path_factory.mktemp("made")
    with opened(folder / "log", segment_bytes=9_000, mode="fast") as log:
        for i in range(40):
            log.record(decision(id=f"a{i}"))
        log.rotate_key()
        for i in range(10):
            log.record(decision(id=f"b{i}"))
    shutil.copy(folder / "log" / "checkpoint", folder / "kept")
    with opened(folder / "log", segment_bytes=9_000, mode="fast") as log:
        for i in range(20):
            log.record(decision(id=f"c{i}"))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def ours(folder: Path, *, kept: bool = True) -> list[str]:
    reader = Reader(folder / "log")
    return verify(reader, reader.verifier(), [("kept", (folder / "kept").read_text("utf-8"))] if kept else []).problems


def theirs(folder: Path, *what: Path, key: Path | None = None) -> str:
    done = subprocess.run(
        [
            sys.executable,
            str(SCRIPT),
            str(key or folder / "log" / "log.vkey"),
            *map(str, what or (folder / "log", folder / "kept")),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
    )
    assert done.returncode == (0 if done.stdout.startswith("verified") else 1), done.stderr
    return done.stdout + done.stderr


def lines_of(folder: Path) -> list[bytes]:
    return raw(folder / "log")


def write(folder: Path, lines: list[bytes]) -> None:
    """The records in the segments that there were, as many as before in each but the last."""
    segments = names(folder / "log" / "segments")
    for (first, path), (after, _) in zip(segments, [*segments[1:], (len(lines), Path())], strict=True):
        path.write_bytes(b"".join(map(frame, lines[first:after])))


def test_a_log_that_nobody_touched_verifies(folder: Path) -> None:
    assert ours(folder) == []
    assert theirs(folder).startswith("verified: 77 records")


def edited(folder: Path) -> None:
    write(folder, [x.replace(b'"a7"', b'"a8"') for x in lines_of(folder)])


def deleted(folder: Path) -> None:
    lines = lines_of(folder)
    del lines[20]
    write(folder, lines)


def renumbered(folder: Path) -> None:
    lines = lines_of(folder)
    del lines[20]
    write(folder, [x.replace(b'"seq":%d,' % (i + 1), b'"seq":%d,' % i) for i, x in enumerate(lines)])


def inserted(folder: Path) -> None:
    lines = lines_of(folder)
    write(folder, [*lines[:20], lines[20], *lines[20:]])


def reordered(folder: Path) -> None:
    lines = lines_of(folder)
    lines[20], lines[21] = lines[21], lines[20]
    write(folder, lines)


def truncated(folder: Path) -> None:
    write(folder, lines_of(folder)[:-3])


def segment_removed(folder: Path) -> None:
    names(folder / "log" / "segments")[1][1].unlink()


def first_segment_removed(folder: Path) -> None:
    names(folder / "log" / "segments")[0][1].unlink()


def last_segment_removed(folder: Path) -> None:
    names(folder / "log" / "segments")[-1][1].unlink()


def flipped(folder: Path) -> None:
    path = names(folder / "log" / "segments")[1][1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def torn(folder: Path) -> None:
    path = names(folder / "log" / "segments")[-1][1]
    path.write_bytes(path.read_bytes()[:-5])


def checkpoints_removed(folder: Path) -> None:
    (folder / "log" / "checkpoints.log").unlink()
    (folder / "log" / "checkpoint").unlink()


def no_key(folder: Path) -> None:
    """A record that says it changes the key, and holds none."""
    lines = lines_of(folder)
    changed = {**json.loads(lines[20]), "kind": "key", "body": 5}
    lines[20] = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode()
    write(folder, lines)


def rewritten(folder: Path) -> None:
    """Everything made anew with another key, by somebody who has not the log's."""
    forged = Signer.new("example.com/log")
    lines = [x.replace(b'"a7"', b'"a8"') for x in lines_of(folder)]
    write(folder, lines)
    note = signed(Checkpoint("example.com/log", len(lines), root_of(map(leaf_hash, lines))).text(), [forged])
    (folder / "log" / "checkpoints.log").write_bytes(frame(note.encode()))
    (folder / "log" / "checkpoint").write_text(note, encoding="utf-8")


def rewritten_by_the_operator(folder: Path) -> None:
    """The same with the log's own key: only a checkpoint that was kept elsewhere shows it."""
    lines = [x.replace(b'"a7"', b'"a8"') for x in lines_of(folder)]
    write(folder, lines)
    note = resigned(folder, lines)
    (folder / "log" / "checkpoints.log").write_bytes(frame(note.encode()))
    (folder / "log" / "checkpoint").write_text(note, encoding="utf-8")


def forked(folder: Path) -> None:
    """A second history after record 30, told to somebody else under the log's own key."""
    lines = lines_of(folder)
    lines = [*lines[:30], *(x.replace(b'"NONE"', b'"MASK"') for x in lines[30:])]
    write(folder, lines)
    note = resigned(folder, lines)
    (folder / "log" / "checkpoints.log").write_bytes(frame(note.encode()))
    (folder / "log" / "checkpoint").write_text(note, encoding="utf-8")


def cut_with_its_checkpoints(folder: Path) -> None:
    lines = lines_of(folder)[:48]
    write_cut(folder, lines)
    note = resigned(folder, lines)
    (folder / "log" / "checkpoints.log").write_bytes(frame(note.encode()))
    (folder / "log" / "checkpoint").write_text(note, encoding="utf-8")


def write_cut(folder: Path, lines: list[bytes]) -> None:
    for first, path in names(folder / "log" / "segments"):
        if first >= len(lines):
            path.unlink()
    write(folder, lines)


def resigned(folder: Path, lines: list[bytes]) -> str:
    signer = Signer.parse((folder / "log" / "private" / "signing.key").read_text())
    return signed(Checkpoint("example.com/log", len(lines), root_of(map(leaf_hash, lines))).text(), [signer])


CHANGES: list[Callable[[Path], None]] = [
    edited, deleted, renumbered, inserted, reordered, truncated, segment_removed, first_segment_removed, last_segment_removed, flipped, torn, checkpoints_removed, no_key,
    rewritten, rewritten_by_the_operator, forked, cut_with_its_checkpoints,
]  # fmt: skip
# What nobody can see without a checkpoint from elsewhere, for the key is the operator's.
NEEDS_A_WITNESS = {rewritten_by_the_operator, forked, cut_with_its_checkpoints}


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.__name__)
def test_every_change_is_found(folder: Path, change: Callable[[Path], None]) -> None:
    change(folder)
    assert ours(folder)
    assert theirs(folder).startswith("WRONG")
    assert bool(ours(folder, kept=False)) == (change not in NEEDS_A_WITNESS)
    assert theirs(folder, folder / "log").startswith("WRONG") == (change not in NEEDS_A_WITNESS)


@pytest.mark.parametrize("change", [rewritten, rewritten_by_the_operator, forked], ids=lambda c: c.__name__)
def test_two_readers_who_were_told_different_things_find_out(folder: Path, change: Callable[[Path], None]) -> None:
    change(folder)
    shutil.rmtree(folder / "log" / "tree")
    shutil.rmtree(folder / "log" / "index")
    other = (folder / "log" / "checkpoint").read_text(encoding="utf-8")
    proof = Reader(folder.parent / "copy" / "log")
    from guardrails.evidence.files import Disk
    from guardrails.evidence.recovery import recover

    disk = Disk()
    made_again = recover(proof.place, disk)
    disk.close()
    assert made_again.frontier.size == 77
    told = proof.consistency((folder / "kept").read_text(encoding="utf-8"), other)
    (folder / "proof.json").write_text(json.dumps(told), encoding="utf-8")
    assert theirs(folder, folder / "proof.json").startswith("WRONG")


def test_the_changes_are_noticed_when_the_key_is_not_the_one_that_is_trusted(folder: Path) -> None:
    (folder / "other.vkey").write_text(str(Signer.new("example.com/log").verifier))
    assert "not signed" in theirs(folder, folder / "log", key=folder / "other.vkey")
    (folder / "other.vkey").write_text(str(Signer.new("example.com/other").verifier))
    assert theirs(folder, folder / "log", key=folder / "other.vkey").startswith("WRONG")


# -- proofs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", ["a0", "a39", "b5", "c19"])
def test_a_decision_is_proved_to_whoever_has_the_public_key(folder: Path, id_: str) -> None:
    proof = Reader(folder / "log").prove(id_)
    assert json.loads(proof["records"][0]["record"])["body"]["decision_id"] == id_
    (folder / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
    assert theirs(folder, folder / "proof.json").startswith("verified: 1 records in a log of 77")
    proof["records"][0]["record"] = proof["records"][0]["record"].replace('"NONE"', '"MASK"')
    (folder / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
    assert theirs(folder, folder / "proof.json").startswith("WRONG")


def test_every_proof_verifies_under_an_independent_library(folder: Path) -> None:
    reader, lines = Reader(folder / "log"), lines_of(folder)
    size = len(lines)
    other = InmemoryTree(algorithm="sha256")
    for line in lines:
        other.append_entry(line)
    root = Checkpoint.parse(reader.checkpoint()).root
    assert root == other.get_root()
    key = verify_evidence.key_of((folder / "log" / "log.vkey").read_text())
    for seq, line in enumerate(lines):
        theirs_, mine = other.prove_inclusion(seq + 1), reader._inclusion(seq, size)
        path = [leaf_hash(line), *(base64.b64decode(step) for step in mine["path"])]
        assert set(path) == set(theirs_.path)
        verify_inclusion(leaf_hash(line), root, InclusionProof.deserialize(theirs_.serialize()))
        verify_evidence.included(mine, size, root)
    assert key[0] == "example.com/log"


def test_a_thousand_proofs_verify_under_the_script_and_the_library(tmp_path: Path) -> None:
    with opened(tmp_path / "log", mode="fast", segment_bytes=400_000, checkpoint_records=500) as log:
        for i in range(2_500):
            log.record(decision(id=f"d{i}"))
    reader, lines = Reader(tmp_path / "log"), raw(tmp_path / "log")
    other = InmemoryTree(algorithm="sha256")
    for line in lines:
        other.append_entry(line)
    key = verify_evidence.key_of((tmp_path / "log" / "log.vkey").read_text())
    root = Checkpoint.parse(reader.checkpoint()).root
    assert root == other.get_root()
    for i in random.Random(5).sample(range(2_500), 1_000):
        proof = reader.prove(f"d{i}")
        (item,) = proof["records"]
        assert verify_evidence.verify_proof(proof, key) == f"1 records in a log of {len(lines)}"
        theirs_, leaf = other.prove_inclusion(item["index"] + 1), leaf_hash(item["record"].encode())
        assert set(theirs_.path) == {leaf, *map(base64.b64decode, item["path"])}
        verify_inclusion(leaf, root, InclusionProof.deserialize(theirs_.serialize()))


def test_a_log_is_proved_to_go_on_in_a_later_one(folder: Path) -> None:
    reader = Reader(folder / "log")
    for note in [*reader.checkpoints(), (folder / "kept").read_text(encoding="utf-8")]:
        proof = reader.consistency(note, reader.checkpoint())
        (folder / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
        assert verify_evidence.verify_proof(proof, verify_evidence.key_of(str(reader.verifier())))
    assert theirs(folder, folder / "proof.json").startswith("verified: the log of 54 records")
    with pytest.raises(GuardrailsError, match="older"):
        reader.consistency(reader.checkpoint(), (folder / "kept").read_text(encoding="utf-8"))


def test_a_decision_that_no_checkpoint_covers_yet_is_proved_after_the_next_one(tmp_path: Path) -> None:
    with opened(tmp_path, checkpoint_records=1_000) as log:
        log.record(decision(id="new"))
        with pytest.raises(GuardrailsError, match="after the next one"):
            Reader(tmp_path).prove("new")
    assert Reader(tmp_path).prove("new")["records"]


def test_what_is_not_there_is_said_so(folder: Path, tmp_path: Path) -> None:
    reader = Reader(folder / "log")
    with pytest.raises(GuardrailsError, match="no decision"):
        reader.prove("z")
    with pytest.raises(GuardrailsError, match="no record 77"):
        reader.record(77)
    with pytest.raises(GuardrailsError, match="no evidence log"):
        Reader(tmp_path / "nowhere")
    assert reader.find("z") == []


@pytest.mark.parametrize("indexed", [True, False])
def test_every_record_is_found_with_and_without_an_index(folder: Path, indexed: bool) -> None:
    if not indexed:
        shutil.rmtree(folder / "log" / "index")
    reader, lines = Reader(folder / "log"), lines_of(folder)
    assert [reader.record(seq) for seq in range(len(lines))] == lines
    for seq, line in enumerate(lines):
        id_ = json.loads(line)["body"].get("decision_id")
        assert id_ is None or reader.find(id_) == [seq]


# -- the script ------------------------------------------------------------------------------------------------------


def test_the_script_imports_nothing_of_ours() -> None:
    modules = set()
    for statement in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            modules.add((statement.module or "").split(".")[0])
    assert modules - set(sys.stdlib_module_names) == {"cryptography"}


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"keys": [], "checkpoint": "", "records": []}', '{"old": 1}']
)
def test_the_script_takes_no_broken_proof(folder: Path, text: str) -> None:
    (folder / "proof.json").write_text(text, encoding="utf-8")
    assert theirs(folder, folder / "proof.json").startswith("WRONG")


def test_frames_stop_at_damage_and_never_raise(folder: Path) -> None:
    data = names(folder / "log" / "segments")[0][1].read_bytes()
    for cut in (*range(64), len(data) // 2, len(data) - 1):
        read = [record for _, record in frames(data[:cut])]
        assert read == lines_of(folder)[: len(read)]
