"""Samples: encrypted, each tenant with a key of its own, gone when their time is over or when somebody wants them gone."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from typer import BadParameter
from typer.testing import CliRunner

from guardrails import Guard
from guardrails.cli.app import app
from guardrails.cli.recording import evidence_settings
from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog, Text
from guardrails.evidence.record import said_of
from guardrails.evidence.samples import Samples, Sampling
from guardrails.evidence.segments import Place
from guardrails.review import Review
from guardrails.types import Piece, Role, Source
from tests.evidence.disks import decision, everything, opened, records
from tests.systems import needs_permissions

CANARY = "canary of kingfisher"
TEXT = [Text("pieces[0]", Role.USER, f"about {CANARY} \ud800"), Text("pieces[1]", Role.TOOL, "ünïcode\0")]


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["audit", *arguments, "--log", str(folder)])
    assert done.exit_code == code, (done.output, done.exception)
    return str(done.output)


def kept(folder: Path, **more: Any) -> EvidenceLog:
    return opened(folder, sample_days=30, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with kept(tmp_path) as log:
        for id_, tenant in (("one", "bank"), ("two", "bank"), ("three", "shop")):
            log.record(decision(id=id_, tenant=tenant), said=TEXT)
    return tmp_path


def test_texts_come_back_as_they_were(folder: Path) -> None:
    samples = Samples(Place(folder))
    assert samples.texts("one", Source.INPUT) == TEXT
    assert samples.texts("one", Source.OUTPUT) is None
    assert samples.texts("nobody", Source.INPUT) is None
    assert {s.id for s in samples.newest(10)} == {"one", "two", "three"}
    assert [s.id for s in samples.newest(10, "shop")] == ["three"]
    assert len(samples.newest(2)) == 2


def test_no_character_of_a_text_is_on_the_disk_in_clear(folder: Path) -> None:
    assert CANARY.encode() not in everything(folder)
    assert CANARY not in repr(Samples(Place(folder)))


@needs_permissions
def test_the_store_is_its_owners_alone(folder: Path) -> None:
    for name in ("samples.key", "samples.sqlite"):
        assert stat.S_IMODE((folder / "private" / name).stat().st_mode) == 0o600


def test_a_log_keeps_no_texts_unless_it_is_told_to(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.record(decision(id="one"), said=TEXT)
        assert log.samples == (0, 0)
    assert not list((tmp_path / "private").glob("samples*"))
    with pytest.raises(GuardrailsError, match="sample_days"):
        Samples(Place(tmp_path))


def test_a_share_is_kept_of_many(tmp_path: Path) -> None:
    with kept(tmp_path, sample_share=0.3, mode="fast") as log:
        for _ in range(600):
            log.record(decision(), said=TEXT)
    assert 90 < len(Samples(Place(tmp_path)).newest(1_000)) < 300


def test_what_finds_no_room_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path).close()
    samples, go = Samples(Place(tmp_path), make=True), threading.Event()
    monkeypatch.setattr(Samples, "keep", lambda *_: go.wait())
    sampling = Sampling(samples, 1, 1.0)
    for i in range(1_500):
        sampling.offer(f"d{i}", Source.INPUT, "bank", TEXT)
    go.set()
    sampling.close()
    assert sampling.dropped >= 300
    assert sampling.kept + sampling.dropped == 1_500


def test_what_is_erased_is_nowhere_any_more(folder: Path) -> None:
    def sealed(id_: str) -> bytes:
        store = sqlite3.connect(folder / "private" / "samples.sqlite")
        (found,) = store.execute("select sealed from samples where id = ?", (id_,)).fetchone()
        store.close()
        return bytes(found)

    one, two = sealed("one"), sealed("two")
    with kept(folder) as log:
        assert log.erase("one") == 1
    assert one not in everything(folder)
    assert two in everything(folder)
    assert Samples(Place(folder)).texts("one", Source.INPUT) is None
    assert Samples(Place(folder)).texts("two", Source.INPUT) == TEXT


def test_what_waits_is_erased_too(tmp_path: Path) -> None:
    with kept(tmp_path) as log:
        log.record(decision(id="one"), said=TEXT)
        log.erase("one")
    assert Samples(Place(tmp_path)).newest(10) == []


def test_a_tenant_goes_with_his_key(folder: Path) -> None:
    def sealed() -> bytes:
        store = sqlite3.connect(folder / "private" / "samples.sqlite")
        (found,) = store.execute("select sealed from keys where tenant = 'bank'").fetchone()
        store.close()
        return bytes(found)

    key = sealed()
    assert run(folder, "erase", "--samples-of", "bank") == "2 samples erased\n"
    assert key not in everything(folder)
    assert [s.id for s in Samples(Place(folder)).newest(10)] == ["three"]
    assert records(folder, "erasure")[0]["body"] == {"tenant": "bank", "samples": 2}
    with kept(folder) as log:  # it may come back, with another key
        log.record(decision(id="four", tenant="bank"), said=TEXT)
    assert Samples(Place(folder)).texts("four", Source.INPUT) == TEXT


def test_what_is_over_is_not_shown_and_goes(folder: Path) -> None:
    samples = Samples(Place(folder))
    samples.keep([("old", Source.INPUT, "bank", TEXT)], days=1, now=1_000_000.0)
    assert samples.texts("old", Source.INPUT) is None
    assert "old" not in {s.id for s in samples.newest(10)}
    assert samples.expire() == 1
    assert samples.expire() == 0


@pytest.mark.parametrize("what", ["sealed", "id", "key"])
def test_what_was_changed_does_not_open(folder: Path, what: str) -> None:
    if what == "key":
        (folder / "private" / "samples.key").write_bytes(bytes(32))
    else:
        store = sqlite3.connect(folder / "private" / "samples.sqlite")
        with store:
            if what == "id":
                store.execute("delete from samples where id = 'one'")
                store.execute("update samples set id = 'one' where id = 'two'")
            else:
                store.execute("update samples set sealed = zeroblob(60) where id = 'one'")
        store.close()
    with pytest.raises(GuardrailsError, match="does not open") as caught:
        Samples(Place(folder)).texts("one", Source.INPUT)
    assert CANARY not in str(caught.value)


def test_reviewers_see_texts_and_replays_take_them(tmp_path: Path) -> None:
    policy, log_folder = tmp_path / "bank.yaml", tmp_path / "log"
    policy.write_text("version: 1\nname: bank\nmetadata: {owner: me}\nwords: {terms: [kingfisher]}\n", encoding="utf-8")
    rules = Guard.from_file(policy)
    with kept(log_folder) as log:
        for id_, text in (("one", "a kingfisher"), ("two", "a heron"), ("three", "kingfishers")):
            given = [Piece(text), Piece("and more", Role.TOOL)]
            log.record(rules.check(given, source="INPUT"), said=said_of(given), guard=rules, id=id_)
        log.record(decision(id="exchange"), said=TEXT)
    told = run(log_folder, "review")
    assert "one  INPUT   BLOCKED" in told
    assert "words.terms" in told
    assert "kingfisher" not in told
    told = run(log_folder, "review", "one")
    assert "--- pieces[0] (user)\na kingfisher\n--- pieces[1] (tool)\nand more" in told
    run(log_folder, "review", "nobody", code=2)
    arguments = ("replay", "--policy", str(policy), "--sampled")
    assert (
        run(log_folder, *arguments) == "3 the same, 0 not the same, 1 of other policies or of exchanges (--request)\n"
    )
    assert run(log_folder, *arguments, "two").startswith("1 the same, 0 not")
    policy.write_text(policy.read_text() + "# another byte\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["audit", *arguments, "--log", str(log_folder)])
    assert "no sample can be replayed under this policy" in str(done.exception)


def test_what_is_kept_is_queued_for_reviewers(tmp_path: Path) -> None:
    log, book = tmp_path / "log", tmp_path / "book.jsonl"
    exchange = [Text("messages[0].content", Role.SYSTEM, "rules"), Text("messages[1].content", Role.USER, "a question")]
    with kept(log) as opened_:
        opened_.record(decision(id="one", tenant="bank"), said=exchange)
        opened_.record(decision(id="two", tenant="bank"), said=exchange)
        opened_.record(
            decision(id="three", tenant="bank", direction=Source.OUTPUT), said=[Text("a", Role.ASSISTANT, "an answer")]
        )
        opened_.record(decision(id="four", tenant="shop"), said=[Text("pieces[0]", Role.USER, "elsewhere")])

    def queue(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["review", "queue", str(book), *arguments])
        assert done.exit_code == code, (done.output, done.exception)
        return str(done.output)

    assert "2 new texts, 2 altogether" in queue("--log", str(log), "--tenant", "bank")
    assert "1 new texts, 3 altogether" in queue("--log", str(log))
    rows = {(i.row.text, i.row.source, i.row.role) for i in Review(book).items}
    assert rows == {
        ("a question", Source.INPUT, None),
        ("an answer", Source.OUTPUT, Role.ASSISTANT),
        ("elsewhere", Source.INPUT, None),
    }
    queue("--log", str(log), "--by", "ann", code=2)
    queue("--tenant", "bank", str(book), code=2)
    queue("--log", str(log), "--scan", str(tmp_path), code=2)


def test_several_processes_keep_samples_of_one_tenant(tmp_path: Path) -> None:
    """Each asks for the tenant's key first; one of them makes it."""
    opened(tmp_path).close()
    Samples(Place(tmp_path), make=True)
    code = """
import sys
from pathlib import Path
from guardrails.evidence.record import Text
from guardrails.evidence.samples import Samples
from guardrails.evidence.segments import Place
from guardrails.types import Role, Source
samples = Samples(Place(Path(sys.argv[1])), make=True)
sys.stdin.readline()
for i in range(20):
    samples.keep([(f"{sys.argv[2]}{i}", Source.INPUT, f"t{i}", [Text("a", Role.USER, "x")])], 1)
"""
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], stdin=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.wait(600) for process in started] == [0, 0]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    samples = Samples(Place(tmp_path))
    assert len(samples.newest(100)) == 40
    assert all(samples.texts(one.id, one.direction) for one in samples.newest(100))


def test_options_turn_samples_on(tmp_path: Path) -> None:
    def made(directory: Path | None, days: float | None, share: float = 1.0) -> Any:
        return evidence_settings(directory, "strict", "block", None, sample_days=days, sample_share=share)

    assert (made(tmp_path, None).sample_days, made(None, None)) == (None, None)
    settings = made(tmp_path, 7, 0.25)
    assert (settings.sample_days, settings.sample_share) == (7, 0.25)
    with pytest.raises(BadParameter, match="name its directory"):
        made(None, 7)
    with pytest.raises(BadParameter, match="for how long"):
        made(tmp_path, None, 0.25)
