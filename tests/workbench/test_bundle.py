"""What is committed of the scripts is what their sources make."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from guardrails.workbench.pages import STATIC, texts

TOOLS = Path(__file__).resolve().parents[2] / "tools" / "workbench"
TEMPLATES = STATIC.parent / "templates"


def test_the_bundle_is_made_of_these_sources() -> None:
    if not TOOLS.is_dir():
        pytest.skip("the sources of the scripts are not here")
    hashes = json.loads((TOOLS / "hashes.json").read_text(encoding="utf-8"))
    files = {name: (STATIC.parent if name.startswith("static/") else TOOLS) / name for name in hashes}
    assert {*TOOLS.glob("src/*.js"), *STATIC.glob("*.js")} <= set(files.values())
    found = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert found == hashes, "run: cd tools/workbench && npm ci && npm run build"


def test_every_package_in_the_bundle_is_locked_and_free() -> None:
    if not TOOLS.is_dir():
        pytest.skip("the sources of the scripts are not here")
    licences = re.findall(r"^(@?[\w./-]+) ([\d.]+) \(([\w-]+)\)$", (STATIC / "LICENSES.txt").read_text(), re.M)
    locked = json.loads((TOOLS / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert {"htmx.org", "@codemirror/view"} <= {name for name, _, _ in licences}
    for name, version, licence in licences:
        assert locked[f"node_modules/{name}"]["version"] == version
        assert licence in {"MIT", "0BSD", "BSD-0-Clause"}


def sentences(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [s for inner in value.values() for s in sentences(inner)]


def test_templates_hold_no_sentence() -> None:
    assert all(s.strip() for s in sentences(texts()))
    for path in TEMPLATES.glob("*.html"):
        source = re.sub(r"\{[{%#].*?[}%#]\}", "", path.read_text(encoding="utf-8"), flags=re.S)
        shown = re.sub(r"<[^>]*>", "\n", source)
        assert not re.findall(r"[A-Za-z]{3,} [a-z]{2,}", shown), path.name
        for label in re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', source):
            assert not re.search(r"[A-Za-z]{3,}", label), (path.name, label)


def test_templates_run_nothing_inline() -> None:
    for path in TEMPLATES.glob("*.html"):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"\son\w+=|style=|javascript:|\|safe|hx-on|hx-vals='js", source), path.name
        assert not re.search(r"(?:src|href)=[\"']https?:", source), path.name
