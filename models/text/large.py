"""Trains the large text model: an MPNet trunk whose lower layers stay as they are, with heads for labels, the stance of answers, and pairs.

    python -m models.text.large --data ../shared/data --base MPNET_DIR --tokeniser models/text/weights/tokenizer.json --out runs/large

``MPNET_DIR`` holds `model.safetensors` of all-mpnet-base-v2 (models/README.md says where from). Its embeddings are put in the order of BERT's
vocabulary, so that it reads the windows of the small models. ``--start`` goes on from trained weights: a run's, or the folder of those that
ship. Seeded; a run that was cut off goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from guardrails.inference.modules import LabelModel, Shape, load_mpnet
from guardrails.inference.tokens import Tokeniser
from models.batches import Example, by_length, collate, frame, tokenise
from models.export import read_weights
from models.grounding import large as pairs
from models.grounding.labels import LABELS as PAIR_LABELS
from models.grounding.train import pair
from models.loop import fit
from models.text import mix, topics, written
from models.text.labels import LABELS, of_row
from models.text.rows import Row, row
from models.text.train import HIDDEN, label_loss

SHAPE = Shape(hidden=768, layers=12, heads=12, feed_forward=3072, epsilon=1e-5, relative=32)
STANCES = ("REFUSAL", "SAFE_REDIRECTION", "COMPLIANCE")
LARGE_LABELS = (*LABELS, *(f"STANCE.{s}" for s in STANCES))
# What the head for pairs says: does a passage support a claim, does an answer fit a question, does a text belong to a topic?
LARGE_PAIRS = (*PAIR_LABELS, "TOPIC")

# The most rows of a set; written texts are taken whole, each once. Sets that are not named give 150.
MOST = {
    "safety": 3600,
    "benign": 1500,
    "topical": 400,
    "passages": 300,
    "attack_sets": 700,
    "response_sets": 700,
    "real": 2200,
    "attacks": 500,
    "planted": 250,
    "ordinary": 350,
    "oddities": 200,
}
# Tokens of a row; where what counts may stand anywhere in a long text, more.
TOKENS, LONG = 96, 176
# Tokens of a pair, and of the claim in it.
PAIR, CLAIM, SHORT = 320, 96, 72
BATCH_TOKENS = 2048
# Sets of pairs that were written one by one.
OWN = ("written", "corpus_b", "corpus_c", "corpus_d", "corpus_e", "corpus_f")
# How an assistant declines, at the beginning of an answer.
DECLINES = re.compile(
    r"^\W*(?:(?:i'?m|i am) (?:really |very |so )?(?:sorry|afraid)|sorry|no[,.]|i (?:can'?t|can ?not|won'?t|will not|must decline|refuse|don'?t|am unable|"
    r"'m unable|am not able|'m not able|'d rather not)|as an? (?:ai|language|assistant)|unfortunately|that(?:'s| is) (?:not )?something i)",
    re.IGNORECASE,
)


def stance_of(one: Row, labels: dict[str, int]) -> np.ndarray:
    """0, 1 or -1 (unknown) for each of :data:`STANCES`."""
    out = np.full(len(STANCES), -1, np.float32)
    if one["source"] != "OUTPUT":
        return out
    said = one.get("stance")
    if said is None and any(v == 1 for v in labels.values()):
        said = "COMPLIANCE"
    if said is None and DECLINES.match(one["text"].replace("’", "'")):
        out[0], out[2] = 1, 0
        return out
    if said in STANCES:
        out[:] = 0
        out[STANCES.index(said)] = 1
    return out


def rows(data: Path, reals: Path | None, seed: int, known: float = 1.0) -> list[Row]:
    """The training rows of the small model with less repetition, and the questions of harmful answers as what they are.

    ``known``: see :func:`models.text.mix.training`."""
    rng = random.Random(f"{seed}/large")
    found, _ = mix.training(data, seed, reals, known)
    by_set: dict[str, list[Row]] = defaultdict(list)
    seen: set[tuple[str, str, str | None]] = set()
    stances = {(r["text"].strip(), r.get("query")): r["stance"] for r in written.raw(data) if r.get("stance")}
    for one in found:
        key = (one["text"].lower(), one["source"], one["query"])
        if key not in seen:
            seen.add(key)
            by_set[one["set"]].append(one)
    out: list[Row] = []
    for name, mine in sorted(by_set.items()):
        # An order inside a real document is rare and hard: all of those, and as many documents without one.
        ordered = [r for r in mine if r["labels"].get("PROMPT_INJECTION")] if name == "real" else []
        if name == "written":
            out += mine
            continue
        plain = [r for r in mine if not r["labels"].get("PROMPT_INJECTION")] if ordered else mine
        out += ordered + rng.sample(plain, min(len(plain), MOST.get(name, 150) - len(ordered)))
    for one in list(out):
        if one["source"] == "OUTPUT" and one["set"] == "written":
            one["stance"] = stances.get((one["text"], one["query"]))
            harmful = any(v == 1 for v in one["labels"].values()) or one["stance"] == "REFUSAL"
            if harmful and one["query"] and rng.random() < 0.7:
                asked = row(one["query"], {"ANY": 1}, one["group"])
                out.append({**asked, "set": "questions"})
    rng.shuffle(out)
    return out


def pair_examples(data: Path, tokeniser: Tokeniser, seed: int, known: float = 1.0) -> list[Example]:
    """A source and a claim in one window, as serving makes them; the source gives way. ``known``: the share of pairs that were not written."""
    chosen = [*pairs.rows(data, seed, known), *topics.pairs(data, random.Random(f"{seed}/topics"), known)]
    out = []
    for r, premise, claim in zip(
        chosen,
        tokenise(tokeniser, [r["premise"][:4000] for r in chosen]),
        tokenise(tokeniser, [r["claim"][:2000] for r in chosen]),
        strict=True,
    ):
        e = pair(tokeniser, premise, claim, PAIR, CLAIM)
        e.target = np.full(len(LARGE_PAIRS), -1, np.float32)
        e.target[LARGE_PAIRS.index(r["task"].upper())] = r["label"]
        e.weight = 2.0 if r["set"] in OWN or r["group"].startswith("topic/") else 1.0
        out.append(e)
    return out


def widen(model: LabelModel, given: dict[str, Tensor]) -> bool:
    """Add the outputs for pairs that ``given`` weights lack, as ``model`` begins with them; whether they have any at all."""
    own = {k: v for k, v in model.state_dict().items() if k.startswith("pairs.") and k in given}
    for name, begun in own.items():
        have = given[name]
        if have.shape[0] < begun.shape[0]:
            given[name] = torch.cat((have, begun[have.shape[0] :]))
    return bool(own)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--tokeniser", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--real", type=Path, help="documents.jsonl of models.real.fetch")
    parser.add_argument(
        "--start", type=Path, help="weights to go on from: model.safetensors, or the folder of those that ship"
    )
    parser.add_argument("--frozen", type=int, default=6, help="layers that stay as they are, with the embeddings")
    parser.add_argument("--rate", type=float, default=6e-5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--known", type=float, default=1.0, help="share of the rows that earlier weights have seen")
    parser.add_argument("--known-pairs", type=float, default=1.0, help="the same for pairs; written ones are all taken")
    parser.add_argument("--share", type=float, default=1.0, help="share of the rows, for a quick look")
    parser.add_argument(
        "--steps", type=int, help="so many steps of labelled rows at most, for a machine that has less time"
    )
    parser.add_argument("--pair-steps", type=int, help="so many steps of pairs at most")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    started = time.time()
    tokeniser = Tokeniser(args.tokeniser)
    model = LabelModel(SHAPE, len(LARGE_LABELS), len(LARGE_PAIRS))
    load_mpnet(model.encoder, load_file(args.base / "model.safetensors"))
    compares = False
    if args.start:
        given = read_weights(args.start)
        compares = widen(model, given)
        missing, unexpected = model.load_state_dict(given, strict=False)
        if unexpected or any(not k.startswith("pairs.") for k in missing):
            parser.error(f"{args.start}: it lacks {missing} and has {unexpected} more")
    for part in (model.encoder.words, model.encoder.positions, model.encoder.types, model.encoder.cases):
        part.requires_grad_(False)
    model.encoder.norm.requires_grad_(False)
    for layer in model.encoder.layers[: args.frozen]:
        layer.requires_grad_(False)
    if model.encoder.relative is not None:
        model.encoder.relative.requires_grad_(False)
    model.to(device)

    chosen = rows(args.data, args.real, args.seed, args.known)
    chosen = chosen[: int(args.share * len(chosen))]
    examples: list[Example] = []
    for r, text, query in zip(
        chosen,
        tokenise(tokeniser, [r["text"][:6000] for r in chosen]),
        tokenise(tokeniser, [(r["query"] or "")[:2000] for r in chosen]),
        strict=True,
    ):
        long = r["labels"].get("PROMPT_INJECTION") or str(r.get("file", "")).startswith(("wrapped", "documents"))
        e = frame(tokeniser, text, query if r["query"] else None, rng, LONG if long else TOKENS)
        target, e.weight = of_row(r)
        e.target = np.concatenate([target, stance_of(r, r["labels"])])
        examples.append(e)
    print(Counter(r["set"] for r in chosen).most_common())
    print(json.dumps({"rows": len(chosen), "tokens": sum(len(e.ids) for e in examples)}), flush=True)
    plan: list[tuple[str, Any]] = [("labels", b) for b in by_length(examples, rng, BATCH_TOKENS)]
    plan = plan[: args.steps]
    both = pair_examples(args.data, tokeniser, args.seed, args.known_pairs)
    more: list[tuple[str, Any]] = [("pairs", b) for b in by_length(both, rng, BATCH_TOKENS)]
    print(json.dumps({"pairs": len(both), "tokens": sum(len(e.ids) for e in both), "steps": len(more)}), flush=True)
    plan += more[: args.pair_steps]
    rng.shuffle(plan)
    # Short pairs in small batches first: an encoder made for single sentences has to learn to compare two, and does not find that out on
    # long ones among other tasks.
    short = [] if compares else [e for e in both if len(e.ids) <= SHORT]
    plan = [("pairs", b) for b in by_length(short, rng, BATCH_TOKENS // 2)] + plan

    def loss_of(work: Any, kind: str, batch: Any) -> Tensor:
        t = {k: v.to(device) for k, v in collate(batch, tokeniser.padding).items()}
        hidden = (kind == "labels") & t["own"] & (torch.rand(t["ids"].shape, device=device) < HIDDEN)
        t["ids"] = t["ids"].masked_fill(hidden, tokeniser.mask)
        encoder = work.encoder
        with torch.no_grad():
            encoder.eval()
            x = encoder.embedded(t["ids"], t["types"], torch.zeros_like(t["cases"]))
            reach = encoder.reach(t["ids"].shape[1], t["mask"])
            for layer in encoder.layers[: args.frozen]:
                x = layer(x, reach)
        encoder.train()
        for layer in encoder.layers[args.frozen :]:
            x = layer(x, reach)
        if kind == "pairs":
            given = t["target"] >= 0
            said = work.pairs(x, t["own"])
            losses = F.binary_cross_entropy_with_logits(said, t["target"].clamp(min=0), reduction="none")
            return (losses * given * t["weight"][:, None]).sum() / (given * t["weight"][:, None]).sum()
        logits = work.labels(x, t["own"])
        loss = label_loss(logits[:, : len(LABELS)], t["target"][:, : len(LABELS) + 2], t["weight"])
        stance = t["target"][:, len(LABELS) + 2 :]
        known = (stance >= 0).float()
        if known.any():
            each = F.binary_cross_entropy_with_logits(logits[:, len(LABELS) :], stance.clamp(min=0), reduction="none")
            loss = loss + 0.5 * (each * known).sum() / len(logits)
        return loss

    print(f"{len(plan)} steps; {time.time() - started:.0f} s", flush=True)
    fit(model, plan, loss_of, args.out, rate=args.rate)


if __name__ == "__main__":
    main()
