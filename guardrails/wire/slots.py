"""The texts of a body or event as they are found: each with its place, its writer, and a way to put another in its place."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.types import Role
from guardrails.wire.kinds import Kind

__all__ = ["Mode", "Slot", "Spots", "UninspectedPart"]

_POSITION = re.compile(r"\[\d+\]$")


class Mode(StrEnum):
    """How the text of an event relates to the texts of other events.

    ``whole``: it stands alone. ``delta``: it continues its channel, and may leave with another event of it. ``repeat``: it says
    again what its channel said. ``part``: it continues what stood at its place in earlier events, and leaves where it stands.
    """

    WHOLE = "whole"
    DELTA = "delta"
    REPEAT = "repeat"
    PART = "part"


@dataclass(slots=True)
class Slot:
    """One text of a body. ``turn`` is the message it belongs to, None outside messages; ``path`` is for people.

    ``fixed``: it cannot be rewritten (the keys of an object): what would mask it blocks. ``group``: the text that it is a
    part of together with the other slots of that group (the parts of a message's content), None for what is no message's
    own words; ``run`` counts what interrupts that text (a call of a tool). ``cuts``: what was taken out of the text that
    nobody can inspect (see :func:`guardrails.wire.media.embedded`); it comes back with whatever is written.
    """

    text: str = field(repr=False)
    role: Role
    path: str
    turn: int | None = None
    mode: Mode = Mode.WHOLE
    channel: Hashable = None
    kind: Kind = Kind.TEXT
    fixed: bool = False
    group: Hashable = None
    run: int = 0
    _box: Any = field(default=None, repr=False)
    _key: Any = field(default=None, repr=False)
    changed: bool = False
    cuts: Sequence[tuple[str, str]] = field(default=(), repr=False)

    def set(self, text: str) -> None:
        """Write ``text`` where the slot's text stood. Raises GuardrailsError for a fixed slot."""
        if self.fixed:
            raise GuardrailsError(f"{self.path} cannot be rewritten")
        self._box[self._key] = _with(text, self.cuts) if self.cuts else text
        self.changed = True


def _with(text: str, cuts: Sequence[tuple[str, str]]) -> str:
    """A text with what was cut off behind each address, where the address is still in it."""
    out: list[str] = []
    at = 0
    for head, rest in cuts:
        found = text.find(head, at)
        if found < 0:
            continue
        end = found + len(head)
        out += [text[at:end], rest]
        at = end
    return "".join([*out, text[at:]])


@dataclass(frozen=True, slots=True)
class UninspectedPart:
    """Content nobody can inspect: why, and where."""

    why: str
    path: str
    turn: int | None = None


class Spots:
    """The places of a stream that no format names: by path, and by the id or number of what stands there.

    An item that says neither is the one that stood at its position before.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    @staticmethod
    def root(body: Any) -> str:
        """The place of an event: its type, and the item that it names."""
        if not isinstance(body, dict):
            return "@"
        names = [body[k] for k in ("type", "item_id") if isinstance(body.get(k), str)]
        return "@" + ":".join(names)

    def item(self, spot: str, value: Mapping[str, Any]) -> str:
        """The place of an object at ``spot``."""
        index, name = value.get("index"), value.get("id")
        if isinstance(index, int) and not isinstance(index, bool):
            mark = f"[#{index}]"
        elif isinstance(name, str) and name:
            mark = f"[={name}]"
        else:
            return self._known.get(spot, spot)
        found = self._known[spot] = _POSITION.sub("", spot) + mark
        return found
