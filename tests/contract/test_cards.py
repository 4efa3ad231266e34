"""A service card belongs to the weights it stands beside, and is what its recipe makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_cards_fit_the_shipped_weights() -> None:
    done = subprocess.run([sys.executable, "-m", "models.cards", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
