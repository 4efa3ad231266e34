"""Amazon's binary event stream: read by botocore what we write, read by us what is made by hand, for every cut."""

from __future__ import annotations

import struct
import uuid
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.wire.eventstream import EventStream
from guardrails.wire.framing import Frame
from guardrails.wire.limits import BodyLimits
from tests.wire.cuts import all_cuts_agree, bodies, cut, cuts, names, outcome


def header(name: bytes, kind: int, value: bytes) -> bytes:
    return bytes([len(name)]) + name + bytes([kind]) + value


def text(name: str, value: str) -> bytes:
    raw = value.encode()
    return header(name.encode(), 7, struct.pack(">H", len(raw)) + raw)


def message(headers: bytes, payload: bytes = b"", **wrong: int) -> bytes:
    """A message by the book; ``wrong`` puts other numbers in their places."""
    prelude = struct.pack(">II", wrong.get("total", 16 + len(headers) + len(payload)), wrong.get("head", len(headers)))
    out = prelude + struct.pack(">I", wrong.get("prelude_crc", zlib.crc32(prelude))) + headers + payload
    return out + struct.pack(">I", wrong.get("crc", zlib.crc32(out)))


EVENT = text(":message-type", "event") + text(":event-type", "contentBlockDelta")
DELTA = b'{"contentBlockIndex":0,"delta":{"text":"\xc3\xa9\xf0\x9f\x98\x80"}}'
GOOD = message(EVENT + text(":content-type", "application/json"), DELTA)
FRAME = Frame({"contentBlockIndex": 0, "delta": {"text": "é😀"}}, "contentBlockDelta")

TYPED = b"".join(
    [
        header(b"true", 0, b""),
        header(b"false", 1, b""),
        header(b"byte", 2, b"\xff"),
        header(b"short", 3, struct.pack(">h", -2)),
        header(b"int", 4, struct.pack(">i", -3)),
        header(b"long", 5, struct.pack(">q", -4)),
        header(b"bytes", 6, struct.pack(">H", 3) + b"\xff\x00\xfe"),
        text("string", "dropped: é"),
        header(b"timestamp", 8, struct.pack(">q", 1_700_000_000_000)),
        header(b"uuid", 9, uuid.UUID(int=7).bytes),
    ]
)

