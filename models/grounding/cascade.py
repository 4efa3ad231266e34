"""Puts the large model behind the grounding model: which claims it reads, how the two are weighed, and where one half lies.

    python -m models.grounding.cascade --data ../shared/data --run runs/large

Fitted on half of the sources of the development sets and reported on the other half. The evidence of code keeps the weights of the small
model's calibration, times one factor. First the supported answers to customers: at one half no more than a share of them is stopped. Logits of the large model are
kept in the run's folder, by window and weights; with the default number of rows they take about ten minutes on two cores. What was fitted is written to
``pairs.json`` there, and `models.text.cascade --ship` puts it into the manifest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from rich.progress import track
from safetensors.torch import load_file

from guardrails import inference
from guardrails.detectors.facts.weigh import AGAINST, FOR, HELD
from guardrails.inference import comparing, store
from guardrails.inference.cascade import BATCH_TOKENS, PAIRS, LargeEngine
from guardrails.inference.modules import LabelModel
from guardrails.inference.packing import pack, unpack
from guardrails.inference.pair import PairEngine
from guardrails.inference.runner import Runner
from guardrails.inference.text import sigmoid
from guardrails.inference.windows import Window
from models.grounding import dev
from models.grounding.calibrate import NAMES, SUPPORT, Claim, logit, parts
from models.grounding.labels import LABELS
from models.text.fit_topics import logistic
from models.text.large import LARGE_LABELS, LARGE_PAIRS, SHAPE

# Passages that the large model reads for a claim, and tokens of the claim: it was trained on no longer ones.
PASSAGES, LONGEST = 2, 96
# Claims of up to so many words are read behind their question: none, or short ones.
QUESTIONS = (0, 8)
BLENDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
# Where the small model is asked alone: it is wrong too often to settle more.
LOWER, UPPER = 0.2, 0.8
FEW = 12
# The share of supported answers to customers that may be stopped at one half.
STOPPED = 0.10
# A set of answers to customers counts as much as so many others.
TIMES = 3.0


@dataclass
class Read:
    """A claim as both models see it: for each passage the small logit and the large ones (without and with the question); and its evidence."""

    passages: list[tuple[float, float, float]]
    words: int
    evidence: Claim
    shift: float


@dataclass
class Answer:
    """The claims of an answer; ``known`` is the logit of what code alone judges. ``fitted``: its source is in the half that is fitted on."""

    claims: list[Read]
    known: float
    supported: bool
    fitted: bool


def large_engine(run: Path) -> LargeEngine:
    """The trained network as it ships (packed in int8), in the order of the small model's vocabulary."""
    state = unpack(pack(load_file(run / "model.safetensors")))
    if f"{PAIRS}value.weight" not in state:
        raise SystemExit(f"{run} has no head for pairs: train one with models.text.large")
    model = LabelModel(SHAPE, len(LARGE_LABELS), len(LARGE_PAIRS))
    model.load_state_dict(state)
    padding = inference.pair_engine().tokeniser.padding
    runner = Runner(model, padding, lambda out, _: list(out.cpu().numpy()), "large", BATCH_TOKENS)
    return LargeEngine(cast("store.Manifest", SimpleNamespace(labels=LARGE_LABELS, name="large")), runner)


class Logits:
    """Logits of windows, kept on disk."""

    def __init__(self, path: Path, weights: str, large: LargeEngine) -> None:
        self._path, self._weights, self._large = path, weights, large
        self._known: dict[bytes, float] = pickle.loads(path.read_bytes()) if path.exists() else {}  # noqa: S301 - our own file

    def __call__(self, windows: list[Window]) -> list[float]:
        """The logit of each window."""
        keys = [hashlib.sha256(self._weights.encode() + w.ids.tobytes()).digest()[:12] for w in windows]
        missing = list({k: w for k, w in zip(keys, windows, strict=True) if k not in self._known}.items())
        parts_ = [missing[i : i + 64] for i in range(0, len(missing), 64)]
        for some in track(parts_, "large model") if len(parts_) > 1 else parts_:
            for (key, _), found in zip(some, self._large.pairs([w for _, w in some], 36000), strict=True):
                self._known[key] = float(found[LABELS.index("GROUNDING")])
            self.save()
        return [self._known[k] for k in keys]

    def save(self) -> None:
        """Write what was read."""
        self._path.write_bytes(pickle.dumps(self._known))


