"""Somebody else vouches for a log: a witness who cosigns only what goes on from what he cosigned before, and a time stamp authority."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from typer.testing import CliRunner

from guardrails.cli.app import app
from guardrails.errors import GuardrailsError
from guardrails.evidence.note import Checkpoint, Cosigner, Signer, Witness, signatures, signed
from guardrails.evidence.reader import Reader
from guardrails.evidence.segments import frame, names
from guardrails.evidence.tree import leaf_hash, root_of
from tests.evidence.authority import Authority
from tests.evidence.disks import decision, opened, raw
from tools import verify_evidence

RUN = CliRunner()


def grow(folder: Path, number: int = 5, *, rotate: bool = False) -> None:
    with opened(folder / "log", mode="fast") as log:
        for _ in range(number):
            log.record(decision())
        if rotate:
            log.rotate_key()


def run(folder: Path, command: str, *more: str, code: int = 0, log: str = "log") -> str:
    done = RUN.invoke(app, ["audit", command, "--log", str(folder / log), *more])
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def witness(folder: Path, *more: str, code: int = 0, log: str = "log") -> str:
    return run(folder, "witness", "--state", str(folder / "witness"), *more, code=code, log=log)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log that was cosigned once."""
    grow(tmp_path)
    witness(tmp_path, "--key", str(tmp_path / "log" / "log.vkey"), "--name", "witness.example.com/one")
    return tmp_path


def test_a_cosignature_is_what_the_specification_says() -> None:
    """C2SP tlog-cosignature, read here with nothing of ours."""
    cosigner = Cosigner.new("witness.example.com/w1")
    note = signed("example.com/log\n7\n" + "A" * 43 + "=\n", [Signer.new("example.com/log")])
    told = cosigner.cosign(note, 1_679_315_147)
    name, data = told.splitlines()[-1].removeprefix("— ").split(" ")
    raw_ = base64.b64decode(data)
    _, id_, key = str(cosigner.witness).split("+", 2)
    public = base64.b64decode(key)
    assert name == "witness.example.com/w1"
    assert public[0] == 4
    assert raw_[:4] == hashlib.sha256(name.encode() + b"\n\x04" + public[1:]).digest()[:4] == bytes.fromhex(id_)
    assert int.from_bytes(raw_[4:12], "big") == 1_679_315_147
    text = note.rpartition("\n\n")[0] + "\n"
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(
        raw_[12:], f"cosignature/v1\ntime 1679315147\n{text}".encode()
    )
    assert cosigner.witness.cosigned(told) == 1_679_315_147
    assert cosigner.witness.cosigned(note) is None
    assert cosigner.witness.cosigned(told.replace("\n7\n", "\n8\n")) is None
    assert Cosigner.parse(cosigner.dump()).witness == Witness.parse(str(cosigner.witness)) == cosigner.witness


def test_keys_of_logs_and_of_witnesses_are_not_mistaken_for_each_other() -> None:
    cosigner, signer = Cosigner.new("a/b"), Signer.new("a/b")
    for read, text in (
        (Witness.parse, str(signer.verifier)),
        (Cosigner.parse, signer.dump()),
        (Signer.parse, cosigner.dump()),
    ):
        with pytest.raises(GuardrailsError) as caught:
            read(text)
        assert text.strip()[-20:] not in str(caught.value)


def test_a_witness_cosigns_a_log_that_goes_on_also_over_a_new_key(folder: Path) -> None:
    for rotate in (False, True, False):
        grow(folder, rotate=rotate)
        size = Checkpoint.parse(Reader(folder / "log").checkpoint()).size
        assert witness(folder) == f"witness.example.com/one cosigned {size} records\n"
    told = run(folder, "verify", "--witness", str(folder / "witness" / "witness.vkey"))
    assert f"witness.example.com/one: the first {size} records were there at 20" in told
    note = Reader(folder / "log").witnessed()[-1][1]
    key = verify_evidence.key_of((folder / "log" / "log.vkey").read_text())
    assert verify_evidence.verify_log(folder / "log", key, [note])  # for others it is a checkpoint as before
    assert witness(folder)  # and once more where nothing happened


def rewritten(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """The log as its operator would have it now, under its own key."""
    log = folder / "log"
    lines = change(raw(log))
    signer = Signer.parse((log / "private" / "signing.key").read_text())
    for _, path in names(log / "segments"):
        path.unlink()
    (log / "segments" / f"{0:020}.log").write_bytes(b"".join(map(frame, lines)))
    note = signed(Checkpoint(signer.name, len(lines), root_of(map(leaf_hash, lines))).text(), [signer])
    (log / "checkpoints.log").write_bytes(frame(note.encode()))
    (log / "checkpoint").write_text(note, encoding="utf-8")
    for part in ("tree", "index", "private/salts"):
        shutil.rmtree(log / part)
    opened(log).close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [lines[0].replace(b'"fast"', b'"slow"'), *lines[1:]], "rewritten or forked"),
        (lambda lines: lines[:2], "records were removed"),
    ],
    ids=["rewritten", "cut"],
)
def test_a_witness_cosigns_nothing_else(folder: Path, change: Callable[[list[bytes]], list[bytes]], words: str) -> None:
    grow(folder, 3)
    before = sorted(folder.joinpath("witness").glob("*.json"))[0].read_bytes()
    rewritten(folder, change)
    assert words in witness(folder, code=2)
    assert sorted(folder.joinpath("witness").glob("*.json"))[0].read_bytes() == before
    assert "NOT verified" in run(folder, "verify", code=2)  # what he cosigned lies beside the log
    shutil.rmtree(folder / "log" / "witnessed")
    assert "no checkpoint is cosigned" in run(
        folder, "verify", "--witness", str(folder / "witness" / "witness.vkey"), code=2
    )


