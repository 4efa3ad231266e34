"""A training row, and how rows are read, split and told apart."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONTENT = ("HATE", "INSULTS", "SEXUAL", "VIOLENCE", "MISCONDUCT", "SELF_HARM")
ATTACKS = ("JAILBREAK", "PROMPT_INJECTION", "PROMPT_LEAKAGE")

Row = dict[str, Any]


def none_of(*groups: tuple[str, ...]) -> dict[str, int]:
    """Labels that say: nothing of these."""
    return {name: 0 for group in (groups or (CONTENT, ATTACKS)) for name in group}


SAFE = none_of(CONTENT)
BENIGN = none_of(CONTENT, ATTACKS)


def row(
    text: str,
    labels: dict[str, int],
    group: str,
    *,
    source: str = "INPUT",
    role: str = "user",
    query: str | None = None,
) -> Row:
    """One row; ``group`` names the template or source it came from, so that splits do not share it."""
    return {
        "text": text.strip(),
        "source": source,
        "role": role,
        "query": query.strip() if query else None,
        "labels": labels,
        "group": group,
    }


def lines(path: Path) -> Iterator[Row]:
    """The rows of a JSON-lines file, packed or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def share(group: str, salt: str = "") -> float:
    """A stable number in [0, 1) for a group: what is below .05 is held out, in every run."""
    return int.from_bytes(hashlib.sha256(f"{salt}{group}".encode()).digest()[:6], "big") / 2**48


def held_out(group: str) -> bool:
    """True for the twentieth of all groups that no training run sees."""
    return share(group) < 0.05
