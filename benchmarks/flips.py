"""Does a verdict depend on what else is in the batch? The development texts read twice, in different company.

    python -m benchmarks.flips --data DATA [--texts 10000]

A flip is a text that reaches a cut point in one reading and not in the other. "By rule" are the verdicts of a guard: what comes
within .02 of a cut is computed again alone in fp32. "Raw" is the same without that.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np

from benchmarks.timing import machine
from guardrails import inference
from guardrails.inference.text import Reading, TextEngine
from models.text import dev

Verdict = tuple[int, ...]


def levels(engine: TextEngine, reading: Reading, rule: bool) -> Verdict:
    """How many cut points each output reaches."""
    out = []
    for label, c in engine.manifest.calibration.items():
        if label in engine.label:
            column = engine.label[label]
            p, _ = reading.decide(lambda r, k=column: float(r.logits[k]), c, None if rule else ())
            out.append(sum(p >= cut for cut in c.cuts.values()))
    return tuple(out)


def read(engine: TextEngine, texts: list[str], order: list[int], size: int) -> tuple[list[Verdict], list[Verdict], int]:
    """(raw verdicts, verdicts by rule, windows computed alone), in the order of the texts."""
    raw: list[Verdict] = [()] * len(texts)
    ruled: list[Verdict] = [()] * len(texts)
    alone = 0
    for at in range(0, len(order), size):
        part = order[at : at + size]
        for i, reading in zip(part, engine.read([(texts[i], None) for i in part], 3600), strict=True):
            raw[i] = levels(engine, reading, rule=False)
            ruled[i] = levels(engine, reading, rule=True)
            alone += sum(reading._exact)
    return raw, ruled, alone


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=10_000)
    args = parser.parse_args()
    rng = random.Random(3)
    texts = sorted({r["text"][:1500] for r in dev.every(args.data)})
    texts = rng.sample(texts, min(args.texts, len(texts)))
    engine = inference.text_engine()
    print(f"machine: {machine()}; {engine.runner.device}, {engine.runner.dtype}; {len(texts):,} development texts")
    by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    shuffled = rng.sample(range(len(texts)), len(texts))
    raw1, ruled1, alone = read(engine, texts, by_length, 64)
    raw2, ruled2, _ = read(engine, texts, shuffled, 24)

    def flips(a, b):
        return int(np.sum([x != y for x, y in zip(a, b, strict=True)]))

    print(f"raw: {flips(raw1, raw2)} flips; by rule: {flips(ruled1, ruled2)}; {alone} windows computed alone")


if __name__ == "__main__":
    main()
