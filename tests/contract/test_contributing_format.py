"""CONTRIBUTING shows how to add a wire format. Here its steps are carried out in a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
(TEXT,) = re.findall(
    r"^## Add a wire format\n(.*?)^## ",
    (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
    re.DOTALL | re.MULTILINE,
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    for name in ("guardrails", "models", "tests", "policies", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "onepolicy_guardrails.py", "README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, copy / name)
    format_, tests = blocks("python")
    (copy / "guardrails/wire/poems.py").write_text(format_, encoding="utf-8")
    (copy / "tests/wire/test_poems.py").write_text(tests, encoding="utf-8")
    table = copy / "guardrails/wire/__init__.py"
    before = table.read_text(encoding="utf-8")
    first, added, last = re.findall(r"^[ +](.*)\n", blocks("diff")[0], re.MULTILINE)
    assert before.count(f"{first}\n{last}\n") == 1
    table.write_text(before.replace(f"{first}\n{last}\n", f"{first}\n{added}\n{last}\n"), encoding="utf-8")
    return copy


def run(tree: Path, *args: str) -> subprocess.CompletedProcess[str]:
    # One cache for all trees, as most files are the same in each.
    env = {**os.environ, "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache")}
    return subprocess.run([sys.executable, *args], cwd=tree, capture_output=True, text=True, env=env, timeout=3600)


def test_its_tests_pass_and_so_do_those_that_hold_for_every_format(tree: Path) -> None:
    done = run(tree, "-m", "pytest", "-q", "-n", "0", "tests/wire/test_poems.py", "tests/wire/test_spellings.py")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "failed" not in done.stdout


def test_the_linters_stay_green(tree: Path) -> None:
    form, tests = "guardrails/wire/poems.py", "tests/wire/test_poems.py"
    for tool in (("ruff", "check", form, tests), ("ruff", "format", "--check", form, tests), ("mypy", form)):
        done = run(tree, "-m", *tool)
        assert done.returncode == 0, done.stdout[-3000:]


def test_the_middleware_inspects_its_route(tree: Path) -> None:
    script = (
        "from starlette.routing import Route\n"
        "from guardrails.asgi.routing import Routing\n"
        "from guardrails.asgi.settings import Settings\n"
        "print(Routing(Settings.of()).table([Route('/v1/poems', print, methods=['POST'])]))"
    )
    done = run(tree, "-c", script)
    assert done.stdout == "[('POST', '/v1/poems', 'inspected as poems')]\n", done.stderr[-3000:]
