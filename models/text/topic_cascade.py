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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.progress import track

from guardrails import inference
from guardrails.inference.cascade import LargeEngine, logit
from guardrails.inference.text import TextEngine, sigmoid
from guardrails.inference.topic_pairs import TopicCascade
from guardrails.inference.topics import fit
from models.grounding.cascade import large_engine
from models.text import topics
from models.text.fit_topics import logistic
from models.text.large import LARGE_PAIRS
from models.text.rows import lines

COLUMN = LARGE_PAIRS.index("TOPIC")
# The shares of texts near a topic, and of everyday ones, that may be stopped; of the latter, no more than the small model stops.
NEAR, AROUND = 0.05, 0.012
# From which probability of the small model on the large one is asked; the share of everyday texts, beside one topic, that it may be asked about.
LOWER = (0.64, 0.5, 0.4, 0.3, 0.2, 0.14, 0.1, 0.07, 0.05, 0.03, 0.02)
ASKED = 0.06
UPPER = 0.9999
# Everyday texts for each written topic, and customers of a bank for each of the bank's own ones.
FAR, CUSTOMERS = 40, 250
BANK = Path(__file__).parents[2] / "policies" / "retail-bank.yaml"


@dataclass(frozen=True, slots=True)
class Text:
    """A text beside a topic: ``kind`` is on, near, far or customers; both logits."""

    topic: str
    kind: str
    shots: bool
    own: float
    large: float


def everyday(data: Path) -> list[str]:
    """Customers' questions and short requests that no run was trained on."""
    found = [
        *customers(data),
        *(r["value"][0] for r in lines(data / "benign" / "clinc150.jsonl.gz") if "test" in r["_key"]),
    ]
    random.Random(1).shuffle(found)
    return found


def customers(data: Path) -> list[str]:
    """Questions of a bank's customers."""
    return [r["text"] for r in lines(data / "topics" / "banking77_test.jsonl.gz")]


def beside(data: Path) -> Iterator[tuple[dict[str, Any], list[tuple[str, str]]]]:
    """Topics, each with the texts that are read beside it and what they are: on, near, far, or a bank's customers."""
    rng = random.Random(2)
    around = everyday(data)
    for topic in topics.written(data, "dev"):
        texts = [(x, "on") for x in topic["on"] + topic["answers_on"]]
        texts += [(x, "near") for x in topic["near"] + topic["answers_near"]]
        yield topic, texts + [(x, "far") for x in rng.sample(around, FAR)]
    asking = random.Random(3).sample(customers(data), CUSTOMERS)
    for topic in yaml.safe_load(BANK.read_text(encoding="utf-8"))["topics"]:
        yield {**topic, "definition2": topic["definition"]}, [(x, "customers") for x in asking]


def read(data: Path, small: TextEngine, large: LargeEngine) -> list[Text]:
    """All texts beside their topics, as both models read them."""
    cascade = TopicCascade(small)
    said: list[tuple[str, str, bool, float]] = []
    windows = []
    calibration = small.manifest.calibration["TOPIC"]
    for topic, texts in beside(data):
        readings = small.read([(x, None) for x, _ in texts], 3600)
        for definition, shots in (("definition", True), ("definition2", False)):
            if not shots and texts[0][1] == "customers":
                continue
            examples = topic["examples"] if shots else []
            others = topic.get("not_examples", ()) if shots else ()
            fitted = fit(small, topic["name"], topic[definition], examples, others)
            about = cascade.said(topic["name"], topic[definition], examples)
            for (_, kind), reading in zip(texts, readings, strict=True):
                p, at = reading.decide(lambda row, t=fitted: t.score(row.embedding), calibration, ())
                said.append((topic["name"], kind, shots, logit(min(1 - 1e-6, max(1e-6, p)))))
                windows.append(cascade.window(about, reading, at) if sigmoid(said[-1][3]) >= LOWER[-1] else None)
    asked = [i for i, w in enumerate(windows) if w is not None]
    order = sorted(asked, key=lambda i: len(windows[i] or ()))
    found = np.full(len(windows), -9.0)
    for start in track(range(0, len(order), 256), description="large model"):
        part = order[start : start + 256]
        for i, z in zip(part, large.pairs([w for i in part if (w := windows[i]) is not None], 3600), strict=True):
            found[i] = float(z[COLUMN])
    return [Text(*one, float(z)) for one, z in zip(said, found, strict=True)]


