"""The tools of a server beside those that a lock pins: what is new, what changed and where, what is gone."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from guardrails.calls import Definition
from guardrails.detectors.toollock import Lock
from guardrails.errors import GuardrailsError
from guardrails.inventory.showing import hidden, shown

__all__ = ["Change", "Difference", "compared", "definitions"]

# From here on, two descriptions are said to be alike.
_ALIKE = 0.6
# Characters of a description that are compared; and how many new tools are compared with how many pinned ones: lists may be long.
_COMPARED, _MANY = 2_000, 300
# Lines of a text that are compared line by line.
_LINES = 2_000


class Change(StrEnum):
    """What a tool is to the lock; ``removed``: it is pinned, and its server has it no more."""

    PINNED = "pinned"
    UNPINNED = "new"
    CHANGED = "changed"
    RENAMED = "renamed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One tool. ``like``: the pinned tool that a new one is, or is like, and how much (0 to 1). ``tool``: as the server lists it, None where it is
    gone; ``pinned``: as the lock has it, None where it does not."""

    name: str
    change: Change
    tool: Definition | None = field(default=None, repr=False)
    pinned: Definition | None = field(default=None, repr=False)
    like: tuple[str, float] | None = None

    def lines(self) -> Iterator[str]:
        """What is said otherwise, place by place: ``- `` before what the lock says, ``+ `` before what the server says. Safe to print."""
        old, new = (dict(_said(one.data)) if one is not None else {} for one in (self.pinned, self.tool))
        for place in dict.fromkeys((*new, *old)):
            before, after = old.get(place, ""), new.get(place, "")
            if before != after:
                yield f"{shown(place, most=200)}:"
                yield from _changed(before, after)

    def notes(self) -> Iterator[str]:
        """What a reader would not see in the definition, with its place. Safe to print."""
        for place, text in _said(self.tool.data) if self.tool is not None else ():
            yield from (f"{shown(place, most=200)}: {note}" for note in hidden(place) + hidden(text))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with the definitions."""
        return {
            "name": self.name,
            "change": self.change.value,
            "like": None if self.like is None else {"name": self.like[0], "alike": round(self.like[1], 3)},
            "definition": None if self.tool is None else self.tool.data,
            "pinned": None if self.pinned is None else self.pinned.data,
            "hidden": list(self.notes()),
        }


def definitions(items: Sequence[Any], server: str) -> list[Definition]:
    """The tools of a list. Raises GuardrailsError for one without a name, and for a name that is described in two ways."""
    found: dict[str, Definition] = {}
    for i, item in enumerate(items):
        tool = Definition.of(item, server)
        if not tool.name:
            raise GuardrailsError(f"tools[{i}] has no name: no client could call it, and nothing can be pinned")
        if tool.name in found and found[tool.name].digest != tool.digest:
            raise GuardrailsError(
                f"{shown(tool.name, most=100)} is listed twice with two definitions: clients differ about which one counts"
            )
        found[tool.name] = tool
    return list(found.values())


def compared(lock: Lock, tools: Sequence[Definition], server: str) -> list[Difference]:
    """Every tool that is listed or pinned, by name."""
    pinned = lock.servers.get(server, {})
    out = [_one(lock, tool, pinned.get(tool.name)) for tool in tools]
    words = [(name, _words(one)) for name, one in list(pinned.items())[:_MANY]]
    new = [one for one in out if one.change is Change.UNPINNED][:_MANY]
    like = {one.name: _nearest(_words(one.tool), words) for one in new}
    out = [replace(one, like=like[one.name]) if one.name in like else one for one in out]
    listed = {tool.name for tool in tools}
    out += [Difference(name, Change.REMOVED, None, one) for name, one in pinned.items() if name not in listed]
    return sorted(out, key=lambda one: one.name)


def _one(lock: Lock, tool: Definition, pinned: Definition | None) -> Difference:
    original = lock.original(tool) if pinned is None else None
    like = None if original is None else (original.name, _alike(_words(tool), _words(original)))
    return Difference(tool.name, Change[lock.state(tool).name], tool, pinned, like)


def _words(tool: Definition | None) -> Counter[str]:
    """The words of a description, counted."""
    said = tool.data.get("description") if tool is not None and isinstance(tool.data, dict) else None
    return Counter(said[:_COMPARED].split()) if isinstance(said, str) else Counter()


def _nearest(words: Counter[str], pinned: Sequence[tuple[str, Counter[str]]]) -> tuple[str, float] | None:
    """The pinned tool whose description is most like a new one's, where one is."""
    name, most = max(
        ((name, _alike(words, other)) for name, other in pinned), key=lambda one: one[1], default=("", 0.0)
    )
    return (name, most) if most >= _ALIKE else None


def _alike(one: Counter[str], other: Counter[str]) -> float:
    """The share of words that two descriptions have in common."""
    every = one.total() + other.total()
    return 2 * (one & other).total() / every if every else 0.0


def _said(data: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a definition as a text, with its place."""
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _said(value, f"{place}.{key}" if place else key)
    elif isinstance(data, list) and data:
        for i, value in enumerate(data):
            yield from _said(value, f"{place}[{i}]")
    else:
        yield place, data if isinstance(data, str) else _NONE.get(repr(data), repr(data))


_NONE = {"None": "null", "True": "true", "False": "false"}


def _changed(before: str, after: str) -> Iterator[str]:
    old, new = (text.split("\n") if text else [] for text in (before, after))
    if max(len(old), len(new)) > _LINES:
        lines = [f"-{line}" for line in old] + [f"+{line}" for line in new]
    else:
        lines = [line for line in difflib.unified_diff(old, new, lineterm="", n=0) if line[0] in "+-"][2:]
    yield from (f"  {line[0]} {shown(line[1:])}" for line in lines)
