"""One pass over a body: its texts as slots, its ids, and what nobody can inspect, as the body's shape says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from guardrails.types import Role
from guardrails.wire import media, strict
from guardrails.wire.enums import ROLES, is_enum
from guardrails.wire.kinds import UNNAMED, Kind
from guardrails.wire.opaque import is_content, is_inline, is_opaque, is_seal, is_token, number, opaque, personal
from guardrails.wire.shape import By, Delta, Each, Fixed, Part, Repeat, Shape, Switch, Whole
from guardrails.wire.slots import Mode, Slot, Spots, UninspectedPart
from guardrails.wire.vectors import is_numbers, is_vector

__all__ = ["Walk"]

# Names of fields whose value is an id and nothing else: it may be written in another way.
_LOOSE = re.compile(r"(?:^|_)id$|(?<=[a-z])(?:Id|ID)$")
# Numbers shorter than this identify nobody: counts, prices, years.
_DIGITS = 5
# The places of an answer that events name: a choice, a content block, an item.
_PLACES = ("index", "output_index", "content_index", "summary_index", "command_index", "contentBlockIndex")
_PLACED = frozenset(_PLACES)
# Fields of a part of a message that are its words.
_WORDS = frozenset(("text", "thinking", "refusal", "content", "reasoning", "summary"))
# … and those of parts that do not interrupt the text: a thought does.
_GO_ON = _WORDS - {"thinking", "reasoning", "summary"}
# Fields of a part that say nothing and interrupt nothing.
_MARKS = frozenset(
    ("type", "thought", "thoughtSignature", "thought_signature", "signature", "cachePoint", "cache_control")
    + ("citationsContent", "guardContent")
)
# Words of JSON Schema and of tool definitions, which every request repeats as keys.
_SCHEMA_WORDS = """
    type properties description required items enum name parameters function additionalProperties title default
    strict anyOf oneOf allOf const format minimum maximum pattern minLength maxLength minItems maxItems schema
    json_schema
    """
_COMMON_KEYS = frozenset(_SCHEMA_WORDS.split())


class Walk:
    """The slots of one body, in document order, and what nobody can inspect. The body is changed through the slots;
    :meth:`close` writes JSON that was read inside strings back.

    ``ids`` are the strings of opaque fields that look like ids and are no enum of an API: string rules read them.
    """

    __slots__ = ("_keys", "_nested", "drops", "ids", "root", "slots", "spots", "steps", "uninspected")

    def __init__(self, body: Any, part: Part, role: Role, spots: Spots | None = None) -> None:
        """``role``: who wrote what no shape says anything about. ``spots``: of a stream of whose events this is one that may
        continue any text of the one before."""
        self.spots = spots
        self.slots: list[Slot] = []
        self.ids: list[Slot] = []
        self.uninspected: list[UninspectedPart] = []
        self.drops: list[tuple[dict[str, Any], str]] = []
        # What is still done to the body once all its texts are final; each once.
        self.steps: list[Callable[[], None]] = []
        # JSON in strings: where the string stands, what it holds, and the texts inside.
        self._nested: list[tuple[dict[str, Any] | list[Any], Any, list[Any], list[Slot]]] = []
        self._keys: dict[tuple[Role, int | None], dict[str, None]] = {}
        # The body, which may be a text itself: then it is replaced, and not changed.
        self.root = [body]
        # Not kept: a cycle would hold the whole body until the garbage collector comes by.
        _Reader(self).value(
            self.root, 0, part, _Place(role, None, (), "", None, None if spots is None else spots.root(body))
        )
        for (who, turn), keys in self._keys.items():
            self.slots.append(Slot("\n".join(keys), who, "(keys)", turn, fixed=True))

    def close(self) -> None:
        """The texts are final: write JSON that was read inside strings back, innermost first, where a text of it was
        rewritten, and do what is still to be done to the body."""
        for box, key, root, inside in reversed(self._nested):
            if any(slot.changed for slot in inside):
                box[key] = json.dumps(root[0], ensure_ascii=False)
        while self.steps:
            self.steps.pop(0)()

    def drop(self) -> None:
        """Remove the fields of kind ``drop``; where a list stood, an empty one stays."""
        for box, key in self.drops:
            box[key] = [] if isinstance(box[key], list) else None

    def turns(self) -> Iterator[int]:
        """The messages that have slots, in order."""
        yield from dict.fromkeys(s.turn for s in self.slots if s.turn is not None)


# Never changed, but not frozen: one is made for every value, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class _Place:
    role: Role
    turn: int | None
    channel: tuple[Any, ...]
    path: str
    text: _Joined | None = None
    # Of an event: where this is, by ids rather than positions; None where texts stand alone.
    spot: str | None = None

    def at(self, key: str | int) -> _Place:
        if isinstance(key, int):
            spot = None if self.spot is None else f"{self.spot}[{key}]"
            return _Place(self.role, self.turn, self.channel, f"{self.path}[{key}]", None, spot)
        path = f"{self.path}.{key}" if self.path else key
        spot = None if self.spot is None else f"{self.spot}.{key}"
        text = self.text
        if text is not None:
            text = _Joined(text.root, text.runs, key, "thought" if key == "reasoningContent" else text.mark)
        return _Place(self.role, self.turn, self.channel, path, text, spot)


@dataclass(slots=True)
class _Joined:
    """The text whose parts are read: the path of the list, what interrupted it so far, and the field that is read."""

    root: str
    runs: list[int]
    field: str = "text"
    mark: str = ""


class _Reader:
    """One pass over a body; recursion is bounded by the parser's depth limit."""

    __slots__ = ("walk",)

    def __init__(self, walk: Walk) -> None:
        self.walk = walk

    def value(self, box: Any, key: Any, part: Part, place: _Place) -> None:
        value = box[key]
        while isinstance(part, Switch):
            part = part.choose(value)
        # The usual ones first: a long conversation comes by here thousands of times.
        if isinstance(part, Kind):
            if part is Kind.TEXT and isinstance(value, str):
                self.add(box, key, value, place)
            elif part is Kind.DROP:
                if value is not None:
                    self.walk.drops.append((box, key))
            else:
                self.kind(box, key, value, part, place)
        elif isinstance(part, Shape):
            self.shape(box, key, value, part, place)
        elif isinstance(part, Each):
            self.each(box, key, value, part, place)
        elif isinstance(part, By):
            inside = _Place(part.role, place.turn, place.channel, place.path, place.text, place.spot)
            self.value(box, key, part.part, inside)
        elif isinstance(part, Fixed):
            texts, ids = len(self.walk.slots), len(self.walk.ids)
            self.value(box, key, part.part, place)
            for slot in (*self.walk.slots[texts:], *self.walk.ids[ids:]):
                slot.fixed = True
        elif isinstance(part, Whole):
            self.value(box, key, part.part, _Place(place.role, place.turn, place.channel, place.path, place.text))
        else:
            self.channel(box, key, value, part, place)

    def shape(self, box: Any, key: Any, value: Any, shape: Shape, place: _Place) -> None:
        loose = isinstance(shape.rest, Kind) and shape.rest in UNNAMED
        if not isinstance(value, dict):
            name = key if isinstance(key, str) else ""
            self.kind(box, key, value, media.field(name, value, Kind.UNNAMED, {}) if loose else Kind.TEXT, place)
            return
        role = shape.role(value) if callable(shape.role) else shape.role
        channel = place.channel
        if not _PLACED.isdisjoint(value):
            channel += tuple(
                (k, value[k]) for k in _PLACES if isinstance(value.get(k), int) and not isinstance(value[k], bool)
            )
        text = place.text
        if text is not None and value.get("thought") is True:
            text = _Joined(text.root, text.runs, text.field, "thought")
        inside = _Place(role or place.role, place.turn, channel, place.path, text, self.spot(value, place))
        around: Kind | None = None
        for name in list(value):
            known = shape.fields.get(name)
            if known is Kind.OPAQUE and ((item := value[name]) is None or opaque(item)):
                if isinstance(item, str):
                    self.id(value, name, item, inside, name)
                continue
            if known is None:
                self.key(name, inside)
                known = shape.rest
                if loose and isinstance(known, Kind):
                    around = around or media.holder(value, known)
                    known = media.field(name, value[name], around, value)
            self.value(value, name, known, inside.at(name))

    def each(self, box: Any, key: Any, value: Any, each: Each, place: _Place) -> None:
        text = (place.text or _Joined(place.path, [0])) if each.joined else None
        if not isinstance(value, list):
            turn = 0 if each.turns else place.turn
            if each.turns and isinstance(value, str):
                text = _Joined(place.path, [0])
            self.value(box, key, each.part, _Place(place.role, turn, place.channel, place.path, text, place.spot))
            return
        for i in range(len(value)):
            turn = i if each.turns else place.turn
            channel = (*place.channel, (each.place, i)) if each.place else place.channel
            path = f"{place.path}[{i}]"
            spot = None if place.spot is None else f"{place.spot}[{i}]"
            if text is not None:
                text.runs[0] += _interrupts(value[i])
            elif each.turns and isinstance(value[i], str):
                self.value(value, i, each.part, _Place(place.role, turn, channel, path, _Joined(path, [0])))
                continue
            self.value(value, i, each.part, _Place(place.role, turn, channel, path, text, spot))

    def channel(self, box: Any, key: Any, value: Any, part: Delta | Repeat, place: _Place) -> None:
        if not isinstance(value, str):
            if value is not None:
                self.kind(box, key, value, Kind.PART, place)
            return
        mode = Mode.DELTA if isinstance(part, Delta) else Mode.REPEAT
        role = part.role if isinstance(part, Delta) else None
        channel = (part.name, *place.channel)
        self.walk.slots.append(
            Slot(value, role or place.role, place.path, place.turn, mode, channel, part.kind, _box=box, _key=key)
        )

    def kind(self, box: Any, key: Any, value: Any, kind: Kind, place: _Place) -> None:
        match value:
            case str():
                self.string(box, key, value, kind, place)
            case bool() | None:
                return
            case int() | float():
                text = number(value)
                if kind is not Kind.OPAQUE and sum(c.isdigit() for c in text) >= _DIGITS:
                    alone = _Place(place.role, place.turn, place.channel, place.path, place.text)
                    self.add(box, key, text, alone, Kind.TOOL if kind in (Kind.TOOL, Kind.JSON) else Kind.TEXT)
            case list() if kind is Kind.TOKENS and is_numbers(value, whole=True):
                if value:
                    self.walk.uninspected.append(UninspectedPart("token ids", place.path, place.turn))
            case list() if kind is Kind.NUMBERS and is_numbers(value):
                return
            case list() if kind is Kind.MEDIA and media.is_bytes(value):
                self.walk.uninspected.append(UninspectedPart("binary content", place.path, place.turn))
            case list():
                named = key if isinstance(key, str) else ""
                whole = (place.text or _Joined(place.path, [0])) if all(map(_typed, value)) else None
                for i in range(len(value)):
                    inside = place.at(i)
                    if whole is not None:
                        whole.runs[0] += _interrupts(value[i])
                        inside.text = whole
                    loose = kind in UNNAMED and isinstance(value[i], str)
                    self.inner(value, i, media.field(named, value[i], kind, {}) if loose else kind, inside)
            case dict():
                if place.spot is not None:
                    place = _Place(
                        place.role, place.turn, place.channel, place.path, place.text, self.spot(value, place)
                    )
                kind = Kind.PART if kind is Kind.TOKENS else kind
                around = media.holder(value, kind) if kind in UNNAMED else kind
                for name in list(value):
                    self.key(name, place)
                    part = media.field(name, value[name], around, value) if kind in UNNAMED else kind
                    self.inner(value, name, part, place.at(name))

    def inner(self, box: Any, key: Any, kind: Kind, place: _Place) -> None:
        value = box[key]
        # Where one id belongs and something larger stands, what an event says may go on in the next, and a long number may be anybody's.
        if kind is Kind.OPAQUE and isinstance(value, str) and place.spot is not None:
            kind = Kind.PART
        elif kind is Kind.OPAQUE and isinstance(value, int | float):
            kind = Kind.TEXT if personal(value) else kind
        self.kind(box, key, value, kind, place)

    def string(self, box: Any, key: Any, value: str, kind: Kind, place: _Place) -> None:
        if not value:
            return
        if kind is Kind.BINARY:
            self.walk.uninspected.append(UninspectedPart("binary content", place.path, place.turn))
            # What is no base64 is text that calls itself binary.
            if not is_content(value):
                self.add(box, key, value, place)
            return
        if kind is Kind.OPAQUE and is_opaque(value):
            self.id(box, key, value, place)
            return
        if kind is Kind.NUMBERS and is_vector(value):
            return
        if (kind is Kind.SEAL and is_seal(value)) or (kind is Kind.STATE and is_token(value)):
            return
        if kind is Kind.REFERENCE:
            self.walk.uninspected.append(UninspectedPart("content by reference", place.path, place.turn))
            if is_inline(value):
                return
        if kind is Kind.JSON:
            try:
                parsed = strict.parse(value.encode("utf-8"))
            except (strict.Malformed, UnicodeEncodeError):
                parsed = None  # it is text then, whatever it was meant to be
            if isinstance(parsed, dict | list):
                root = [parsed]
                first, at = len(self.walk.slots), len(self.walk._nested)
                inside = _Place(place.role, place.turn, place.channel, place.path)
                self.kind(root, 0, parsed, Kind.TOOL, inside)
                self.walk._nested.insert(at, (box, key, root, self.walk.slots[first:]))
                return
        self.add(box, key, value, place, Kind.TOOL if kind in (Kind.TOOL, Kind.JSON) else Kind.TEXT)

    def add(self, box: Any, key: Any, text: str, place: _Place, kind: Kind = Kind.TEXT) -> None:
        if not text:
            return
        if place.spot is not None:
            channel = (place.spot, *place.channel)
            slot = Slot(text, place.role, place.path, place.turn, Mode.PART, channel, kind, _box=box, _key=key)
            self.walk.slots.append(slot)
            return
        slot = Slot(text, place.role, place.path, place.turn, kind=kind, _box=box, _key=key)
        whole = place.text
        if whole is not None and kind is Kind.TEXT and whole.field in _WORDS and isinstance(box[key], str):
            field = "text" if whole.field == "content" else whole.field
            slot.group, slot.run = (whole.root, whole.mark or field, place.role), whole.runs[0]
            slot.text, slot.cuts = media.embedded(text)
            if slot.cuts:
                self.walk.uninspected.append(UninspectedPart("binary content", place.path, place.turn))
        self.walk.slots.append(slot)

    def id(self, box: Any, key: Any, value: str, place: _Place, name: str = "") -> None:
        if not value:
            return
        if key == "role" and value.lower() not in ROLES:
            # Some templates print the role: one that nobody knows is read as text.
            path = place.at(name).path if name else place.path
            self.walk.slots.append(Slot(value, place.role, path, place.turn, fixed=True, _box=box, _key=key))
        if is_enum(value):
            return
        path = place.at(name).path if name else place.path
        loose = isinstance(key, str) and _LOOSE.search(key) is not None
        self.walk.ids.append(
            Slot(value, place.role, path, place.turn, Mode.WHOLE, None, Kind.OPAQUE, not loose, _box=box, _key=key)
        )

    def spot(self, value: Mapping[str, Any], place: _Place) -> str | None:
        """The place of an object of an event."""
        if place.spot is None or self.walk.spots is None or not place.path:
            return place.spot
        return self.walk.spots.item(place.spot, value)

    def key(self, name: str, place: _Place) -> None:
        if name not in _COMMON_KEYS:
            self.walk._keys.setdefault((place.role, place.turn), {})[name] = None


def _typed(item: Any) -> bool:
    """Whether a value is what a part of a message looks like in most APIs."""
    return isinstance(item, dict) and isinstance(item.get("type"), str) and not _WORDS.isdisjoint(item)


def _interrupts(part: Any) -> bool:
    """Whether a part of a message is no words, so that those before and behind it do not go on in each other."""
    return isinstance(part, dict) and _GO_ON.isdisjoint(part) and not part.keys() <= _MARKS
