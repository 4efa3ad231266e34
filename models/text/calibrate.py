"""Chooses the cut points of the text model on development data, and writes the model folder that ships.

    python -m models.text.calibrate --data ../shared/data --run runs/text --base BASE_DIR

Scores become probabilities by a line through the logits (Platt 1999), fitted on rows of held-out groups. Cut points are the
lowest probabilities at which no more than a stated share of harmless texts is flagged, on two pools: ordinary requests, and
texts that look harmful and are not.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from guardrails.inference import store, text
from models import export
from models.text import dev, fit_topics
from models.text.labels import LABELS, TAGS, of_row
from models.text.rows import Row

FOLDER = Path(__file__).parent / "weights"
VERSION = "1"
WINDOW, STRIDE = 256, 128

# Level → (share of ordinary texts, share of look-alikes) that one category may flag.
RATES = {"LOW": (0.0025, 0.02), "MEDIUM": (0.0015, 0.008), "HIGH": (0.0006, 0.003)}
ORDINARY = ("ordinary", "hard prompts", "security requests", "bank customers", "short requests")


# No level below an even chance, whatever the rates allow.
FLOOR = 0.5

# Social media is full of what one person calls hateful and another does not: HATE and INSULTS may flag this share there.
SOCIAL = {"LOW": 0.15, "MEDIUM": 0.07, "HIGH": 0.025}


def pool(row: Row) -> str:
    """What kind of harmless text a development row is."""
    name = row["set"]
    if row["source"] == "OUTPUT":
        return "answers"
    if name.startswith(ORDINARY):
        return "ordinary"
    if name.startswith("records"):
        return "records"
    if name.startswith(("safe look-alikes", "trigger", "injections")):
        return "alike"
    return "identity" if name.startswith("identity") else "social"


def logits_of(engine: text.TextEngine, rows: list[Row]) -> np.ndarray:
    """The highest logit over the windows of each text, [rows, labels]."""
    out = np.zeros((len(rows), len(LABELS)), np.float32)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["text"]))
    for at in track(range(0, len(order), 64), description="reading"):
        part = order[at : at + 64]
        readings = engine.read([(rows[i]["text"][:20000], rows[i].get("query")) for i in part], 3600)
        for i, reading in zip(part, readings, strict=True):
            out[i] = np.max([r.logits for r in reading.rows], axis=0)
    return out


def platt(z: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Scale and bias of a logistic regression on one logit, by damped Newton steps; targets smoothed as Platt did.

    The classes weigh the same, so that .5 is where a text is as likely one as the other when both are as frequent.
    """
    positives, negatives = float(y.sum()), float(len(y) - y.sum())
    t = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    weight = np.where(y > 0, 0.5 / max(positives, 1), 0.5 / max(negatives, 1)) * 1000
    a, b = 0.5, 0.0

    def loss(a: float, b: float) -> float:
        m = np.clip(a * z + b, -60, 60)
        return float((weight * (np.logaddexp(0, m) - t * m)).sum() + 0.5 * (a - 0.5) ** 2)

    for _ in range(200):
        p = 1 / (1 + np.exp(-np.clip(a * z + b, -60, 60)))
        w = weight * p * (1 - p) + 1e-9
        gradient = np.array([(weight * (p - t) * z).sum() + (a - 0.5), (weight * (p - t)).sum()])
        hessian = np.array([[(w * z * z).sum() + 1, (w * z).sum()], [(w * z).sum(), w.sum() + 1e-3]])
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-4 and loss(a - size * step[0], b - size * step[1]) > loss(a, b):
            size /= 2
        a, b = a - size * step[0], b - size * step[1]
        if np.abs(size * step).max() < 1e-6:
            break
    return float(max(a, 0.05)), float(b)


