"""A frame of a stream, what a framing is, and what all framings do alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from guardrails.wire import halves
from guardrails.wire.limits import FRAME_LIMITS, BodyLimits, Malformed
from guardrails.wire.strict import dump, parse

__all__ = ["NAME", "Decoder", "Frame", "Framing", "body_only", "checked_name"]

# A name is no place for prose, nor for a long number: the names of all known APIs are words, dots, underscores and dashes.
NAME = re.compile(r"(?![0-9.:/-]{9,}$)[A-Za-z0-9_.:#/-]{1,128}")


@dataclass(slots=True)
class Frame:
    """One event.

    ``body`` is its parsed JSON; ``raw`` a payload that is no JSON, such as ``[DONE]`` (then ``body`` is None). ``name``
    is the SSE event's name, or the event stream's ``:event-type``, ``:exception-type`` or ``:error-code``. ``headers``
    is empty, or ``{":message-type": "exception"}`` (or ``"error"``) for such a message of an event stream. ``comment``: it
    is no event, but what keeps a connection alive. ``halves``: its texts hold halves of surrogate pairs, as private
    characters (:mod:`guardrails.wire.halves`). ``id`` and ``retry``: those of a server-sent event, where its framing keeps them.
    """

    body: Any = field(repr=False)
    name: str | None = None
    raw: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    comment: str | None = None
    halves: bool = False
    id: str | None = field(default=None, repr=False)
    retry: int | None = None


class Framing(Protocol):
    """A framing of one stream: decodes what comes from upstream, encodes what goes to the client."""

    content_type: ClassVar[str]

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete. Raises Malformed.

        Frames in front of an error are returned first; the error is raised by this call only when there are none, else
        by the next ``feed`` or ``finish``. So call ``finish`` at the end, and frames and error are the same for every cut.
        """

    def finish(self) -> list[Frame]:
        """The frames that the end of the stream completes. Raises Malformed, also for a stream that was cut short."""

    def encode(self, frame: Frame) -> bytes:
        """The frame in canonical form. Raises ValueError for a frame that this framing cannot say."""

    def head(self) -> bytes:
        """What comes before the first frame."""

    def tail(self) -> bytes:
        """What comes after the last frame."""


class Decoder:
    """What the framings have in common: an error waits until the frames in front of it are taken, and then stays."""

    def __init__(self, limits: BodyLimits = FRAME_LIMITS) -> None:
        """``limits`` hold for each frame, not for the stream."""
        self.limits = limits
        self._count = 0
        self._out: list[Frame] = []
        self._error: Malformed | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """See :class:`Framing`."""
        return self._guarded(data)

    def finish(self) -> list[Frame]:
        """See :class:`Framing`."""
        return self._guarded(None)

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def tail(self) -> bytes:
        """Nothing."""
        return b""

    def _guarded(self, data: bytes | None) -> list[Frame]:
        if self._error is None:
            try:
                if data is None:
                    self._end()
                else:
                    self._take(data)
            except Malformed as error:
                self._error = Malformed(error.status, f"event {self._count + 1} of the stream: {error.reason}")
        out, self._out = self._out, []
        if self._error is not None and not out:
            raise Malformed(self._error.status, self._error.reason)
        return out

    def _parsed(self, data: bytes, name: str | None = None) -> Frame:
        """The frame of a JSON text."""
        try:
            return Frame(parse(data, self.limits), name)
        except Malformed:
            whole = halves.marked(data) if rb"\u" in data else None
            if whole is None:
                raise
        return Frame(parse(whole, self.limits), name, halves=True)

    def _take(self, data: bytes) -> None:
        """Add the frames that ``data`` completes."""
        raise NotImplementedError

    def _end(self) -> None:
        """Add the frames that the end of the stream completes."""
        raise NotImplementedError

    def _add(self, frame: Frame) -> None:
        self._count += 1
        self._out.append(frame)

    def _bounded(self, size: int) -> None:
        if size > self.limits.bytes:
            raise Malformed(413, f"over {self.limits.bytes} bytes; send smaller events or raise the limit `bytes`")


def checked_name(name: str) -> str:
    """The name of an event. Raises Malformed for one that could carry text: such names are not inspected."""
    if not NAME.fullmatch(name):
        raise Malformed(400, "the event's name is not a word of letters, digits and `_.:#/-`; rename it")
    return name


def body_only(frame: Frame) -> bytes:
    """The body as JSON. Raises ValueError for a raw frame."""
    if frame.raw is not None:
        raise ValueError("this framing holds JSON only; a raw line has no place in it")
    return dump(frame.body)
