"""Puts the large text model behind the small one: which windows it reads, how the two are weighed, and the cut points of the cascade.

    python -m models.text.cascade --data ../shared/data --run runs/large --held runs/average --real runs/real/documents.jsonl

A text is read by the large model when the small one finds it possible that some label holds (``lower``): chosen so that little ordinary
traffic is read twice. A score of the cascade is a line through both logits (:mod:`models.text.cuts`). Logits are kept in the run's folder, by
text and weights, so that a second call reads only what is new.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
import random
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track
from safetensors.torch import load_file

from guardrails.inference import store, text, text_engine
from guardrails.inference.cascade import BATCH_TOKENS, PAIRS
from guardrails.inference.modules import LabelModel, Shape
from guardrails.inference.packing import pack, unpack
from guardrails.inference.runner import Runner
from models import export
from models.text import cuts
from models.text.calibrate import development, table
from models.text.labels import LABELS, of_row
from models.text.large import LARGE_LABELS, SHAPE
from models.text.rows import Row

# The share of each pool of harmless texts that the large model may be asked about. Everyday traffic is instructions, short requests and
# ordinary messages; hard prompts and requests about security ("expert") are not what most people send.
ASKED = {"everyday": 0.10, "messages": 0.30, "expert": 0.35, "documents": 0.10, "answers": 0.30, "records": 0.10}
NEVER = cuts.NEVER
# No level of these below: "Give 5 mg twice a day" scores .896 as SELF_HARM, and no development set has prescriptions.
LEAST = {"INPUT.SELF_HARM": 0.90}
FOLDER = Path(__file__).parent.parent / "large" / "weights"
VERSION = "4"


class Logits:
    """The highest logits over the windows of a text, kept on disk by a hash of the text and of the weights."""

    def __init__(
        self, path: Path, weights: str, read: Callable[[list[tuple[str, str | None]]], list[np.ndarray]]
    ) -> None:
        self._path, self._weights, self._read = path, weights, read
        self._known: dict[bytes, np.ndarray] = pickle.loads(path.read_bytes()) if path.exists() else {}  # noqa: S301 - our own file

    def _key(self, text: str, query: str | None) -> bytes:
        return hashlib.sha256(json.dumps([self._weights, text, query]).encode()).digest()[:12]

    def __call__(self, texts: list[tuple[str, str | None]], title: str) -> np.ndarray:
        """[texts, labels]."""
        keys = [self._key(*t) for t in texts]
        missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._known}
        order = sorted(missing.items(), key=lambda x: len(x[1][0]))
        random.Random(1).shuffle(chunks := [order[i : i + 64] for i in range(0, len(order), 64)])
        for n, chunk in enumerate(track(chunks, description=title)):
            for (key, _), z in zip(chunk, self._read([t for _, t in chunk]), strict=True):
                self._known[key] = z.astype(np.float32)
            if n % 40 == 39:
                self._path.write_bytes(pickle.dumps(self._known))
        if chunks:
            self._path.write_bytes(pickle.dumps(self._known))
        return np.stack([self._known[k] for k in keys])


def reader(engine: text.TextEngine) -> Callable[[list[tuple[str, str | None]]], list[np.ndarray]]:
    """Texts with their queries to the highest logits over their windows."""

    def read(texts: list[tuple[str, str | None]]) -> list[np.ndarray]:
        readings = engine.read([(t[:20000], q) for t, q in texts], 36000)
        return [np.max([r.logits for r in reading.rows], axis=0) for reading in readings]

    return read


def large_engine(run: Path) -> text.TextEngine:
    """The trained network as it ships (packed in int8), behind the small model's tokeniser and windows."""
    small = text_engine()
    state = unpack(pack(load_file(run / "model.safetensors")))
    model = LabelModel(SHAPE, len(LARGE_LABELS))
    model.load_state_dict({k: v for k, v in state.items() if not k.startswith(PAIRS)})

    def rows(out: torch.Tensor, _windows: Any) -> list[text.Row]:
        nothing = np.zeros(0, np.float32)
        return [text.Row(z, nothing, nothing) for z in out.cpu().numpy()]

    return text.TextEngine(
        small.manifest, small.tokeniser, Runner(model, small.tokeniser.padding, rows, "large", BATCH_TOKENS)
    )


