"""What became of every value of a file: kept, approximated or dropped, each exactly once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from guardrails.policy.source import Node

__all__ = ["Entry", "Fate", "Item", "Place", "Report", "shown_place"]

_LARGE = 1e15
UNKNOWN = "not known to this importer, so nothing of it is in the policy"
BY_HAND = "look up what it does there, and write it into the policy by hand if it is a check"
_WORD = re.compile(r"[\w ./:|-]{1,60}")
_KEY = re.compile(r"[\w /-]{1,60}")
_SECRET = re.compile(r"(?i)(?:api|access|secret|auth)[_-]?key|token|secret|passw|credential")


class Fate(StrEnum):
    """What became of a value."""

    KEPT = "kept"
    APPROXIMATED = "approximated"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one or more values that stand together.

    ``line`` and ``last`` are lines of the source, from 1. ``path`` is their place (``input_scanners[0].params.threshold``), ``leaves``
    the place of each. ``what`` says what it became, how it was approximated, or why it was dropped; ``instead`` what to do then.
    ``rules`` are the parts of the policy that it became, as keys and numbers. No value of the source is shown but names.
    """

    line: int
    last: int
    path: str
    fate: Fate
    what: str
    instead: str = ""
    rules: tuple[tuple[str | int, ...], ...] = ()
    leaves: tuple[str, ...] = ()

    def render(self, file: str) -> str:
        """One line of text."""
        lines = f"{self.line}" if self.last == self.line else f"{self.line}-{self.last}"
        instead = f"; instead: {self.instead}" if self.instead else ""
        return f"{file}:{lines}: {self.fate.value}: {self.path or '(the file)'}: {self.what}{instead}"


Place = tuple[str | int, ...]  # of a value in its document: keys, and numbers in lists


@dataclass
class Report:
    """The values of a file that nothing was said of yet (with their lines), and what was said of the others."""

    open: dict[Place, int] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    asked: set[Place] = field(default_factory=set)  # what an importer looked for, so that it knows it

    def tell(self, item: Item, fate: Fate, what: str, instead: str = "", rules: Iterable[Place] = ()) -> None:
        """Say it of every value of the item that nothing was said of yet. Raises ValueError when there is none."""
        leaves = {place: line for place, line in item.leaves() if place in self.open}
        if not leaves:
            raise ValueError(f"{item.path}: something was said of this already")
        for place in leaves:
            del self.open[place]
        first = min(item.line, *leaves.values())
        shown = tuple(shown_place(place) for place in leaves)
        self.entries.append(
            Entry(first, max(leaves.values()), item.path, fate, what, instead, tuple(r for r in rules if r), shown)
        )

    def finish(self, root: Item, twice: Sequence[tuple[str, int]] = ()) -> None:
        """Name what no importer knew and what is given ``twice``, and put everything in the order of the source."""
        self._unknown(root)
        for path, line in twice:
            what = "given again further down, where it counts"
            self.entries.append(Entry(line, line, path, Fate.DROPPED, what, "remove one of the two", (), (path,)))
        self.entries.sort(key=lambda e: (e.line, e.last, e.path))

    def _unknown(self, item: Item) -> None:
        if item.settled:
            return
        parts = item.parts()
        if parts and (not item.place or item.place in self.asked or isinstance(item.value, list)):
            for one in parts:
                self._unknown(one)
        else:
            self.tell(item, Fate.DROPPED, UNKNOWN, BY_HAND)

    def count(self, fate: Fate) -> int:
        """How many values had that fate."""
        return sum(len(e.leaves) for e in self.entries if e.fate is fate)


def shown_place(place: Place) -> str:
    """A place as people write it: ``rails.input.flows[0]``."""
    out = ""
    for key in place:
        if isinstance(key, int):
            out += f"[{key}]"
        else:
            plain = _KEY.fullmatch(key) is not None
            name = key if plain else json.dumps(key[:60], ensure_ascii=False)
            out += f".{name}" if out else name
    return out


