"""The example is run, and prints what its page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_prints_what_its_page_shows() -> None:
    page = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    shown = re.search(r"\$ python (examples/\S+)\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    kept = {k: v for k, v in os.environ.items() if k != "MODEL_URL"}
    done = subprocess.run(
        [sys.executable, shown[1]],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown[2]
