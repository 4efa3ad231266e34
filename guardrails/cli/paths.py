"""From what somebody typed to files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import typer

from guardrails.errors import GuardrailsError

__all__ = ["policies", "test_files"]

_ENDINGS = (".yaml", ".yml", ".json")
# What lies beside policies and is none: who is under which, keys, Docker's files, and formats (docs/wire.md).
_OTHERS = frozenset(("tenants", "keys", "compose", "docker-compose"))
_OTHER_KEY = re.compile(r"^(?:tenants|keys|formats|services):", re.MULTILINE)
_NAME = re.compile(r"^name:", re.MULTILINE)


def _is_test(path: Path) -> bool:
    return path.stem.endswith(".test")


def _is_other(path: Path) -> bool:
    if path.stem.partition(".")[0] in _OTHERS:
        return True
    text = path.read_text(encoding="utf-8", errors="replace")
    return bool(_OTHER_KEY.search(text)) and not _NAME.search(text)


def policies(given: Sequence[str]) -> list[str]:
    """Policy files: a folder stands for those in it, its own folders included. What is left out of a folder is said."""
    found: list[str] = []
    for name in given:
        path = Path(name)
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix in _ENDINGS and not _is_test(p) and not p.is_dir())
            others = [p for p in files if _is_other(p)]
            for other in others:
                typer.echo(f"{other}: this is no policy; left out", err=True)
            files = [p for p in files if p not in others]
            if not files:
                raise GuardrailsError(f"{name}: there is no policy in this folder")
            found += map(str, files)
        else:
            found.append(name)
    return found


def test_files(given: Sequence[str]) -> list[Path]:
    """Test files: a folder stands for those in it, a policy for the one beside it."""
    found: list[Path] = []
    for name in given:
        path = Path(name)
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix in _ENDINGS and _is_test(p))
        elif _is_test(path) and path.is_file():
            found.append(path)
        elif path.is_file():
            beside = path.with_name(f"{path.stem}.test{path.suffix}")
            if beside.is_file():
                found.append(beside)
        else:
            raise GuardrailsError(f"{name}: there is no such file")
    return found
