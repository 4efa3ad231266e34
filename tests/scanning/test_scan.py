"""``guardrails scan``: one result a row, whatever stops it; what is no row, and what could not be checked."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.cli.app import app
from guardrails.errors import GuardrailsError
from guardrails.scanning import Job, check_shard, scan
from guardrails.scanning.sources import plan, rows
from tests.systems import needs_signals

POLICY = "version: 1\nname: p\nwords: {terms: [kingfisher]}\npii: {entities: {EMAIL: mask}}\n"
COMMAND = [sys.executable, "-m", "onepolicy_guardrails", "scan"]


@pytest.fixture
def policy(tmp_path: Path) -> str:
    (tmp_path / "p.yaml").write_text(POLICY)
    return str(tmp_path / "p.yaml")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for f in sorted(folder.glob("*.jsonl")) for line in f.read_text().splitlines()]


def written(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in enumerate(texts)), encoding="utf-8")
    return path


TEXTS = ["calm water", "a kingfisher", "write to bob@example.com", "fine"] * 5


@pytest.mark.parametrize("workers", [1, 2])
def test_one_result_a_row(policy: str, tmp_path: Path, workers: int) -> None:
    seen: list[tuple[int, int]] = []
    job = Job(str(written(tmp_path / "in.jsonl", TEXTS)), policy, str(tmp_path / "out"), size=3, workers=workers)
    summary = scan(job, lambda *at: seen.append(at))
    assert (summary["rows"], summary["actions"]) == (20, {"NONE": 10, "MASKED": 5, "BLOCKED": 5})
    assert summary["rules"] == {"pii.EMAIL": 5, "words.terms": 5}
    assert [r["row"] for r in lines(tmp_path / "out/results")] == list(range(1, 21))
    kept = lines(tmp_path / "out/masked")
    assert [r["text"] for r in kept] == ["calm water", "write to {EMAIL}", "fine"] * 5
    assert [r["id"] for r in kept] == [i for i in range(20) if i % 4 != 1]
    assert seen == [(i, 7) for i in range(8)]
    assert json.loads((tmp_path / "out/summary.json").read_text()) == summary
    assert not [p for p in (tmp_path / "out").rglob("*") if ".part" in p.name]


def test_results_hold_no_text(policy: str, tmp_path: Path) -> None:
    scan(Job(str(written(tmp_path / "in.jsonl", TEXTS)), policy, str(tmp_path / "out")))
    for kind in ("results", "quarantine", "done"):
        for file in (tmp_path / "out" / kind).iterdir():
            assert "kingfisher" not in file.read_text()
            assert "bob@" not in file.read_text()


def test_what_is_no_row_is_set_aside(policy: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(
        b'{"text": "fine"}\n\nkingfisher {\n[]\n{"text": 7}\n{"other": "x"}\n{"text": "caf\xe9"}\n{"text": "last"}'
    )
    summary = scan(Job(str(source), policy, str(tmp_path / "out")))
    assert (summary["rows"], summary["not_a_row"], summary["actions"]["NONE"]) == (7, 5, 2)
    assert [r["row"] for r in lines(tmp_path / "out/quarantine")] == [3, 4, 5, 6, 7]
    assert [r["row"] for r in lines(tmp_path / "out/results")] == [1, 3, 4, 5, 6, 7, 8]


def test_what_could_not_be_checked_is_set_aside_and_never_copied(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY + "on_failure: allow\nlimits: {max_characters: 20}\n")
    source = written(tmp_path / "in.jsonl", ["fine", "kingfisher " * 10, "fine"])
    summary = scan(Job(str(source), str(tmp_path / "p.yaml"), str(tmp_path / "out")))
    assert (summary["rows"], summary["could_not_be_checked"]) == (3, 1)
    assert [r["row"] for r in lines(tmp_path / "out/quarantine")] == [2]
    assert [r["text"] for r in lines(tmp_path / "out/masked")] == ["fine", "fine"]


def test_a_folder_with_every_kind_of_file(policy: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path / "in"
    folder.mkdir()
    written(folder / "a.jsonl", TEXTS)
    with (folder / "b.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *enumerate(TEXTS)])
    pq.write_table(pa.table({"text": TEXTS}), folder / "c.parquet", row_group_size=7)
    (folder / "README").write_text("not a row")
    summary = scan(Job(str(folder), policy, str(tmp_path / "out"), size=6))
    assert (summary["rows"], summary["actions"]["BLOCKED"], summary["shards"]) == (60, 15, 4 + 4 + 3)
    places = [(r["file"], r["row"]) for r in lines(tmp_path / "out/results")]
    assert len(set(places)) == 60


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=12), st.integers(1, 5))
def test_tables_and_json_are_read_as_they_were_written(texts: list[str], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "t.csv")
        with table.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["text", "n"], *([t, i] for i, t in enumerate(texts))])
        other = written(Path(folder, "t.jsonl"), texts)
        for path in (table, other):
            shards = plan(str(path), size)
            read = [row for shard in shards for row in rows(shard)]
            assert [r["text"] for _, r in read if isinstance(r, dict)] == texts
            assert [n for n, _ in read] == list(range(1, len(texts) + 1))


def test_another_scan_does_not_go_on_in_its_folder(policy: str, tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", TEXTS)
    job = Job(str(source), policy, str(tmp_path / "out"))
    scan(job)
    scan(job)
    Path(policy).write_text(POLICY.replace("kingfisher", "heron"))
    with pytest.raises(GuardrailsError, match="another scan began there"):
        scan(job)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_text("mine")
    with pytest.raises(GuardrailsError, match="not empty"):
        scan(Job(str(source), policy, str(tmp_path / "full")))
    with pytest.raises(GuardrailsError, match="there is no"):
        scan(Job(str(tmp_path / "none.jsonl"), policy, str(tmp_path / "new")))


@needs_signals
def test_a_scan_that_is_killed_goes_on(policy: str, tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", [f"{i} {t}" for i, t in enumerate(TEXTS * 200)])
    out = tmp_path / "out"
    command = [*COMMAND, str(source), "-p", policy, "-o", str(out), "--workers", "2", "--shard-rows", "20"]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while len(list(out.glob("done/*.json"))) < 3 and first.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    before = len(list(out.glob("done/*.json")))
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["rows"] == 4_000
    assert 3 <= before < 200
    assert sorted(r["row"] for r in lines(out / "results")) == list(range(1, 4_001))


def test_words_load_no_heavy_machine(policy: str, tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", TEXTS)
    code = (
        "import sys; from guardrails.scanning import Job, scan\n"
        f"scan(Job({str(source)!r}, {policy!r}, {str(tmp_path / 'out')!r}))\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_worker_that_reads_another_policy_ends_the_scan(policy: str, tmp_path: Path) -> None:
    shards = plan(str(written(tmp_path / "in.jsonl", TEXTS)), 9)
    with pytest.raises(GuardrailsError, match="not the policy with which the scan began"):
        check_shard(Job(shards[0].path, policy, str(tmp_path / "out")), shards[0], "0" * 64)
    assert not (tmp_path / "out").exists()


def test_ray_is_an_extra(policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    job = Job(str(written(tmp_path / "in.jsonl", TEXTS)), policy, str(tmp_path / "out"), ray="")
    with pytest.raises(GuardrailsError, match=r"pip install 'onepolicy-guardrails\[ray\]'"):
        scan(job)
    for wrong in (["scan", "x", "-p", policy, "-o", "y", "--ray-address", "auto"], ["deploy", "ray", "--models", "bird"],
                  ["deploy", "ray", "--replicas", "3", "--max-replicas", "2"]):  # fmt: skip
        with pytest.raises(typer.BadParameter, match=r"it is for --engine ray|no model 'bird'|less than --replicas"):
            app(wrong, standalone_mode=False)
