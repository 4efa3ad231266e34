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
from models.text.labels import LABELS, LIFT, TAG_LEAST, TAGS, of_row
from models.text.rows import Row, lines

FOLDER = Path(__file__).parent / "weights"
VERSION = "2"
WINDOW, STRIDE = 256, 128

# Level → pool of harmless texts → the share of it that all filters of a direction together may flag.
RATES: dict[str, dict[str, float]] = {
    "LOW": {"ordinary": 0.01, "strange": 0.09, "alike": 0.04, "social": 0.15, "answers": 0.08, "documents": 0.006, "made": 0.05, "twins": 0.06, "wrapped": 0.12, "messages": 0.012},
    "MEDIUM": {"ordinary": 0.005, "strange": 0.045, "alike": 0.02, "social": 0.075, "answers": 0.04, "documents": 0.003, "made": 0.025, "twins": 0.03, "wrapped": 0.06, "messages": 0.006},
    "HIGH": {"ordinary": 0.002, "strange": 0.015, "alike": 0.008, "social": 0.025, "answers": 0.015, "documents": 0.001, "made": 0.01, "twins": 0.012, "wrapped": 0.025, "messages": 0.003},
}  # fmt: skip
# The part of a rate that thresholds spend while they are the same for all labels; the rest goes to those that gain most.
TOGETHER = 0.85
# Exchanges of false positives between labels that are tried after that.
SWAPS = 2500
# The pools that a direction is judged on; "made" are held-out harmless rows of the grammars, "twins" and "wrapped" written ones.
POOLS = {
    "INPUT": ("ordinary", "strange", "alike", "social", "records", "twins", "wrapped", "messages", "made"),
    "OUTPUT": ("ordinary", "strange", "answers", "documents", "records", "twins", "made"),
    "DOCUMENT": ("documents", "records", "twins", "made"),
}
# Held-out rows of public sets and grammars that are read.
HELD = 5000
# Scores read as probabilities where one text in ten is harmful.
PREVALENCE = 0.1
ORDINARY = ("ordinary", "hard prompts", "security requests", "bank customers", "short requests")


# No level below this probability, whatever the rates allow.
FLOOR = 0.2
# Software's own sentences ("The password field must not be empty.") look like games for a secret, and no development set has them.
FLOORS = {"INPUT.PROMPT_LEAKAGE": 0.955}


def pool(row: Row) -> str:
    """What kind of harmless text a development row is."""
    name = row["set"]
    if name.startswith("real documents"):
        return "documents"
    if name.endswith("(written)"):
        if name.startswith(("wrapped", "attacks")):
            return "wrapped"
        return "messages" if name.startswith("ordinary") else "twins"
    if row["source"] == "OUTPUT":
        return "answers"
    if "creative" in name:
        return "strange"
    if name.startswith(ORDINARY):
        return "ordinary"
    if name.startswith("records"):
        return "records"
    if name.startswith("documents") or row.get("role") == "tool":
        return "documents"
    if name.startswith(("safe look-alikes", "trigger", "injections")):
        return "alike"
    return "identity" if name.startswith("identity") else "social"


def side_of(row: Row) -> str:
    """INPUT, OUTPUT or DOCUMENT: which outputs judge a row."""
    return "DOCUMENT" if row.get("role") in ("document", "tool") else str(row["source"])


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


