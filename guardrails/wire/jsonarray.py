"""A stream that is one JSON array, read element by element."""

from __future__ import annotations

import re
from enum import Enum
from typing import ClassVar

from guardrails.wire.frames import Decoder, Frame, body_only
from guardrails.wire.limits import FRAME_LIMITS, BodyLimits, Malformed

__all__ = ["JSONArray"]

_SPACES = re.compile(rb"[ \t\r\n]+")
_OUTSIDE_STRING = re.compile(rb'[\[\]{},"]')
_INSIDE_STRING = re.compile(rb'["\\]')


class _Expected(Enum):
    """Where the next byte stands; the value is what to say of a byte that cannot stand there."""

    BEFORE = "the stream is not a JSON array; begin it with `[`"
    FIRST = "behind the opening bracket"
    NEXT = "behind a comma"
    ELEMENT = "inside an element"
    BEHIND = "no comma behind an element; separate the elements by commas"
    AFTER = "something follows the closed array; end the stream with `]`"


class JSONArray(Decoder):
    """One JSON array whose elements are the events, as Gemini streams without ``alt=sse``.

    An element is given as soon as it is complete: an object at its closing brace, not at the comma behind it.
    """

    content_type: ClassVar[str] = "application/json"

    def __init__(self, limits: BodyLimits = FRAME_LIMITS) -> None:
        super().__init__(limits)
        self._place = _Expected.BEFORE
        self._element = bytearray()
        # Brackets open inside the element; whether the next byte is inside a string, or behind a backslash there.
        self._depth = 0
        self._quoted = self._escaped = False
        self._written = False

    def _take(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if self._place is _Expected.ELEMENT:
                at = self._inside(data, at)
            elif space := _SPACES.match(data, at):
                at = space.end()
            else:
                at += self._mark(data[at])

    def _end(self) -> None:
        if self._place is not _Expected.AFTER:
            raise Malformed(400, "the array is not closed; send the whole stream")

    def _mark(self, byte: int) -> int:
        """Between elements: 1 for a byte that is used up, 0 for one that begins an element."""
        place = self._place
        if place is _Expected.BEFORE and byte == 0x5B:
            self._place = _Expected.FIRST
        elif place in {_Expected.FIRST, _Expected.BEHIND} and byte == 0x5D:
            self._place = _Expected.AFTER
        elif place is _Expected.BEHIND and byte == 0x2C:
            self._place = _Expected.NEXT
        elif place in {_Expected.FIRST, _Expected.NEXT}:
            self._place = _Expected.ELEMENT
            return 0
        else:
            raise Malformed(400, place.value)
        return 1

    def _inside(self, data: bytes, at: int) -> int:
        """From ``at`` to the end of the element or of the data; where to go on."""
        start = at
        while at < len(data):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (_INSIDE_STRING if self._quoted else _OUTSIDE_STRING).search(data, at)
            if found is None:
                break
            byte, at = data[found.start()], found.end()
            if self._quoted:
                self._quoted = self._escaped = byte == 0x5C
            elif byte == 0x22:
                self._quoted = True
            elif byte in b"[{":
                self._depth += 1
            elif self._depth == 0:
                # The comma or bracket behind a number, a string or a literal: not part of it.
                return self._complete(data, start, found.start())
            elif byte in b"]}":
                self._depth -= 1
                if self._depth == 0:
                    return self._complete(data, start, at)
        self._keep(data[start:])
        return len(data)

    def _keep(self, data: bytes) -> None:
        self._element += data
        self._bounded(len(self._element))

    def _complete(self, data: bytes, start: int, end: int) -> int:
        self._keep(data[start:end])
        element = bytes(self._element)
        self._element.clear()
        self._place = _Expected.BEHIND
        self._add(self._parsed(element))
        return end

    def head(self) -> bytes:
        """The opening bracket."""
        return b"["

    def encode(self, frame: Frame) -> bytes:
        """The body, and from the second on a comma before it. Raises ValueError for a raw frame."""
        body = body_only(frame)
        comma = b",\n" if self._written else b""
        self._written = True
        return comma + body

    def tail(self) -> bytes:
        """The closing bracket."""
        return b"]\n"
