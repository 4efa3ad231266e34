"""Streams of events that are almost right: rearranged, with a canary in pieces, in every spelling of their framing."""

from __future__ import annotations

import json
import struct
import zlib
from random import Random
from typing import Any

from guardrails.wire.eventstream import EventStream
from guardrails.wire.framing import Frame
from tests.fuzz.canaries import OUTPUT
from tests.fuzz.client import GENERATED, UNNAMED
from tests.fuzz.mutate import changed, damaged, places, planted, written
from tests.fuzz.samples import Reply

__all__ = ["encoded", "stream"]

Event = tuple[str | None, str]

_NAMES = (
    None,
    "message",
    "error",
    "ping",
    "x_event",
    "harbour heron",
    "content_block_delta",
    "message_stop",
    "response.completed",
    "a" * 200,
    "é",
)


def stream(rng: Random, reply: Reply, content_type: str, *, odd: bool) -> bytes:
    events = list(reply.events or ())
    if odd:
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            events = _rearranged(rng, events)
        for _ in range(rng.choice((0, 1, 1, 2))):
            events = _spoken(rng, events)
    data = encoded(rng, events, content_type, odd=odd)
    if odd and rng.random() < 0.15:
        for _ in range(rng.choice((1, 2))):
            data = damaged(rng, data)
    return data


def _rearranged(rng: Random, events: list[Event]) -> list[Event]:
    if not events:
        return events
    at, to = rng.randrange(len(events)), rng.randrange(len(events))
    name, text = events[at]
    match rng.randrange(11):
        case 0:
            events[at], events[to] = events[to], events[at]
        case 1:
            events.insert(to, events[at])
        case 2:
            del events[at]
        case 3:
            events = events[:at]
        case 4:
            events = [*events, *events[at:]]  # … goes on after its end
        case 5:
            events[at] = (rng.choice(_NAMES), text)
        case 6:
            events.insert(
                at,
                (
                    rng.choice(_NAMES),
                    rng.choice(
                        (
                            "[DONE]",
                            "x",
                            "harbour heron",
                            "null",
                            "[]",
                            "{}",
                            '""',
                            '{"type": "x_kind"}',
                            '{"error": {"message": "out of order"}}',
                            "{",
                            "1",
                        )
                    ),
                ),
            )
        case 7:
            events.append(events[at])
        case _:
            value = _loaded(text)
            if value is not None:
                events[at] = (name, written(rng, changed(rng, value, rng.choice((1, 1, 2)))))
    return events


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _spoken(rng: Random, events: list[Event]) -> list[Event]:
    """A canary in one event, or in pieces over copies of it that follow each other."""
    held = [i for i, (_, text) in enumerate(events) if isinstance(_loaded(text), dict)]
    if not held:
        return events
    at = rng.choice(held)
    name, text = events[at]
    word = rng.choice(OUTPUT.texts)
    value = _loaded(text)
    if rng.random() < 0.35:
        events[at] = (name, written(rng, planted(rng, value, OUTPUT, word)))
        return events
    if rng.random() < 0.3 and _continues(name, value):
        return _unnamed(rng, events, at, word)
    # Strings that a stream cuts into pieces are the leaves whose value differs between events.
    spots = [i for i, (o, k) in enumerate(places(value)) if isinstance(o[k], str) and k in _CONTINUED]
    if not spots:
        return events
    spot = rng.choice(spots)
    spoken = rng.choice(("{}", " {} ", "and {}. ", '{{"x_note": "{}"}}', '"{}", ')).format(word)
    edges = sorted(rng.randrange(len(spoken) + 1) for _ in range(rng.choice((0, 1, 2, 5))))
    pieces = [spoken[a:b] for a, b in zip([0, *edges], [*edges, len(spoken)], strict=True)]
    copies: list[Event] = []
    for piece in pieces:
        copy = json.loads(text)
        owner, key = places(copy)[spot]
        owner[key] = piece
        copies.append((name, written(rng, copy)))
    if rng.random() < 0.2 and len(copies) > 1:
        copies.insert(rng.randrange(len(copies)), rng.choice(events))
    return [*events[:at], *copies, *events[at + 1 :]]


def _continues(name: str | None, value: Any) -> bool:
    """Whether an event is of a kind that comes again and again, with pieces of texts."""
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(kind, str):
        return kind.endswith((".delta", "_delta")) and kind != "message_delta"
    return name in (None, "contentBlockDelta")


