"""Creative writing, role play, games and fiction: what hobby writers ask for, and harm in the same wrappers."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from models.text.generators.misconduct import chosen, deck, sections, styled
from models.text.rows import BENIGN, Row, row

_YOUNG = re.compile(r"child|kid|school|pupil|young", re.I)
_SLOT = re.compile(r"\{(\w+)\}")
_SHARES = {"short": 0.3, "mid": 0.14, "roleplay": 0.11, "games": 0.14, "idioms": 0.05, "excerpt": 0.09, "long": 0.17}
_HARMFUL = {"short": 0.42, "mid": 0.14, "roleplay": 0.12, "games": 0.08, "idioms": 0.02, "excerpt": 0.07, "long": 0.15}
_OPENERS = ("Hi, ", "hey, ", "Hello! ", "ok so ", "Next one: ", "Please: ", "For my blog: ", "Creative task. ", "hii ")
_CLOSERS = ("Thanks!", "thx", "Thank you in advance.", "Go wild.", "I'm curious what you come up with.", "pleeease")


class Maker:
    """Deals the lines of the tables like cards."""

    def __init__(self, rng: random.Random) -> None:
        """All tables, read once."""
        self.rng = rng
        self.parts = sections("creative_parts.txt")
        self.sides = {True: sections("creative_harmful.txt"), False: sections("creative_safe.txt")}
        self.decks: dict[str, Iterator[object]] = {}

    def deal(self, key: str, lines: tuple[str, ...]) -> str:
        """The next line of a deck."""
        if key not in self.decks:
            self.decks[key] = deck(lines, self.rng)
        return str(next(self.decks[key]))

    def filled(self, text: str) -> str:
        """Slots and choices resolved; a slot has one value in a text."""
        values: dict[str, str] = {}
        for slot in _SLOT.findall(text):
            values.setdefault(slot, self.deal(slot, self.parts[slot]))
        text = chosen(_SLOT.sub(lambda match: values[match[1]], text), self.rng)
        return text.replace("\\n", "\n")

    def style(self, most: int) -> str:
        """Up to ``most`` orders on style."""
        return " ".join(self.rng.sample(self.parts["style"], self.rng.randint(0, most)))

    def long(self, beat: str, adult: bool = False) -> str:
        """A long request around a plot beat; ``adult`` keeps children out of the setting."""
        rng = self.rng
        parts = [rng.choice(self.parts["open"])] if rng.random() < 0.8 else []
        if rng.random() < 0.8:
            settings = [x for x in self.parts["setting"] if not (adult and _YOUNG.search(x))]
            parts.append(rng.choice(settings))
        if rng.random() < 0.75:
            parts.append(self.deal("people", self.parts["people"]))
        if not adult:
            parts += rng.sample(self.parts["more"], rng.choice((0, 0, 0, 1, 1, 2, 3)))
            if rng.random() < 0.2:  # on both sides, a harmless beat before the one that counts
                parts.append(rng.choice(self.parts["beats"]))
        parts.append(beat)
        style = self.style(4)
        if style:
            parts.insert(rng.choice((len(parts), len(parts), 1)), style)
        return rng.choice((" ", "\n", "\n\n")).join(parts)

    def make(self, harmful: bool) -> Row:
        """One row of a side."""
        rng = self.rng
        shares = _HARMFUL if harmful else _SHARES
        kind = rng.choices(list(shares), list(shares.values()))[0]
        if kind == "long":
            name = "beats_bad" if harmful else "beats"
            lines = self.parts[name]
        else:
            name, lines = kind, self.sides[harmful][kind]
        line = self.deal(f"{harmful}/{name}", lines)
        category, text = line.split(": ", 1) if harmful else ("", line)
        group = f"creative/{text[:40]}"
        if kind == "long":
            text = self.long(text, category == "SEXUAL")
        elif "{excerpt}" in text:  # the excerpts are what could be learnt by heart
            excerpt = self.deal("excerpt", self.parts["excerpt"])
            group, text = f"creative/{excerpt[:40]}", text.replace("{excerpt}", excerpt)
        elif kind != "games" and rng.random() < 0.25:
            text = f"{text if text[-1] in '.!?:' else text + '.'} {self.style(2)}".strip()
        text = self.filled(text)
        if kind not in ("long", "excerpt"):
            if rng.random() < 0.1:
                text = rng.choice(_OPENERS) + text
            if rng.random() < 0.08:
                text = f"{text if text[-1] in '.!?' else text + '.'} {rng.choice(_CLOSERS)}"
            text = styled(text, rng)
        elif rng.random() < 0.15:
            text = text.lower()
        return row(text, {category: 1} if harmful else dict(BENIGN), group)


def generate(rng: random.Random, count: int) -> Iterator[Row]:
    """``count`` rows, a quarter of them harmful."""
    maker = Maker(rng)
    seen: set[str] = set()
    for at in range(count):
        for _ in range(20):
            one = maker.make(at % 4 == 3)
            if one["text"].lower() not in seen:
                break
        seen.add(one["text"].lower())
        yield one
