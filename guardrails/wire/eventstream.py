"""Amazon's binary event stream (``application/vnd.amazon.eventstream``), as Bedrock's ConverseStream sends it.

A message is: total length and length of the headers (4 bytes each, big-endian), CRC32 of these 8 bytes, the headers, the
payload, CRC32 of all before it. A header is: length of its name (1 byte), the name, the type of its value (1 byte), the
value. Described in AWS's public "event stream encoding" documents; botocore's parser is the reference in our tests.
"""

from __future__ import annotations

import struct
import zlib
from typing import ClassVar

from guardrails.wire.frames import NAME, Decoder, Frame, body_only, checked_name
from guardrails.wire.limits import FRAME_LIMITS, BodyLimits, Malformed

__all__ = ["EventStream"]

_PRELUDE = struct.Struct(">II")
_CRC = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_PRELUDE_SIZE = 12
# Prelude, its CRC and the message's CRC: a message is at least this long.
_OVERHEAD = 16
# AWS's own bound of the headers of one message.
_MAX_HEADERS = 131_072
_STRING = 7
# Bytes of the values whose type tells their length: true, false, byte, short, int, long, timestamp, uuid.
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
# Types whose value begins with its own length in two bytes: bytes and string.
_SIZED = {6, _STRING}
# Which header names the event, by the kind of message.
_NAMED_BY = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}
_JSON = "application/json"


class EventStream(Decoder):
    """The binary event stream: JSON payloads, of events and of exceptions.

    A frame's ``name`` is its event, exception or error; ``headers`` says which of these it is when it is no event. An
    error's text, which travels in a header, is given as ``{"message": …}``. Other headers are checked and dropped:
    they would be text that nobody inspects. An empty payload is an empty ``raw``.
    """

    content_type: ClassVar[str] = "application/vnd.amazon.eventstream"

    def __init__(self, limits: BodyLimits = FRAME_LIMITS) -> None:
        super().__init__(limits)
        self._buffer = bytearray()
        self._wanted = _PRELUDE_SIZE

    def _take(self, data: bytes) -> None:
        self._buffer += data
        at = 0
        try:
            while len(self._buffer) - at >= self._wanted:
                if self._wanted == _PRELUDE_SIZE:
                    self._wanted = self._total(bytes(self._buffer[at : at + _PRELUDE_SIZE]))
                else:
                    message = bytes(self._buffer[at : at + self._wanted])
                    at += self._wanted
                    self._wanted = _PRELUDE_SIZE
                    self._add(self._message(message))
        finally:
            del self._buffer[:at]

    def _end(self) -> None:
        if self._buffer:
            raise Malformed(400, "the message is cut short; send all of it")

    def _total(self, prelude: bytes) -> int:
        """The length of the message that begins here."""
        total, headers = _PRELUDE.unpack_from(prelude)
        if zlib.crc32(prelude[:8]) != _CRC.unpack_from(prelude, 8)[0]:
            raise Malformed(400, "the prelude's CRC does not match; the stream is damaged")
        if headers > _MAX_HEADERS or total < _OVERHEAD + headers:
            raise Malformed(400, "the lengths in the prelude are impossible; the stream is damaged")
        self._bounded(total - _OVERHEAD - headers)
        return int(total)

    def _message(self, message: bytes) -> Frame:
        if zlib.crc32(message[:-4]) != _CRC.unpack_from(message, len(message) - 4)[0]:
            raise Malformed(400, "the message's CRC does not match; the stream is damaged")
        payload_at = _PRELUDE_SIZE + _PRELUDE.unpack_from(message)[1]
        headers = _strings(message[_PRELUDE_SIZE:payload_at])
        payload = message[payload_at:-4]
        kind = headers.get(":message-type", "")
        if kind not in _NAMED_BY or _NAMED_BY[kind] not in headers:
            raise Malformed(
                400, "headers: `:message-type` must be event, exception or error, with the header naming it"
            )
        name = checked_name(headers[_NAMED_BY[kind]])
        if kind == "error":
            if payload:
                raise Malformed(400, "an error with a payload; send its text as `:error-message`")
            return Frame({"message": headers.get(":error-message", "")}, name, headers={":message-type": kind})
        marked = {} if kind == "event" else {":message-type": kind}
        if not payload:
            return Frame(None, name, "", marked)
        if headers.get(":content-type", _JSON) != _JSON:
            raise Malformed(415, "header `:content-type`: only application/json is read")
        frame = self._parsed(payload, name)
        frame.headers = marked
        return frame

    def encode(self, frame: Frame) -> bytes:
        """The frame as one message. Raises ValueError without a proper name, for text that is no JSON, or an odd kind."""
        kind = frame.headers.get(":message-type", "event")
        if kind not in _NAMED_BY or set(frame.headers) - {":message-type"}:
            raise ValueError("headers: only `:message-type`, one of event, exception and error")
        if frame.name is None or not NAME.fullmatch(frame.name):
            raise ValueError("an event's name is a word of letters, digits and `_.:#/-`")
        headers = {_NAMED_BY[kind]: frame.name, ":message-type": kind}
        payload = b""
        if kind == "error":
            if not isinstance(frame.body, dict) or not isinstance(frame.body.get("message"), str):
                raise ValueError('the body of an error is {"message": text}')
            headers[":error-message"] = frame.body["message"]
        elif frame.raw != "":
            headers[":content-type"] = _JSON
            payload = body_only(frame)
        head = b"".join(_string(name, value) for name, value in headers.items())
        prelude = _PRELUDE.pack(_OVERHEAD + len(head) + len(payload), len(head))
        message = prelude + _CRC.pack(zlib.crc32(prelude)) + head + payload
        return message + _CRC.pack(zlib.crc32(message))


def _string(name: str, value: str) -> bytes:
    key, text = name.encode("ascii"), value.encode("utf-8")
    if len(text) > 0x7FFF:
        # The longest string a header may hold; cut at a whole character.
        text = text[:0x7FFF].decode("utf-8", "ignore").encode("utf-8")
    return bytes([len(key)]) + key + bytes([_STRING]) + _SHORT.pack(len(text)) + text


def _strings(block: bytes) -> dict[str, str]:
    """The headers whose value is a string; the others are walked over. Raises Malformed for any that is not whole."""
    out: dict[str, str] = {}
    seen: set[bytes] = set()
    at = 0
    while at < len(block):
        name, at = _cut(block, at + 1, block[at])
        kind, at = _cut(block, at, 1)
        size = _FIXED.get(kind[0], 0)
        if kind[0] in _SIZED:
            length, at = _cut(block, at, 2)
            size = _SHORT.unpack(length)[0]
        elif kind[0] not in _FIXED:
            raise Malformed(400, "a header's value has an unknown type; the stream is damaged")
        value, at = _cut(block, at, size)
        if not name or name in seen:
            raise Malformed(400, "a header has no name or stands twice; send each once")
        seen.add(name)
        if kind[0] == _STRING:
            text = _utf8(name), _utf8(value)
            out[text[0]] = text[1]
    return out


def _cut(block: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(block):
        raise Malformed(400, "a header is longer than the headers; the stream is damaged")
    return block[at : at + size], at + size


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        problem = Malformed(400, "a header is not UTF-8; encode it as UTF-8")
    raise problem
