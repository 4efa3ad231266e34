"""Which base encoder, and one trunk for all tasks or an encoder a task? The same rows, the same steps, side by side.

    python -m models.compare --data DATA --english BASE_DIR [--multilingual E5_DIR] --out runs/compare [--rows 12000]

Small on purpose: minutes a run on two cores, so the figures rank the candidates and say nothing of what ships. AUC on development
sets; ``names`` is the share of NAME and ADDRESS tokens of held-out templates that are tagged right (F1).
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from guardrails.evaluation.metrics import figures
from guardrails.inference.modules import Shape, TextModel, load_bert
from guardrails.inference.runner import choose
from guardrails.inference.tokens import Ints, Tokeniser, Tokens
from models.batches import Example, by_length, collate, frame, tokenise
from models.loop import fit
from models.text import dev, mix, pii_data
from models.text.labels import LABELS, TAGS, of_row, tag_ids
from models.text.rows import Row
from models.text.train import label_loss

MOST = 128  # tokens a row
BATCH = 4096  # tokens a step

# (figure, positives and negatives by the start of their set's name, outputs that judge)
_QUESTIONS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str], ...] = (
    ("harmful requests among look-alikes", ("blunt", "harmful beh"), ("safe look", "security"), "INPUT."),
    ("hateful posts", ("hatecheck", "sexism", "hatemoji"), ("hatecheck", "sexism", "hatemoji"), "INPUT."),
    ("attacks among instructions", ("attacks among",), ("attacks among",), "INPUT."),
    ("orders in documents", ("injections among",), ("injections among",), "DOCUMENT."),
    ("harmful answers", ("responses (gpt",), ("responses (gpt",), "OUTPUT."),
)


class _Pieces(Tokeniser):
    """The XLM-R tokeniser under the names of BERT's."""

    _NAMES = {"[CLS]": "<s>", "[SEP]": "</s>", "[PAD]": "<pad>", "[MASK]": "<mask>"}  # noqa: RUF012

    def _special(self, name: str) -> int:
        return int(self._inner.token_to_id(self._NAMES[name]))

    def _spelt(self, text: str) -> tuple[str, Ints | None]:
        return text, None


def examples(tokeniser: Tokeniser, rows: list[Row], rng: random.Random) -> list[Example]:
    """Labelled rows."""
    out = []
    for r, text in zip(rows, tokenise(tokeniser, [r["text"][:4000] for r in rows]), strict=True):
        e = frame(tokeniser, text, None, rng, MOST)
        e.target, e.weight = of_row(r)
        out.append(e)
    return out


def tagged(tokeniser: Tokeniser, rows: list[Row], rng: random.Random) -> list[Example]:
    """Rows with spans, their beginnings."""
    out = []
    for r, text in zip(rows, tokenise(tokeniser, [r["text"][:4000] for r in rows]), strict=True):
        part: Tokens = text.part(0, MOST - 2)
        e = frame(tokeniser, part, None, rng, MOST)
        e.tags = np.concatenate(([-100], tag_ids(part.offsets, r), [-100])).astype(np.int64)
        out.append(e)
    return out


