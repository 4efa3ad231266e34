"""Turns the grounding model's logits into scores for which .5 is the fair threshold, and writes the folder that ships.

    python -m models.grounding.calibrate --data ../shared/data --base BASE_DIR --run runs/grounding

The score of an answer is that of its least supported sentence; the line through its logit is fitted on the development sets, each set
and each class weighing the same, so that at .5 as many supported answers are stopped as unsupported ones pass.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from guardrails.evaluation.metrics import figures
from guardrails.inference import pair, store
from guardrails.inference.modules import CASES, MATCHES
from guardrails.sentences import sentences
from models import export
from models.grounding import dev
from models.grounding.labels import LABELS
from models.text.fit_topics import logistic

FOLDER = Path(__file__).parent / "weights"
FEW = 30  # rows of a class; a set with fewer says nothing about where the line should be
SETTINGS = {"longest_claim": 128, "passage": 250, "stride": 125, "passages": 3}


def logit(p: float) -> float:
    """Log-odds."""
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--most", type=int, default=300, help="rows a set")
    args = parser.parse_args()
    content: dict[str, Any] = {
        "name": "grounding",
        "version": "1",
        "kind": "pair",
        "shape": {"cases": CASES * MATCHES},
        "labels": list(LABELS),
        "window": 384,
        "stride": 192,
        "settings": SETTINGS,
        "calibration": {label: {"scale": 1.0, "bias": 0.0} for label in LABELS},
    }
    export.write_weights(args.run, args.base / "tokenizer.json", args.folder)
    export.write_manifest(args.folder, content)
    engine = pair.load(store.open_folder(args.folder, "grounding"))
    rows: dict[str, list[dict[str, Any]]] = {}
    for r in dev.every(args.data):
        rows.setdefault(r["set"], []).append(r)
    for label, kind in (("GROUNDING", "grounding"), ("RELEVANCE", "relevance")):
        xs, ys, ws = [], [], []
        for name, own in rows.items():
            if not name.startswith(kind):
                continue
            own = own[: args.most]
            z = []
            for r in track(own, description=name):
                if kind == "grounding":
                    text = r["text"]
                    claims = [text[a:b] for a, b in sentences(text)] or [text]
                    z.append(
                        logit(min(s.probability for s in engine.support([r["grounding_source"]], claims, (), 3600)))
                    )
                else:
                    z.append(logit(engine.relevance(r["query"], r["text"], (), 3600)))
            x, y = np.array(z), 1 - np.array([r["label"] for r in own])
            if 0 < y.sum() < len(y):
                few = min(y.sum(), len(y) - y.sum()) < FEW
                if not few:
                    xs.append(x)
                    ys.append(y)
                    ws.append(np.where(y == 1, 0.5 / y.sum(), 0.5 / (len(y) - y.sum())))
                order = np.unique(x)
                best = max(
                    ((x[y == 1] >= t).mean() + (x[y == 0] < t).mean()) / 2 for t in order[:: max(1, len(order) // 100)]
                )
                auc = figures(x, y, y, resamples=0)["auc"].value
                print(f"{name:40s} rows {len(x)}  AUC {auc:.3f}  best balanced accuracy {best:.3f}")
        x, y, w = np.concatenate(xs), np.concatenate(ys), np.concatenate(ws)
        weights, bias = logistic(x[:, None], y, w / w.mean())
        content["calibration"][label] = {"scale": round(max(float(weights[0]), 0.05), 5), "bias": round(bias, 5)}
        p = 1 / (1 + np.exp(-(x * weights[0] + bias)))
        print(f"{label}: scale {weights[0]:.3f} bias {bias:+.3f}; balanced accuracy at .5: "
              f"{np.mean([((p[i] >= 0.5) == y[i]) for i in range(len(y))]):.3f} (rows)")  # fmt: skip
    sha = export.write_manifest(args.folder, content)
    if args.folder == FOLDER:
        export.pin("grounding", sha)


if __name__ == "__main__":
    main()
