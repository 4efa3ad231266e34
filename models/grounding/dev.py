"""Development sets of the grounding model in the format of ``guardrails eval``. Label 1: the answer should be stopped."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.grounding import data as sets

MOST = 200  # rows a set


def every(data: Path) -> Iterator[dict[str, Any]]:
    """At most :data:`MOST` rows of each set, both classes as they come."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for r in sets.read_dev(data):
        row = {
            "text": r["response"],
            "source": "OUTPUT",
            "label": 1 - int(r["label"]),
            "set": f"{r['task']}: {r['set']}",
        }
        if r["task"] == "grounding":
            row["grounding_source"] = r["source"]
        else:
            row["query"] = r.get("query") or r["source"]
        if row["text"].strip():
            found[row["set"]].append(row)
    for name in sorted(found):
        rows = found[name]
        yield from random.Random(7).sample(rows, min(MOST, len(rows)))