def asked_pool(r: Row) -> str:
    """The pool of :data:`ASKED` of a harmless row."""
    return "everyday" if cuts.pool(r) == "ordinary" else cuts.pool(r)


def lower_of(rows: list[Row], z: np.ndarray, manifest: store.Manifest) -> dict[str, float]:
    """For each label the probability under the small model from which the large one is asked."""
    out: dict[str, float] = {}
    scale = np.array([manifest.calibration[x].scale for x in LABELS])
    bias = np.array([manifest.calibration[x].bias for x in LABELS])
    m = scale * z + bias
    targets = np.stack([of_row({"role": "user", "labels": {}, **r})[0] for r in rows])
    for side in cuts.POOLS:
        mine = [x for x in LABELS if x.startswith(side + ".")]
        columns = [LABELS.index(x) for x in mine]
        here = np.array([cuts.side_of(r) == side for r in rows])
        pools = {}
        for name in ASKED:
            chosen = np.array([r["label"] == 0 and asked_pool(r) == name for r in rows]) & here
            if chosen.any():
                pools[name] = m[chosen][:, columns]
        positives = [m[here & (targets[:, j] == 1)][:, columns] for j in columns]
        blunt = np.array([r["label"] == 1 and not r.get("labels") for r in rows]) & here
        positives.append(m[blunt][:, columns])
        start = np.full(len(mine), 4.0)
        at = cuts.allotted(pools, ASKED, positives, start, np.full(len(mine), -9.0))
        for label, value in zip(mine, at, strict=True):
            out[label] = round(float(1 / (1 + np.exp(-value))), 5)
        shares = {k: round(float((v >= at).any(axis=1).mean()), 3) for k, v in pools.items() if len(v)}
        caught = {
            x: round(float((p >= at).any(axis=1).mean()), 3)
            for x, p in zip([*mine, "unnamed"], positives, strict=True)
            if len(p)
        }
        print(f"{side}: asked {shares}; harmful texts asked {caught}")
    return out


def asked(rows: list[Row], z: np.ndarray, manifest: store.Manifest, lower: dict[str, float]) -> np.ndarray:
    """Which rows the large model reads, from the small model's logits."""
    out = np.zeros(len(rows), bool)
    for i, r in enumerate(rows):
        for label in cuts.labels_for(r):
            c = manifest.calibration[label]
            out[i] |= bool(text.sigmoid(c.scale * float(z[i, LABELS.index(label)]) + c.bias) >= lower[label])
    return out


