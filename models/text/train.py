"""Trains the text model: one trunk, with heads for labels, topics and tags.

    python -m models.text.train --data ../shared/data --base BASE_DIR --out runs/text

``BASE_DIR`` holds `model.safetensors` and `tokenizer.json` of the base encoder (models/README.md says where from). Seeded; a run that
was cut off goes on from its last checkpoint. CPU (bf16) or CUDA.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from guardrails.inference.modules import Shape, TextModel, load_bert
from guardrails.inference.runner import choose
from guardrails.inference.tokens import Tokeniser
from models.batches import BATCH_TOKENS, MAX_TOKENS, Example, by_length, collate, frame, tokenise
from models.export import read_weights
from models.loop import fit
from models.text import mix, pii_data, topics
from models.text.generators import pii
from models.text.labels import LABELS, TAGS, of_row, tag_ids


def teach(base: TextModel, examples: list[Example], padding: int, device: torch.device) -> None:
    """Where the base encoder would put each single text: the topic head stays close to that."""
    base.eval()
    alone = [e for e in examples if not e.types.any()]
    for batch in by_length(alone, random.Random(0), 16384):
        t = {k: v.to(device) for k, v in collate(batch, padding).items()}
        with torch.inference_mode():
            x = base.encoder(t["ids"], t["types"], torch.zeros_like(t["cases"]), t["mask"])
            w = t["mask"].to(x.dtype)[:, :, None]
            got = F.normalize(((x * w).sum(1) / w.sum(1)).float(), dim=-1).half().cpu().numpy()
        for e, v in zip(batch, got, strict=True):
            e.teacher = v


# Share of the tokens of labelled rows that a step does not see, so that no single word decides (word dropout).
HIDDEN = 0.06
# Targets of 0 and 1 are drawn in by this much: the network need not be surer than its labels are.
SMOOTHING = 0.02


def label_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy over the labels that are known (-1: unknown); the last two columns of ``target`` say "any of the six"."""
    known = (target[:, : len(LABELS)] >= 0).float()
    goal = target[:, : len(LABELS)].clamp(min=0) * (1 - 2 * SMOOTHING) + SMOOTHING
    losses = F.binary_cross_entropy_with_logits(logits, goal, reduction="none") * known
    total = (losses.sum(1) / known.sum(1).clamp(min=1).sqrt() * weight).sum()
    for column, first in ((len(LABELS), 0), (len(LABELS) + 1, LABELS.index("OUTPUT.HATE"))):
        mine = target[:, column] >= 0
        if mine.any():
            some = torch.logsumexp(logits[mine][:, first : first + 6], dim=1)
            total = (
                total
                + (
                    F.binary_cross_entropy_with_logits(some, target[mine, column], reduction="none") * weight[mine]
                ).sum()
            )
    return total / len(logits)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--start", type=Path, help="weights (model.safetensors) to go on from instead of the base encoder"
    )
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--rate", type=float, default=1.2e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--taught", type=float, default=0.2, help="share of the rows held near the base encoder")
    parser.add_argument("--limit", type=int, help="rows a kind, for a quick look")
    parser.add_argument(
        "--known",
        type=float,
        default=1.0,
        help="share of the rows that weights to go on from have seen: all but models/corpus",
    )
    parser.add_argument("--real", type=Path, help="documents.jsonl of models.real.fetch")
    parser.add_argument(
        "--tagged", type=int, default=30000, help="made rows for the tagger; as many again come from public sets"
    )
    parser.add_argument("--tokens", type=int, default=MAX_TOKENS, help="the longest row")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)

    tokeniser = Tokeniser(args.base / "tokenizer.json")
    model = TextModel(Shape(), len(LABELS), len(TAGS))
    load_bert(model.encoder, load_file(args.base / "model.safetensors"))
    model.to(device)
    started = time.time()
    epochs: list[list[Example]] = []
    for epoch in range(math.ceil(args.epochs)):
        # The grammars make other texts for each epoch; the groups that are held out are the same.
        rows, out = mix.training(args.data, args.seed + epoch, args.real, args.known)
        if args.limit:
            rows = rows[: args.limit]
        if epoch == 0:
            (args.out / "held_out.jsonl").write_text("".join(json.dumps(r) + "\n" for r in out))
        examples: list[Example] = []
        for r, text, query in zip(
            rows,
            tokenise(tokeniser, [r["text"][:6000] for r in rows]),
            tokenise(tokeniser, [(r["query"] or "")[:2000] for r in rows]),
            strict=True,
        ):
            e = frame(tokeniser, text, query if r["query"] else None, rng, args.tokens)
            e.target, e.weight = of_row(r)
            examples.append(e)
        epochs.append(examples)
    tagged = []
    named = [r for r in pii_data.read(args.data) if pii_data.split(r) == "train"]
    named = rng.sample(named, min(args.tagged, len(named)))
    named += list(pii.generate(random.Random(f"{args.seed}/pii"), args.tagged))
    if args.limit:
        named = rng.sample(named, args.limit)
    for r, text in zip(named, tokenise(tokeniser, [r["text"][:4000] for r in named]), strict=True):
        start = rng.randrange(len(text) - 253) if len(text) > 254 else 0
        part = text.part(start, start + 254)
        e = frame(tokeniser, part, None, rng)
        e.tags = np.concatenate(([-100], tag_ids(part.offsets, r), [-100])).astype(np.int64)
        tagged.append(e)
    print(
        f"{[len(x) for x in epochs]} labelled rows ({sum(len(e.ids) for x in epochs for e in x):,} tokens), {len(tagged):,} tagged rows"
        f" ({sum(len(e.ids) for e in tagged):,} tokens), {len(out):,} held out; {time.time() - started:.0f} s",
        flush=True,
    )
    work = copy.deepcopy(model).to(choose()[1])
    for examples in epochs:
        teach(work, rng.sample(examples, int(args.taught * len(examples))), tokeniser.padding, device)
    print(f"base embeddings made; {time.time() - started:.0f} s", flush=True)
    if args.start:
        model.load_state_dict(read_weights(args.start))

    plan: list[tuple[str, Any]] = []
    for epoch, examples in enumerate(epochs):
        one: list[tuple[str, Any]] = [("labels", b) for b in by_length(examples, rng, BATCH_TOKENS)]
        one += [("tags", b) for b in by_length(tagged, rng, BATCH_TOKENS)]
        one += [("topics", None)] * (len(one) // 10)
        rng.shuffle(one)
        plan += one[: int(len(one) * min(1.0, args.epochs - epoch))]
    topic_batches = topics.batches(args.data, random.Random(args.seed), 64)

    def loss_of(work: TextModel, kind: str, batch: Any) -> Tensor:
        if kind == "topics":
            chosen = next(topic_batches)
            made = [frame(tokeniser, t, None, rng, 96) for t in tokeniser([x for p in chosen for x in p])]
            t = {k: v.to(device) for k, v in collate(made, tokeniser.padding).items()}
            got = work(t["ids"], t["types"], t["cases"], t["mask"], t["own"]).embedding
            each = len(chosen[0])
            anchors, texts = got[0::each], got[1::each]
            goal = torch.arange(len(anchors), device=device)
            other = F.cross_entropy(texts @ anchors.T * 20, goal)
            if each > 2:  # texts near a topic are further answers, all wrong
                texts = torch.cat([texts, got[2::each]])
            return 0.5 * (F.cross_entropy(anchors @ texts.T * 20, goal) + other)
        t = {k: v.to(device) for k, v in collate(batch, tokeniser.padding).items()}
        there = t["teacher"].abs().sum(1) > 0 if "teacher" in t else None
        if kind == "labels":
            hidden = t["own"] & (torch.rand(t["ids"].shape, device=device) < HIDDEN)
            if there is not None:  # what the base encoder saw, this one sees too
                hidden &= ~there[:, None]
            t["ids"] = t["ids"].masked_fill(hidden, tokeniser.mask)
        made = work(t["ids"], t["types"], t["cases"], t["mask"], t["own"])
        if kind == "tags":
            return 2.0 * F.cross_entropy(made.tags.flatten(0, 1), t["tags"].flatten(), ignore_index=-100)
        loss = label_loss(made.logits, t["target"], t["weight"])
        if there is not None:
            apart = 1 - (made.embedding * t["teacher"]).sum(1)
            loss = loss + (apart * there).mean()
        return loss

    fit(model, plan, loss_of, args.out, rate=args.rate)


if __name__ == "__main__":
    main()