def measured(model: TextModel, tokeniser: Tokeniser, rows: list[Row], names: list[Row]) -> dict[str, float]:
    """The figures of one candidate."""
    rng = random.Random(0)
    work = model.to(choose()[1]).eval()
    logits = np.zeros((len(rows), len(LABELS)), np.float32)
    made = [frame(tokeniser, t, None, rng, MOST) for t in tokenise(tokeniser, [r["text"][:4000] for r in rows])]
    hits = wrong = missed = 0
    with torch.inference_mode():
        for at in range(0, len(made), 32):
            t = collate(made[at : at + 32], tokeniser.padding)
            logits[at : at + 32] = work(t["ids"], t["types"], t["cases"], t["mask"], t["own"]).logits.numpy()
        wanted = {i for i, t in enumerate(TAGS) if t.endswith(("NAME", "ADDRESS")) and "USER" not in t}
        for batch in by_length(tagged(tokeniser, names, rng), rng, BATCH):
            t = collate(batch, tokeniser.padding)
            got = work(t["ids"], t["types"], t["cases"], t["mask"], t["own"]).tags.argmax(-1)
            for a, b in zip(got[t["tags"] >= 0].tolist(), t["tags"][t["tags"] >= 0].tolist(), strict=True):
                hits += a in wanted and b in wanted
                wrong += a in wanted and b not in wanted
                missed += a not in wanted and b in wanted
    out = {}
    for name, good, bad, outputs in _QUESTIONS:
        columns = [i for i, x in enumerate(LABELS) if x.startswith(outputs)]
        if name.startswith(("harmful req", "hateful")):
            columns = columns[:6]
        elif name.startswith("attacks"):
            columns = columns[6:]
        own = [
            i for i, r in enumerate(rows) if r["set"].startswith(good if r["label"] else bad) and r["label"] is not None
        ]
        positive = np.array([bool(rows[i]["label"]) for i in own])
        found = figures(logits[own][:, columns].max(1), positive, positive, resamples=0)["auc"].value
        out[name] = round(found or 0.0, 3)
    out["names and addresses"] = round(2 * hits / max(1, 2 * hits + wrong + missed), 3)
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--english", type=Path, required=True)
    parser.add_argument("--multilingual", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=12_000)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(3)
    every, _ = mix.training(args.data, 1)
    labelled = rng.sample(every, args.rows)
    marked = list(pii_data.read(args.data))
    named = rng.sample([r for r in marked if pii_data.split(r) == "train"], args.rows // 3)
    names = rng.sample([r for r in marked if pii_data.split(r) == "dev" and r["set"] in ("anon", "presidio")], 400)
    sets: dict[str, list[Row]] = defaultdict(list)
    for r in (*dev.every(args.data), *dev.among(args.data)):
        sets[r["set"]].append(r)
    rows = [r for own in sets.values() for r in rng.sample(own, min(120, len(own)))]
    candidates = [
        ("English, one trunk", args.english, ("labels", "tags")),
        ("English, labels alone", args.english, ("labels",)),
        ("English, tags alone", args.english, ("tags",)),
    ]
    if args.multilingual:
        candidates.append(("multilingual, one trunk", args.multilingual, ("labels", "tags")))
    results: dict[str, dict[str, Any]] = {}
    for name, base, tasks in candidates:
        torch.manual_seed(1)
        english = base == args.english
        tokeniser = (Tokeniser if english else _Pieces)(base / "tokenizer.json")
        weights = load_file(base / "model.safetensors")
        words = next(v for k, v in weights.items() if k.endswith("word_embeddings.weight"))
        layers = 1 + max(int(k.split("layer.")[1].split(".")[0]) for k in weights if "layer." in k)
        model = TextModel(Shape(vocabulary=len(words), layers=layers), len(LABELS), len(TAGS))
        load_bert(model.encoder, weights)
        if not english:
            model.encoder.words.requires_grad_(False)
        plan: list[tuple[str, Any]] = []
        if "labels" in tasks:
            plan += [("labels", b) for b in by_length(examples(tokeniser, labelled, random.Random(1)), rng, BATCH)]
        if "tags" in tasks:
            plan += [("tags", b) for b in by_length(tagged(tokeniser, named, random.Random(1)), rng, BATCH)]
        random.Random(2).shuffle(plan)

        def loss_of(work: TextModel, kind: str, batch: Any) -> Tensor:
            t = collate(batch, tokeniser.padding)  # noqa: B023 - called before the next turn
            made = work(t["ids"], t["types"], t["cases"], t["mask"], t["own"])
            if kind == "tags":
                return 2.0 * F.cross_entropy(made.tags.flatten(0, 1), t["tags"].flatten(), ignore_index=-100)
            return label_loss(made.logits, t["target"], t["weight"])

        folder = args.out / name.replace(" ", "_").replace(",", "")
        folder.mkdir(exist_ok=True)
        started = time.time()
        fit(model, plan, loss_of, folder, rate=2e-4)
        spent = time.time() - started
        results[name] = {**measured(model, tokeniser, rows, names), "steps": len(plan), "seconds": round(spent)}
        print(name, json.dumps(results[name]), flush=True)
        (args.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
