"""docs/clients.md names the versions that are tested."""

from __future__ import annotations

import json
import re
from pathlib import Path

HERE = Path(__file__).parent


def test_the_page_names_the_versions_that_are_tested() -> None:
    page = (HERE.parents[1] / "docs/clients.md").read_text(encoding="utf-8").partition("## What is tested")[2]
    named = dict(re.findall(r"`([\w@/-]+) (\d[\w.]+)`", page))
    pins = json.loads((HERE / "node/package.json").read_text(encoding="utf-8"))["dependencies"]
    for group in ("agents", "wrappers"):
        text = (HERE / group / "requirements.txt").read_text(encoding="utf-8")
        pins = dict(re.findall(r"^([\w-]+)==(\S+)$", text, re.MULTILINE)) | pins  # agents before wrappers
    assert len(named) >= 14
    assert {name: pins[name] for name in named} == named