def test_a_witness_takes_no_other_log_for_the_one_that_he_knows(folder: Path) -> None:
    with opened(folder / "other", mode="fast") as log:  # the same name, another key
        for _ in range(30):
            log.record(decision())
    assert "not signed" in witness(folder, code=2, log="other")
    assert "another public key" in witness(folder, "--key", str(folder / "other" / "log.vkey"), code=2, log="other")
    with opened(folder / "third", name="example.com/third") as log:
        log.record(decision())
    done = RUN.invoke(app, ["audit", "witness", "--log", str(folder / "third"), "--state", str(folder / "witness")])
    assert "--key" in str(done.exception)
    assert witness(folder, "--key", str(folder / "third" / "log.vkey"), log="third")
    assert len(list((folder / "witness").glob("*.json"))) == 2


def test_a_wrong_cosignature_beside_the_log_is_found(folder: Path) -> None:
    (path,) = (folder / "log" / "witnessed").iterdir()
    text, found = signatures(path.read_text(encoding="utf-8"))
    data = bytearray(found[-1][1])
    data[-1] ^= 1
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[-1] = f"— {found[-1][0]} {base64.b64encode(bytes(data)).decode()}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = run(folder, "verify", "--witness", str(folder / "witness" / "witness.vkey"), code=2)
    assert "the cosignature of witness.example.com/one is wrong" in told
    assert text


def test_a_cosigned_checkpoint_can_be_carried_to_the_log(folder: Path) -> None:
    grow(folder)
    shutil.copytree(folder / "log", folder / "copy", ignore=shutil.ignore_patterns("private"))
    witness(folder, "--output", str(folder / "cosigned"), log="copy")
    assert Reader(folder / "copy").witnessed() == Reader(folder / "log").witnessed()
    told = run(folder, "verify", "--against", str(folder / "cosigned"), "--json")
    assert json.loads(told.partition("note:")[0])["problems"] == []


def test_a_witness_without_a_name_is_asked_for_one(tmp_path: Path) -> None:
    grow(tmp_path)
    done = RUN.invoke(app, ["audit", "witness", "--log", str(tmp_path / "log"), "--state", str(tmp_path / "new")])
    assert "--name" in str(done.exception)


# -- time stamps -------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    pytest.importorskip("rfc3161_client", reason="rfc3161-client is not installed")
    made = Authority(tmp_path / "authority")
    yield made
    made.close()


def test_a_stamped_checkpoint_verifies(folder: Path, authority: Authority) -> None:
    size = Checkpoint.parse(Reader(folder / "log").checkpoint()).size
    told = run(folder, "stamp", "--tsa", authority.address, "--tsa-ca", str(authority.ca))
    assert told == f"the checkpoint over {size} records is stamped\n"
    grow(folder)
    told = run(folder, "verify", "--tsa-ca", str(authority.ca))
    assert f"time stamp: the first {size} records were there at 20" in told


def test_a_stamp_of_somebody_else_or_for_something_else_is_none(folder: Path, authority: Authority) -> None:
    assert "no checkpoint has a time stamp" in run(folder, "verify", "--tsa-ca", str(authority.ca), code=2)
    run(folder, "stamp", "--tsa", authority.address)
    other = Authority(folder / "other")
    other.close()
    assert "no authority that is trusted" in run(folder, "verify", "--tsa-ca", str(other.ca), code=2)
    grow(folder)
    (path,) = (folder / "log" / "stamped").iterdir()
    size = Checkpoint.parse(Reader(folder / "log").checkpoint()).size
    path.rename(path.with_name(f"{size:020}{path.name[20:]}"))
    assert "for another checkpoint" in run(folder, "verify", "--tsa-ca", str(authority.ca), code=2)


def test_an_authority_that_grants_nothing_is_said_to(folder: Path, authority: Authority) -> None:
    authority.granting = False
    for address, words in ((authority.address, "no granted time stamp"), ("http://127.0.0.1:9/", "no time stamp")):
        done = RUN.invoke(app, ["audit", "stamp", "--log", str(folder / "log"), "--tsa", address])
        assert words in str(done.exception)
    assert not (folder / "log" / "stamped").exists()
