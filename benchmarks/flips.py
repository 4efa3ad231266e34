"""Does a verdict depend on what else is in the batch? The development texts read twice, in different company.

    python -m benchmarks.flips --data DATA [--texts 10000]

A flip is a text that reaches a cut point in one reading and not in the other. "By rule" are the verdicts of a guard: what comes
within .02 of a cut is computed again alone in fp32. "Raw" is the same without that. GUARDRAILS_MODELS decides which models read.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np

from benchmarks.timing import machine
from guardrails import inference
from guardrails.inference.cascade import Cascade, Judged
from models.text import dev

Verdict = tuple[int, ...]


def levels(cascade: Cascade, judged: Judged, rule: bool) -> Verdict:
    """How many cut points each output reaches."""
    scores = ((label, judged.decide(label, exact=rule)[0]) for label in cascade.small.manifest.labels)
    return tuple(sum(p >= cut for cut in cascade.calibration[label].cuts.values()) for label, p in scores)


def read(cascade: Cascade, texts: list[str], order: list[int], size: int) -> tuple[list[Verdict], list[Verdict], int]:
    """(raw verdicts, verdicts by rule, windows computed alone), in the order of the texts."""
    raw: list[Verdict] = [()] * len(texts)
    ruled: list[Verdict] = [()] * len(texts)
    alone = 0
    for at in range(0, len(order), size):
        part = order[at : at + size]
        readings = cascade.small.read([(texts[i], None) for i in part], 3600)
        asked = [(reading, cascade.small.manifest.labels, None) for reading in readings]
        for i, judged in zip(part, cascade.judge(asked, 3600), strict=True):
            raw[i] = levels(cascade, judged, rule=False)
            ruled[i] = levels(cascade, judged, rule=True)
            alone += sum(judged.reading._exact)
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
    cascade = inference.text_cascade()
    runner = cascade.small.runner
    print(f"machine: {machine()}; {runner.device}, {runner.dtype}; {inference.setting().models}; {len(texts):,} development texts")  # fmt: skip
    by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    shuffled = rng.sample(range(len(texts)), len(texts))
    raw1, ruled1, alone = read(cascade, texts, by_length, 64)
    raw2, ruled2, _ = read(cascade, texts, shuffled, 24)

    def flips(a, b):
        return int(np.sum([x != y for x, y in zip(a, b, strict=True)]))

    print(f"windows read: {inference.windows_read()}")
    print(f"raw: {flips(raw1, raw2)} flips; by rule: {flips(ruled1, ruled2)}; {alone} windows computed alone")


if __name__ == "__main__":
    main()