READ = {
    "event": (GOOD, FRAME),
    "no content type": (message(EVENT, DELTA), FRAME),
    "typed headers": (message(TYPED + EVENT, DELTA), FRAME),
    "headers in the other order": (message(text(":event-type", "x") + text(":message-type", "event"), b"1"), Frame(1, "x")),
    "no payload": (message(EVENT), Frame(None, "contentBlockDelta", "")),
    "null": (message(EVENT, b"null"), Frame(None, "contentBlockDelta")),
    "exception": (
        message(text(":message-type", "exception") + text(":exception-type", "throttlingException"), b'{"message":"slow"}'),
        Frame({"message": "slow"}, "throttlingException", headers={":message-type": "exception"}),
    ),
    "error": (
        message(text(":message-type", "error") + text(":error-code", "500") + text(":error-message", "it broke")),
        Frame({"message": "it broke"}, "500", headers={":message-type": "error"}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_reads(name: str) -> None:
    data, frame = READ[name]
    assert all_cuts_agree(EventStream, data + GOOD) == ([frame, FRAME], None)
    assert outcome(EventStream(), [EventStream().encode(frame)]) == ([frame], None)


REFUSED = {
    "prelude's CRC": (message(EVENT, DELTA, prelude_crc=1), "prelude's CRC"),
    "message's CRC": (message(EVENT, DELTA, crc=1), "message's CRC"),
    "a flipped bit": (GOOD[:60] + bytes([GOOD[60] ^ 1]) + GOOD[61:], "CRC"),
    "cut short": (GOOD[:-1], "cut short"),
    "cut in the prelude": (GOOD[:5], "cut short"),
    "too short": (message(b"", b"", total=15), "impossible"),
    "headers longer than the message": (message(EVENT, head=1000), "impossible"),
    "headers beyond the bound": (message(b"", total=300_000, head=200_000), "impossible"),
    "payload beyond the bound": (message(EVENT, total=16_000_400), "over 16000000 bytes"),
    "header beyond the headers": (message(EVENT + header(b"x", 7, b"\x00\x09abc"), b"1"), "longer than the headers"),
    "header of one byte": (message(EVENT + b"\x05", b"1"), "longer than the headers"),
    "header without a type": (message(EVENT + b"\x01x", b"1"), "longer than the headers"),
    "unknown header type": (message(EVENT + header(b"x", 10, b""), b"1"), "unknown type"),
    "header twice": (message(EVENT + text(":event-type", "other"), b"1"), "twice"),
    "header twice, another type": (message(EVENT + header(b":event-type", 0, b""), b"1"), "twice"),
    "header without a name": (message(EVENT + text("", "x"), b"1"), "no name"),
    "header not UTF-8": (message(EVENT + header(b"x", 7, b"\x00\x01\xff"), b"1"), "not UTF-8"),
    "no kind": (message(text(":event-type", "x"), b"1"), "message-type"),
    "unknown kind": (message(text(":message-type", "x") + text(":event-type", "x"), b"1"), "message-type"),
    "kind of another type": (message(header(b":message-type", 0, b"") + text(":event-type", "x"), b"1"), "message-type"),
    "no name": (message(text(":message-type", "event"), b"1"), "message-type"),
    "exception named as an event": (message(text(":message-type", "exception") + text(":event-type", "x"), b"1"), "message-type"),
    "name of prose": (message(text(":message-type", "event") + text(":event-type", "call me now"), b"1"), "name"),
    "error with a payload": (message(text(":message-type", "error") + text(":error-code", "x"), b"1"), "payload"),
    "no JSON": (message(EVENT, b"hello"), "not JSON"),
    "key twice": (message(EVENT, b'{"a":1,"a":2}'), "same key twice"),
    "another content type": (message(EVENT + text(":content-type", "text/plain"), b"1"), "content-type"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(name: str) -> None:
    data, reason = REFUSED[name]
    frames, error = all_cuts_agree(EventStream, GOOD + data)
    assert frames == [FRAME]
    assert error is not None
    assert reason in error


def test_payloads_are_bounded_before_they_come() -> None:
    stream = EventStream(BodyLimits(bytes=len(DELTA)))
    assert stream.feed(GOOD) == [FRAME]
    assert "over" in str(outcome(stream, [message(EVENT, DELTA + b" ")[:12]])[1])


kinds = st.sampled_from([{}, {":message-type": "exception"}])
sent_frames = st.builds(lambda b, n, h: Frame(b, n, headers=h), bodies, names, kinds) | st.builds(
    lambda m, n: Frame({"message": m}, n, headers={":message-type": "error"}),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    names,
)


@given(st.lists(sent_frames, max_size=4), cuts)
def test_what_is_written_is_read_again(sent: list[Frame], places: list[int]) -> None:
    data = b"".join(map(EventStream().encode, sent))
    assert outcome(EventStream(), cut(data, places)) == (sent, None)


@given(st.lists(sent_frames, min_size=1, max_size=4))
def test_botocore_reads_what_is_written(sent: list[Frame]) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(map(EventStream().encode, sent)))
    read = list(buffer)
    assert len(read) == len(sent)
    for frame, event in zip(sent, read, strict=True):
        kind = frame.headers.get(":message-type", "event")
        said = event.to_response_dict()
        assert said["headers"][":message-type"] == kind
        assert said["status_code"] == (200 if kind == "event" else 400)
        named = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}[kind]
        assert said["headers"][named] == frame.name
        if kind == "error":
            assert said["headers"][":error-message"] == frame.body["message"]
            assert said["body"] == b""
        else:
            assert said["headers"][":content-type"] == "application/json"
            assert outcome(EventStream(), [message(EVENT, said["body"])])[0][0].body == frame.body


@given(st.binary(max_size=80), cuts)
@settings(max_examples=300)
def test_any_bytes_any_cut(junk: bytes, places: list[int]) -> None:
    for data in (junk, GOOD + junk, message(junk), message(EVENT + junk, b"1"), message(EVENT, junk)):
        whole = outcome(EventStream(), [data])
        assert outcome(EventStream(), cut(data, places)) == whole
        assert outcome(EventStream(), [data[i : i + 1] for i in range(len(data))]) == whole


def test_frames_that_it_cannot_say() -> None:
    for frame in (
        Frame(1),
        Frame(1, "two words"),
        Frame(1, ""),
        Frame(None, "x", raw="[DONE]"),
        Frame(1, "x", headers={":message-type": "initial"}),
        Frame(1, "x", headers={":other": "y"}),
        Frame({"text": "no message"}, "x", headers={":message-type": "error"}),
    ):
        with pytest.raises(ValueError, match=r"name|raw|headers|body"):
            EventStream().encode(frame)


def test_a_long_error_is_cut_at_a_character() -> None:
    frame = Frame({"message": "é" * 20_000}, "x", headers={":message-type": "error"})
    (read,), error = outcome(EventStream(), [EventStream().encode(frame)])
    assert error is None
    assert read.body == {"message": "é" * 16_383}
