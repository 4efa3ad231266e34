"""What the documentation site needs besides `docs/`: pages and files of the project that the documentation links to.

A hook of MkDocs (`hooks` in `mkdocs.yml`). Links stay as they work on a code host (`../models/README.md`): a linked file outside `docs/`
becomes `project/<its path>` in the site, a page where it is Markdown and a download otherwise, and the links to it are rewritten.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

__all__ = ["linked", "on_files", "on_page_markdown", "rewritten"]

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = "project"
# Pages of the project that stand in the navigation, whether or not a page links to them.
ALWAYS = ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md")
_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


def _target(page: str, link: str) -> str | None:
    """The file of the project, relative to its root, that ``link`` of ``page`` leads to; None when it leads to no file of it."""
    if "://" in link or link.startswith(("mailto:", "/")):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
    if (ROOT / path).is_dir():
        path = posixpath.join(path, "CARD.md" if (ROOT / path / "CARD.md").is_file() else "README.md")
    return path if not path.startswith("..") and (ROOT / path).is_file() else None


def _in_site(path: str) -> str:
    """Where a file of the project is in the site's sources."""
    return path.removeprefix("docs/") if path.startswith("docs/") else f"{OUTSIDE}/{path}"


def _in_project(uri: str) -> str:
    return uri.removeprefix(f"{OUTSIDE}/") if uri.startswith(f"{OUTSIDE}/") else f"docs/{uri}"


def linked() -> list[str]:
    """Files outside ``docs/`` that its pages link to, and those that these link to."""
    found: dict[str, None] = {}
    todo = [str(p.relative_to(ROOT).as_posix()) for p in sorted((ROOT / "docs").rglob("*.md"))] + list(ALWAYS)
    while todo:
        page = todo.pop()
        if not page.startswith("docs/"):
            if page in found:
                continue
            found[page] = None
        if page.endswith(".md"):
            text = _CODE.sub("", (ROOT / page).read_text(encoding="utf-8"))
            targets = (_target(page, m[2]) for m in _LINK.finditer(text))
            todo += [t for t in targets if t is not None and not t.startswith("docs/")]
    return sorted(found)


def rewritten(text: str, page: str) -> str:
    """``text`` of the site's page ``page`` with its links to files of the project as the site has them; code is left alone."""
    here = posixpath.dirname(page)

    def one(match: re.Match[str]) -> str:
        target = _target(_in_project(page), match[2])
        if target is None:
            return match[0]
        return match[1] + posixpath.relpath(_in_site(target), here or ".") + match[3]

    return "".join(part if index % 2 else _LINK.sub(one, part) for index, part in enumerate(_CODE.split(text)))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """MkDocs: the files of the site."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - this module is also read where MkDocs is not installed

    for path in linked():
        files.append(File.generated(config, _in_site(path), abs_src_path=os.fspath(ROOT / PurePosixPath(path))))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """MkDocs: the text of a page, before it is rendered."""
    return rewritten(markdown, page.file.src_uri)
