"""Which files of a folder are policies, and where the tests of one stand."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["ENDINGS", "is_other", "is_test", "policies_in", "test_file"]

ENDINGS = (".yaml", ".yml", ".json")
# What lies beside policies and is none: who is under which, keys, Docker's files, formats (docs/wire.md), and heads of topics (docs/review.md).
_OTHERS = frozenset(("tenants", "keys", "compose", "docker-compose"))
_OTHER_KEY = re.compile(r"^(?:tenants|keys|formats|services|until):", re.MULTILINE)
_HEAD = re.compile(r'"(fitted|weights)"\s*:')
_NAME = re.compile(r"^name:", re.MULTILINE)


def is_test(path: Path) -> bool:
    """Whether a file holds cases of a policy: ``NAME.test.yaml``."""
    return path.stem.endswith(".test")


def is_other(path: Path) -> bool:
    """Whether a YAML or JSON file is something that lies beside policies and is none."""
    if path.stem.partition(".")[0] in _OTHERS:
        return True
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".json" and len(set(_HEAD.findall(text))) == 2:
        return True
    return bool(_OTHER_KEY.search(text)) and not _NAME.search(text)


def policies_in(folder: Path) -> list[Path]:
    """What may be a policy in a folder and those below it: YAML and JSON files but for tests, sorted."""
    return sorted(p for p in folder.rglob("*") if p.suffix in ENDINGS and not is_test(p) and not p.is_dir())


def test_file(policy: Path) -> Path:
    """Where the cases of a policy stand: beside it."""
    return policy.with_name(f"{policy.stem}.test{policy.suffix}")
