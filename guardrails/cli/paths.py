"""From what somebody typed to files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from guardrails.errors import GuardrailsError
from guardrails.policy import folders

__all__ = ["policies", "test_files"]


def policies(given: Sequence[str]) -> list[str]:
    """Policy files: a folder stands for those in it, its own folders included. What is left out of a folder is said."""
    found: list[str] = []
    for name in given:
        path = Path(name)
        if path.is_dir():
            files = folders.policies_in(path)
            others = [p for p in files if folders.is_other(p)]
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
            found += sorted(p for p in path.rglob("*") if p.suffix in folders.ENDINGS and folders.is_test(p))
        elif folders.is_test(path) and path.is_file():
            found.append(path)
        elif path.is_file():
            beside = folders.test_file(path)
            if beside.is_file():
                found.append(beside)
        else:
            raise GuardrailsError(f"{name}: there is no such file")
    return found