def _unnamed(rng: Random, events: list[Event], at: int, word: str) -> list[Event]:
    """A canary in pieces at a place that no format names, over copies of one event that follow each other."""
    name, text = events[at]
    objects = [o for o, k in places(_loaded(text)) if isinstance(o, dict)] or [_loaded(text)]
    which = rng.randrange(len(objects))
    field = rng.choice(sorted(UNNAMED)) if rng.random() < 0.5 else _name(rng)
    nest = [
        rng.choice(("list", "list", "text", "summary", "item", _name(rng))) for _ in range(rng.choice((0, 0, 1, 2, 3)))
    ]
    spoken = rng.choice(("{}", " {} ", "and {}. ")).format(word)
    edges = sorted(rng.randrange(len(spoken) + 1) for _ in range(rng.choice((1, 2, 5))))
    copies: list[Event] = []
    for a, b in zip([0, *edges], [*edges, len(spoken)], strict=True):
        copy = json.loads(text)
        inside: Any = spoken[a:b]
        for key in nest:
            inside = [inside] if key == "list" else {key: inside}
        owners = [o for o, k in places(copy) if isinstance(o, dict)] or [copy]
        owners[which][field] = inside
        copies.append((name, written(rng, copy)))
    return [*events[:at], *copies, *events[at + 1 :]]


def _name(rng: Random) -> str:
    """A field that no format has."""
    words = [
        rng.choice(("text", "note", "summary", "thought", "detail", "quote", "trace", "step"))
        for _ in range(rng.choice((1, 2)))
    ]
    return rng.choice((GENERATED + "_".join(words), GENERATED + "".join(w.title() for w in words)))


_CONTINUED = frozenset(
    {
        "content",
        "text",
        "delta",
        "arguments",
        "partial_json",
        "thinking",
        "reasoning_content",
        "refusal",
        "input",
        "response",
        "says",
    }
)


def encoded(rng: Random, events: list[Event], content_type: str, *, odd: bool) -> bytes:
    """Events in the framing of a content type."""
    match content_type:
        case "text/event-stream":
            return b"".join(_sse(rng, name, text, odd=odd) for name, text in events)
        case "application/x-ndjson":
            return b"".join(_line(rng, text, odd=odd) for _, text in events)
        case "application/vnd.amazon.eventstream":
            return b"".join(_message(rng, name, text, odd=odd) for name, text in events)
        case _:
            comma = rng.choice((",", ",\n", "\n,\r\n")) if odd else ","
            head, tail = ("[", "]")
            if odd and rng.random() < 0.1:
                head, tail = rng.choice(
                    (
                        ("", ""),
                        ("[", ""),
                        ("[[", "]]"),
                        ("[", "],"),
                        ("{", "}"),
                        ("\n[", "]\n "),
                        ("[", "] harbour heron"),
                    )
                )
            return (head + comma.join(text for _, text in events) + tail).encode("utf-8", "surrogatepass")


def _sse(rng: Random, name: str | None, text: str, *, odd: bool) -> bytes:
    end = rng.choice(("\n", "\n", "\r\n", "\r")) if odd else "\n"
    lines = [f"event: {name}"] if name is not None else []
    if odd and rng.random() < 0.1:
        lines.insert(
            0,
            rng.choice(
                (
                    ": harbour heron",
                    "id: eve@example.com",
                    "retry: 5",
                    "data",
                    "event",
                    ":",
                    "harbour heron",
                    "foo: bar",
                    "\ufeffdata: x",
                    "data:{",
                    " data: x",
                )
            ),
        )
    space = "" if odd and rng.random() < 0.2 else " "
    if odd and rng.random() < 0.1:
        text = text.replace(", ", ",\n")
    lines += ["data:" + space + part for part in text.split("\n")]
    return (end.join(lines) + end * (rng.choice((1, 2, 2, 2, 3)) if odd and rng.random() < 0.2 else 2)).encode(
        "utf-8", "surrogatepass"
    )


def _line(rng: Random, text: str, *, odd: bool) -> bytes:
    if odd and rng.random() < 0.1:
        text = rng.choice((text.replace(", ", ",\n", 1), " " + text, text + text, text + " harbour heron", "\r" + text))
    return (text + (rng.choice(("\n", "\r\n", "\n\n", "")) if odd and rng.random() < 0.1 else "\n")).encode(
        "utf-8", "surrogatepass"
    )


def _message(rng: Random, name: str | None, text: str, *, odd: bool) -> bytes:
    value = _loaded(text)
    if not odd or rng.random() < 0.8:
        try:
            return EventStream().encode(Frame(value, name or "x_event"))
        except (ValueError, TypeError):
            pass
    kind = rng.choice(("event", "exception", "error", "x"))
    headers = {":message-type": kind, rng.choice((":event-type", ":exception-type", ":error-code")): name or "x"}
    if rng.random() < 0.5:
        headers[rng.choice((":content-type", ":error-message", "x-note"))] = rng.choice(
            ("application/json", "text/plain", *OUTPUT.texts)
        )
    payload = b"" if rng.random() < 0.2 else text.encode("utf-8", "surrogatepass")
    head = b"".join(
        bytes([len(k)]) + k.encode() + b"\x07" + struct.pack(">H", len(v.encode())) + v.encode()
        for k, v in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message) ^ (rng.random() < 0.05))
