"""``guardrails audit`` as it is used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guardrails.cli.app import app
from guardrails.errors import GuardrailsError
from guardrails.evidence.segments import frame
from guardrails.types import Action
from tests.evidence.disks import decision, found, opened, raw

RUN = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with opened(tmp_path / "log", mode="fast") as log:
        for i in range(30):
            log.record(decision(id=f"d{i}", tenant="bank" if i % 2 else "shop"))
        log.record(
            decision(
                id="bad",
                tenant="bank",
                action=Action.BLOCKED,
                findings=(found("messages[0].content", 0, 3),),
                blocking=("words.terms",),
            )
        )
    shutil.copy(tmp_path / "log" / "checkpoint", tmp_path / "kept")
    return tmp_path


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    done = RUN.invoke(app, ["audit", *arguments, "--log", str(folder / "log")])
    assert done.exit_code == code, (done.output, done.exception)
    return str(done.stdout)


def test_verify_says_what_was_found_and_under_which_key(folder: Path) -> None:
    assert "verified" in run(
        folder, "verify", "--key", str(folder / "log" / "log.vkey"), "--against", str(folder / "kept")
    )
    told = json.loads(run(folder, "verify", "--json"))
    assert told["problems"] == []
    assert told["kinds"] == {"decision": 31, "policy": 2, "start": 1, "stop": 1}
    assert told["records"] == told["signed"] == 35


def test_verify_ends_with_2_where_something_was_changed(folder: Path) -> None:
    path = next((folder / "log" / "segments").iterdir())
    path.write_bytes(b"".join(frame(x.replace(b'"d7"', b'"d8"')) for x in raw(folder / "log")))
    assert "NOT verified" in run(folder, "verify", code=2)


def test_show_prints_a_decision_or_the_newest_records(folder: Path) -> None:
    told = run(folder, "show", "--last", "3").splitlines()
    assert [line.split()[2] for line in told] == ["decision", "decision", "stop"]
    assert told[1].split()[3:] == ["INPUT", "BLOCKED", "bank", "bad", "words.terms"]
    record = json.loads(run(folder, "show", "bad"))
    assert record["body"]["blocking"] == ["words.terms"]
    assert len(record["leaf_hash"]) == 64
    run(folder, "show", "nothing", code=2)


def test_export_prints_records_as_they_stand(folder: Path) -> None:
    assert run(folder, "export").encode().splitlines() == raw(folder / "log")
    lines = [json.loads(line) for line in run(folder, "export", "--kind", "decision", "--tenant", "bank").splitlines()]
    assert [line["body"]["decision_id"] for line in lines] == [f"d{i}" for i in range(1, 30, 2)] + ["bad"]
    first = json.loads(raw(folder / "log")[10])["ts"]
    assert len(run(folder, "export", "--since", first).splitlines()) == len(
        [x for x in raw(folder / "log") if json.loads(x)["ts"] >= first]
    )
    run(folder, "export", "--until", first, "--output", str(folder / "out"))
    assert len((folder / "out").read_bytes().splitlines()) <= 10


def test_prove_and_consistency_write_what_the_script_verifies(folder: Path) -> None:
    from tools import verify_evidence

    key = verify_evidence.key_of((folder / "log" / "log.vkey").read_text())
    assert verify_evidence.verify_proof(json.loads(run(folder, "prove", "d7")), key).startswith("1 records")
    with opened(folder / "log") as log:
        log.record(decision())
    run(folder, "consistency", str(folder / "kept"), "--output", str(folder / "proof.json"))
    assert "beginning" in verify_evidence.verify_proof(json.loads((folder / "proof.json").read_text()), key)


def test_a_directory_without_a_log_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["audit", "verify", "--log", str(tmp_path)])
    assert isinstance(done.exception, GuardrailsError)
    assert "--log" in str(done.exception)
