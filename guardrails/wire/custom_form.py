"""The form of a format that a file describes: shapes made from pointers, and templates for what we have to say."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from guardrails.wire import pointers
from guardrails.wire.form import Channel, Event, Form
from guardrails.wire.framing import NDJSON, SSE, Frame, Framing
from guardrails.wire.pointers import Pointer
from guardrails.wire.shape import Mode, Slot, Walk, opaque

__all__ = ["FRAMINGS", "PLACEHOLDER", "Custom", "Ending", "Messages", "Spec", "Streaming", "filled"]

FRAMINGS: Mapping[str, type[SSE] | type[NDJSON]] = {"sse": SSE, "ndjson": NDJSON}
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# Numbers by which events say what they continue.
_COUNTERS = ("index", "output_index", "content_index", "summary_index", "command_index", "contentBlockIndex")


@dataclass(frozen=True, slots=True)
class Messages:
    """A list of messages: where it is, and where the words of each are, from the message on."""

    at: Pointer
    text: Pointer
    keep: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ending:
    """One event of the end: a template for JSON, or a raw line."""

    data: Any = None
    raw: str | None = None
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Streaming:
    """A stream. ``when``: the field of the request that asks for it, None for always."""

    framing: str
    when: Pointer | None
    continues: tuple[Pointer, ...]
    ends: Pointer | None
    keep: tuple[Pointer, ...]
    ending: tuple[Ending, ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """What a file says about one format beyond its shapes."""

    fits: tuple[Pointer, ...]
    query: tuple[Pointer, ...] = ()
    messages: Messages | None = None
    model: Pointer | None = None
    stream: Streaming | None = None
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


class Custom(Form):
    """Base of the formats of files; ``spec`` is what the file says."""

    spec: ClassVar[Spec]

    def __init__(
        self, body: Any, params: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(body, params, query)
        self._skeletons: dict[Channel, _Skeleton] = {}

    @classmethod
    def fits(cls, body: Any) -> bool:
        """A body fits when at least one of the texts that the file names is in it."""
        return isinstance(body, dict) and any(True for p in cls.spec.fits for _ in pointers.values(body, p))

    @property
    def streaming(self) -> bool:
        stream = self.spec.stream
        if stream is None:
            return False
        return stream.when is None or any(bool(v) for v in pointers.values(self.body, stream.when))

    @property
    def model(self) -> str:
        found = pointers.values(self.body, self.spec.model) if self.spec.model else iter(())
        return next((v for v in found if isinstance(v, str)), self.params.get("model", ""))

    def framing(self) -> Framing:
        return FRAMINGS[self.spec.stream.framing if self.spec.stream else "sse"]()

    def inbound(self) -> Walk:
        """A query is the newest message, wherever it stands."""
        walk = super().inbound()
        turns = 0
        if self.spec.messages is not None:
            lists = [v for v in pointers.values(self.body, self.spec.messages.at) if isinstance(v, list)]
            turns = max(map(len, lists), default=0)
        boxes = [(found[-2], found[-1]) for p in self.spec.query for found in pointers.matches(self.body, p)]
        for slot in walk.slots:
            if any(slot._box is box and slot.text == text for box, text in boxes):
                slot.turn = turns
        return walk

    def replace(self, turn: int, message: str) -> bool:
        """The message keeps its ids and its role, and says nothing but ``message``."""
        if self.spec.messages is None:
            return False
        for found in pointers.values(self.body, self.spec.messages.at):
            items = found if isinstance(found, list) else [found]
            if turn < len(items) and isinstance(items[turn], dict):
                said = items[turn]
                for name in list(said):
                    if name not in self.spec.messages.keep:
                        del said[name]
                pointers.put(said, self.spec.messages.text, message)
                return True
        return False

    def event(self, frame: Frame) -> Event:
        event = super().event(frame)
        stream = self.spec.stream
        if frame.raw is not None or stream is None:
            return event
        if stream.ends is not None and any(
            v not in (None, False, "") for v in pointers.values(frame.body, stream.ends)
        ):
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
        stream = self.spec.stream
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
        return filled(self.spec.refusal, {"message": message})

    def ending(self, message: str) -> list[Frame]:
        frames = []
        for end in self.spec.stream.ending if self.spec.stream else ():
            body = None if end.raw is not None else filled(end.data, {"message": message})
            frames.append(Frame(body, end.event, end.raw))
        return frames

    def error(self, status: int, message: str, code: str) -> Any:
        if self.spec.error is None:
            return super().error(status, message, code)
        return filled(self.spec.error, {"message": message, "code": code, "status": status})


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