def weights_of(features: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights [features] of a logistic regression by Newton steps; both classes weigh the same, and a little ridge."""
    x = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    weight = np.where(y, 0.5 / max(1, y.sum()), 0.5 / max(1, (~y).sum())) * 1000
    w = np.zeros(x.shape[1])
    ridge = np.full(x.shape[1], 2.0)
    ridge[-1] = 1e-3
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -40, 40)))
        gradient = x.T @ (weight * (p - y)) + ridge * w
        hessian = (x * (weight * p * (1 - p) + 1e-9)[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        w -= step
        if np.abs(step).max() < 1e-6:
            break
    return w[:-1]


def blended(
    rows: list[Row],
    held: list[Row],
    small: tuple[np.ndarray, np.ndarray],
    large: tuple[np.ndarray, np.ndarray],
    read: tuple[np.ndarray, np.ndarray],
) -> dict[str, float]:
    """The share of the large model's logit in the score of each label, from development rows that both have read."""
    out: dict[str, float] = {}
    targets = np.stack([of_row({"role": "user", "labels": {}, **r})[0] for r in [*rows, *held]])
    blunt = np.array([r.get("label") == 0 for r in rows] + [False] * len(held))
    seen = np.concatenate(read)
    zs, zl = np.concatenate(small), np.concatenate(large)
    sides = np.array([cuts.side_of(r) for r in [*rows, *held]])
    sources = np.array([r["source"] for r in [*rows, *held]])
    for j, label in enumerate(LABELS):
        side = label.split(".")[0]
        here = seen & ((sides == side) if side == "DOCUMENT" else (sources == side))
        known = here & ((targets[:, j] >= 0) | blunt)
        y = targets[known, j] == 1
        if y.sum() < 20:
            out[label] = 1.0
            continue
        w = weights_of(np.stack([zl[known, j], zs[known, j]], axis=1), y)
        w = np.maximum(w, 0)
        out[label] = round(float(np.clip(w[0] / max(1e-9, w.sum()), 0.3, 1.0)), 3)
    return out


# Weights of the question and of the stance that are tried. The question always counts a little: sets on which most questions are harmful (all
# that we have) would leave it out, and on answers to questions of all kinds it is the better half of the evidence.
TRIED = tuple((q, d) for q in (0.25, 0.5, 0.75, 1.0) for d in (0.0, 0.25, 0.5))


def auc(z: np.ndarray, y: np.ndarray) -> float:
    """The probability that a harmful text scores higher than a harmless one."""
    rank = z.argsort().argsort() + 1.0
    return float((rank[y].sum() - y.sum() * (y.sum() + 1) / 2) / max(1, y.sum() * (~y).sum()))


def answers_of(rows: list[Row], z: np.ndarray, large: np.ndarray, asks: np.ndarray) -> dict[str, float]:
    """How an answer's question counts: the weights with the highest mean AUC over the sets of answers that come with questions.

    ``z`` [rows, labels] are the scores without the question, ``asks`` [rows, labels] the logits of the questions (NaN: none).
    """
    columns = [LABELS.index(x) for x in LABELS if x.startswith("OUTPUT.")]
    sources = [LABELS.index(f"IN{LABELS[j][3:]}") for j in columns]
    stance = np.clip(large[:, LARGE_LABELS.index("STANCE.REFUSAL")], -4, 4)
    sets: dict[str, list[int]] = {}
    for i, r in enumerate(rows):
        if r["source"] == "OUTPUT" and not np.isnan(asks[i, 0]) and r.get("label") is not None:
            sets.setdefault(r["set"], []).append(i)
    best, chosen = -1.0, (0.0, 0.0)
    for q, d in TRIED:
        found = {}
        for name, mine in sets.items():
            y = np.array([rows[i]["label"] == 1 for i in mine])
            if 20 <= y.sum() <= len(y) - 20:
                more = q * np.clip(asks[mine][:, sources], -4, 4) - d * stance[mine][:, None]
                found[name] = auc((z[mine][:, columns] + more).max(axis=1), y)
        mean = float(np.mean(list(found.values())))
        print(f"question {q} declines {d}: mean AUC {mean:.4f}", {k: round(v, 3) for k, v in found.items()})
        if mean > best + 0.002:
            best, chosen = mean, (q, d)
    q, d = chosen
    harmless = [i for mine in sets.values() for i in mine if rows[i]["label"] == 0]
    more = q * np.clip(asks[harmless][:, sources], -4, 4) - d * stance[harmless][:, None]
    return {"question": q, "declines": d, "shift": round(-float(np.median(more)), 3)}


def with_questions(z: np.ndarray, large: np.ndarray, asks: np.ndarray, weights: dict[str, float]) -> np.ndarray:
    """The scores of answers with what their questions add."""
    out = z.copy()
    stance = np.clip(large[:, LARGE_LABELS.index("STANCE.REFUSAL")], -4, 4)
    known = ~np.isnan(asks[:, 0])
    for j, label in enumerate(LABELS):
        if label.startswith("OUTPUT."):
            asked = np.clip(asks[:, LABELS.index(f"IN{label[3:]}")], -4, 4)
            more = weights["question"] * asked - weights["declines"] * stance + weights["shift"]
            out[known, j] += more[known]
    return out


def ship(run: Path, settings: dict[str, Any]) -> None:
    """Write the folder that ships, and pin it; with ``pairs.json`` of :mod:`models.grounding.cascade` and ``topics.json`` of
    :mod:`models.text.topic_cascade` where the run has them."""
    small = text_engine().manifest
    cuts.raise_to(LEAST, settings["calibration"])
    files = export.write_packed(run, FOLDER)
    content = {
        "name": "large",
        "version": VERSION,
        "kind": "text",
        "shape": {k: v for k, v in asdict(SHAPE).items() if v != getattr(Shape(), k)},
        "labels": list(LARGE_LABELS),
        "window": small.window,
        "stride": small.stride,
        "settings": {
            "text": {name: small.files[name] for name in (store.TOKENISER, store.WEIGHTS)},
            "cascade": settings["lower"],
            "answers": settings["answers"],
            **{
                name: json.loads((run / f"{name}.json").read_text(encoding="utf-8"))
                for name in ("pairs", "topics")
                if (run / f"{name}.json").exists()
            },
        },
        "calibration": {
            # Long texts: what the small model takes off, which was measured; both scales are log-odds of probabilities.
            label: {**c, "blend": settings["blend"][label], "length": small.calibration[label].length}
            for label, c in settings["calibration"].items()
        },
    }
    export.pin("large", export.write_manifest(FOLDER, content, files))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="the run of the large model")
    parser.add_argument("--held", type=Path, required=True, help="the run of the small model, for its held-out rows")
    parser.add_argument("--real", type=Path, help="documents.jsonl of models.real.fetch")
    parser.add_argument("--most", type=int, help="harmful rows of a set, for a machine that has less time")
    parser.add_argument("--ship", action="store_true", help="write what ships, and pin it")
    args = parser.parse_args()
    rows, held = development(args.data, args.real, args.held)
    if args.most:
        rng = random.Random(1)
        by_set: dict[tuple[str, Any], list[Row]] = {}
        for r in rows:
            by_set.setdefault((r["set"], r["label"]), []).append(r)
        # Of harmless texts, which decide the cut points, the large model reads few anyway.
        rows = [
            r
            for (_, label), mine in by_set.items()
            for r in (mine if label == 0 else rng.sample(mine, min(args.most, len(mine))))
        ]
        held = rng.sample(held, min(len(held), args.most * 10))
    engine = text_engine()
    manifest = engine.manifest
    texts = [[(r["text"], r.get("query")) for r in part] for part in (rows, held)]
    first = Logits(args.run / "small.pickle", manifest.files[store.WEIGHTS], reader(engine))
    small = first(texts[0], "small: development"), first(texts[1], "small: held out")
    lower = lower_of(rows, small[0], manifest)
    weights = store.sha256_of(args.run / "model.safetensors")
    second = Logits(args.run / "large.pickle", weights, reader(large_engine(args.run)))
    read, large, asks = [], [], []
    for part, z, title in zip((rows, held), small, ("development", "held out"), strict=True):
        those = asked(part, z, manifest, lower)
        with_query = [i for i, r in enumerate(part) if r["source"] == "OUTPUT" and r.get("query")]
        questions = [(part[i]["query"], None) for i in with_query]
        put = [{"source": "INPUT", "role": "user"} for _ in questions]
        own = first(questions, f"small: questions, {title}") if questions else np.zeros((0, len(LABELS)))
        harmful = asked(put, own, manifest, lower) if questions else np.zeros(0, bool)
        those[np.array(with_query, int)[harmful]] = True
        chosen = np.full((len(part), len(LARGE_LABELS)), NEVER, np.float32)
        chosen[those] = second(
            [(r["text"], r.get("query")) for r, yes in zip(part, those, strict=True) if yes], f"large: {title}"
        )
        about = np.full((len(part), len(LARGE_LABELS)), np.nan, np.float32)
        about[with_query] = -4.0
        if harmful.any():
            about[np.array(with_query)[harmful]] = second(
                [q for q, yes in zip(questions, harmful, strict=True) if yes], f"large: questions, {title}"
            )
        read.append(those)
        large.append(chosen)
        asks.append(about)
    print(
        f"the large model reads {read[0].mean():.2f} of the development rows, {read[1].mean():.2f} of the held-out rows"
    )
    share = blended(rows, held, small, (large[0][:, : len(LABELS)], large[1][:, : len(LABELS)]), (read[0], read[1]))
    print("share of the large model", share)
    w = np.array([share[x] for x in LABELS])
    plain = [w * zl[:, : len(LABELS)] + (1 - w) * zs for zl, zs in zip(large, small, strict=True)]
    answers = answers_of(rows, plain[0], large[0], asks[0])
    print("answers", answers)
    mixed = []
    for z, zl, about, those in zip(plain, large, asks, read, strict=True):
        made = with_questions(z, zl, about, answers)
        made[~those] = NEVER
        mixed.append(made)
    calibration, reliability = cuts.calibrated(rows, held, mixed[0], mixed[1])
    table(rows, mixed[0], np.ones(len(rows), int), calibration)
    (args.run / "reliability.json").write_text(json.dumps(reliability, indent=1) + "\n")
    settings = {"lower": lower, "blend": share, "answers": answers, "calibration": calibration}
    (args.run / "cascade.json").write_text(json.dumps(settings, indent=1) + "\n")
    if args.ship:
        ship(args.run, settings)


if __name__ == "__main__":
    main()
