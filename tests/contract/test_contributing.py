"""CONTRIBUTING shows how to add a detector, and to give it a section of policy files. Here its steps are carried out in copies of the tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("\n## Add a wire format\n")[0]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def patched(path: Path, diff: str) -> None:
    """Carry out a diff without line numbers: what stands before, once, becomes what stands after."""
    text = path.read_text(encoding="utf-8")
    for hunk in diff.split("@@\n"):
        lines = [line or " " for line in hunk.splitlines()]
        before, after = ("".join(f"{x[1:]}\n" for x in lines if x[0] in signs) for signs in (" -", " +"))
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def sectioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = made(tmp_path_factory.mktemp("sectioned"))
    patched(copy / "guardrails/detectors/shouting.py", blocks("diff")[1])
    patched(copy / "guardrails/detectors/__init__.py", blocks("diff")[2])
    (copy / "quiet.yaml").write_text(blocks("yaml")[1], encoding="utf-8")
    return copy


def made(copy: Path) -> Path:
    """A copy of the tree with the detector in it."""
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
    # One cache for all trees, as most files are the same in each.
    env = {**os.environ, "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache")}
    return subprocess.run([sys.executable, *args], cwd=tree, capture_output=True, text=True, env=env, timeout=3600)


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


USE = """
import json, sys
from guardrails import Guard
from guardrails.bedrock import export_file
from guardrails.errors import PolicyError
from guardrails.policy import explain, json_schema, load, loads

HEAD = "version: 1\\nname: x\\n"
policy = load("quiet.yaml")
found = {"text": Guard(policy).check("please STOP DOING THIS now", source="INPUT").text}
found["short"] = repr(Guard(loads(HEAD + "shouting: 10\\n")).check("STOP DOING THIS", source="INPUT").action)
found["explain"] = {s.key: s.value for s in explain(policy) if s.key.startswith("shouting")}
found["schema"] = json_schema()["properties"]["shouting"]
found["lost"] = [loss.key for loss in export_file("quiet.yaml").losses]
open("parent.yaml", "w").write(HEAD + "shouting: 12\\nenforced: [shouting]\\n")
for name, text in (("range", "shouting: 1"), ("key", "shouting: {letters: 3}"), ("child", "extends: parent.yaml\\nshouting: 20")):
    open("wrong.yaml", "w").write(HEAD + text + "\\n")
    try:
        load("wrong.yaml")
    except PolicyError as error:
        found[name] = [[p.code, p.key, p.written, p.allowed] for p in error.problems]
open("stricter.yaml", "w").write(HEAD + "extends: parent.yaml\\nshouting: 6\\n")
found["stricter"] = load("stricter.yaml").rule("shouting").settings.min_letters
print(json.dumps(found))
"""


def test_a_section_is_read_held_shown_and_exported_by_what_the_detector_declares(sectioned: Path) -> None:
    done = run(sectioned, "-c", USE)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    number = {"type": "integer", "minimum": 2, "maximum": 1000}
    long = found.pop("schema")["oneOf"]
    assert long[0] == number
    assert (long[1]["properties"]["min_letters"], long[1]["additionalProperties"]) == (number, False)
    assert found == {
        "text": "please {SHOUTING} now",
        "short": "<Action.BLOCKED: 'BLOCKED'>",
        "explain": {"shouting.input": "mask", "shouting.output": "mask", "shouting.min_letters": 10},
        "lost": ["shouting"],
        "range": [["out-of-range", "shouting.min_letters", "1", "2 to 1,000"]],
        "key": [["unknown-key", "shouting.letters", "letters", found["key"][0][3]]],
        "child": [["weakened", "shouting.min_letters", "20", "12 or stricter"]],
        "stricter": 6,
    }


def test_the_tests_of_all_declared_settings_take_a_new_section_in(sectioned: Path) -> None:
    names = ("tests/bedrock/test_declared.py", "tests/policy/test_schema.py", "tests/detectors")
    done = run(sectioned, "-m", "pytest", "-q", "-n", "0", *names, "-k", "(shouting or schema) and not generated")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "shouting.min_letters" in run(sectioned, "-m", "pytest", "--collect-only", "-n", "0", *names).stdout
    done = run(sectioned, "-m", "ruff", "check", "guardrails/detectors")
    assert done.returncode == 0, done.stdout[-3000:]
