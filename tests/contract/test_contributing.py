"""CONTRIBUTING shows how to add a detector. Here its steps are carried out in a copy of the tree."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    for name in ("guardrails", "models", "tests", "policies", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "onepolicy_guardrails.py", "README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, copy / name)
    detector, cases = blocks("python")
    (copy / "guardrails/detectors/shouting.py").write_text(detector, encoding="utf-8")
    (copy / "tests/detectors/cases/shouting.py").write_text(cases, encoding="utf-8")
    table = copy / "guardrails/detectors/__init__.py"
    before = table.read_text(encoding="utf-8")
    context, added = re.search(r"^ (DETECTORS.*)\n\+(.*)\n", blocks("diff")[0], re.MULTILINE).groups()  # type: ignore[union-attr]
    assert before.count(context + "\n") == 1
    table.write_text(before.replace(context + "\n", f"{context}\n{added}\n"), encoding="utf-8")
    return copy


def run(tree: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *args], cwd=tree, capture_output=True, text=True, timeout=300)


def test_the_suite_stays_green(tree: Path) -> None:
    done = run(
        tree,
        "-m",
        "pytest",
        "-q",
        "tests/detectors",
        "tests/core/test_guard.py",
        "tests/core/test_verdict.py",
        "-k",
        "not pii",
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "shouting" in run(tree, "-m", "pytest", "--collect-only", "tests/detectors").stdout


def test_the_linters_stay_green(tree: Path) -> None:
    for tool in (
        ("ruff", "check", "guardrails/detectors", "tests/detectors"),
        ("mypy", "guardrails/detectors/shouting.py"),
    ):
        done = run(tree, "-m", *tool)
        assert done.returncode == 0, done.stdout[-3000:]


def test_a_policy_can_use_it(tree: Path) -> None:
    (tree / "quiet.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    script = (
        "from guardrails import Guard\n"
        "print(Guard.from_file('quiet.yaml').check('please STOP DOING THIS now', source='INPUT').text)"
    )
    done = run(tree, "-c", script)
    assert done.stdout == "please {SHOUTING} now\n", done.stderr[-3000:]


def test_a_detector_without_cases_fails(tree: Path) -> None:
    cases = tree / "tests/detectors/cases/shouting.py"
    kept = cases.read_text(encoding="utf-8")
    cases.unlink()
    try:
        done = run(tree, "-m", "pytest", "-q", "tests/detectors", "-k", "brings_cases")
        assert done.returncode == 1
        assert "cases/shouting.py must define CASES" in done.stdout
    finally:
        cases.write_text(kept, encoding="utf-8")