def answers(rows: list[dict[str, Any]], small: PairEngine, logits: Logits, weights: dict[str, float]) -> list[Answer]:
    """Rows as both models read them; all windows of a model together, by length, since every new shape of a batch costs time."""
    cascade = comparing.PairCascade(small)
    drafts = []
    for row in track(rows, "candidates"):
        source, _, asked, evidence, known = parts(row)
        found = small.candidates([source], [c.text for c in asked]) if asked else []
        drafts.append((row, asked, evidence, known, found))
    every = sorted((c.window for *_, found in drafts for own in found for c in own), key=len)
    column = small.label["GROUNDING"]
    first = dict(zip(map(id, every), (float(z[column]) for z in small.runner.run(every, 36000)), strict=True))
    chosen = []
    for row, asked, evidence, known, found in drafts:
        query, claims = row.get("query", "").strip(), []
        for claim, own, e in zip(asked, found, evidence, strict=True):
            z = [first[id(c.window)] for c in own]
            best = sorted(range(len(own)), key=lambda i: -z[i])[:PASSAGES]
            count = len(claim.text.split())
            plain = cascade.said(claim.text, LONGEST)
            behind = cascade.said(f"{query} {claim.text}", LONGEST) if query and count <= max(QUESTIONS) else plain
            windows = [(cascade.window(own[i], plain), cascade.window(own[i], behind)) for i in best]
            claims.append(([z[i] for i in best], windows, count, e))
        chosen.append((row, known, claims))
    logits(sorted((w for _, _, claims in chosen for _, own, _, _ in claims for two in own for w in two), key=len))
    out = []
    for row, known, claims in chosen:
        read = []
        for z, windows, count, e in claims:
            passages = [(s, *logits(list(two))) for s, two in zip(z, windows, strict=True)]
            read.append(Read([(s, a, b) for s, a, b in passages], count, e, shift(e, weights)))
        half = hashlib.sha256(row["grounding_source"].encode()).digest()[0] % 2 == 0
        out.append(Answer(read, known, not row["label"], half))
    return out


def shift(e: Claim, weights: dict[str, float]) -> float:
    """What evidence adds on the small model's scale."""
    x = dict(zip(NAMES, e.features, strict=True))
    against, more = (sum(weights.get(n, 0.0) * x[n] for n in names) for names in (AGAINST, FOR))
    return min(0.0, against) + max(0.0, more)


def mixed(c: Read, blend: float, question: int) -> float:
    """The weighted mean of the logits, of the best passage."""
    return max(blend * (b if c.words <= question else a) + (1 - blend) * s for s, a, b in c.passages)


def scored(a: Answer, line: dict[str, float]) -> float:
    """The logit of an answer under the cascade, if the large model reads every claim."""
    found = [a.known]
    for c in a.claims:
        z = line["scale"] * mixed(c, line["blend"], int(line["question"])) + line["bias"] + line["factor"] * c.shift
        found.append(logit(HELD * sigmoid(z)) if c.evidence.held else z)
    return min(found)


def auc(z: np.ndarray, y: np.ndarray) -> float:
    """The probability that a supported answer scores higher than an unsupported one."""
    return float(((z[y][:, None] > z[~y]) + 0.5 * (z[y][:, None] == z[~y])).mean())


def fitted(sets: dict[str, list[Answer]], blend: float, question: int) -> dict[str, float]:
    """The line of a blend: scale, bias and the factor of the evidence; the least supported claim of an answer counts."""
    own, w = [], np.zeros(0)
    for name, found in sets.items():
        mine = [a for a in found if a.claims]
        right = np.array([a.supported for a in mine])
        if min(right.sum(), (~right).sum()) >= FEW:
            own += mine
            often = TIMES if name in SUPPORT else 1.0
            w = np.append(w, np.where(right, often / right.sum(), often / (~right).sum()))
    y = np.array([a.supported for a in own])
    line = {"scale": 1.0, "bias": 0.0, "factor": 1.0, "blend": blend, "question": question}
    for _ in range(3):
        least = [
            min(a.claims, key=lambda c: line["scale"] * mixed(c, blend, question) + line["factor"] * c.shift)
            for a in own
        ]
        x = np.array([[mixed(c, blend, question), c.shift] for c in least])
        weights, bias = logistic(x, y, w / w.mean())
        line |= {"scale": max(float(weights[0]), 0.05), "factor": max(float(weights[1]), 0.0), "bias": float(bias)}
    return line


def allowance(answers: list[Answer], line: dict[str, float], share: float) -> float:
    """By how much the bias rises, so that at one half no more than a share of the supported answers is stopped."""
    own = [a for a in answers if a.supported]
    for more in np.arange(0.0, 6.0, 0.02):
        if np.mean([scored(a, {**line, "bias": line["bias"] + more}) < 0 for a in own]) <= share:
            return float(more)
    return 6.0


