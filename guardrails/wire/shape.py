"""Where text sits in a JSON body: a shape names what is known of it, and everything else is inspected as text.

A format does not list the fields to look at; it lists the few that need no look (ids, enums) or another one (JSON inside a
string, base64, references). A field that is new to us is inspected from the day an API grows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.types import Role
from guardrails.wire import strict
from guardrails.wire.enums import ROLES, is_enum
from guardrails.wire.vectors import is_base64, is_numbers, is_vector

__all__ = [
    "By",
    "Delta",
    "Each",
    "Kind",
    "Mode",
    "Part",
    "Repeat",
    "Shape",
    "Slot",
    "Spots",
    "Switch",
    "Unread",
    "Walk",
    "Whole",
    "by_type",
    "opaque",
]


class Kind(StrEnum):
    """How a value is read.

    ``text``: inspected, may be rewritten; inside an object or list, every string, number and key. ``opaque``: an id, enum or
    number; a string that does not look like one is inspected all the same. ``json``: JSON in a string, every string inside it
    is text. ``tool``: as ``text``, and it is what a tool is called with. ``reference``: content that lies elsewhere; nobody can inspect it, and the reference itself is text. ``binary``:
    base64; nobody can inspect it. ``seal``: base64 by which an API knows its own words again (a signature), not content; what
    does not look like one is text. ``drop``: repeats other fields in another form and is removed where an output rule can act. ``tokens``: a list of token ids is
    content nobody can inspect. ``numbers``: a list of numbers, or an embedding in base64, is skipped.
    """

    TEXT = "text"
    OPAQUE = "opaque"
    TOOL = "tool"
    JSON = "json"
    REFERENCE = "reference"
    BINARY = "binary"
    SEAL = "seal"
    DROP = "drop"
    TOKENS = "tokens"
    NUMBERS = "numbers"


class Mode(StrEnum):
    """How the text of an event relates to the texts of other events.

    ``whole``: it stands alone. ``delta``: it continues its channel, and may leave with another event of it. ``repeat``: it says
    again what its channel said. ``part``: it continues what stood at its place in earlier events, and leaves where it stands.
    """

    WHOLE = "whole"
    DELTA = "delta"
    REPEAT = "repeat"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Shape:
    """An object. ``role`` says who wrote what is inside (None: whoever wrote what is around it); ``rest`` is how fields that
    are not named are read."""

    fields: Mapping[str, Part]
    role: Role | Callable[[Mapping[str, Any]], Role | None] | None = None
    rest: Part = Kind.TEXT


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


Part = Kind | Shape | Each | By | Whole | Switch | Delta | Repeat


def by_type(parts: Mapping[str, Part], default: Part = Kind.TEXT, key: str = "type") -> Switch:
    """The part named by the object's own ``type``."""

    def choose(value: Any) -> Part:
        kind = value.get(key) if isinstance(value, dict) else None
        return parts.get(kind, default) if isinstance(kind, str) else default

    return Switch(choose)


@dataclass(slots=True)
class Slot:
    """One text of a body. ``turn`` is the message it belongs to, None outside messages; ``path`` is for people.

    ``fixed``: it cannot be rewritten (the keys of an object): what would mask it blocks. ``group``: the text that it is a
    part of together with the other slots of that group (the parts of a message's content), None for what is no message's
    own words; ``run`` counts what interrupts that text (a call of a tool).
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

    def set(self, text: str) -> None:
        """Write ``text`` where the slot's text stood. Raises GuardrailsError for a fixed slot."""
        if self.fixed:
            raise GuardrailsError(f"{self.path} cannot be rewritten")
        self._box[self._key] = text
        self.changed = True


@dataclass(frozen=True, slots=True)
class Unread:
    """Content nobody can inspect: why, and where."""

    why: str
    path: str
    turn: int | None = None


