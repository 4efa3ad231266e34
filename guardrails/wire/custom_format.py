"""A format that a file describes, and its sessions: shapes made from pointers, and templates for what we have to say."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from guardrails.wire import pointers
from guardrails.wire.calls import Group
from guardrails.wire.format import Event, Format, Request, Session
from guardrails.wire.framing import NDJSON, SSE, Frame, Framing
from guardrails.wire.opaque import opaque
from guardrails.wire.places import Channel
from guardrails.wire.pointers import Pointer
from guardrails.wire.slots import Mode, Slot
from guardrails.wire.walk import Walk

__all__ = ["FRAMINGS", "PLACEHOLDER", "Custom", "EndingEvent", "FormatSpec", "MessageList", "StreamSpec", "filled"]

FRAMINGS: Mapping[str, type[SSE] | type[NDJSON]] = {"sse": SSE, "ndjson": NDJSON}
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# Numbers by which events say what they continue.
_COUNTERS = ("index", "output_index", "content_index", "summary_index", "command_index", "contentBlockIndex")


@dataclass(frozen=True, slots=True)
class MessageList:
    """A list of messages: where it is, and where the words of each are, from the message on."""

    at: Pointer
    text: Pointer
    keep: frozenset[str]


@dataclass(frozen=True, slots=True)
class EndingEvent:
    """One event of the end: a template for JSON, or a raw line."""

    data: Any = None
    raw: str | None = None
    event: str | None = None


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """A stream. ``when``: the field of the request that asks for it, None for always. ``calls``: what announces a call of a
    tool; ``arguments``: the names of the texts it is called with, and where they are."""

    framing: str
    when: Pointer | None
    continues: tuple[Pointer, ...]
    ends: Pointer | None
    keep: tuple[Pointer, ...]
    ending: tuple[EndingEvent, ...]
    calls: tuple[Pointer, ...] = ()
    arguments: tuple[tuple[str, Pointer], ...] = ()


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """What a file says about one format beyond its shapes."""

    fits: tuple[Pointer, ...]
    query: tuple[Pointer, ...] = ()
    messages: MessageList | None = None
    model: Pointer | None = None
    stream: StreamSpec | None = None
    refusal: Any = None
    error: Any = None


@dataclass(slots=True)
class _Skeleton:
    """An event with nothing but the place of one text."""

    body: Any
    box: Any = field(repr=False)
    key: Any
    name: str | None

    def saying(self, text: str) -> Frame:
        self.box[self.key] = text
        return Frame(copy.deepcopy(self.body), self.name)


class CustomSession(Session):
    """An exchange of such a format."""

    format: type[Custom]

    def __init__(self, format_: type[Format], request: Request) -> None:
        super().__init__(format_, request)
        self._skeletons: dict[Channel, _Skeleton] = {}
        # A call and what comes behind it.
        self._held: list[Frame] = []

    @property
    def streaming(self) -> bool:
        stream = self.format.spec.stream
        if stream is None:
            return False
        return stream.when is None or any(bool(v) for v in pointers.values(self.body, stream.when))

    @property
    def model(self) -> str:
        found = pointers.values(self.body, self.format.spec.model) if self.format.spec.model else iter(())
        return next((v for v in found if isinstance(v, str)), self.request.params.get("model", ""))

    def framing(self) -> Framing:
        return FRAMINGS[self.format.spec.stream.framing if self.format.spec.stream else "sse"]()

    def inbound(self) -> Walk:
        """A query is the newest message, wherever it stands."""
        walk = super().inbound()
        turns = 0
        if self.format.spec.messages is not None:
            lists = [v for v in pointers.values(self.body, self.format.spec.messages.at) if isinstance(v, list)]
            turns = max(map(len, lists), default=0)
        boxes = [(found[-2], found[-1]) for p in self.format.spec.query for found in pointers.matches(self.body, p)]
        for slot in walk.slots:
            if any(slot._box is box and slot.text == text for box, text in boxes):
                slot.turn = turns
        return walk

    def replace(self, turn: int, message: str) -> bool:
        """The message keeps its ids and its role, and says nothing but ``message``."""
        if self.format.spec.messages is None:
            return False
        for found in pointers.values(self.body, self.format.spec.messages.at):
            items = found if isinstance(found, list) else [found]
            if turn < len(items) and isinstance(items[turn], dict):
                said = items[turn]
                for name in list(said):
                    if name not in self.format.spec.messages.keep:
                        del said[name]
                pointers.put(said, self.format.spec.messages.text, message)
                return True
        return False

    def gather(self, frame: Frame) -> list[Group]:
        """Where the file says what announces a call, everything from there on is held until the answer ends."""
        stream = self.format.spec.stream
        if stream is None or not stream.calls:
            return [Group([frame])]
        called = (*stream.calls, *(p for _, p in stream.arguments))
        if not self._held and (frame.raw is not None or not any(_said(frame.body, p) for p in called)):
            return [Group([frame])]
        self._held.append(frame)
        ends = frame.raw is not None or (stream.ends is not None and _said(frame.body, stream.ends))
        return self.rest() if ends else []

    def rest(self) -> list[Group]:
        held, self._held = self._held, []
        stream = self.format.spec.stream
        names = frozenset[Channel](name for name, _ in stream.arguments) if stream else frozenset[Channel]()
        return [Group(held, call=True, closes=names)] if held else []

    def event(self, frame: Frame) -> Event:
        event = super().event(frame)
        stream = self.format.spec.stream
        if frame.raw is not None or stream is None:
            return event
        if stream.ends is not None and _said(frame.body, stream.ends):
            event.closes = True
        deltas = [s for s in event.walk.slots if s.mode is Mode.DELTA]
        for slot in deltas:
            skeleton = self._skeleton(frame, slot)
            if skeleton is not None:
                self._skeletons[slot.channel] = skeleton
                # Nothing is lost with an empty event that we could have written ourselves.
                event.bare = len(deltas) == 1 and not event.closes and skeleton.saying(slot.text).body == frame.body
        return event

    def _skeleton(self, frame: Frame, slot: Slot) -> _Skeleton | None:
        stream = self.format.spec.stream
        for pointer in stream.continues if stream else ():
            for found in pointers.matches(frame.body, pointer):
                boxes = [b for b in found[:-1] if isinstance(b, dict | list)]
                if not boxes or boxes[-1] is not slot._box:
                    continue
                body, box, key = _outline(boxes, slot)
                for kept in stream.keep if stream else ():
                    for value in pointers.values(frame.body, kept):
                        if opaque(value):
                            pointers.put(body, kept, value)
                return _Skeleton(body, box, key, frame.name)
        return None

    def delta(self, channel: Channel, text: str) -> Frame:
        return self._skeletons[channel].saying(text)

    def refusal(self, message: str) -> Any:
        return filled(self.format.spec.refusal, {"message": message})

    def ending(self, message: str) -> list[Frame]:
        frames = []
        for end in self.format.spec.stream.ending if self.format.spec.stream else ():
            body = None if end.raw is not None else filled(end.data, {"message": message})
            frames.append(Frame(body, end.event, end.raw))
        return frames

    def error(self, status: int, message: str, code: str) -> Any:
        if self.format.spec.error is None:
            return super().error(status, message, code)
        return filled(self.format.spec.error, {"message": message, "code": code, "status": status})


class Custom(Format):
    """Base of the formats of files; ``spec`` is what the file says."""

    spec: ClassVar[FormatSpec]
    session = CustomSession

    @classmethod
    def fits(cls, body: Any) -> bool:
        """A body fits when at least one of the texts that the file names is in it."""
        return isinstance(body, dict) and any(True for p in cls.spec.fits for _ in pointers.values(body, p))


def _said(body: Any, pointer: Pointer) -> bool:
    return any(v not in (None, False, "") for v in pointers.values(body, pointer))


def filled(template: Any, words: Mapping[str, str | int]) -> Any:
    """A copy of a template with ``{name}`` replaced. A string that is nothing but a placeholder becomes the value itself."""
    if isinstance(template, dict):
        return {k: filled(v, words) for k, v in template.items()}
    if isinstance(template, list):
        return [filled(v, words) for v in template]
    if not isinstance(template, str):
        return template
    for name, word in words.items():
        if template == f"{{{name}}}":
            return word
    # One pass: a message may hold what looks like a placeholder.
    return PLACEHOLDER.sub(lambda m: str(words.get(m.group(1), m.group())), template)


def _outline(boxes: list[Any], slot: Slot) -> tuple[Any, Any, Any]:
    """Copies of the containers around a text: the way to it and the numbers by which events say what they continue."""
    box: Any = None
    key: Any = None
    inner: Any = ""
    above: Any = None
    for original in reversed(boxes):
        if isinstance(original, list):
            outer: Any = [inner]
            at: Any = 0
        else:
            at = slot._key if above is None else next(k for k, v in original.items() if v is above)
            outer = {k: original[k] for k in _COUNTERS if type(original.get(k)) is int} | {at: inner}
        if above is None:
            box, key = outer, at
        inner, above = outer, original
    return inner, box, key
