"""``guardrails scan --engine ray`` on a real embedded Ray: the results of the plain engine, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from guardrails.errors import GuardrailsError
from guardrails.scanning import Job, check_shard, scan
from guardrails.scanning.sources import Shard
from guardrails.scanning.spread import spread

POLICY = "version: 1\nname: p\nwords: {terms: [kingfisher]}\npii: {entities: {EMAIL: mask}}\n"
ROWS = [{"text": t} for t in ("calm water", "a kingfisher", "write to bob@example.com", "fine")] * 25 + [{"other": 1}]
FILES = ("results", "masked", "quarantine", "done")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "p.yaml").write_text(POLICY)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path / "in.jsonl"


def job(source: Path, out: str, **more: Any) -> Job:
    return Job(str(source), str(source.parent / "p.yaml"), str(source.parent / out), size=4, **more)


def held(source: Path, out: str) -> dict[str, bytes]:
    folder = source.parent / out
    return {str(f.relative_to(folder)): f.read_bytes() for kind in FILES for f in (folder / kind).iterdir()}


def test_the_results_are_those_of_the_plain_engine(ray: Any, source: Path) -> None:
    seen: list[tuple[int, int]] = []
    assert scan(job(source, "there", ray=""), lambda *at: seen.append(at)) == scan(job(source, "here"))
    assert held(source, "there") == held(source, "here")
    assert seen == [(i, 26) for i in range(27)]


def killed(check: Callable[[Shard], None], shard: Shard, mark: Path, out: Path) -> None:
    """Check a shard; the first process that has done a third one loses its mark, and dies."""
    check(shard)
    if shard.index == 3 and not mark.exists():
        mark.touch()
        (out / "done/000003.json").unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_shard_whose_process_is_killed_is_checked_again(
    ray: Any, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, out = source.parent / "mark", source.parent / "there"
    monkeypatch.setattr(
        "guardrails.scanning.spread.spread",
        lambda check, *more: spread(partial(killed, check, mark=mark, out=out), *more),
    )
    scan(job(source, "there", ray="", workers=2))
    assert mark.exists()
    scan(job(source, "here"))
    assert held(source, "there") == held(source, "here")


def always(shard: Shard) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def broken(shard: Shard) -> None:
    raise RuntimeError("kingfisher")


def test_a_shard_that_kills_each_process_ends_the_scan(ray: Any, source: Path) -> None:
    with pytest.raises(GuardrailsError, match=r"in\.jsonl, from row 5: its process ended 4 times"):
        list(spread(always, [Shard(1, str(source), 5, 0, 1)], "", 1))


def test_what_is_wrong_on_a_machine_is_said(ray: Any, source: Path) -> None:
    with pytest.raises(GuardrailsError, match="every machine needs the same files"):
        list(spread(partial(check_shard, job(source, "x"), policy="0" * 64), [Shard(0, str(source), 1, 0, 9)], "", 0))
    with pytest.raises(GuardrailsError, match=r"from row 1: RayTaskError.*Ray's logs say more"):
        list(spread(broken, [Shard(0, str(source), 1, 0, 9)], "", 0))


def test_the_command_goes_on_after_it_was_killed(source: Path, ray: Any) -> None:
    rows = [{"text": f"{i} a kingfisher, bob{i}@example.com " + "and more words " * 200} for i in range(800)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = source.parent / "out"
    command = [sys.executable, "-m", "onepolicy_guardrails", "scan", str(source), "-p", str(source.parent / "p.yaml")]
    command += ["-o", str(out), "--shard-rows", "10"]
    on_ray = [*command, "--engine", "ray", "--ray-address", ray.get_runtime_context().gcs_address]
    first = subprocess.Popen(on_ray, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 300
    while len(list(out.glob("done/*.json"))) < 3 and first.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    first.kill()
    first.wait()
    before = len(list(out.glob("done/*.json")))
    ended = subprocess.run(on_ray, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["rows"] == 800
    assert 3 <= before < 80
    lines = [json.loads(line) for f in sorted(out.glob("results/*.jsonl")) for line in f.read_text().splitlines()]
    assert [line["row"] for line in lines] == list(range(1, 801))