# What an id, enum, media type, model name or time looks like. Anything else in an opaque field is text.
_OPAQUE = re.compile(r"[A-Za-z0-9_.:/@+=~|#-]{0,128}")
# … and what looks like one and may name a person: an e-mail address, or a number as long as a telephone's or a card's.
_PERSONAL = re.compile(r"@[^@]*\.|^(?!\d{4}-\d\d-\d\d$)\+?[\d.:/-]{9,}$")
# Names of fields whose value is an id and nothing else: it may be written in another way.
_LOOSE = re.compile(r"(?:^|_)id$|(?<=[a-z])(?:Id|ID)$")
_LONGEST_NUMBER = 256
# What a signature looks like, which is longer than an id.
_SEAL = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
# Floats below this are written in digits alone by most writers of JSON (ECMAScript's Number::toString).
_PLAIN_NUMBERS = 1e21
# Numbers shorter than this identify nobody: counts, prices, years.
_DIGITS = 5
# What stands before the content is a media type, and not a place for words or long numbers.
_INLINE = re.compile(r"data:(?![^,]*\d{9})[a-z0-9.+_;=\"/-]{0,200}?;base64,", re.IGNORECASE)
_POSITION = re.compile(r"\[\d+\]$")
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
_COMMON_KEYS = frozenset(
    [
        "type",
        "properties",
        "description",
        "required",
        "items",
        "enum",
        "name",
        "parameters",
        "function",
        "additionalProperties",
        "title",
        "default",
        "strict",
        "anyOf",
        "oneOf",
        "allOf",
        "const",
        "format",
        "minimum",
        "maximum",
        "pattern",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "schema",
        "json_schema",
    ]
)


def opaque(value: object) -> bool:
    """Whether a value is what an opaque field is not inspected for: a number or what looks like an id, enum or time."""
    return isinstance(value, int | float) or (isinstance(value, str) and is_opaque(value))


