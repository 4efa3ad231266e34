"""Schemathesis on our OpenAPI document: what it allows is taken, what it does not is refused, and answers are as it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.proxied import Proxied, needs

pytestmark = needs("schemathesis")


@pytest.mark.parametrize("phase", ["coverage", "fuzzing"])
def test_it_finds_nothing(proxied: Proxied, tmp_path: Path, phase: str) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{proxied.service}/openapi.json",
        f"--phases={phase}",
        "--checks=all",
        "--max-examples=50",
        "--seed=1",
        "--generation-deterministic",
        "--suppress-health-check=all",
        "--request-timeout=120",
        "--no-color",
    ]
    env = {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout
