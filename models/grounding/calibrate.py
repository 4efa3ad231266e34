"""Turns the grounding model's logits and the evidence of code into scores for which .5 is the fair threshold, and writes the folder that ships.

    python -m models.grounding.calibrate --data ../shared/data --base BASE_DIR --run runs/grounding
    python -m models.grounding.calibrate --data ../shared/data                       # the shipped weights again

The score of an answer is that of its least supported claim. A claim's logit is the model's, times a scale, plus a bias, plus the weights of
what code finds for and against it (guardrails/detectors/facts/weigh.py; a wrong fact also holds the score below one half); these are fitted together
on the development sets, each set and each class weighing the same. Then the bias is raised until at .5 no more than a share of the supported
answers to customers is stopped (``--stopped``). The large model comes after this one: models/grounding/cascade.py.
"""

from __future__ import annotations

import argparse
import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from guardrails.detectors.absence import absent
from guardrails.detectors.facts.compare import compare
from guardrails.detectors.facts.source import Sources
from guardrails.detectors.facts.weigh import AGAINST, FOR, HELD, features, held
from guardrails.detectors.layout import plain
from guardrails.detectors.phrases import plain as bare
from guardrails.detectors.supporting import CERTAIN, claimed, quoted
from guardrails.inference import comparing, pair, store
from guardrails.inference.modules import CASES, MATCHES
from models import export
from models.grounding import dev
from models.grounding.labels import LABELS
from models.text.fit_topics import logistic

FOLDER = Path(__file__).parent / "weights"
FEW = 30  # rows of a class; a set with fewer says nothing about where the line should be
STEPS = 1500
# Of the supported answers to customers; with a tenth, balanced accuracy on the public sets falls by a tenth as well.
STOPPED = 0.20
SETTINGS = {"longest_claim": 128, "passage": 250, "stride": 125, "passages": 3}


def logit(p: float) -> float:
    """Log-odds."""
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


NAMES = (*AGAINST, *FOR)
# Sets of answers to customers, written one by one.
SUPPORT = tuple(name for name in dev.WHOLE if not name.endswith("corpus_e"))  # that one is news and reports


@dataclass
class Claim:
    """The model's logit of a claim, the features of its evidence, and whether a fact of it is wrong (it is held below one half)."""

    logit: float
    features: list[float]
    held: bool = False


@dataclass
class Answer:
    """The claims of one answer, whether it is supported, and how much it weighs. ``known``: the logit of what code alone judges, else high."""

    claims: list[Claim]
    supported: bool
    weight: float = 1.0
    known: float = 9.0


def parts(row: dict[str, Any]) -> tuple[str, list[str], list[comparing.Claim], list[Claim], float]:
    """What is read of a row: its source, its claims (all, and those that a model judges), their evidence, and the logit of what code alone judges."""
    source, question = plain(row["grounding_source"])[0], row.get("query", "")
    known = Sources(source)
    words = f" {bare(source)} "
    said = [c.text for c in claimed(row["text"])]
    asked, evidence, sure = [], [], 9.0
    for c in said:
        right = absent(c, known, question)
        if right is None and quoted(c, words):
            right = CERTAIN
        if right is not None:
            sure = min(sure, logit(right))
            continue
        found = compare(c, known, question)
        asked.append(comparing.Claim(c))
        evidence.append(Claim(0.0, list(features(found).values()), held(found)))
    return source, said, asked, evidence, sure


def read(engine: comparing.PairCascade, row: dict[str, Any]) -> Answer:
    """A row with what the model and the code say of its claims."""
    source, _, asked, evidence, sure = parts(row)
    c = engine.small.manifest.calibration["GROUNDING"]
    found = engine.support([source], asked, (), 3600) if asked else []
    claims = [replace(e, logit=(logit(s.probability) - c.bias) / c.scale) for e, s in zip(evidence, found, strict=True)]
    return Answer(claims, not row["label"], known=sure)


def fit(answers: list[Answer], rounds: int = 3) -> tuple[float, float, dict[str, float]]:
    """Scale (0 and above), bias and the weights of the evidence, each of its sign; the least supported claim of an answer is the one that counts.

    Logistic regression with a small ridge, by accelerated projected gradients (Nesterov 1983).
    """
    own = [a for a in answers if a.claims]
    rows = [np.array([[c.logit, *c.features, 1.0] for c in a.claims]) for a in own]
    y = np.array([a.supported for a in own], float)
    w = np.array([a.weight for a in own])
    w /= w.mean()
    least = [0] * len(own)
    b = np.zeros(rows[0].shape[1])
    sign = np.array([-1.0] * len(AGAINST) + [1.0] * len(FOR))
    for _ in range(rounds):
        x = np.array([r[i] for r, i in zip(rows, least, strict=True)])
        size = np.append(x.std(axis=0)[:-1] + 1e-3, 1.0)
        x = x / size
        step = 1 / ((w[:, None] * x**2).sum() / 4 + 1)
        last = ahead = b * size
        t = 1.0
        for _ in range(STEPS):
            p = 1 / (1 + np.exp(-x @ ahead))
            g = x.T @ (w * (p - y)) + np.append(ahead[:-1] / size[:-1] ** 2, 0.0)
            new = ahead - step * g
            new[0] = max(new[0], 0.0)
            new[1:-1] = np.where(sign < 0, np.minimum(new[1:-1], 0.0), np.maximum(new[1:-1], 0.0))
            t, old = (1 + math.sqrt(1 + 4 * t * t)) / 2, t
            ahead, last = new + (old - 1) / t * (new - last), new
        b = last / size
        least = [int((r @ b).argmin()) for r in rows]
    return float(b[0]), float(b[-1]), dict(zip(NAMES, (float(v) for v in b[1:-1]), strict=True))


def scored(answer: Answer, scale: float, bias: float, weights: dict[str, float]) -> float:
    """The logit of an answer; that of one without claims is high."""
    found = [answer.known]
    for c in answer.claims:
        against, more = (
            sum(weights[n] * x for n, x in zip(NAMES, c.features, strict=True) if n in names)
            for names in (AGAINST, FOR)
        )
        z = scale * c.logit + bias + min(0.0, against) + max(0.0, more)
        found.append(logit(HELD / (1 + math.exp(-z))) if c.held else z)
    return min(found)


def allowance(answers: list[Answer], scale: float, bias: float, weights: dict[str, float], share: float) -> float:
    """By how much the bias rises, so that at one half no more than a share of the supported answers is stopped. Those held below it stay so."""
    own = [a for a in answers if a.supported]
    for more in np.arange(0.0, 6.0, 0.02):
        if np.mean([scored(a, scale, bias + more, weights) < 0 for a in own]) <= share:
            return float(more)
    return 6.0


def spread(scores: np.ndarray[Any, Any]) -> float:
    """By how much all logits are multiplied so that the best supported answers in a hundred read .95: .5 stays where it is."""
    top = float(np.quantile(scores[scores < 9], 0.99))
    return max(1.0, logit(0.95) / top) if top > 0 else 1.0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--run", type=Path, help="a trained model; without it the weights in the folder are calibrated anew"
    )
    parser.add_argument("--base", type=Path, help="the base encoder, for its tokeniser")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--most", type=int, default=300, help="rows a set")
    parser.add_argument("--few", type=int, default=FEW, help="rows of a class; sets with fewer are left out")
    parser.add_argument(
        "--stopped", type=float, default=STOPPED, help="share of supported answers to customers that may be stopped"
    )
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
    if args.run is not None:
        export.write_weights(args.run, args.base / "tokenizer.json", args.folder)
    elif not (args.folder / store.WEIGHTS).exists():
        args.folder.mkdir(parents=True, exist_ok=True)
        for name in (store.WEIGHTS, store.TOKENISER):
            shutil.copyfile(FOLDER / name, args.folder / name)
    export.write_manifest(args.folder, content)
    engine = pair.load(store.open_folder(args.folder, "grounding"))
    rows: dict[str, list[dict[str, Any]]] = {}
    for r in dev.every(args.data):
        rows.setdefault(r["set"], []).append(r)
    answers: list[Answer] = []
    support: list[Answer] = []
    for name, own in rows.items():
        if name.startswith("grounding"):
            cascade = comparing.PairCascade(engine)
            found = [read(cascade, r) for r in track(own[: args.most], description=name)]
            answers += weighed(found, args.few)
            support += found if name in SUPPORT else []
    if not answers:
        parser.error(f"no set has {args.few} rows of each class; read more (--most), or ask for fewer (--few)")
    scale, bias, weights = fit(answers)
    bias += allowance(support, scale, bias, weights, args.stopped)
    more = spread(np.array([scored(a, scale, bias, weights) for a in answers]))
    write(content, scale * more, bias * more, {k: v * more for k, v in weights.items()})
    relevance(engine, rows, content, args.most, args.few)
    sha = export.write_manifest(args.folder, content)
    if args.folder == FOLDER:
        export.pin("grounding", sha)


def weighed(found: list[Answer], few: int = FEW) -> list[Answer]:
    """The answers of a set, each class weighing the same in all; none where a class has too few."""
    count = {c: sum(a.supported is c for a in found) for c in (True, False)}
    if min(count.values()) < max(1, few):
        return []
    return [replace(a, weight=0.5 / count[a.supported]) for a in found]


def write(content: dict[str, Any], scale: float, bias: float, weights: dict[str, float]) -> None:
    """Put what was fitted into a manifest."""
    content["calibration"]["GROUNDING"] = {"scale": round(max(scale, 0.05), 5), "bias": round(bias, 5)}
    content["settings"] = {**SETTINGS, "evidence": {k: round(v, 4) for k, v in weights.items()}}


def relevance(
    engine: pair.PairEngine, rows: dict[str, list[dict[str, Any]]], content: dict[str, Any], most: int, few: int = FEW
) -> None:
    """Fit the line of the RELEVANCE output."""
    xs, ys, ws = [], [], []
    for name, own in rows.items():
        if not name.startswith("relevance"):
            continue
        own = own[:most]
        x = np.array([logit(engine.relevance(r["query"], r["text"], (), 3600)) for r in track(own, description=name)])
        y = 1 - np.array([r["label"] for r in own])
        if min(y.sum(), len(y) - y.sum()) >= max(1, few):
            xs.append(x)
            ys.append(y)
            ws.append(np.where(y == 1, 0.5 / y.sum(), 0.5 / (len(y) - y.sum())))
    if not xs:
        return  # the line stays as it is
    x, y, w = np.concatenate(xs), np.concatenate(ys), np.concatenate(ws)
    weights, bias = logistic(x[:, None], y, w / w.mean())
    content["calibration"]["RELEVANCE"] = {"scale": round(max(float(weights[0]), 0.05), 5), "bias": round(bias, 5)}


if __name__ == "__main__":
    main()
