"""Planted sentences in 20,000 tokens: recall at every offset beside the sentence alone, false positives without a plant.

python -m benchmarks.long_context --data DATA [--sentences 200] [--offsets 40] [--texts 200]

The windows a planted sentence touches are read; those it does not touch can only add findings.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from pathlib import Path

import numpy as np

from benchmarks.timing import machine
from guardrails import inference
from guardrails.inference.text import Reading, TextEngine
from guardrails.inference.tokens import Tokens
from guardrails.inference.windows import frame, starts

TOKENS = 20_000


def fired(engine: TextEngine, reading: Reading) -> bool:
    """Whether any output of INPUT reaches its LOW cut."""
    for label, c in engine.manifest.calibration.items():
        if label.startswith("INPUT."):
            p, _ = reading.decide(lambda r, k=engine.label[label]: float(r.logits[k]), c)
            if p >= c.cuts["LOW"]:
                return True
    return False


def joined(parts: list[Tokens]) -> Tokens:
    return Tokens(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("ids", "offsets", "cases")))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--offsets", type=int, default=40)
    parser.add_argument("--texts", type=int, default=200)
    args = parser.parse_args()
    rng = random.Random(5)
    engine = inference.text_engine()
    with gzip.open(args.data / "grounding" / "frank.jsonl.gz", "rt") as file:
        articles = list(dict.fromkeys(json.loads(line)["article"] for line in file))
    with gzip.open(args.data / "safety" / "strongreject.jsonl.gz", "rt") as file:
        harmful = [json.loads(line)["forbidden_prompt"] for line in file]
    harmful = [h for h in harmful if len(h) < 300]
    planted = engine.tokeniser(rng.sample(harmful, min(args.sentences, len(harmful))))
    print(
        f"machine: {machine()}; {engine.runner.device}; windows of {engine.manifest.window} tokens, {engine.manifest.stride} apart"
    )
    print(f"texts: news articles of FRANK put together to {TOKENS:,} tokens; sentences: StrongREJECT")
    documents = []
    for _ in range(args.texts):
        parts, size = [], 0
        while size < TOKENS:
            parts.append(engine.tokeniser([rng.choice(articles)])[0])
            size += len(parts[-1])
        whole = joined(parts)
        documents.append(Tokens(whole.ids[:TOKENS], whole.offsets[:TOKENS], whole.cases[:TOKENS]))
    size, stride = engine.manifest.window, engine.manifest.stride
    false = 0
    for d in documents:
        windows = frame(engine.tokeniser, d, None, size, stride)
        false += fired(engine, Reading(engine, d, windows, engine.runner.run(windows, 600)))
    print(f"false positives: {false} of {len(documents)} texts, {false / len(documents):.3f}")
    alone = []
    for p in planted:
        windows = frame(engine.tokeniser, p, None, size, stride)
        alone.append(fired(engine, Reading(engine, p, windows, engine.runner.run(windows, 600))))
    print(f"alone: recall {np.mean(alone):.3f} of {len(alone)} sentences")
    worst = 1.0
    for n in range(args.offsets):
        at = int(n * (TOKENS - 1) / max(1, args.offsets - 1))
        hits = []
        for p in planted:
            d = rng.choice(documents)
            near = [
                Tokens(d.ids[a:b], d.offsets[a:b], d.cases[a:b])
                for a, b in ((max(0, at - size), at), (at, min(TOKENS, at + size)))
            ]
            text = joined([near[0], p, near[1]])
            windows = [
                w for w in frame(engine.tokeniser, text, None, size, stride)
                if w.first < len(near[0]) + len(p) and w.last > len(near[0])
            ]  # fmt: skip
            reading = Reading(
                engine, text, windows, engine.runner.run(windows, 600), len(starts(TOKENS, size - 2, stride))
            )
            hits.append(fired(engine, reading))
        worst = min(worst, float(np.mean(hits)))
        print(f"offset {at:6d}: recall {np.mean(hits):.3f}")
    print(f"worst offset: recall {worst:.3f}, {np.mean(alone) - worst:+.3f} under the sentence alone")


if __name__ == "__main__":
    main()
