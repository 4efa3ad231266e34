"""Puts the large model behind the nearness to topics: it confirms what the small one would stop, or lets it pass.

    python -m models.text.topic_cascade --data ../shared/data --run runs/large

Fitted on the written topics that no run was trained on, a definition and five examples each (or the definition alone), with texts on them, near
them, and of everyday life. Figures are of topics that the line was not fitted on: half of the topics at a time. Writes ``topics.json`` into the
run's folder; `models.text.cascade --ship` puts it into the manifest.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from guardrails import inference
from guardrails.inference.cascade import LargeEngine, logit
from guardrails.inference.text import TextEngine, sigmoid
from guardrails.inference.topic_pairs import TopicCascade
from guardrails.inference.topics import fit
from models.grounding.cascade import large_engine
from models.text.fit_topics import logistic
from models.text.large import LARGE_PAIRS
from models.text.rows import lines

COLUMN = LARGE_PAIRS.index("TOPIC")
# The share of texts near a topic that may be stopped.
NEAR = 0.08
# The large model is asked about what the small one would stop, and a little less; what lies above UPPER is as good as certain.
MARGIN, UPPER = 0.01, 0.9999
# Everyday texts for each topic.
FAR = 40


@dataclass(frozen=True, slots=True)
class Text:
    """A text beside a topic: ``kind`` is on, near or far; both logits."""

    topic: str
    kind: str
    shots: bool
    own: float
    large: float


def everyday(data: Path) -> list[str]:
    """Customers' questions and short requests that no run was trained on."""
    found = [r["text"] for r in lines(data / "topics" / "banking77_test.jsonl.gz")]
    found += [r["value"][0] for r in lines(data / "benign" / "clinc150.jsonl.gz") if "test" in r["_key"]]
    random.Random(1).shuffle(found)
    return found


def read(data: Path, small: TextEngine, large: LargeEngine) -> list[Text]:
    """All texts beside their topics, as both models read them."""
    cascade = TopicCascade(small)
    rng = random.Random(2)
    around = everyday(data)
    said: list[tuple[str, str, bool, float]] = []
    windows = []
    calibration = small.manifest.calibration["TOPIC"]
    for topic in lines(data / "written" / "topics.jsonl.gz"):
        if topic["split"] != "dev":
            continue
        texts = [(x, "on") for x in topic["on"] + topic["answers_on"]]
        texts += [(x, "near") for x in topic["near"] + topic["answers_near"]]
        texts += [(x, "far") for x in rng.sample(around, FAR)]
        readings = small.read([(x, None) for x, _ in texts], 3600)
        for definition, shots in (("definition", True), ("definition2", False)):
            examples = topic["examples"] if shots else []
            fitted = fit(small, topic["name"], topic[definition], examples)
            about = cascade.said(topic["name"], topic[definition], examples)
            for (_, kind), reading in zip(texts, readings, strict=True):
                p, at = reading.decide(lambda row, t=fitted: t.score(row.embedding), calibration, ())
                said.append((topic["name"], kind, shots, logit(min(1 - 1e-6, max(1e-6, p)))))
                windows.append(cascade.window(about, reading, at))
    order = sorted(range(len(windows)), key=lambda i: len(windows[i]))
    found = np.zeros(len(windows))
    for at in range(0, len(order), 256):
        part = order[at : at + 256]
        for i, z in zip(part, large.pairs([windows[i] for i in part], 3600), strict=True):
            found[i] = float(z[COLUMN])
    return [Text(*one, float(z)) for one, z in zip(said, found, strict=True)]


def line(texts: list[Text], cut: float) -> dict[str, float]:
    """The weights of both logits; the bias holds the false positives at the small model's own ``cut``, which is that of both."""
    y = np.array([t.kind == "on" for t in texts])
    w = np.array([{"on": 1.0, "near": 1.0, "far": 0.25}[t.kind] for t in texts])
    weights, _ = logistic(np.array([[t.own, t.large] for t in texts]), y, w)
    out = {"own": max(0.0, float(weights[0])), "large": float(weights[1]), "bias": 0.0, "cut": cut}
    near = [t for t in texts if t.kind == "near"]
    asked = [probability(t, out) for t in near if sigmoid(t.own) >= cut - MARGIN]
    stopped = sorted(asked, reverse=True)[int(NEAR * len(near))] if len(asked) > NEAR * len(near) else 0.5
    return {**out, "bias": logit(cut) - logit(stopped) - 1e-3}


def probability(t: Text, weights: dict[str, float]) -> float:
    """The probability of both models together."""
    return sigmoid(weights["own"] * t.own + weights["large"] * t.large + weights["bias"])


def figures(texts: list[Text], weights: dict[str, float], least: float, cut: float) -> str:
    """Recall and false positives, of both models and of the small one alone at its own cut point."""
    out = []
    for shots in (True, False):
        mine = [t for t in texts if t.shots is shots]
        own, mixed = np.array([(sigmoid(t.own), probability(t, weights)) for t in mine]).T
        kinds = np.array([t.kind for t in mine])
        asked = own >= least
        told = {"small": own >= cut, "both": asked & (mixed >= weights["cut"]), "asked": asked}
        rates = {kind: [found[kinds == kind].mean() for found in told.values()] for kind in ("on", "near", "far")}
        out.append(
            f"{'definition and examples' if shots else 'definition alone':24} "
            + "  ".join(f"{k}: small {a:.3f} both {b:.3f} asked {c:.3f}" for k, (a, b, c) in rates.items())
        )
    return "\n".join(out)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="the run of the large model")
    args = parser.parse_args()
    small = inference.text_engine()
    texts = read(args.data, small, large_engine(args.run))
    cut = small.manifest.calibration["TOPIC"].cuts["LOW"]
    names = sorted({t.topic for t in texts})
    for half in (names[::2], names[1::2]):
        fitted = line([t for t in texts if t.topic in half], cut)
        others = [t for t in texts if t.topic not in half]
        print(f"fitted on {len(half)} topics, read on the others:", {k: round(v, 3) for k, v in fitted.items()})
        print(figures(others, fitted, cut - MARGIN, cut))
    fitted = line(texts, cut)
    found: dict[str, Any] = {
        "column": COLUMN, "lower": round(cut - MARGIN, 5), "upper": UPPER, "own": round(fitted["own"], 5),
        "large": round(fitted["large"], 5), "bias": round(fitted["bias"], 5), "cut": fitted["cut"],
    }  # fmt: skip
    print("all topics:", found)
    print(figures(texts, fitted, found["lower"], cut))
    (args.run / "topics.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
