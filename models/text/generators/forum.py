"""What people post: comments, rants, stories, diaries and reviews, harmful ones and their innocent look-alikes."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from models.text.generators.misconduct import chosen, sections, typo
from models.text.rows import ATTACKS, BENIGN, CONTENT, Row, none_of, row

HARMFUL = 0.45
_LONG = 0.42  # the share of posts that are built from paragraphs
_BUNDLE = 4  # so many neighbouring paragraphs are glued only to one another, and are one group
_LONGEST = 1500

# What is clearly absent from a harmful post of a kind, unless its heading names it.
_ABSENT = {
    "HATE": ("SEXUAL", "SELF_HARM"),
    "INSULTS": ("SEXUAL", "SELF_HARM"),
    "SEXUAL": ("HATE", "SELF_HARM"),
    "VIOLENCE": ("SEXUAL", "SELF_HARM"),
    "SELF_HARM": ("HATE", "SEXUAL", "MISCONDUCT"),
    "MISCONDUCT": ("HATE", "SEXUAL", "SELF_HARM"),
}
# How often each harmful kind comes; a heading that names several belongs to its first.
_WEIGHTS = {"HATE": 22, "INSULTS": 20, "SEXUAL": 16, "VIOLENCE": 18, "SELF_HARM": 13, "MISCONDUCT": 11}


@dataclass(frozen=True)
class Bundle:
    """Texts that share a group: neighbouring paragraphs of a kind, or one whole line."""

    kind: str
    texts: tuple[str, ...]
    group: str


def labels(kind: str) -> dict[str, int]:
    """The labels of a heading such as ``HATE VIOLENCE``; other headings are harmless."""
    names = [x for x in kind.split() if x in CONTENT]
    if not names:
        return dict(BENIGN)
    absent = [x for name in names for x in _ABSENT[name] if x not in names]
    return {**none_of(ATTACKS), **dict.fromkeys(absent, 0), **dict.fromkeys(names, 1)}


def _group(line: str) -> str:
    """The group of a table line."""
    return f"forum/{line[:40]}/{hashlib.sha256(line.encode()).hexdigest()[:6]}"


@cache
def bundles(file: str, size: int) -> dict[str, tuple[Bundle, ...]]:
    """The bundles of a table by the first word of their heading."""
    found: dict[str, list[Bundle]] = {}
    for kind, lines in sections(file).items():
        if kind:
            cut = [lines[i : i + size] for i in range(0, len(lines), size)]
            found.setdefault(kind.split()[0], []).extend(Bundle(kind, x, _group(x[0])) for x in cut)
    return {kind: tuple(some) for kind, some in found.items()}


def _joined(parts: list[str], rng: random.Random) -> str:
    """Paragraphs glued with connectives, or simply one below the other."""
    gap = rng.choice((" ", " ", " ", "\n\n", "\n"))
    text = parts[0]
    for part in parts[1:]:
        if rng.random() < 0.4:
            glue = rng.choice(sections("forum_glue.txt")["connective"])
            keep = glue[-1] in ".!?:" or re.match(r"I\b|I'|[A-Z]{2}", part)
            part = f"{glue} {part if keep else part[:1].lower() + part[1:]}"
        text = f"{text if text[-1] in '.!?…' or gap != ' ' else text + '.'}{gap}{part}"
    return text


def _typed(text: str, rng: random.Random) -> str:
    """As different people would type it."""
    kind = rng.random()
    if kind < 0.2:
        text = text.lower()
    elif kind < 0.24:
        text = text.lower().replace(",", "").replace("'", "")
    elif kind < 0.25:
        text = text.upper()
    elif kind < 0.3:
        text = text.rstrip(".")
    if rng.random() < 0.08 and len(text) > 12:
        text = typo(text, rng)
    return text


def long_post(bundle: Bundle, rng: random.Random) -> str:
    """Some of a bundle's paragraphs, with neutral sentences that both sides share."""
    glue = sections("forum_glue.txt")
    count = min(len(bundle.texts), rng.choice((1, 2, 2, 3, 3, 4)))
    parts = [chosen(x, rng) for x in rng.sample(bundle.texts, count)]
    if rng.random() < 0.3:
        parts.insert(0, chosen(rng.choice(glue["opener"]), rng))
    if rng.random() < 0.2:
        parts.insert(rng.randrange(len(parts) + 1), chosen(rng.choice(glue["filler"]), rng))
    if rng.random() < 0.25:
        parts.append(chosen(rng.choice(glue["closer"]), rng))
    while len(text := _joined(parts, rng)) > _LONGEST:
        parts.pop()
    return _typed(text, rng)


def short_post(bundle: Bundle, rng: random.Random) -> str:
    """A whole line, sometimes with a neutral sentence before or after it."""
    glue = sections("forum_glue.txt")
    text = chosen(bundle.texts[0], rng)
    if rng.random() < 0.12:
        text = f"{chosen(rng.choice(glue['opener']), rng)} {text}"
    if rng.random() < 0.12 or len(text) < 30:
        text = f"{text if text[-1] in '.!?' else text + '.'} {chosen(rng.choice(glue['closer']), rng)}"
    return _typed(text, rng)


class _Decks:
    """Deals bundles like cards, so that none comes up twice before all came up once."""

    def __init__(self, rng: random.Random) -> None:
        """No deck is open yet."""
        self.rng = rng
        self.left: dict[str, list[Bundle]] = {}

    def deal(self, side: str, size: int, kind: str | None) -> Bundle:
        """The next bundle of a table, of one kind or of any."""
        key = f"{side}/{size}/{kind}"
        if not self.left.get(key):
            of = bundles(f"forum_{side}.txt", size)
            some = list(of[kind]) if kind else [x for every in of.values() for x in every]
            self.rng.shuffle(some)
            self.left[key] = some
        return self.left[key].pop()


def generate(rng: random.Random, count: int) -> Iterator[Row]:
    """``count`` posts, 45 % of them harmful."""
    decks = _Decks(rng)
    seen: set[str] = set()
    for _ in range(count):
        harmful = rng.random() < HARMFUL
        kind = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0] if harmful else None
        side = "harmful" if harmful else "safe"
        for _ in range(20):
            if rng.random() < _LONG:
                bundle = decks.deal(f"{side}_long", _BUNDLE, kind)
                text = long_post(bundle, rng)
            else:
                bundle = decks.deal(side, 1, kind)
                text = short_post(bundle, rng)
            if text.lower() not in seen:
                break
        seen.add(text.lower())
        yield row(text, labels(bundle.kind), bundle.group)
