"""The pairs that the large trunk is trained on: a sample of each labelled set, edits over documents, and answers written one by one."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from models.grounding import data as sets
from models.grounding.dev import files
from models.text.rows import held_out, lines

# The most rows of a set and task.
MOST = {
    ("snli", "grounding"): 1200,
    ("conjnli", "grounding"): 1000,
    ("cad_nli", "grounding"): 1200,
    ("ares", "grounding"): 500,
    ("ares", "relevance"): 500,
    ("medquad", "relevance"): 400,
    ("pubmedqa", "relevance"): 300,
}
OTHERS, EDITS = 500, 1400
# Words of the part of a source that a sentence is read beside; whole answers are read beside all of it.
WORDS = 130


def written(data: Path, rng: random.Random) -> Iterator[sets.Row]:
    """Answers written one by one, with their sources; sentences of supported answers are supported too."""
    for name, path in files(data).items():
        for r in lines(path):
            if r["split"] != "train":
                continue
            source, text = r["grounding_source"], r["text"]
            common = {"task": "grounding", "set": name, "group": source[:60]}
            yield {**common, "premise": source, "claim": text, "label": int(r["supported"])}
            parts = [p for p in sets.sentences(text) if len(p.split()) >= 5]
            if r["supported"] and len(parts) > 1 and rng.random() < 0.5:
                claim = rng.choice(parts)
                yield {**common, "premise": sets.window(source, claim, WORDS), "claim": claim, "label": 1}


def rows(data: Path, seed: int, known: float = 1.0) -> list[sets.Row]:
    """Training pairs in random order; groups that are held out stay out. ``known``: the share of all but the written ones, for weights that have
    seen them."""
    rng = random.Random(f"{seed}/pairs")
    found: dict[tuple[str, str], list[sets.Row]] = defaultdict(list)
    for r in sets.read_train(data, rng):
        if not held_out(r["group"]):
            found[r["set"], r["task"]].append(r)
    out = list(written(data, rng))
    for key, mine in sorted(found.items()):
        out += rng.sample(mine, min(len(mine), int(known * MOST.get(key, OTHERS))))
    out += [r for r in sets.generate(data, rng, int(known * EDITS)) if not held_out(r["group"])]
    rng.shuffle(out)
    return out
