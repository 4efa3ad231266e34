"""From what somebody typed to files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from guardrails.errors import GuardrailsError

__all__ = ["policies", "test_files"]

_ENDINGS = (".yaml", ".yml", ".json")


def _is_test(path: Path) -> bool:
    return path.stem.endswith(".test")


def policies(given: Sequence[str]) -> list[str]:
    """Policy files: a folder stands for those in it, its own folders included."""
    found: list[str] = []
    for name in given:
        path = Path(name)
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix in _ENDINGS and not _is_test(p))
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
