"""The README is run: its commands print what it says, its Python says what it shows, its table lists the tree."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# The two set-up commands are run by .ci/run, in a fresh clone, where they mean something; those that serve run until they
# are stopped, and have tests of their own (tests/proxy, tests/demo).
SETUP = re.compile(r"<!-- command: (\w+) -->\n```console\n(.*?)```", re.DOTALL)
CONSOLE = re.findall(r"(?<!-->\n)```console\n(\$ .*?)```", README, re.DOTALL)


def sessions() -> list[tuple[str, str]]:
    found = []
    for block in CONSOLE:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if not command.startswith("python -m benchmarks"):
                found.append((command, output))
    return found


def test_setup_commands_are_there() -> None:
    assert [name for name, _ in SETUP.findall(README)] == ["check", "test", "proxy"]
    assert "policies/retail-bank.yaml" in SETUP.findall(README)[0][1]


@pytest.mark.parametrize(("command", "output"), sessions(), ids=[c for c, _ in sessions()])
def test_console_block(command: str, output: str) -> None:
    name, *args = shlex.split(command.split("  #", maxsplit=1)[0])
    assert name == "guardrails"
    done = subprocess.run(
        [sys.executable, "-m", "onepolicy_guardrails", *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"},
        timeout=60,
    )
    shown = [line.rstrip() for line in (done.stdout + done.stderr).rstrip("\n").split("\n")]
    assert shown == [line.rstrip() for line in output.rstrip("\n").split("\n")]


def test_setup_output_is_real() -> None:
    """What the README shows under its first command is what the check prints."""
    block = SETUP.findall(README)[0][1]
    command, _, output = block.partition("\n")
    check = command.split("&& .venv/bin/guardrails ")[1]
    test_console_block("guardrails " + check, output)


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python_block(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    if ">>>" in block:
        test = doctest.DocTestParser().get_doctest(block, {}, "README", "README.md", 0)
        result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
        assert result.attempted
        assert not result.failed
    else:
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - our own README


def test_whats_where_matches_the_tree() -> None:
    table = README.split("## What's where")[1].split("\n## ")[0]
    named = {m.rstrip("/") for m in re.findall(r"^\| `(?:guardrails/)?([\w/.]+)`", table, re.MULTILINE)}
    package = ROOT / "guardrails"
    modules = {p.stem if p.suffix else p.name for p in package.iterdir() if p.suffix == ".py" or p.is_dir()}
    modules -= {"__init__", "__pycache__", "_shipped"}
    assert modules <= {n.removesuffix(".py") for n in named}, "guardrails/ has modules the table does not name"
    missing = [
        n for n in named if not ((ROOT / n).exists() or (package / n).exists() or (package / f"{n}.py").exists())
    ]
    assert not missing


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
