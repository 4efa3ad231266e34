"""The README's set-up commands and Python, the page of the source tree, and every link. Commands of all pages: test_commands.py."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETUP = re.compile(r"<!-- command: (\w+) -->\n```console\n(.*?)```", re.DOTALL)


def test_setup_commands_are_there() -> None:
    assert [name for name, _ in SETUP.findall(README)] == ["check", "test", "proxy"]
    assert "policies/retail-bank.yaml" in SETUP.findall(README)[0][1]


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


def test_source_tree_page_matches_the_tree() -> None:
    table = (ROOT / "docs" / "source-tree.md").read_text(encoding="utf-8")
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
