"""Development sets of the grounding model in the format of ``guardrails eval``. Label 1: the answer should be stopped."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.grounding import data as sets

MOST = 200  # rows a set
WHOLE = ("grounding: written", *(f"grounding: corpus_{x}" for x in "bcdef"))

CORPUS = Path(__file__).parent.parent / "corpus"


def files(data: Path) -> dict[str, Path]:
    """The files of support answers that were written one by one, by the name of their set."""
    ours = {f"corpus_{p.name[10]}": p for p in sorted(CORPUS.glob("grounding_?.jsonl.gz"))}
    return {"written": data / "written" / "grounding.jsonl.gz", **ours}


def written(data: Path) -> Iterator[dict[str, Any]]:
    """Support answers written one by one, their development parts: sources of which no answer is trained on."""
    for name, path in files(data).items():
        for r in sets.lines(path):
            if r["split"] == "dev":
                row = {"task": "grounding", "set": name, "label": int(r["supported"]), "response": r["text"]}
                yield {**row, "source": r["grounding_source"], "query": r["query"]}


def every(data: Path) -> Iterator[dict[str, Any]]:
    """At most :data:`MOST` rows of each set (all of the answers to customers), both classes as they come."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for r in [*sets.read_dev(data), *written(data)]:
        row = {
            "text": r["response"],
            "source": "OUTPUT",
            "label": 1 - int(r["label"]),
            "set": f"{r['task']}: {r['set']}",
        }
        if r["task"] == "grounding":
            row["grounding_source"] = r["source"]
            if r.get("query"):
                row["query"] = r["query"]
        else:
            row["query"] = r.get("query") or r["source"]
        if row["text"].strip():
            found[row["set"]].append(row)
    for name in sorted(found):
        rows = found[name]
        yield from random.Random(7).sample(rows, len(rows) if name in WHOLE else min(MOST, len(rows)))
