"""The command that serves the workbench."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx

COMMAND = [sys.executable, "-m", "onepolicy_guardrails", "workbench"]


def test_it_serves_a_folder_until_it_is_told_to_end(folder: Path) -> None:
    with subprocess.Popen([*COMMAND, str(folder), "--port", "0"], stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        said = running.stderr.readline()
        assert said.startswith("guardrails workbench: http://127.0.0.1:")
        answer = httpx.get(said.split()[-1], follow_redirects=True, timeout=30)
        assert answer.url.path == "/try"
        assert "desk.yaml" in answer.text
        running.terminate()
        running.stderr.read()


def test_an_open_address_needs_keys(folder: Path) -> None:
    done = subprocess.run([*COMMAND, str(folder), "--host", "0.0.0.0"], capture_output=True, text=True)  # noqa: S104 - which is what it refuses
    assert done.returncode == 1
    assert "Give --keys" in done.stderr


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, str(tmp_path / "none")], capture_output=True, text=True)
    assert done.returncode == 1
    assert "there is no such folder" in done.stderr
