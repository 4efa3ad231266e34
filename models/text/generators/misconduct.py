"""Requests to commit crimes and fraud, and innocent texts in the same words; also the grammar the violence tables are read with."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.text.rows import SAFE, Row, row

TABLES = Path(__file__).parent / "tables"

_CHOICE = re.compile(r"\[([^\[\]{}]*)\]")
_THEY = {
    "i'm": "they're",
    "i've": "they've",
    "i'll": "they'll",
    "i'd": "they'd",
    "i am": "they are",
    "i was": "they were",
    "i": "they",
    "me": "them",
    "my": "their",
    "mine": "theirs",
    "myself": "themselves",
}
_FIRST = re.compile(r"\b(I'm|I've|I'll|I'd|I am|I was|I|me|my|mine|myself)\b(?!-)")
_SHORT = {
    "you": "u",
    "your": "ur",
    "are": "r",
    "please": "pls",
    "because": "cuz",
    "people": "ppl",
    "with": "w/",
    "want to": "wanna",
    "going to": "gonna",
    "without": "w/o",
    "someone": "sb",
    "tonight": "2nite",
    "thanks": "thx",
}
_SHORTER = re.compile(r"\b(" + "|".join(_SHORT) + r")\b")


# How often a side gets which kind of frame; "lone" is a text that needs none.
SHARES: Mapping[str, Mapping[str, float]] = {
    "harmful": {"ask": 0.5, "harm": 0.1, "threat": 0.05, "statement": 0.06, "nounbad": 0.04, "lone": 0.25},
    "safe": {"ask": 0.15, "good": 0.03, "statement": 0.03, "wrap": 0.19, "noun": 0.08, "lone": 0.52},
}


@dataclass(frozen=True)
class Line:
    """A line of a table, its kind, and the group it is split with."""

    kind: str
    text: str
    group: str


@cache
def sections(file: str) -> dict[str, tuple[str, ...]]:
    """The lines of a table under their ``= name`` headings."""
    found: dict[str, list[str]] = {}
    here: list[str] = found.setdefault("", [])
    for line in (TABLES / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            here = found.setdefault(line[2:].strip(), [])
        elif line.strip() and not line.startswith("# "):
            here.append(line.strip())
    return {name: tuple(texts) for name, texts in found.items() if texts}


def spelt_out(text: str) -> list[str]:
    """Every text that the ``[one|other]`` choices of a line allow."""
    if not (match := _CHOICE.search(text)):
        return [text]
    return [x for c in match[1].split("|") for x in spelt_out(text[: match.start()] + c + text[match.end() :])]


@cache
def goals(name: str) -> Mapping[str, tuple[Line, ...]]:
    """The verb phrases of ``<name>_goals.txt``; a topic is one group."""
    sides: dict[str, list[Line]] = {"harmful": [], "safe": []}
    for topic, lines in sections(f"{name}_goals.txt").items():
        for line in lines:
            side = "harmful" if line[0] == "-" else "safe"
            sides[side] += [Line(topic, text, f"{name}/{topic}") for text in spelt_out(line[2:])]
    return {side: tuple(lines) for side, lines in sides.items()}


@cache
def lone(name: str, side: str) -> tuple[Line, ...]:
    """The lines of ``<name>_<side>.txt``, each a group of its own."""
    found = []
    for kind, lines in sections(f"{name}_{side}.txt").items():
        for line in lines:
            group = f"{name}/{side}/{hashlib.sha256(line.encode()).hexdigest()[:10]}"
            found += [Line(kind, text, group) for text in (spelt_out(line) if kind == "phrases" else [line])]
    return tuple(found)


def chosen(text: str, rng: random.Random) -> str:
    """``[one|other]`` choices resolved."""
    while match := _CHOICE.search(text):
        text = text[: match.start()] + rng.choice(match[1].split("|")) + text[match.end() :]
    return re.sub(r" {2,}", " ", text)


def they(text: str) -> str:
    """What somebody says of themselves, said of others."""
    text = _FIRST.sub(lambda m: _THEY[m[1].lower()], text)
    return re.sub(r"\bthey was\b", "they were", text)


def typo(text: str, rng: random.Random) -> str:
    """One or two letters swapped, dropped or doubled."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(1, max(2, len(text) - 2))
        if not text[at : at + 2].isalpha():
            continue
        kind = rng.randrange(3)
        pair = text[at : at + 2]
        text = text[:at] + (pair[::-1], pair[0], pair[0] + pair)[kind] + text[at + 2 :]
    return text


def styled(text: str, rng: random.Random) -> str:
    """The text as some people would type it."""
    kind = rng.random()
    if kind < 0.14:
        text = text.lower()
    elif kind < 0.19:
        text = _SHORTER.sub(lambda m: _SHORT[m[1]], text.lower())
    elif kind < 0.205:
        text = text.upper()
    elif kind < 0.26:
        text = text.rstrip(".!?")
    elif kind < 0.29:
        text = text.rstrip(".") + rng.choice(("!", "!!", "...", " lol", "??"))
    if rng.random() < 0.07:
        text = typo(text, rng)
    return text


