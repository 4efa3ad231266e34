"""Where text sits in a JSON body: a shape names what is known of it, and everything else is inspected as text.

A format does not list the fields to look at; it lists the few that need no look (ids, enums) or another one (JSON inside a
string, base64, references). A field that is new to us is inspected from the day an API grows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from guardrails.types import Role
from guardrails.wire.kinds import Kind

__all__ = ["NOTHING", "By", "Delta", "Each", "Fixed", "Kind", "Part", "Repeat", "Shape", "Switch", "Whole", "by_type"]


@dataclass(frozen=True, slots=True)
class Shape:
    """An object. ``role`` says who wrote what is inside (None: whoever wrote what is around it); ``rest`` is how fields that
    are not named are read."""

    fields: Mapping[str, Part]
    role: Role | Callable[[Mapping[str, Any]], Role | None] | None = None
    rest: Part = Kind.UNNAMED


@dataclass(frozen=True, slots=True)
class Each:
    """A list of alike items. ``turns``: each is one message of the conversation. A lone object or string is read as one item.

    ``place``: by what name events count these items (``content_index``); the channels inside then have that place.
    ``joined``: the items are parts of one text, such as the content of a message.
    """

    part: Part
    turns: bool = False
    place: str = ""
    joined: bool = False


@dataclass(frozen=True, slots=True)
class By:
    """A value that ``role`` wrote, whoever wrote what is around it."""

    role: Role
    part: Part = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Whole:
    """A value that comes in one event: what its strings say is not continued in another."""

    part: Part = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that is read and never rewritten, for something depends on its spelling: what would mask it blocks."""

    part: Part = Kind.OPAQUE


@dataclass(frozen=True, slots=True)
class Switch:
    """A value whose part depends on what it is."""

    choose: Callable[[Any], Part]


@dataclass(frozen=True, slots=True)
class Delta:
    """A string that continues the channel ``name`` of its place in the answer."""

    name: str
    kind: Kind = Kind.TEXT
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A string that repeats what the channel ``name`` of its place has said."""

    name: str
    kind: Kind = Kind.TEXT


Part = Kind | Shape | Each | By | Fixed | Whole | Switch | Delta | Repeat


def by_type(parts: Mapping[str, Part], default: Part = Kind.UNNAMED, key: str = "type") -> Switch:
    """The part named by the object's own ``type``."""

    def choose(value: Any) -> Part:
        kind = value.get(key) if isinstance(value, dict) else None
        return parts.get(kind, default) if isinstance(kind, str) else default

    return Switch(choose)


NOTHING: Mapping[str, Part] = MappingProxyType({})
