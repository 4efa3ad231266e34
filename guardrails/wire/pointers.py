"""JSON pointers (RFC 6901) with ``*`` for every item of a list, and the shape that a set of them describes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from guardrails.types import Role
from guardrails.wire.shape import By, Delta, Each, Kind, Part, Repeat, Shape

__all__ = ["BadPointer", "Places", "matches", "parse", "put", "values"]

Pointer = tuple[str, ...]
_ESCAPE = re.compile(r"~(?![01])")
# An index of a list. Fields with such a name have no pointer here: nobody could tell them from one.
_INDEX = re.compile(r"0|[1-9][0-9]*|-")


class BadPointer(ValueError):
    """What is wrong with a pointer and what to write; holds no more of it than one token."""


def parse(text: str) -> Pointer:
    """The tokens of a pointer. Raises BadPointer."""
    if not text.startswith("/"):
        raise BadPointer("a pointer starts with /, such as /messages/*/text")
    if _ESCAPE.search(text):
        raise BadPointer("~ is written ~0 in a pointer, and / inside a name ~1")
    tokens = tuple(t.replace("~1", "/").replace("~0", "~") for t in text[1:].split("/"))
    for name in tokens:
        if not name:
            raise BadPointer("a name between two / is missing; write no / at the end")
        if _INDEX.fullmatch(name):
            raise BadPointer(f"{name} would be one item of a list; write * for all of them")
    return tokens


def matches(value: Any, pointer: Pointer) -> Iterator[list[Any]]:
    """For every place a pointer leads to: the containers on the way, outermost first, and what stands there last.

    A lone value where a list is expected is its only item, as everywhere in shapes.
    """
    if not pointer:
        yield [value]
        return
    name, rest = pointer[0], pointer[1:]
    if name == "*" and isinstance(value, list):
        for item in value:
            for found in matches(item, rest):
                yield [value, *found]
    elif name == "*":
        yield from matches(value, rest)
    elif isinstance(value, dict) and name in value:
        for found in matches(value[name], rest):
            yield [value, *found]


def values(value: Any, pointer: Pointer) -> Iterator[Any]:
    """What stands where a pointer leads to."""
    for found in matches(value, pointer):
        yield found[-1]


def put(value: dict[str, Any], pointer: Pointer, what: Any) -> None:
    """Set a field of nested objects, which are made where they are missing. ``*`` makes a list of one item."""
    box: Any = value
    for name, following in pairwise(pointer):
        if name == "*":
            box.append({})
            box = box[-1]
        else:
            if not isinstance(box.get(name), list if following == "*" else dict):
                box[name] = [] if following == "*" else {}
            box = box[name]
    if pointer[-1] == "*":
        box.append(what)
    else:
        box[pointer[-1]] = what


# Whose texts come with addresses of where they are from.
_OTHERS = frozenset((Role.DOCUMENT, Role.SYSTEM, Role.TOOL))


@dataclass(slots=True)
class Places:
    """A tree of what pointers say. A place has named fields or items, never both; what is not named is text."""

    fields: dict[str, Places] = field(default_factory=dict)
    items: Places | None = None
    part: Kind | Delta | Repeat | None = None
    role: Role | None = None
    turns: bool = False
    by: Callable[[Mapping[str, Any]], Role | None] | None = None

    def at(self, pointer: Sequence[str]) -> Places:
        """The place of a pointer, made where it is missing. Raises BadPointer for a list that also has named fields."""
        here = self
        for name in pointer:
            if (name == "*" and here.fields) or (name != "*" and here.items is not None):
                raise BadPointer("another pointer says that this is a list" if here.items else "another pointer names fields of this")  # fmt: skip
            if name == "*":
                here.items = here.items or Places()
                here = here.items
            else:
                here = here.fields.setdefault(name, Places())
        return here

    @property
    def said(self) -> bool:
        """Whether a pointer ends here."""
        return self.part is not None or self.role is not None or self.turns

    def shape(self) -> Part:
        """The part that reads this place."""
        part: Part
        if self.items is not None:
            part = Each(self.items.shape(), turns=self.turns)
        elif self.fields or self.by is not None:
            rest = self.part if isinstance(self.part, Kind) else Kind.UNNAMED
            part = Shape({name: place.shape() for name, place in self.fields.items()}, self.by, rest)
        else:
            part = self.part or (Kind.UNNAMED if self.role in _OTHERS else Kind.PART)
        return part if self.role is None else By(self.role, part)