def dressed(text: str, rng: random.Random, most: float = 0.3, said: bool = False) -> str:
    """A greeting, a circumstance or a closing sentence around a text, sometimes; the same ones on both sides."""
    parts = sections("misconduct_frames.txt")
    if rng.random() < most:
        opener = rng.choice(parts["before" if said else "opener"])
        if opener[-1] not in ".!:" and not re.match(r"I\b|[A-Z]{2}", text):
            text = text[:1].lower() + text[1:]
        text = f"{opener} {text}"
    if rng.random() < most / (4 if said else 2):
        text = f"{chosen(rng.choice(parts['context']), rng)} {text}"
    if rng.random() < most / 1.5:
        closer = rng.choice(parts["after" if said else "closer"])
        text = f"{text if text[-1:] in '.!?,;' or (said and rng.random() < 0.5) else text + '.'} {closer}"
    return styled(text, rng)


def framed(frame: str, what: str, rng: random.Random) -> str:
    """A frame filled with a verb phrase or a topic."""
    frame, what = chosen(frame, rng), chosen(what, rng)
    text = frame.replace("{they}", they(what)).replace("{n}", what).replace("{}", what)
    return text[:1].upper() + text[1:] if frame[:1] == "{" and rng.random() < 0.7 else text


def deck(lines: Sequence[object], rng: random.Random) -> Iterator[object]:
    """All lines in random order, again and again."""
    while lines:
        yield from rng.sample(lines, len(lines))


def frames(name: str) -> Mapping[str, tuple[str, ...]]:
    """The frames of a table: its own where it has some, else the common ones."""
    common = sections("misconduct_frames.txt")
    return common if name == "misconduct" else {**common, **sections(f"{name}_frames.txt")}


class Maker:
    """Makes the rows of one table."""

    def __init__(self, name: str, label: str, rng: random.Random) -> None:
        """All lines are dealt like cards, so that none comes up twice before all came up once."""
        self.name, self.label, self.rng = name, label, rng
        self.goals = goals(name)
        self.frames = frames(name)
        self.free = {side: lone(name, side) for side in ("harmful", "safe")}
        self.topics = tuple(sections(f"{name}_goals.txt"))
        self.decks: dict[str, Iterator[object]] = {}
        self.seen: set[str] = set()

    def deal(self, key: str, lines: Sequence[object]) -> object:
        """The next line of a deck."""
        if key not in self.decks:
            self.decks[key] = deck(lines, self.rng)
        return next(self.decks[key])

    def frame(self, kind: str) -> str:
        """A frame of this kind."""
        return str(self.deal(f"frames/{kind}", self.frames[kind]))

    def goal(self, side: str) -> Line:
        """A verb phrase of a side."""
        one = self.deal(f"goals/{side}", self.goals[side])
        assert isinstance(one, Line)
        return one

    def framed(self, kind: str, what: str) -> str:
        """A frame filled and dressed as it is said or asked."""
        return dressed(framed(self.frame(kind), what, self.rng), self.rng, said=kind in ("statement", "threat"))

    def text(self, side: str) -> tuple[str, str]:
        """A text of a side and its group."""
        kinds = [(kind, weight) for kind, weight in SHARES[side].items() if kind == "lone" or kind in self.frames]
        kind = self.rng.choices([k for k, _ in kinds], [w for _, w in kinds])[0]
        if kind == "lone":
            return self.lone(side)
        if kind.startswith("noun"):
            topic = str(self.deal(f"topics/{side}", self.topics))
            return self.framed(kind, topic), f"{self.name}/{topic}"
        goal = self.goal("harmful" if kind == "wrap" else side)
        return self.framed(kind, goal.text), goal.group

    def lone(self, side: str) -> tuple[str, str]:
        """A text that is whole in its table; "phrases" are verb phrases for the common frames."""
        line = self.deal(f"lone/{side}", self.free[side])
        assert isinstance(line, Line)
        if line.kind == "phrases":
            frame = "statement" if self.rng.random() < 0.12 else "ask"
            return self.framed(frame, line.text), line.group
        most = 0.1 if line.kind == "long" else 0.25
        return dressed(chosen(line.text, self.rng), self.rng, most, said=line.kind == "say"), line.group

    def rows(self, count: int) -> Iterator[Row]:
        """``count`` rows, harmful and safe in turn."""
        for i in range(count):
            for _ in range(30):
                text, group = self.text("safe" if i % 2 else "harmful")
                if text.lower() not in self.seen:
                    break
            self.seen.add(text.lower())
            yield row(text, dict(SAFE) if i % 2 else {self.label: 1}, group)


def generate(rng: random.Random, count: int) -> Iterator[Row]:
    """``count`` rows, half of them requests for help with a crime or a fraud."""
    yield from Maker("misconduct", "MISCONDUCT", rng).rows(count)
