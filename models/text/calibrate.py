"""Chooses the cut points of the text model on development data, and writes the model folder that ships.

    python -m models.text.calibrate --data ../shared/data --run runs/text --base BASE_DIR

Scores become probabilities by a line through the logits (Platt 1999), fitted on rows of held-out groups. Cut points are the
lowest probabilities at which no more than a stated share of harmless texts is flagged, on two pools: ordinary requests, and
texts that look harmful and are not.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from guardrails.inference import store, text
from models import export
from models.text import dev, fit_topics
from models.text.cuts import HELD, LEAST, RATES, calibrated, cut, labels_for, raise_to
from models.text.labels import LABELS, LIFT, TAG_LEAST, TAGS
from models.text.rows import Row, lines

FOLDER = Path(__file__).parent / "weights"
VERSION = "3"
WINDOW, STRIDE = 256, 128


def logits_of(engine: text.TextEngine, rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """(the highest logit over the windows of each text [rows, labels], how many windows [rows])."""
    out = np.zeros((len(rows), len(LABELS)), np.float32)
    windows = np.ones(len(rows), np.int32)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["text"]))
    for at in track(range(0, len(order), 64), description="reading"):
        part = order[at : at + 64]
        readings = engine.read([(rows[i]["text"][:20000], rows[i].get("query")) for i in part], 3600)
        for i, reading in zip(part, readings, strict=True):
            out[i] = np.max([r.logits for r in reading.rows], axis=0)
            windows[i] = len(reading.rows)
    return out, windows


def development(data: Path, real: Path | None, run: Path) -> tuple[list[Row], list[Row]]:
    """(development rows, rows of held-out groups of public sets and grammars): what cut points are chosen on."""
    # No cut point depends on identity templates: they are for the figures of fairness alone.
    rows = [r for r in dev.every(data) if not r["set"].startswith("identity")]
    rows += [r for r in dev.texts(data) if r["set"] != dev.UNTOUCHED]
    rows += dev.packages(real)
    rows += [{**r, "label": 0, "set": "records full of identifiers"} for r in dev.identifiers(data)]
    # The first articles are for the figures in the card.
    rows += islice(dev.documents(data), 120, 720)
    # Written texts stand among the development rows.
    held = [one for line in (run / "held_out.jsonl").open() if (one := json.loads(line))["set"] != "written"]
    held = [held[i] for i in np.random.default_rng(2).permutation(len(held))[:HELD]]
    return rows, held


def long_logits(engine: text.TextEngine, data: Path) -> np.ndarray:
    """Logits [texts, windows, labels] of harmless texts of 20,000 tokens, put together from news articles."""
    rng = random.Random(11)
    articles = list(dict.fromkeys(r["article"] for r in lines(data / "grounding" / "frank.jsonl.gz")))
    out = []
    for _ in track(range(24), description="long texts"):
        parts: list[str] = []
        while sum(map(len, parts)) < 90_000:
            parts.append(rng.choice(articles))
        (reading,) = engine.read([("\n\n".join(parts)[:90_000], None)], 3600)
        out.append(np.stack([r.logits for r in reading.rows]))
    least = min(map(len, out))
    return np.stack([x[:least] for x in out]).astype(np.float32)


def stretched(calibration: dict[str, Any], long: np.ndarray) -> None:
    """Set ``length``: what is taken off a logit for each doubling of the windows, so that long harmless texts stay harmless.

    The highest of many windows is higher than that of one (extreme values grow with the logarithm of their number). At LOW all
    labels of a direction together may flag one long text in twenty-five.
    """
    doublings = math.log2(long.shape[1])
    for side in ("INPUT", "OUTPUT", "DOCUMENT"):
        mine = [x for x in LABELS if x.startswith(side + ".")]
        for label in mine:
            c = calibration[label]
            top = c["scale"] * long[:, :, LABELS.index(label)].max(axis=1) + c["bias"]
            at = math.log(c["cuts"]["LOW"] / (1 - c["cuts"]["LOW"]))
            over = cut(top, 0.04 / len(mine) * 2) - at
            c["length"] = round(max(0.0, over / doublings + 1e-3), 4) if over > 0 else 0.0
            print(f"{label:28s} length {c['length']:.3f}; without it {np.mean(top >= at):.3f} of long texts")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--cached", action="store_true", help="use the logits of the last call")
    parser.add_argument(
        "--cuts",
        action="store_true",
        help="as --cached, and nothing else is fitted: weights and topics stay as they are",
    )
    parser.add_argument("--most", type=int, help="rows, for a quick look")
    parser.add_argument("--real", type=Path, help="documents.jsonl of models.real.fetch")
    args = parser.parse_args()
    folder = args.folder
    args.cached |= args.cuts
    blank: dict[str, Any] = {
        "name": "text",
        "version": VERSION,
        "kind": "text",
        "shape": {},
        "labels": list(LABELS),
        "tags": list(TAGS),
        "window": WINDOW,
        "stride": STRIDE,
        "settings": {"lift": LIFT, "tags": {"least": TAG_LEAST}},
        "calibration": {},
    }
    rows, held = development(args.data, args.real, args.run)
    if args.most:
        rng = np.random.default_rng(1)
        rows = [rows[i] for i in rng.permutation(len(rows))[: args.most]]
        held = [held[i] for i in rng.permutation(len(held))[: args.most]]
    cache = args.run / "logits.npz"
    if args.cached and cache.exists():
        loaded = np.load(cache)
        z_dev, z_held, windows = loaded["dev"], loaded["held"], loaded["windows"]
    else:
        export.write_weights(args.run, args.base / "tokenizer.json", folder, packed=True)
        export.write_manifest(folder, blank)
        engine = text.load(store.open_folder(folder, "text"))
        (z_dev, windows), (z_held, _) = logits_of(engine, rows), logits_of(engine, held)
    calibration, reliability = calibrated(rows, held, z_dev, z_held)
    (args.run / "reliability.json").write_text(json.dumps(reliability, indent=1) + "\n")
    if not args.cached or not cache.exists():
        long = long_logits(text.load(store.open_folder(folder, "text")), args.data)
        np.savez(cache, dev=z_dev, held=z_held, windows=windows, long=long)
    raise_to(LEAST, calibration)
    stretched(calibration, np.load(cache)["long"])
    table(rows, z_dev, windows, calibration)
    if args.cuts:
        content = json.loads((folder / store.MANIFEST).read_text(encoding="utf-8"))
        calibration["TOPIC"] = content["calibration"]["TOPIC"]
        sha = export.write_manifest(folder, {**content, "calibration": calibration})
        if folder == FOLDER:
            export.pin("text", sha)
        return
    arrays, weights, figures = fit_topics.fit(text.load(store.open_folder(folder, "text")), args.data)
    print(json.dumps(figures, indent=1))
    export.add_arrays(folder, arrays)
    calibration["TOPIC"] = {
        "scale": 1.0,
        "bias": 0.0,
        "length": 0.0,
        "cuts": {"LOW": figures["examples"]["best_threshold"]},
    }
    sha = export.write_manifest(
        folder, {**blank, "calibration": calibration, "settings": {**blank["settings"], "topics": weights}}
    )
    if folder == FOLDER:
        export.pin("text", sha)


def table(rows: list[Row], z: np.ndarray, windows: np.ndarray, calibration: dict[str, Any]) -> None:
    """Share of each development set that is flagged at each level."""
    fired: dict[str, dict[tuple[str, int], list[int]]] = {level: defaultdict(list) for level in RATES}
    for i, r in enumerate(rows):
        names = labels_for(r)
        for level in RATES:
            hit = False
            for name in names:
                c = calibration[name]
                m = c["scale"] * z[i, LABELS.index(name)] + c["bias"] - c["length"] * math.log2(windows[i])
                hit |= bool(m >= math.log(c["cuts"][level] / (1 - c["cuts"][level])))
            fired[level][r["set"], r["label"]].append(hit)
    for key in sorted(fired["LOW"]):
        shares = "  ".join(f"{level} {np.mean(fired[level][key]):.3f}" for level in RATES)
        print(f"{key[0]:45s} label {key[1]}  n {len(fired['LOW'][key]):5d}  {shares}")


if __name__ == "__main__":
    main()
