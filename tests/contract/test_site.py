"""The documentation site: it builds without a warning, every public name has a place in it, and its pages load nothing from elsewhere."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import pytest

from tools import site_pages

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "docs" / "api"
NAMED = [m for page in sorted(API.glob("*.md")) for m in re.findall(r"^::: ([\w.]+)$", page.read_text("utf-8"), re.M)]
MODULES = [
    m for m in NAMED if (ROOT / m.replace(".", "/")).is_dir() or (ROOT / (m.replace(".", "/") + ".py")).is_file()
]
MKDOCS = Path(os.environ.get("GUARDRAILS_MKDOCS") or Path(sys.executable).parent / "mkdocs")
# Documented imports of modules that are not public.
NOT_PUBLIC = {"guardrails.demo.upstream", "guardrails.detectors.shouting"}


def public() -> list[str]:
    """Every public name, with its module."""
    return [f"{name}.{each}" for name in MODULES for each in exported(name)]


def exported(name: str) -> list[str]:
    """The names of a module. Those of integrations need frameworks that are not here, and are read, not imported."""
    if not name.startswith("guardrails.integrations."):
        return list(import_module(name).__all__)
    tree = ast.parse((ROOT / (name.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    (found,) = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
    return [str(each) for each in ast.literal_eval(found)]


def test_every_stable_and_provisional_page_is_there() -> None:
    stability = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(api/(\w+\.md)\)", stability))
    assert linked == {p.name for p in API.glob("*.md")} - {"README.md"}
    index = (API / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((\w+\.md)\)", index)) == linked


def test_what_the_pages_import_is_public() -> None:
    """Who copies an import from a page copies a name that stays."""
    names = {*public(), *MODULES}
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")]:
        for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            code = re.sub(r"^(>>> |\.\.\. )", "", block, flags=re.MULTILINE)
            for module, found in re.findall(r"^from (guardrails[\w.]*) import ([\w, ]+)", code, re.MULTILINE):
                missing = [n for n in re.split(r",\s*", found.strip()) if f"{module}.{n}" not in names]
                assert not missing or module in NOT_PUBLIC, f"{page.name}: {module} {missing}"


def test_navigation_names_every_page() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    named = re.findall(r"(?:: |- )((?:[\w/-]+)\.md)$", text, re.MULTILINE)
    assert sorted(n for n in named if not n.startswith("project/")) == sorted(pages)
    for name in named:
        if name.startswith("project/"):
            assert (ROOT / name.removeprefix("project/")).is_file(), name


@pytest.mark.parametrize(
    ("page", "text", "expected"),
    [
        ("README.md", "[a](tutorial.md)", "[a](tutorial.md)"),
        ("README.md", "[a](../models/README.md#figures)", "[a](project/models/README.md#figures)"),
        ("api/README.md", "[a](../../CONTRIBUTING.md)", "[a](../project/CONTRIBUTING.md)"),
        (
            "project/README.md",
            "[a](docs/tutorial.md) [b](models/README.md)",
            "[a](../tutorial.md) [b](models/README.md)",
        ),
        ("project/models/README.md", "[a](../docs/models.md)", "[a](../../models.md)"),
        ("README.md", "[a](https://example.com/x.md) [b](#c)", "[a](https://example.com/x.md) [b](#c)"),
        ("README.md", "`[a](../README.md)` [b](nothing.md)", "`[a](../README.md)` [b](nothing.md)"),
        ("README.md", "```python\nx[1](../README.md)\n```\n", "```python\nx[1](../README.md)\n```\n"),
        ("README.md", "[a](../../../etc/passwd)", "[a](../../../etc/passwd)"),
    ],
)
def test_links_out_of_the_folder_lead_to_copies(page: str, text: str, expected: str) -> None:
    assert site_pages.rewritten(text, page) == expected


def test_linked_files_are_in_the_project() -> None:
    linked = site_pages.linked()
    assert {"CONTRIBUTING.md", "SECURITY.md", "models/README.md", "examples/formats.yaml"} <= set(linked)
    assert not [path for path in linked if path.startswith(("docs/", "..")) or not (ROOT / path).is_file()]


class Loaded(HTMLParser):
    """What a browser loads for a page, and the places that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.add(found.get("id", ""))
        if tag == "link" and found.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(found.get("href", ""))
        elif tag != "a":
            self.loaded += [found[name] for name in ("src", "srcset", "data", "poster") if name in found]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not MKDOCS.exists():
        pytest.skip("MkDocs is not installed: pip install -e '.[docs]', or GUARDRAILS_MKDOCS names it")
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [MKDOCS, "build", "--strict", "--site-dir", out],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def test_every_public_name_has_a_place(site: Path) -> None:
    ids = set().union(*(Loaded(p.read_text(encoding="utf-8")).ids for p in (site / "api").glob("*.html")))
    # A function in a module of its own name is there by its full name.
    assert not [n for n in public() if n not in ids and f"{n}.{n.rpartition('.')[2]}" not in ids]


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not [u for u in Loaded(text).loaded if re.match(r"(https?:)?//", u)], page.name
        assert 'class="mermaid"' not in text, "diagrams would load a script"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet.name


def test_docstrings_are_markdown(site: Path) -> None:
    """Roles of another markup do not stand in the pages as they were written."""
    for page in (site / "api").glob("*.html"):
        assert not re.search(r":(meth|func|class|mod):", page.read_text(encoding="utf-8")), page.name


def test_the_extension_of_griffe_parses() -> None:
    """It is imported only where Griffe is installed; here, that it is Python."""
    ast.parse((ROOT / "tools" / "docstrings.py").read_text(encoding="utf-8"))