def platt(z: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Scale and bias of a logistic regression on one logit, by damped Newton steps; targets smoothed as Platt did.

    The positives weigh :data:`PREVALENCE` of all, so that a score is a probability where that share of the texts is harmful.
    """
    positives, negatives = float(y.sum()), float(len(y) - y.sum())
    t = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    weight = np.where(y > 0, PREVALENCE / max(positives, 1), (1 - PREVALENCE) / max(negatives, 1)) * 1000
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


def calibrated_error(z: np.ndarray, y: np.ndarray, bins: int = 10) -> tuple[float, list[list[float]]]:
    """(expected calibration error, [[mean score, share harmful, weight] a bin]): Platt's line fitted on one half, measured on the other.

    Rows weigh as in :func:`platt`. The error is the mean distance of a bin's score from its share (Guo et al. 2017).
    """
    order = np.random.default_rng(3).permutation(len(z))
    halves = order[::2], order[1::2]
    p = np.zeros(len(z))
    for fitted, read in (halves, halves[::-1]):
        a, b = platt(z[fitted], y[fitted])
        p[read] = 1 / (1 + np.exp(-np.clip(a * z[read] + b, -60, 60)))
    w = np.where(y > 0, PREVALENCE / max(1, (y > 0).sum()), (1 - PREVALENCE) / max(1, (y == 0).sum()))
    out, error = [], 0.0
    for i in range(bins):
        mine = (p >= i / bins) & ((p < (i + 1) / bins) | (i == bins - 1))
        if mine.any():
            score, share_, mass = (
                float((p * w)[mine].sum() / w[mine].sum()),
                float((w * (y > 0))[mine].sum() / w[mine].sum()),
                float(w[mine].sum()),
            )
            out.append([round(score, 4), round(share_, 4), round(mass, 4)])
            error += mass * abs(score - share_)
    return round(error, 4), out


def cut(scores: np.ndarray, rate: float) -> float:
    """The lowest threshold that at most a share ``rate`` of ``scores`` reaches."""
    ordered = np.sort(scores)[::-1]
    allowed = int(rate * len(ordered))
    return float(ordered[allowed]) if len(ordered) > allowed else -np.inf


def allotted(
    pools: dict[str, np.ndarray],
    rates: dict[str, float],
    positives: list[np.ndarray],
    start: np.ndarray,
    least: np.ndarray,
) -> np.ndarray:
    """Thresholds [labels] that spend the false positives where they buy most recall.

    ``pools`` hold the logits [texts, labels] of harmless texts, ``positives`` those of each label's harmful ones. From ``start``
    downwards, first all thresholds come down to one logit that spends most of some rate. Then one threshold at a time is lowered a
    little: that which gains most recall (over labels, weighed by the root of their texts, whichever label fires) for the largest part of a rate that it
    uses up, as long as all labels together stay within every rate, and none goes below ``least``.
    """

    def caught(at: np.ndarray) -> float:
        return float(sum((z >= at).any(axis=1).mean() * math.sqrt(len(z)) for z in positives if len(z)))

    def spent(at: np.ndarray) -> np.ndarray:
        return np.array([(z >= at).any(axis=1).mean() / rates[name] for name, z in pools.items() if len(z)])

    cuts = start.copy()
    for line in np.arange(12, -6, -0.05):
        lower = np.maximum(least, np.minimum(start, line))
        if (spent(lower) > TOGETHER).any():
            break
        cuts = lower
    gained, used = caught(cuts), spent(cuts)
    while True:
        best: tuple[float, np.ndarray] | None = None
        for j in range(len(cuts)):
            for step in (0.1, 0.3, 1.0):
                lower = cuts.copy()
                lower[j] -= step
                if lower[j] < least[j]:
                    continue
                more, now = caught(lower) - gained, spent(lower)
                if more <= 0:
                    continue
                if (now <= 1).all():
                    worth = more / (float((now - used).max()) + 1e-3)
                    if best is None or worth > best[0]:
                        best = worth, lower
                break
        if best is None:
            break
        cuts = best[1]
        gained, used = caught(cuts), spent(cuts)
    # What is spent well is not spent best: one threshold goes up so that others may go down, as long as recall grows.
    chance = np.random.default_rng(4)
    for _ in range(SWAPS):
        other = cuts.copy()
        up, *down = chance.permutation(len(cuts))[: 2 + chance.integers(2)] if len(cuts) > 2 else (0, 0)
        other[up] = min(start[up], other[up] + chance.choice((0.1, 0.2, 0.5, 1.0)))
        for j in down:
            other[j] = max(least[j], other[j] - chance.choice((0.1, 0.2, 0.4, 0.8)))
        if (spent(other) <= 1).all() and (more := caught(other)) > gained:
            cuts, gained = other, more
    return cuts


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
    parser.add_argument("--most", type=int, help="rows, for a quick look")
    parser.add_argument("--real", type=Path, help="documents.jsonl of models.real.fetch")
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
        "settings": {"lift": LIFT, "tags": {"least": TAG_LEAST}},
        "calibration": {},
    }
    # No cut point depends on identity templates: they are for the figures of fairness alone.
    rows = [r for r in dev.every(args.data) if not r["set"].startswith("identity")]
    rows += [*dev.texts(args.data), *dev.packages(args.real)]
    rows += [{**r, "label": 0, "set": "records full of identifiers"} for r in dev.identifiers(args.data)]
    # The first articles are for the figures in the card.
    rows += islice(dev.documents(args.data), 120, 720)
    # Written texts stand among the development rows.
    held = [one for line in (args.run / "held_out.jsonl").open() if (one := json.loads(line))["set"] != "written"]
    held = [held[i] for i in np.random.default_rng(2).permutation(len(held))[:HELD]]
    if args.most:
        rng = np.random.default_rng(1)
        rows = [rows[i] for i in rng.permutation(len(rows))[: args.most]]
        held = [held[i] for i in rng.permutation(len(held))[: args.most]]
    cache = args.run / "logits.npz"
    if args.cached and cache.exists():
        loaded = np.load(cache)
        z_dev, z_held, windows = loaded["dev"], loaded["held"], loaded["windows"]
    else:
        export.write_weights(args.run, args.base / "tokenizer.json", folder)
        export.write_manifest(folder, blank)
        engine = text.load(store.open_folder(folder, "text"))
        (z_dev, windows), (z_held, _) = logits_of(engine, rows), logits_of(engine, held)
    calibration: dict[str, Any] = {}
    targets = np.stack([of_row(r)[0] for r in held])
    pools: dict[str, list[int]] = defaultdict(list)
    sides: dict[str, list[str]] = defaultdict(list)
    seen: set[str] = set()
    for i, r in enumerate(rows):
        if r["label"] == 0 and (pool(r) != "ordinary" or r["text"][:64] not in seen):
            # One set holds dozens of variations of a single sentence; a pool of them would say little about anything else.
            seen.add(r["text"][:64])
            pools[pool(r)].append(i)
            sides[pool(r)].append(side_of(r))
    direction = np.array([side_of(r) for r in held])
    made = np.array(
        [r["set"] not in ("safety", "response_sets", "attack_sets") and not any(r["labels"].values()) for r in held]
    )
    public = np.array([r["set"] in ("safety", "response_sets", "attack_sets") for r in held])
    own_rows = [i for i, r in enumerate(rows) if r["set"].endswith("(written)")]
    own_targets = np.stack([of_row(rows[i])[0] for i in own_rows])
    own_sides = np.array([side_of(rows[i]) for i in own_rows])
    z_own = z_dev[own_rows]
    chance = np.random.default_rng(5)
    reliability: dict[str, Any] = {}
    for side, names in POOLS.items():
        mine = [x for x in LABELS if x.startswith(side + ".")]
        columns = [LABELS.index(x) for x in mine]
        # Twins, messages and documents count on the side that they are on; other pools of user texts on any but the document's.
        own: dict[str, np.ndarray] = {}
        for name in names:
            if name == "made":
                continue
            chosen = [
                i
                for i, s in zip(pools[name], sides[name], strict=True)
                if s == side or name not in ("twins", "documents", "wrapped", "messages")
            ]
            own[name] = z_dev[np.array(chosen, int)][:, columns]
        own["made"] = z_held[made & (direction == side)][:, columns]
        # Harmful texts: written ones, and as many of public sets.
        positives = []
        for label, j in zip(mine, columns, strict=True):
            theirs = np.flatnonzero(public & (targets[:, j] == 1))
            ours = z_own[own_targets[:, j] == 1]
            theirs = chance.permutation(theirs)[: max(60, len(ours))]
            positives.append(np.concatenate([ours, z_held[theirs]])[:, columns])
            harmless = np.concatenate([z for name, z in own.items() if name not in ("records", "made")])
            z = np.concatenate(
                [
                    positives[-1][:, mine.index(label)],
                    z_own[(own_targets[:, j] == 0) & (own_sides == side)][:, j],
                    harmless[:, mine.index(label)],
                ]
            )
            y = np.arange(len(z)) < len(positives[-1])
            a, b = platt(z, y)
            error, bins = calibrated_error(z, y)
            reliability[label] = {"rows": len(z), "positives": len(positives[-1]), "ece": error, "bins": bins}
            calibration[label] = {"scale": round(a, 5), "bias": round(b, 5), "length": 0.0, "cuts": {}}
        # From here on in log-odds of the calibrated probabilities, which compare between labels.
        scale = np.array([calibration[x]["scale"] for x in mine])
        bias = np.array([calibration[x]["bias"] for x in mine])
        own = {name: scale * z + bias for name, z in own.items()}
        positives = [scale * z + bias for z in positives]
        floors = np.array([FLOORS.get(x, FLOOR) for x in mine])
        least = np.log(floors / (1 - floors))
        at = np.maximum(least, np.array([z.max() for z in positives]) + 1)
        for level in ("HIGH", "MEDIUM", "LOW"):
            rates = {"records": RATES[level]["ordinary"], **RATES[level]}
            at = allotted(own, rates, positives, at, least)
            for label, z in zip(mine, at, strict=True):
                c = calibration[label]
                p = 1 / (1 + math.exp(-min(40, max(-40, z))))
                c["cuts"][level] = min(0.9999, max(FLOOR, round(p - 5e-7, 6)))
            shares = {name: round(float((zz >= at).any(axis=1).mean()), 4) for name, zz in own.items() if len(zz)}
            print(f"{side} {level}: flagged {shares}")
    (args.run / "reliability.json").write_text(json.dumps(reliability, indent=1) + "\n")
    print({k: v["ece"] for k, v in reliability.items()})
    for c in calibration.values():  # three levels, each above the one below
        c["cuts"]["MEDIUM"] = max(c["cuts"]["MEDIUM"], round(c["cuts"]["LOW"] + 1e-5, 6))
        c["cuts"]["HIGH"] = max(c["cuts"]["HIGH"], round(c["cuts"]["MEDIUM"] + 1e-5, 6))
    for j, label in enumerate(LABELS):
        c = calibration[label]
        positives = np.concatenate([z_held[targets[:, j] == 1, j], z_own[own_targets[:, j] == 1, j]])
        p = 1 / (1 + np.exp(-np.clip(c["scale"] * positives + c["bias"], -40, 40)))
        shown = " ".join(f"{k} {v:.4f} (recall {np.mean(p >= v):.2f})" for k, v in c["cuts"].items())
        print(f"{label:28s} scale {c['scale']:.2f} bias {c['bias']:+.2f}  {shown}")
    if not args.cached or not cache.exists():
        long = long_logits(text.load(store.open_folder(folder, "text")), args.data)
        np.savez(cache, dev=z_dev, held=z_held, windows=windows, long=long)
    stretched(calibration, np.load(cache)["long"])
    table(rows, z_dev, windows, calibration)
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
        names = [x for x in LABELS if x.startswith(r["source"] + ".")]
        if r.get("role") in ("document", "tool"):
            names = [
                x
                for x in names
                if x.split(".")[1] in ("HATE", "INSULTS", "SEXUAL", "VIOLENCE", "MISCONDUCT", "SELF_HARM")
            ] + ["DOCUMENT.PROMPT_INJECTION"]
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
