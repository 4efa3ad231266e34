"""Trains the grounding model: does this passage support that sentence, does this answer fit that question?

python -m models.grounding.train --data ../shared/data --base BASE_DIR --out runs/grounding
"""

from __future__ import annotations

import argparse
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

from guardrails.inference import windows
from guardrails.inference.modules import CASES, MATCHES, PairModel, Shape, load_bert
from guardrails.inference.tokens import Tokeniser, Tokens
from models.batches import BATCH_TOKENS, Example, by_length, collate, tokenise
from models.grounding import data as sets
from models.grounding.labels import LABELS
from models.loop import fit
from models.text.rows import held_out

MAX_TOKENS = 384


def pair(tokeniser: Tokeniser, premise: Tokens, claim: Tokens, most: int = MAX_TOKENS, longest: int = 128) -> Example:
    """The window that serving makes of a passage and a claim; the passage gives way. ``most``: tokens of both; ``longest``: of the claim."""
    claim = claim.part(0, longest)
    w = windows.pair(tokeniser, premise, 0, min(len(premise), most - 3 - len(claim)), claim)
    own = np.zeros(len(w), bool)
    own[w.own_from : w.own_to] = True
    return Example(w.ids.astype(np.int64), w.types.astype(np.int64), w.cases.astype(np.int64), own)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--generated", type=int, default=40000, help="rows made from sources by small edits, an epoch")
    parser.add_argument("--limit", type=int)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    started = time.time()
    tokeniser = Tokeniser(args.base / "tokenizer.json")
    model = PairModel(Shape(cases=CASES * MATCHES), len(LABELS))
    load_bert(model.encoder, load_file(args.base / "model.safetensors"))
    model.to(device)

    plan: list[tuple[str, Any]] = []
    out = []
    given = list(sets.read_train(args.data, random.Random(f"{args.seed}/sets")))
    for epoch in range(math.ceil(args.epochs)):
        rows = given + list(sets.generate(args.data, random.Random(f"{args.seed}/{epoch}"), args.generated))
        kept = [r for r in rows if not held_out(r["group"])]
        if epoch == 0:
            out = [r for r in rows if held_out(r["group"])]
        rng.shuffle(kept)
        if args.limit:
            kept = kept[: args.limit]
        examples = []
        for r, premise, claim in zip(
            kept,
            tokenise(tokeniser, [r["premise"][:4000] for r in kept]),
            tokenise(tokeniser, [r["claim"][:2000] for r in kept]),
            strict=True,
        ):
            e = pair(tokeniser, premise, claim)
            e.target = np.full(len(LABELS), -1, np.float32)
            e.target[LABELS.index(r["task"].upper())] = r["label"]
            examples.append(e)
        if epoch == 0:
            # Short pairs with small batches first: an encoder made for single sentences has to learn to compare two, and on
            # long passages alone it does not find that out.
            short = [e for e in examples if len(e.ids) <= 72]
            plan += [("pairs", b) for b in by_length(short, rng, BATCH_TOKENS // 2)]
        one = [("pairs", b) for b in by_length(examples, rng, BATCH_TOKENS)]
        plan += one[: int(len(one) * min(1.0, args.epochs - epoch))]
        print(
            f"epoch {epoch}: {len(examples):,} pairs, {sum(len(e.ids) for e in examples):,} tokens, {len(one):,} steps;"
            f" {time.time() - started:.0f} s",
            flush=True,
        )
    (args.out / "held_out.jsonl").write_text("".join(json.dumps(r) + "\n" for r in out))

    def loss_of(work: PairModel, _kind: str, batch: list[Example]) -> Tensor:
        t = {k: v.to(device) for k, v in collate(batch, tokeniser.padding).items()}
        logits = work(t["ids"], t["types"], t["cases"], t["mask"], t["own"])
        known = (t["target"] >= 0).float()
        losses = F.binary_cross_entropy_with_logits(logits, t["target"].clamp(min=0), reduction="none")
        return (losses * known).sum() / known.sum()

    fit(model, plan, loss_of, args.out, rate=args.rate)


if __name__ == "__main__":
    main()
