"""What the workflows, the contributors' guide and the commit hooks run is there: sessions, scripts, modules and paths."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import check_files, release

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SESSIONS = {
    node.name: node
    for node in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and any("session" in ast.unparse(d) for d in node.decorator_list)
}
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
# Programs that a runner has, or that a step installs.
PROGRAMS = {"bash", "gh", "mkdir", "mv", "nox", "pip", "python"}


def workflow(path: Path) -> dict[Any, Any]:
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(read, dict)
    return read


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    return dict(workflow(path)["jobs"])


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(path).values():
        yield from job["steps"]


def commands(text: str, matrix: dict[str, list[str]]) -> Iterator[list[str]]:
    """The commands of a step, one for each value of the matrix that it names."""
    for line in re.split(r"\n|&&|;", re.sub(r"\s#.*", "", text)):
        named = re.search(r"\$\{\{ matrix\.(\w+) \}\}", line)
        for value in matrix[named[1]] if named else [""]:
            words = shlex.split(re.sub(r"\$\{\{.*?\}\}", value or "1", line))
            if words:
                yield words


def exists(words: list[str]) -> str | None:
    """What of a command is not there; None when all is."""
    program, *rest = words
    if program not in PROGRAMS:
        return f"the program {program}"
    if program == "nox":
        for word in rest[rest.index("-s") + 1 :]:
            name, _, python = word.partition("-")
            if word == "--" or word.startswith("-"):
                break
            if name not in SESSIONS or (python and python not in PYTHONS):
                return f"the session {word}"
    if program == "python" and rest[:1] == ["-m"]:
        path = ROOT / rest[1].replace(".", "/")
        if not (path.with_suffix(".py").exists() or (path / "__main__.py").exists()):
            return f"the module {rest[1]}"
    if program == "bash" and not (ROOT / rest[0]).exists():
        return f"the script {rest[0]}"
    return None


def test_what_is_not_there_is_seen() -> None:
    assert exists(["nox", "-s", "paint"]) == "the session paint"
    assert exists(["nox", "-s", "versions-2.7"]) == "the session versions-2.7"
    assert exists(["python", "-m", "tools.nothing"]) == "the module tools.nothing"
    assert exists(["bash", ".ci/walk"]) == "the script .ci/walk"
    assert exists(["make"]) == "the program make"
    assert exists(["nox", "-s", "fuzz", "--", "--cases", "1"]) is None


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_a_workflow_runs_what_is_there(path: Path) -> None:
    ran = 0
    for job in jobs(path).values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job["steps"]:
            for words in commands(step.get("run", ""), matrix):
                assert exists(words) is None, f"{path.name}: {shlex.join(words)}"
                ran += 1
    assert ran


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_a_workflow_may_do_little_and_ends(path: Path) -> None:
    """It can read and no more unless a job says so; actions are named by a major version; no job runs for ever."""
    assert workflow(path)["permissions"] == {"contents": "read"}
    for step in steps(path):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w./-]+@(release/)?v\d+", step["uses"]), step["uses"]
        # What somebody else may have written (a branch's name, a title) never becomes part of a script.
        assert not re.search(r"\$\{\{ github\.(event|head_ref|ref_name)", step.get("run", "")), step
    for name, job in jobs(path).items():
        assert 0 < job["timeout-minutes"] <= 90, name


def test_every_python_and_system_is_tested() -> None:
    matrix = jobs(ROOT / ".github/workflows/checks.yml")["tests"]["strategy"]["matrix"]
    assert matrix == {"os": ["ubuntu-latest", "macos-latest", "windows-latest"], "python": PYTHONS}
    classifiers = [c.rpartition(" ")[2] for c in PYPROJECT["project"]["classifiers"] if ":: Python :: 3." in c]
    assert classifiers == PYTHONS
    assert f"PYTHONS = {PYTHONS}".replace("'", '"') in (ROOT / "noxfile.py").read_text(encoding="utf-8")


def test_only_a_tag_publishes_and_without_a_kept_token() -> None:
    path = ROOT / ".github/workflows/release.yml"
    assert workflow(path)[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads `on` as true
    publish = jobs(path)["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert "secrets." not in path.read_text(encoding="utf-8")
    used = " ".join(step.get("uses", "") for step in steps(path))
    assert "actions/attest-build-provenance@" in used
    assert "actions/attest-sbom@" in used


def test_contributing_names_every_session() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    missing = [name for name, node in SESSIONS.items() if f"`{name}`" not in text or not ast.get_docstring(node)]
    assert not missing
    for line in re.findall(r"^(?:\.venv/bin/)?(nox .*)$", text, re.MULTILINE):
        words = [w for w in shlex.split(re.sub(r"\s#.*", "", line)) if w != "--no-venv"]
        assert "-s" not in words or exists(words) is None, line


def test_sessions_name_modules_and_folders_that_are_there() -> None:
    for name, node in SESSIONS.items():
        for call in (c for c in ast.walk(node) if isinstance(c, ast.Call) and ast.unparse(c.func) == "session.run"):
            words = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            for before, word in pairwise(words):
                if before == "-m" and word.startswith(("tests", "benchmarks", "tools", "onepolicy")):
                    assert exists(["python", "-m", word]) is None, f"{name}: {word}"
                if "/" in word and not word.startswith("dist/") and "*" not in word:
                    assert (ROOT / word).exists(), f"{name}: {word}"


def test_hooks_need_no_network_and_run_what_is_there() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    development = " ".join(PYPROJECT["project"]["optional-dependencies"]["dev"])
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        program, *rest = shlex.split(hook["entry"])
        if program == "python":
            assert exists([program, *rest]) is None, hook["entry"]
        else:
            assert {"lint-imports": "import-linter"}.get(program, program) in development, program


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="not a clone")
def test_every_file_is_as_the_hooks_want_it() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = [
        f"{n}: {w}" for n in listed.split("\0") if n and (ROOT / n).is_file() for w in check_files.wrong(ROOT / n, n)
    ]
    assert not found


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "a: [1\n", "does not parse"),
        ("a.toml", "a = \n", "blanks"),
        ("a.toml", "a =\n", "does not parse"),
        ("a.json", "{,}\n", "does not parse"),
        ("a.md", "a \n", "line 1: blanks"),
        ("a.md", "a", "line break"),
        ("a.md", "a\n\n", "line break"),
        ("a.md", "a\r\nb\r\n", "line 1: blanks"),
        ("a.py", "<<<<<<< HEAD\n", "line 1: a conflict"),
        ("a.txt", "\xe9".encode("latin-1"), "not UTF-8"),
        ("a.bin", b"\0" * (check_files.LARGEST + 1), "more than"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_named(tmp_path: Path, name: str, text: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert message in "\n".join(check_files.wrong(path, name))


@pytest.mark.parametrize("text", ["", "a: 1\n---\nb: !reference [x]\n", "a:\n  - b\n"])
def test_a_file_that_is_right_is_not(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert not list(check_files.wrong(tmp_path / "a.yaml", "a.yaml"))


PACKAGE = '__version__ = "1.2.0"\n'
CHANGES = "# Changelog\n\n## Unreleased\n\n## 1.2.0 (2026-01-31)\n\n### Added\n\n- A thing.\n\n## 1.1.0 (2025-12-01)\n\n- Old.\n"


def test_the_notes_of_a_release_are_its_section() -> None:
    assert release.notes("v1.2.0", PACKAGE, CHANGES) == "### Added\n\n- A thing.\n"


@pytest.mark.parametrize(
    ("tag", "package", "changes", "message"),
    [
        ("v1.3.0", PACKAGE, CHANGES, "guardrails.__version__ is 1.2.0"),
        ("v1.2.0", "", CHANGES, "missing"),
        ("v1.2.0", PACKAGE, CHANGES.replace("1.2.0 (", "1.2.1 ("), "no section"),
        ("v1.2.0", PACKAGE, CHANGES.replace(" (2026-01-31)", " (unreleased)"), "no section"),
        ("v1.2.0", PACKAGE, CHANGES.replace("Unreleased\n", "Unreleased\n\n- More.\n"), "under Unreleased"),
    ],
)
def test_a_release_that_does_not_agree_is_refused(tag: str, package: str, changes: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        release.notes(tag, package, changes)


def test_the_package_and_the_changelog_are_as_a_release_needs_them() -> None:
    package = (ROOT / "guardrails/__init__.py").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.+)$", changes, re.MULTILINE)
    assert titles[0] == "Unreleased"
    version = re.search(r'__version__ = "([\d.]+)"', package)
    assert version
    assert titles[1].startswith(version[1])


def test_the_command_line_of_the_checks(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [1\n")
    done = subprocess.run(
        [sys.executable, "-m", "tools.check_files", str(tmp_path / "a.yaml")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "does not parse" in done.stdout