def cut(scores: np.ndarray, rate: float) -> float:
    """The lowest threshold that at most a share ``rate`` of ``scores`` reaches."""
    ordered = np.sort(scores)[::-1]
    allowed = int(rate * len(ordered))
    return float(ordered[allowed]) if len(ordered) > allowed else -np.inf


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--cached", action="store_true", help="use the logits of the last call")
    parser.add_argument("--most", type=int, help="rows, for a quick look")
    args = parser.parse_args()
    folder = args.folder
    blank: dict[str, Any] = {
        "name": "text",
        "version": VERSION,
        "kind": "text",
        "shape": {},
        "labels": list(LABELS),
        "tags": list(TAGS),
        "window": WINDOW,
        "stride": STRIDE,
        "calibration": {},
    }
    rows = [{**r, "known": r["label"]} for r in dev.every(args.data)]
    rows += [{**r, "label": 0, "set": "records full of identifiers"} for r in dev.identifiers(args.data)]
    held = [{**json.loads(line)} for line in (args.run / "held_out.jsonl").open()]
    if args.most:
        rng = np.random.default_rng(1)
        rows = [rows[i] for i in rng.permutation(len(rows))[: args.most]]
        held = [held[i] for i in rng.permutation(len(held))[: args.most]]
    cache = args.run / "logits.npz"
    if args.cached and cache.exists():
        loaded = np.load(cache)
        z_dev, z_held = loaded["dev"], loaded["held"]
    else:
        export.write_weights(args.run, args.base / "tokenizer.json", folder)
        export.write_manifest(folder, blank)
        engine = text.load(store.open_folder(folder, "text"))
        z_dev, z_held = logits_of(engine, rows), logits_of(engine, held)
        np.savez(cache, dev=z_dev, held=z_held)
    calibration: dict[str, Any] = {}
    targets = np.stack([of_row(r)[0] for r in held])
    pools: dict[str, list[int]] = defaultdict(list)
    seen: set[str] = set()
    for i, r in enumerate(rows):
        if r["label"] == 0 and (pool(r) != "ordinary" or r["text"][:64] not in seen):
            # One set holds dozens of variations of a single sentence; a pool of them would say little about anything else.
            seen.add(r["text"][:64])
            pools[pool(r)].append(i)
    crafted = np.array([r["set"] not in ("safety", "response_sets", "attack_sets") for r in held])
    for j, label in enumerate(LABELS):
        side, name = label.split(".")
        known = targets[:, j] >= 0
        a, b = platt(z_held[known, j], targets[known, j])
        p = lambda z, a=a, b=b: 1 / (1 + np.exp(-np.clip(a * z + b, -40, 40)))
        cuts = {}
        for level, (ordinary_rate, alike_rate) in RATES.items():
            made = z_held[known & crafted, j][targets[known & crafted, j] == 0]
            places = [cut(made, alike_rate), cut(z_dev[np.array(pools["records"], int), j], ordinary_rate)]
            if side == "INPUT":
                places += [
                    cut(z_dev[np.array(pools["ordinary"], int), j], ordinary_rate),
                    cut(z_dev[np.array(pools["alike"], int), j], alike_rate),
                ]
                if name in ("HATE", "INSULTS"):
                    places.append(cut(z_dev[np.array(pools["social"], int), j], SOCIAL[level]))
            elif side == "OUTPUT":
                places.append(cut(z_dev[np.array(pools["answers"], int), j], alike_rate * 3))
            if side != "INPUT":  # what people ask is, as an answer or a document, as harmless
                places.append(cut(z_dev[np.array(pools["ordinary"], int), j], ordinary_rate))
            cuts[level] = max(FLOOR, round(float(p(np.array(max(places)))) + 1e-4, 4))
        if cuts["MEDIUM"] <= cuts["LOW"]:
            cuts["MEDIUM"] = min(0.9999, cuts["LOW"] + 1e-4)
        if cuts["HIGH"] <= cuts["MEDIUM"]:
            cuts["HIGH"] = min(0.99995, cuts["MEDIUM"] + 1e-5)
        calibration[label] = {"scale": round(a, 5), "bias": round(b, 5), "length": 0.0, "cuts": cuts}
        positives = p(z_held[known, j][targets[known, j] == 1])
        shown = (
            " ".join(f"{k} {v:.3f} (recall {np.mean(positives >= v):.2f})" for k, v in cuts.items())
            if len(positives)
            else ""
        )
        print(f"{label:28s} scale {a:.2f} bias {b:+.2f}  {shown}")
    table(rows, z_dev, calibration)
    arrays, weights, figures = fit_topics.fit(text.load(store.open_folder(folder, "text")), args.data)
    print(json.dumps(figures, indent=1))
    export.add_arrays(folder, arrays)
    calibration["TOPIC"] = {
        "scale": 1.0,
        "bias": 0.0,
        "length": 0.0,
        "cuts": {"LOW": figures["examples"]["best_threshold"]},
    }
    sha = export.write_manifest(folder, {**blank, "calibration": calibration, "settings": {"topics": weights}})
    if folder == FOLDER:
        export.pin("text", sha)


def table(rows: list[Row], z: np.ndarray, calibration: dict[str, Any]) -> None:
    """Share of each development set that is flagged at each level."""
    fired: dict[str, dict[tuple[str, int], list[int]]] = {level: defaultdict(list) for level in RATES}
    for i, r in enumerate(rows):
        names = [x for x in LABELS if x.startswith(r["source"] + ".")]
        if r.get("role") in ("document", "tool"):
            names = [
                x
                for x in names
                if x.split(".")[1] in ("HATE", "INSULTS", "SEXUAL", "VIOLENCE", "MISCONDUCT", "SELF_HARM")
            ] + ["DOCUMENT.PROMPT_INJECTION"]
        for level in RATES:
            hit = any(
                1
                / (
                    1
                    + np.exp(
                        -np.clip(calibration[n]["scale"] * z[i, LABELS.index(n)] + calibration[n]["bias"], -40, 40)
                    )
                )
                >= calibration[n]["cuts"][level]
                for n in names
            )
            fired[level][r["set"], r["label"]].append(hit)
    for key in sorted(fired["LOW"]):
        shares = "  ".join(f"{level} {np.mean(fired[level][key]):.3f}" for level in RATES)
        print(f"{key[0]:45s} label {key[1]}  n {len(fired['LOW'][key]):5d}  {shares}")


if __name__ == "__main__":
    main()
