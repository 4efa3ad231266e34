"""Texts and the topics they belong to: classes of intents, subjects and fields, each with a definition made from its name."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guardrails.inference.topic_pairs import described
from models.text.rows import lines, share
from models.text.written import CORPUS

_DEFINITIONS = (
    "{}",
    "Questions about {}.",
    "Anything about {}.",
    "The user asks about {}.",
    "Requests, questions and advice concerning {}.",
    "Conversations in which somebody wants help with {}.",
    "Topic: {}. Everything that has to do with {}.",
    "{}: asking, telling or complaining about it.",
)


def classes(data: Path) -> dict[str, tuple[str, list[str]]]:
    """Class id → (its name in words, its texts); classes of one set are alternatives to each other."""
    folder = data / "topics"
    found: dict[str, list[str]] = defaultdict(list)
    names: dict[str, str] = {}

    def add(group: str, name: str, text: str) -> None:
        key = f"{group}/{name}"
        names[key] = name.replace("_", " ")
        found[key].append(text)

    for r in lines(folder / "banking77.jsonl.gz"):
        add("banking", r["category"], r["text"])
    domains = {r["value"]: r["_key"] for r in lines(folder / "clinc150_domains.jsonl.gz")}
    for r in lines(data / "benign" / "clinc150.jsonl.gz"):
        text, intent = r["value"]
        if "test" in r["_key"] or intent == "oos":
            continue
        add("clinc", intent, text)
        if intent in domains and share(text, "domain") < 0.3:
            add("domain", domains[intent], text)
    for r in lines(folder / "snips.jsonl.gz"):
        if share(r["text"], "snips") < 0.2:
            name = "".join(" " + c.lower() if c.isupper() else c for c in r["intent"]).strip()
            add("snips", name, r["text"])
    for r in lines(folder / "mmlu_subjects.jsonl.gz"):
        if r["subject"] not in ("moral_scenarios", "miscellaneous"):
            add("mmlu", r["subject"].removeprefix("high_school_").removeprefix("college_"), r["question"][:600])
    seen: set[str] = set()
    for r in lines(folder / "medquad_questions.jsonl.gz"):
        question = r["question"].replace(" ?", "?")
        if question not in seen and share(question, "topics") < 0.25:
            seen.add(question)
            add("medical", f"{r['qtype']} of a disease or drug", question)
    return {k: (names[k], v) for k, v in found.items() if len(v) >= 8}


def written(data: Path, split: str) -> list[dict[str, Any]]:
    """Topics that were written one by one: a definition in two wordings, examples, texts on it and near it. ``split`` is train or dev."""
    paths = [data / "written" / "topics.jsonl.gz", *sorted(CORPUS.glob("topics*.jsonl.gz"))]
    return [topic for path in paths for topic in lines(path) if topic["split"] == split]


# Texts of other topics beside a written one; rows of a class of the other sets.
_OTHERS, _CLASS = 6, 9


def pairs(data: Path, rng: random.Random, known: float = 1.0) -> Iterator[dict[str, Any]]:
    """What the large model learns: a topic as it is described to it (``premise``), a text (``claim``), and whether it belongs there.

    ``known``: the share of the classes of intents and subjects, for weights that have seen them."""
    own = written(data, "train")
    for topic in own:
        others = [t for t in own if t is not topic]
        said = [(x, 1) for x in topic["on"] + topic["answers_on"]]
        said += [(x, 0) for x in topic["near"] + topic["answers_near"]]
        said += [(rng.choice(rng.choice(others)["on"]), 0) for _ in range(_OTHERS)]
        for text, label in said:
            yield _pair(described(*_definition(topic, rng)), text, label, f"topic/{topic['name']}")
    every = classes(data)
    groups = defaultdict(list)
    for key in sorted(every):
        groups[key.split("/")[0]].append(key)
    for key in sorted(every):
        name, texts = every[key]
        near = [k for k in groups[key.split("/")[0]] if k != key]
        for _ in range(round(known * _CLASS) if near else 0):
            shots = rng.sample(texts, min(rng.choice((0, 0, 2, 3, 5)), len(texts) - 4))
            other = every[rng.choice(near)][1]
            about = described("" if rng.random() < 0.5 else name, rng.choice(_DEFINITIONS).replace("{}", name), shots)
            rest = [t for t in texts if t not in shots]
            for text, label in ((rng.choice(rest), 1), (rng.choice(other), 0)):
                yield _pair(about, text, label, f"class/{key}")


def _pair(premise: str, claim: str, label: int, group: str) -> dict[str, Any]:
    return {"premise": premise, "claim": claim, "label": label, "task": "topic", "set": "topics", "group": group}


def _definition(topic: dict[str, Any], rng: random.Random) -> tuple[str, str, list[str]]:
    """(name or none, a definition or none, some examples) of a written topic: at least one of the latter two."""
    shots = rng.sample(topic["examples"], rng.choice((0, 0, 2, 3, 5, 5)))
    definition = "" if shots and rng.random() < 0.15 else rng.choice((topic["definition"], topic["definition2"]))
    return ("" if rng.random() < 0.3 else topic["name"]), definition, shots


def _episode(topic: dict[str, Any], rng: random.Random) -> tuple[str, ...]:
    """(definition or example, a text on the topic, a text near it that is not): the third is a negative for the first."""
    kind = rng.random()
    anchor = rng.choice((topic["definition"], topic["definition2"])) if kind < 0.5 else rng.choice(topic["examples"])
    if rng.random() < 0.25:
        return (
            anchor,
            rng.choice(topic["answers_on"] or topic["on"]),
            rng.choice(topic["answers_near"] or topic["near"]),
        )
    return anchor, rng.choice(topic["on"]), rng.choice(topic["near"])


def batches(data: Path, rng: random.Random, size: int) -> Iterator[list[tuple[str, ...]]]:
    """Endless batches of ``size`` classes: a definition (now and then a second text), a text of the class, and for written topics a text near it."""
    every = classes(data)
    own = written(data, "train")
    keys = sorted(every)
    groups = defaultdict(list)
    for key in keys:
        groups[key.split("/")[0]].append(key)
    while True:
        if rng.random() < 0.4:  # written topics: texts of their own, and of everybody else's
            yield [_episode(t, rng) for t in rng.sample(own, min(len(own), size))]
            continue
        if rng.random() < 0.5:  # near alternatives
            group = rng.choice(["banking", "clinc", "mmlu", "medical"])
            chosen = rng.sample(groups[group], min(size, len(groups[group])))
        else:
            chosen = rng.sample(keys, min(size, len(keys)))
        batch: list[tuple[str, ...]] = []
        for key in chosen:
            name, texts = every[key]
            if rng.random() < 0.55:
                anchor = rng.choice(_DEFINITIONS).replace("{}", name)
                if rng.random() < 0.3:
                    anchor = f"{anchor} For example: {rng.choice(texts)}"
            else:
                anchor = rng.choice(texts)
            batch.append((anchor, rng.choice(texts)))
        yield batch