def number(value: float) -> str:
    """A JSON number as people read it: one whose fraction is zero is a whole number, however it was stored."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _PLAIN_NUMBERS
    return repr(int(value) if whole else value)


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


class Walk:
    """The slots of one body, in document order, and what nobody can inspect. The body is changed through the slots;
    :meth:`close` writes JSON that was read inside strings back.

    ``ids`` are the strings of opaque fields that look like ids and are no enum of an API: string rules read them.
    """

    __slots__ = ("_keys", "_nested", "after", "drops", "ids", "root", "slots", "spots", "unread")

    def __init__(self, body: Any, part: Part, role: Role, spots: Spots | None = None) -> None:
        """``role``: who wrote what no shape says anything about. ``spots``: of a stream of whose events this is one that may
        continue any text of the one before."""
        self.spots = spots
        self.slots: list[Slot] = []
        self.ids: list[Slot] = []
        self.unread: list[Unread] = []
        self.drops: list[tuple[dict[str, Any], str]] = []
        # What a form still does once all texts are final; runs once, when the body is closed.
        self.after: list[Callable[[], None]] = []
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
        """Write JSON in strings back into its strings, innermost first, where a text of it was rewritten, and let the form
        finish. To be called for every body and event that is sent, right before it is, and for no other."""
        for box, key, root, inside in reversed(self._nested):
            if any(slot.changed for slot in inside):
                box[key] = json.dumps(root[0], ensure_ascii=False)
        while self.after:
            self.after.pop(0)()

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
    text: _Text | None = None
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
            text = _Text(text.root, text.runs, key, "thought" if key == "reasoningContent" else text.mark)
        return _Place(self.role, self.turn, self.channel, path, text, spot)


@dataclass(slots=True)
class _Text:
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
            else:
                self.kind(box, key, value, part, place)
        elif isinstance(part, Shape):
            self.shape(box, key, value, part, place)
        elif isinstance(part, Each):
            self.each(box, key, value, part, place)
        elif isinstance(part, By):
            inside = _Place(part.role, place.turn, place.channel, place.path, place.text, place.spot)
            self.value(box, key, part.part, inside)
        elif isinstance(part, Whole):
            self.value(box, key, part.part, _Place(place.role, place.turn, place.channel, place.path, place.text))
        else:
            self.channel(box, key, value, part, place)

    def shape(self, box: Any, key: Any, value: Any, shape: Shape, place: _Place) -> None:
        if not isinstance(value, dict):
            self.kind(box, key, value, Kind.TEXT, place)
            return
        role = shape.role(value) if callable(shape.role) else shape.role
        channel = place.channel
        if not _PLACED.isdisjoint(value):
            channel += tuple(
                (k, value[k]) for k in _PLACES if isinstance(value.get(k), int) and not isinstance(value[k], bool)
            )
        text = place.text
        if text is not None and value.get("thought") is True:
            text = _Text(text.root, text.runs, text.field, "thought")
        inside = _Place(role or place.role, place.turn, channel, place.path, text, self.spot(value, place))
        for name in list(value):
            known = shape.fields.get(name)
            if known is Kind.OPAQUE and ((item := value[name]) is None or opaque(item)):
                if isinstance(item, str):
                    self.id(value, name, item, inside, name)
                continue
            if known is None:
                self.key(name, inside)
                known = shape.rest
            if known is Kind.DROP:
                if value[name] is not None:
                    self.walk.drops.append((value, name))
                continue
            self.value(value, name, known, inside.at(name))

    def each(self, box: Any, key: Any, value: Any, each: Each, place: _Place) -> None:
        text = (place.text or _Text(place.path, [0])) if each.joined else None
        if not isinstance(value, list):
            turn = 0 if each.turns else place.turn
            if each.turns and isinstance(value, str):
                text = _Text(place.path, [0])
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
                self.value(value, i, each.part, _Place(place.role, turn, channel, path, _Text(path, [0])))
                continue
            self.value(value, i, each.part, _Place(place.role, turn, channel, path, text, spot))

    def channel(self, box: Any, key: Any, value: Any, part: Delta | Repeat, place: _Place) -> None:
        if not isinstance(value, str):
            if value is not None:
                self.kind(box, key, value, Kind.TEXT, place)
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
                    self.walk.unread.append(Unread("token ids", place.path, place.turn))
            case list() if kind is Kind.NUMBERS and is_numbers(value):
                return
            case list():
                whole = (place.text or _Text(place.path, [0])) if all(map(_typed, value)) else None
                for i in range(len(value)):
                    inside = place.at(i)
                    if whole is not None:
                        whole.runs[0] += _interrupts(value[i])
                        inside.text = whole
                    self.inner(value, i, kind, inside)
            case dict():
                if place.spot is not None:
                    place = _Place(
                        place.role, place.turn, place.channel, place.path, place.text, self.spot(value, place)
                    )
                for name in list(value):
                    self.key(name, place)
                    self.inner(value, name, kind, place.at(name))

    def inner(self, box: Any, key: Any, kind: Kind, place: _Place) -> None:
        value = box[key]
        if kind is Kind.OPAQUE and isinstance(value, int | float):
            # Where one id belongs and something larger stands, a long number may be anybody's.
            kind = Kind.TEXT if _PERSONAL.search(repr(value)) else kind
        self.kind(box, key, value, kind, place)

    def string(self, box: Any, key: Any, value: str, kind: Kind, place: _Place) -> None:
        if not value:
            return
        if kind is Kind.BINARY:
            self.walk.unread.append(Unread("binary content", place.path, place.turn))
            # What is no base64 is text that calls itself binary.
            if not _is_base64(value):
                self.add(box, key, value, place)
            return
        if kind is Kind.OPAQUE and is_opaque(value):
            self.id(box, key, value, place)
            return
        if kind is Kind.NUMBERS and is_vector(value):
            return
        if kind is Kind.SEAL and _SEAL.fullmatch(value) and not _PERSONAL.search(value):
            return
        if kind is Kind.REFERENCE:
            self.walk.unread.append(Unread("content by reference", place.path, place.turn))
            inline = _INLINE.match(value)
            if inline is not None and _is_base64(value[inline.end() :]):
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


def is_opaque(value: str) -> bool:
    """Whether a string looks like an id, an enum or a number: nothing a person or a model would read as text."""
    return _OPAQUE.fullmatch(value) is not None and _PERSONAL.search(value) is None


def _is_base64(value: str) -> bool:
    """Whether a string is nothing but base64, broken into lines perhaps. Words have blanks between them, numbers no letters."""
    if value[:5].lower() == "data:" or not is_base64(value.rstrip()):
        return False
    # Nobody's number is as long as that, and a pattern would take a second for an image.
    return len(value) > _LONGEST_NUMBER or not _PERSONAL.search(value.strip())


NOTHING: Mapping[str, Part] = MappingProxyType({})
