"""Are retrained weights as good as the ones that ship?

    python -m models.grounding.calibrate --data DATA --base BASE --run runs/grounding --folder runs/weights
    python -m models.grounding.reproduce --data DATA --folder runs/weights

Measures a folder as ``models.cards`` measures what ships, and prints every figure beside the shipped one and its 95 %
interval. Exit code 1 when one lies outside.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from guardrails import evaluation
from guardrails.guard import Guard
from guardrails.inference import store
from guardrails.policy import load
from guardrails.resources import models_dir
from models.grounding import dev

HERE = Path(__file__).parent
FIGURES = ("balanced_accuracy", "auc")


def main() -> None:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="what models.grounding.calibrate wrote")
    args = parser.parse_args()
    shipped = {s["name"]: s for s in json.loads((HERE / "figures.json").read_text(encoding="utf-8"))["sets"]}
    outside = 0
    print(f"{'':34}{'':20}{'shipped':>9}{'95 %':>15}{'this':>8}")
    for name, group in measured(args.data, args.folder).items():
        if name not in shipped:
            continue
        for figure in FIGURES:
            old, new = shipped[name][figure], group[figure]["value"]
            inside = old["low"] <= new <= old["high"]
            outside += not inside
            interval = f"{old['low']:.3f}–{old['high']:.3f}"
            mark = "" if inside else "  outside"
            print(f"{name:34}{figure:20}{old['value']:9.3f}{interval:>15}{new:8.3f}{mark}")
    print(f"{outside} figures outside their intervals")
    sys.exit(1 if outside else 0)


def measured(data: Path, folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """The figures of each development set with the weights of ``folder`` in the place of the shipped ones."""
    pin = {"grounding": store.sha256_of(folder / store.MANIFEST)}
    with (
        patch.dict(store.PINNED, pin),
        patch.object(store, "models_dir", lambda name: folder if name == "grounding" else models_dir(name)),
        tempfile.TemporaryDirectory() as there,
    ):
        found: dict[str, dict[str, dict[str, float]]] = {}
        for rule in ("grounding", "relevance"):
            file = Path(there) / f"{rule}.jsonl"
            own = [r for r in dev.every(data) if r["set"].startswith(f"{rule}:")]
            file.write_text("".join(json.dumps(r) + "\n" for r in own), encoding="utf-8")
            rows = evaluation.read(file)
            guard = Guard(load(HERE / "eval.yaml"))
            lines = evaluation.predictions(guard, rows, None, globs=[rule])
            found |= evaluation.evaluate(guard, rows, lines, globs=[rule]).to_dict()["sets"]
    return found


if __name__ == "__main__":
    main()
