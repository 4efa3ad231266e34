"""How events are cut out of a stream of bytes, and put back: server-sent events, JSON lines, a JSON array.

A decoder gives the same frames however the bytes arrive. Nothing of the bytes is ever passed on: a frame holds what was
read, and the encoder writes that in one canonical form. The binary event stream is in ``guardrails.wire.eventstream``.
"""

from __future__ import annotations

import re
from typing import ClassVar

from guardrails.wire.frames import NAME, Decoder, Frame, Framing, body_only, checked_name
from guardrails.wire.jsonarray import JSONArray
from guardrails.wire.limits import FRAME_LIMITS, BodyLimits, Malformed
from guardrails.wire.strict import dump

__all__ = ["NDJSON", "SSE", "Frame", "Framing", "JSONArray"]

_LINE_END = re.compile(rb"\r\n|\r|\n")
_TEXT_LINE_END = re.compile(r"\r\n|\r|\n")
# What servers are known to keep connections alive with.
_COMMENTS = frozenset({"ping", "keep-alive", "keepalive", "keep alive", "heartbeat", "openrouter processing"})
_BOM = b"\xef\xbb\xbf"


class _Lines(Decoder):
    """A framing of lines: what a cut left of the last one waits for the rest of it."""

    def __init__(self, limits: BodyLimits = FRAME_LIMITS) -> None:
        super().__init__(limits)
        self._partial = bytearray()

    def _lines(self, parts: list[bytes]) -> None:
        """Lines without their ends; the last of ``parts`` has none yet."""
        *lines, rest = parts
        for line in lines:
            if self._partial:
                self._partial += line
                whole = bytes(self._partial)
                self._partial.clear()
            else:
                whole = line
            self._line(whole)
        self._partial += rest
        self._bounded(len(self._partial))

    def _line(self, line: bytes) -> None:
        raise NotImplementedError


class SSE(_Lines):
    """Server-sent events, read by the rules of the WHATWG.

    ``id`` and ``retry`` are dropped, unless the framing ``resumes``: they would be text that nobody inspects, and a stream that was
    held back cannot be resumed in the middle. A comment keeps the connection alive and is passed on as one, but only in words that are known. A byte order mark and invalid UTF-8 are refused, because readers differ about them.
    A payload that is no JSON is given as ``raw``, unless it begins like JSON: some lenient reader may understand it.
    An event that the end of the stream leaves without its blank line is given too.
    """

    content_type: ClassVar[str] = "text/event-stream"
    # Whether events keep their ids: each is checked by itself, and whoever passes it on has them inspected.
    resumes: ClassVar[bool] = False

    def __init__(self, limits: BodyLimits = FRAME_LIMITS) -> None:
        super().__init__(limits)
        self._id: str | None = None
        self._retry: int | None = None
        self._after_cr = False
        self._first = True
        self._name: str | None = None
        self._data: list[str] = []
        self._size = 0

    def _take(self, data: bytes) -> None:
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            # A line ends at once at CR; whether LF belongs to it is seen with the next bytes.
            self._after_cr = data.endswith(b"\r")
            lines = _LINE_END.split(data)
        else:
            lines = data.split(b"\n")
        self._lines(lines)

    def _end(self) -> None:
        rest = bytes(self._partial)
        self._partial.clear()
        if rest:
            self._line(rest)
        self._dispatch()

    def _line(self, line: bytes) -> None:
        self._bounded(len(line))
        if self._first:
            self._first = False
            if line.startswith(_BOM):
                raise Malformed(400, "a byte order mark; send UTF-8 without one")
        if not line:
            self._dispatch()
            return
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = None
        if text is None:
            raise Malformed(400, "not UTF-8; encode the stream as UTF-8")
        key, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if key == "data":
            self._size += len(line)
            self._bounded(self._size)
            self._data.append(value)
        elif key == "event":
            self._name = value
        elif self.resumes and key == "id" and "\0" not in value:
            self._id = value
        elif self.resumes and key == "retry" and value.isascii() and value.isdigit():
            self._retry = int(value[:9])
        elif not key and text:
            self._out.append(Frame(None, comment=value if value.lower() in _COMMENTS else "keep-alive"))

    def _dispatch(self) -> None:
        name, data = self._name, self._data
        self._name, self._data, self._size = None, [], 0
        if data:
            frame = self._frame("\n".join(data), checked_name(name) if name else None)
            frame.id, frame.retry = self._id, self._retry
            self._id = self._retry = None
            self._add(frame)

    def _frame(self, text: str, name: str | None) -> Frame:
        if text == "[DONE]":
            return Frame(None, name, text)
        try:
            return self._parsed(text.encode("utf-8"), name)
        except Malformed:
            if text.lstrip("\ufeff \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029")[:1] in {"{", "[", '"'}:
                raise
        return Frame(None, name, text)

    def encode(self, frame: Frame) -> bytes:
        """``event:`` where the frame has a name, and ``data:`` in as many lines as a raw text has."""
        head = b""
        if frame.comment is not None:
            return b": " + frame.comment.encode() + b"\n\n"
        if frame.name is not None:
            if not NAME.fullmatch(frame.name):
                raise ValueError("an event's name is a word of letters, digits and `_.:#/-`")
            head = b"event: " + frame.name.encode("ascii") + b"\n"
        if frame.id is not None:
            head += b"id: " + frame.id.encode("utf-8") + b"\n"
        if frame.retry is not None:
            head += b"retry: " + str(frame.retry).encode() + b"\n"
        if frame.raw is None:
            return head + b"data: " + dump(frame.body) + b"\n\n"
        lines = _TEXT_LINE_END.split(frame.raw)
        return head + b"".join(b"data: " + line.encode("utf-8") + b"\n" for line in lines) + b"\n"


class NDJSON(_Lines):
    """One JSON value a line, as Ollama streams. Empty lines are skipped; the last line needs no end."""

    content_type: ClassVar[str] = "application/x-ndjson"

    def _take(self, data: bytes) -> None:
        self._lines(data.split(b"\n"))

    def _end(self) -> None:
        rest = bytes(self._partial)
        self._partial.clear()
        self._line(rest)

    def _line(self, line: bytes) -> None:
        self._bounded(len(line))
        if line.strip(b" \t\r"):
            self._add(self._parsed(line))

    def encode(self, frame: Frame) -> bytes:
        """The body on one line. Raises ValueError for a raw frame: there is no place for text."""
        return body_only(frame) + b"\n"
