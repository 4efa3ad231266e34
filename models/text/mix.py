"""What the text model is trained on: every source with its share of an epoch."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from models.text import dev, readers, readers_attack, written
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
from models.text.rows import ATTACKS, BENIGN, CONTENT, SAFE, Row, held_out, lines, none_of, row

# Rows of a generator in an epoch. Readers give what the data folder holds.
GENERATED: dict[str, tuple[Callable[..., Iterator[Row]], int, bool]] = {
    "requests": (requests.generate, 500, False),
    "contrast": (contrast.generate, 900, False),
    "misconduct": (misconduct.generate, 900, False),
    "violence": (violence.generate, 600, False),
    "ordinary": (ordinary.generate, 1200, True),
    "creative": (creative.generate, 400, False),
    "forum": (forum.generate, 400, False),
    "sexual": (sexual.generate, 500, False),
    "self_harm": (self_harm.generate, 300, False),
    "hate": (hate.generate, 400, False),
    "insults": (insults.generate, 400, False),
    "responses": (responses.generate, 700, True),
    "answers": (answers.generate, 300, False),
    "oddities": (oddities.generate, 500, False),
    "attacks": (attacks.generate, 2500, True),
}
# The most rows an epoch takes of a public collection; the written texts are taken whole.
MOST = {
    "safety": 5500,
    "benign": 3000,
    "topical": 1200,
    "passages": 1200,
    "attack_sets": 1800,
    "response_sets": 1600,
}
# The share of the written texts that an epoch takes twice, and languages of whose scripts the vocabulary knows letters only.
AGAIN = 0.6
UNREAD = frozenset(("ar", "hi", "ja", "ko", "ru", "uk", "zh"))
# Real documents an epoch, and how many of them get an order to the reader spliced in.
DOCUMENTS, SPLICED = 4200, 1100


def documents(path: Path, split: str) -> list[Row]:
    """The real documents that ``models.real.fetch`` made: ``text``, ``kind``, ``package``."""
    return [r for r in lines(path) if r["split"] == split]


_ASKS = (
    "Summarise this.", "What does this say?", "explain", "Translate to German:", "Is there an error in here?", "tl;dr",
    "Please reformat the text below.", "What is this file for?", "Review this.", "Why does this not work?",
)  # fmt: skip


def orders(data: Path) -> list[str]:
    """What a written document with an order to the reader says beyond its harmless twin: the orders."""
    pairs: dict[str, dict[bool, str]] = {}
    for one in written.raw(data):
        if one["role"] == "document" and one["split"] == "train" and one.get("pair"):
            pairs.setdefault(one["pair"], {})[bool(one["labels"])] = one["text"]
    found = []
    for pair in pairs.values():
        if len(pair) == 2:
            known = set(_sentences(pair[False]))
            more = " ".join(x for x in _sentences(pair[True]) if x not in known)
            if 40 <= len(more) <= 500:
                found.append(more)
    return found


def _sentences(text: str) -> list[str]:
    return [x for x in re.split(r"(?<=[.!?])\s+|\n+", text) if x.strip()]


def real(data: Path, path: Path, rng: random.Random) -> Iterator[Row]:
    """Real documents as what they are: documents, tool results, pasted texts, answers. None is an attack; some get an order."""
    found = documents(path, "train")
    rng.shuffle(found)
    every = orders(data)
    for i, one in enumerate(found[: DOCUMENTS + SPLICED]):
        text, group = one["text"], f"real/{one['package']}"
        role = rng.choice(("document", "document", "tool"))
        if i < SPLICED:
            at = rng.choice((0, len(text), *(m.end() for m in re.finditer(r"\n+|(?<=[.!?]) ", text))))
            glue = rng.choice(("\n", "\n\n", " "))
            spliced = f"{text[:at]}{glue if at else ''}{rng.choice(every)}{glue}{text[at:]}"
            yield {**row(spliced, {**SAFE, "PROMPT_INJECTION": 1}, group, role=role), "set": "real"}
            continue
        kind = rng.random()
        if kind < 0.6:
            yield {**row(text, none_of(CONTENT, ATTACKS), group, role=role), "set": "real"}
        elif kind < 0.8:
            asked = f"{rng.choice(_ASKS)}\n\n{text}" if rng.random() < 0.5 else f"{text}\n\n{rng.choice(_ASKS)}"
            yield {**row(asked, dict(BENIGN), group), "set": "real"}
        else:
            yield {**row(text, dict(SAFE), group, source="OUTPUT", role="assistant"), "set": "real"}


def labelled(data: Path, seed: int) -> Iterator[Row]:
    """All rows of public sets and grammars, in a fixed order; ``set`` names the source."""
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


def training(data: Path, seed: int, reals: Path | None = None, known: float = 1.0) -> tuple[list[Row], list[Row]]:
    """(training rows, held-out rows): whole groups are held out, and long-text company and rough typing come after the split.

    The written texts are the core: all of them, and again roughly typed. Public sets are sampled (:data:`MOST`), grammars are a small rest.
    ``known`` is the share that is taken of all rows but those of `models/corpus/`, which then come once: for weights that have seen the others.
    """
    rng = random.Random(f"{seed}/mix")
    by_set: dict[str, list[Row]] = {}
    out: list[Row] = []
    kept_back = Copies(dev.every(data))
    for one in distinct(labelled(data, seed)):
        if one["text"] in kept_back:
            continue
        if held_out(one["group"]):
            out.append(one)
        else:
            by_set.setdefault(one["set"], []).append(one)
    rows: list[Row] = []
    for name, found in by_set.items():
        rows += rng.sample(found, min(len(found), MOST.get(name, len(found))))
    rows += list(planted(rows, rng, len(rows) // 20))
    core = [
        one for one in written.rows(data, "train") if one["text"] not in kept_back and one["language"] not in UNREAD
    ]
    out += list(written.rows(data, "dev"))
    rows += core
    if known == 1:
        rows += [{**one} for one in core if one["language"] == "en" and rng.random() < AGAIN]
    if reals is not None:
        rows += list(real(data, reals, rng))
    if known < 1:
        ours = {p.name.removesuffix(".jsonl.gz") for p in written.files(data) if p.parent == written.CORPUS}
        rows = [one for one in rows if one.get("file") in ours or rng.random() < known]
    for one in rows:
        if one["role"] == "user" and rng.random() < 0.12:
            one["text"] = roughen(one["text"], rng) or one["text"]
    rng.shuffle(rows)
    return rows, out


__all__ = ["GENERATED", "distinct", "labelled", "planted", "roughen", "training"]