def chosen(sets: dict[str, list[Answer]], share: float) -> dict[str, float]:
    """The line with the highest mean AUC over the sets, that of answers to customers counting as much as all others."""
    best, out = -1.0, {}
    for question in QUESTIONS:
        for blend in BLENDS:
            line = fitted(sets, blend, question)
            found = {}
            for name, own in sets.items():
                y = np.array([a.supported for a in own])
                if min(y.sum(), (~y).sum()) >= FEW:
                    found[name] = auc(np.array([scored(a, line) for a in own]), y)
            support = [v for k, v in found.items() if k in SUPPORT]
            mean = (np.mean(support or [0.0]) + np.mean([v for k, v in found.items() if k not in SUPPORT] or [0.0])) / 2
            print(f"question {question} blend {blend}: {mean:.4f}", {k: round(v, 3) for k, v in found.items()})
            if mean > best + 0.001:
                best, out = float(mean), line
    own = [a for name in SUPPORT for a in sets.get(name, [])]
    return {**out, "bias": out["bias"] + allowance(own, out, share)}


def table(sets: dict[str, list[Answer]], lines: dict[str, dict[str, float]]) -> None:
    """Supported answers stopped, unsupported ones caught, balanced accuracy and AUC of each set."""
    for name, own in sorted(sets.items()):
        y = np.array([a.supported for a in own])
        for title, line in lines.items():
            z = np.array([scored(a, line) for a in own])
            stopped, caught = (z[y] < 0).mean() if y.any() else 0.0, (z[~y] < 0).mean() if (~y).any() else 0.0
            area = auc(z, y) if y.any() and (~y).any() else float("nan")
            print(
                f"{name:34} {title:8} n {len(own):4} stopped {stopped:.2f} caught {caught:.2f} balanced {(1 - stopped + caught) / 2:.3f} AUC {area:.3f}"
            )


def settings(line: dict[str, float], small: store.Manifest) -> dict[str, Any]:
    """What goes into the manifest as ``settings.pairs``."""
    own: dict[str, float] = small.settings.get("evidence", {})
    return {
        "made_for": {name: small.files[name] for name in (store.TOKENISER, store.WEIGHTS)},
        "labels": list(LABELS),
        "lower": LOWER,
        "upper": UPPER,
        "claims": comparing.CLAIMS,
        "passages": PASSAGES,
        "question": int(line["question"]),
        "longest_claim": LONGEST,
        "scale": round(line["scale"], 5),
        "bias": round(line["bias"], 5),
        "blend": line["blend"],
        "evidence": {name: round(line["factor"] * x, 4) for name, x in own.items()},
    }


def read_all(data: Path, run: Path, most: int, small: PairEngine) -> dict[str, list[Answer]]:
    """The development sets as both models read them."""
    logits = Logits(run / "pairs.pickle", store.sha256_of(run / "model.safetensors"), large_engine(run))
    rows: dict[str, list[dict[str, Any]]] = {}
    for r in dev.every(data):
        if r["set"].startswith("grounding"):
            rows.setdefault(r["set"], []).append(r)
    out: dict[str, list[Answer]] = {}
    for name, own in sorted(rows.items(), key=lambda x: x[0] not in SUPPORT):
        some = own if name in SUPPORT else own[:most]
        out[name] = answers(some, small, logits, dict(small.manifest.settings["evidence"]))
        logits.save()
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="the run of the large model")
    parser.add_argument(
        "--most", type=int, default=60, help="rows of a set; those of answers to customers are all read"
    )
    parser.add_argument(
        "--stopped", type=float, default=STOPPED, help="share of supported answers to customers that may be stopped"
    )
    args = parser.parse_args()
    small = inference.pair_engine()
    sets = read_all(args.data, args.run, args.most, small)
    halves = [{k: [a for a in own if a.fitted is half] for k, own in sets.items()} for half in (True, False)]
    line = chosen(halves[0], args.stopped)
    c = small.manifest.calibration["GROUNDING"]
    alone = {"scale": c.scale, "bias": c.bias, "factor": 1.0, "blend": 0.0, "question": 0}
    print(line)
    print("fitted half")
    table(halves[0], {"small": alone, "cascade": line})
    print("other half")
    table(halves[1], {"small": alone, "cascade": line})
    found = settings(line, small.manifest)
    (args.run / "pairs.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