def line(texts: list[Text], cut: float, lower: float) -> dict[str, float]:
    """The weights of both logits of texts from ``lower`` on; the bias holds the false positives at ``cut``."""
    own = [t for t in texts if sigmoid(t.own) >= lower and t.kind != "customers"]
    y = np.array([t.kind == "on" for t in own])
    w = np.array([{"on": 1.0, "near": 1.0, "far": 0.5}[t.kind] for t in own])
    weights, _ = logistic(np.array([[t.own, t.large] for t in own]), y, w)
    out = {"own": max(0.0, float(weights[0])), "large": float(weights[1]), "bias": 0.0, "cut": cut, "lower": lower}
    most = []
    for kind, share in (("near", NEAR), ("far", AROUND), ("customers", AROUND)):
        every = [t for t in texts if t.kind == kind]
        scores = sorted((probability(t, out) for t in every if sigmoid(t.own) >= lower), reverse=True)
        allowed = int(share * len(every))
        most.append(scores[allowed] if len(scores) > allowed else 0.5)
    return {**out, "bias": logit(cut) - logit(max(most)) - 1e-3}


def probability(t: Text, weights: dict[str, float]) -> float:
    """The probability of both models together."""
    return sigmoid(weights["own"] * t.own + weights["large"] * t.large + weights["bias"])


def stopped(texts: list[Text], weights: dict[str, float]) -> np.ndarray:
    """Which texts both models stop."""
    return np.array(
        [sigmoid(t.own) >= weights["lower"] and probability(t, weights) >= weights["cut"] for t in texts], bool
    )


def figures(texts: list[Text], found: np.ndarray, lower: float, cut: float) -> dict[str, dict[str, float]]:
    """Shares by kind (with and without examples): what the small model stops at its own cut, what both stop, what the large one is asked."""
    out = {}
    for kind in ("on", "near", "far", "customers"):
        for shots in (True, False):
            mine = [i for i, t in enumerate(texts) if t.kind == kind and t.shots is shots]
            if mine:
                p = np.array([sigmoid(texts[i].own) for i in mine])
                shares = {"small": (p >= cut).mean(), "both": found[mine].mean(), "asked": (p >= lower).mean()}
                out[f"{kind}{'' if shots else ' (definition alone)'}"] = {
                    k: round(float(v), 3) for k, v in shares.items()
                }
    return out


def halves(texts: list[Text], cut: float, lower: float) -> np.ndarray:
    """What both stop, each half of the topics by the line that was fitted on the other half."""
    names = sorted({t.topic for t in texts})
    found = np.zeros(len(texts), bool)
    for half in (set(names[::2]), set(names[1::2])):
        fitted = line([t for t in texts if t.topic in half or t.kind == "customers"], cut, lower)
        rest = [i for i, t in enumerate(texts) if t.topic not in half]
        found[rest] = stopped([texts[i] for i in rest], fitted)
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="the run of the large model")
    args = parser.parse_args()
    small = inference.text_engine()
    texts = read(args.data, small, large_engine(args.run))
    cut = small.manifest.calibration["TOPIC"].cuts["LOW"]
    best, lower = -1.0, LOWER[0]
    for one in LOWER:
        shares = figures(texts, halves(texts, cut, one), one, cut)
        print(f"asked from {one}, topics that the line was not fitted on:", json.dumps(shares, indent=1))
        if shares["far"]["asked"] <= ASKED and shares["on"]["both"] > best + 0.005:
            best, lower = shares["on"]["both"], one
    fitted = line(texts, cut, lower)
    found: dict[str, Any] = {
        "column": COLUMN, "lower": lower, "upper": UPPER, "own": round(fitted["own"], 5),
        "large": round(fitted["large"], 5), "bias": round(fitted["bias"], 5), "cut": fitted["cut"],
    }  # fmt: skip
    print("all topics:", found, json.dumps(figures(texts, stopped(texts, fitted), lower, cut), indent=1))
    (args.run / "topics.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