class Item:
    """A value of the source, its place and its line, and what is said of it. A value of another type than expected reads as None, and is
    named as unknown at the end."""

    def __init__(self, node: Node, report: Report, place: Place = (), line: int | None = None) -> None:
        self.node = node
        self.place = place
        self.line = node.at.line if line is None else line
        self._report = report

    @classmethod
    def root(cls, node: Node, report: Report) -> Item:
        """The whole document; its values are open."""
        item = cls(node, report)
        report.open.update(item.leaves())
        return item

    @property
    def path(self) -> str:
        """Its place as people write it."""
        return shown_place(self.place)

    def parts(self) -> list[Item]:
        """The values of a mapping or list."""
        return [*(one for _, one in self.pairs()), *self.each()]

    def leaves(self) -> Iterator[tuple[Place, int]]:
        """Every value below it that has no values itself, and its line."""
        parts = self.parts()
        if not parts:
            yield self.place, self.line
        for one in parts:
            yield from one.leaves()

    @property
    def value(self) -> Any:
        """What it is: a dict or list of nodes, or a scalar."""
        return self.node.value

    @property
    def settled(self) -> bool:
        """Whether something was said of all of it."""
        return not any(place in self._report.open for place, _ in self.leaves())

    def pairs(self) -> list[tuple[str, Item]]:
        """The entries of a mapping, none for anything else."""
        if not isinstance(self.value, dict):
            return []
        return [
            (key, Item(child, self._report, (*self.place, key), self.node.keys[key].line))
            for key, child in self.value.items()
        ]

    def each(self) -> list[Item]:
        """The items of a list, none for anything else."""
        if not isinstance(self.value, list):
            return []
        return [Item(child, self._report, (*self.place, i)) for i, child in enumerate(self.value)]

    def get(self, *keys: str) -> Item | None:
        """What lies below these keys."""
        item: Item | None = self
        for key in keys:
            if item is None or not isinstance(item.value, dict):
                return None
            self._report.asked |= {item.place, (*item.place, key)}
            if key not in item.value:
                return None
            item = Item(item.value[key], self._report, (*item.place, key), item.node.keys[key].line)
        return item

    def text(self) -> str | None:
        """A text that is not empty."""
        return self.value if isinstance(self.value, str) and self.value.strip() else None

    def number(self) -> float | None:
        """A number that is finite."""
        if not isinstance(self.value, int | float) or isinstance(self.value, bool) or abs(self.value) > _LARGE:
            return None
        return None if self.value != self.value else float(self.value)

    def flag(self) -> bool | None:
        """True or false."""
        return self.value if isinstance(self.value, bool) else None

    def texts(self) -> list[tuple[Item, str]]:
        """Those items of a list that are texts; one text is a list of one."""
        return [(one, text) for one in (self.each() or [self]) if (text := one.text()) is not None]

    def name(self) -> str:
        """The value as it may be shown: a short word that is no secret, else nothing."""
        shown = isinstance(self.value, str) and _WORD.fullmatch(self.value) and not _SECRET.search(self.path)
        return self.value if shown else "this value"

    def kept(self, what: str, *rules: Place) -> None:
        """The policy says the same."""
        if not self.settled:
            self._report.tell(self, Fate.KEPT, what, rules=rules)

    def approximated(self, how: str, *rules: Place) -> None:
        """The policy says something near."""
        if not self.settled:
            self._report.tell(self, Fate.APPROXIMATED, how, rules=rules)

    def unknown(self) -> None:
        """Nobody here knows what it is."""
        name = self.get("type") or self.get("name") or self.get("guardrail")
        self.dropped(f"{name.name()}: {UNKNOWN}" if name is not None else UNKNOWN, BY_HAND)

    def dropped(self, why: str, instead: str) -> None:
        """The policy says nothing of it."""
        if not self.settled:
            self._report.tell(self, Fate.DROPPED, why, instead)
