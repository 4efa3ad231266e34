"""The notes of a release, from CHANGELOG.md, once the tag, the version and the changelog agree.

python -m tools.release v0.2.0    # prints the notes; exit 1, with what does not agree, otherwise
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["notes"]

ROOT = Path(__file__).resolve().parents[1]
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


def notes(tag: str, package: str, changelog: str) -> str:
    """The section of ``tag`` in ``changelog``. ``package``: the text of the package's `__init__.py`, which holds the version.

    Raises ValueError when they do not agree, or when changes stand under *Unreleased*.
    """
    version = tag.removeprefix("v")
    found = _VERSION.search(package)
    if found is None or found[1] != version:
        raise ValueError(f"the tag is {tag}, and guardrails.__version__ is {found[1] if found else 'missing'}")
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL))
    if sections.get("Unreleased", "").strip():
        raise ValueError(
            f"CHANGELOG.md has changes under Unreleased: move them to a section '## {version} (YYYY-MM-DD)'"
        )
    for title, body in sections.items():
        if re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", title):
            return str(body).strip() + "\n"
    raise ValueError(f"CHANGELOG.md has no section '## {version} (YYYY-MM-DD)'")


def main() -> int:
    """Command line."""
    try:
        print(
            notes(
                sys.argv[1],
                (ROOT / "guardrails" / "__init__.py").read_text(encoding="utf-8"),
                (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
            ),
            end="",
        )
    except ValueError as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
