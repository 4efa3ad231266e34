"""What a client makes of an answer: its events, and the texts it joins from them. Knows the framings, and no format."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]

from tests.fuzz.canaries import Leaf, leaves
from tests.fuzz.samples import ANSWERS, SAMPLES, said

__all__ = ["GENERATED", "UNNAMED", "Payload", "Unreadable", "bodies", "texts"]

_PLACES = ("index", "output_index", "content_index", "summary_index", "item_id", "contentBlockIndex", "command_index")


class Unreadable(Exception):
    """An answer that is not what its headers say."""


class Payload(str):
    """The payload of a message of an event stream, which says outside of it of what type it is: types are not joined."""

    event: str = ""


def bodies(data: bytes, content_type: str) -> list[str]:
    """The JSON texts and raw lines of an answer. Raises Unreadable."""
    if content_type == "application/vnd.amazon.eventstream":
        return _messages(data)
    if content_type and not content_type.startswith(("text/", "application/")):
        return []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        if content_type in ("application/json", "text/event-stream", "application/x-ndjson"):
            raise Unreadable("not UTF-8") from None
        return []
    match content_type:
        case "text/event-stream":
            return _events(text)
        case "application/x-ndjson":
            return [_json(line) for line in text.split("\n") if line]
        case _ if content_type == "application/json" or content_type.endswith("+json"):
            return [_json(text)] if text else []
    return [text]


def _json(text: str) -> str:
    try:
        json.loads(text, object_pairs_hook=_once, parse_constant=_never)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"no strict JSON: {type(error).__name__}") from None
    return text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _never(name: str) -> Any:
    raise ValueError(name)


def _events(text: str) -> list[str]:
    if text.startswith("\ufeff"):
        raise Unreadable("a byte order mark")
    if text and not text.endswith("\n\n"):
        raise Unreadable("an event that does not end")
    out: list[str] = []
    for block in text.split("\n\n")[:-1]:
        data = []
        if re.fullmatch(r": (?:ping|keep-?alive|keep alive|heartbeat|openrouter processing)", block, re.IGNORECASE):
            continue
        for line in block.split("\n"):
            name, colon, value = line.partition(": ")
            if not colon or name not in ("data", "event") or "\r" in line:
                raise Unreadable("a line that is neither data nor an event's name")
            if name == "data":
                data.append(value)
            elif not re.fullmatch(r"[A-Za-z0-9_.:#/-]{1,128}", value):
                raise Unreadable("an odd name of an event")
        body = "\n".join(data)
        if body[:1] in ("{", "["):
            body = body if body == "[DONE]" else _json(body)
        out.append(body)
    return out


def _messages(data: bytes) -> list[str]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    out = []
    try:
        for event in buffer:
            headers = event.headers
            out += [str(v) for k, v in headers.items() if k not in (":message-type", ":content-type")]
            if event.payload:
                payload = Payload(_json(event.payload.decode("utf-8")))
                payload.event = str(headers.get(":event-type", ""))
                out.append(payload)
    except Exception as error:
        raise Unreadable(f"no event stream: {type(error).__name__}") from None
    if buffer._data:
        raise Unreadable("a message that does not end")
    return out


Place = tuple[tuple[Any, ...], tuple[Any, ...]]
# Fields that no format names, where clients join pieces all the same.
UNNAMED = frozenset(
    {
        "x_note",
        "reasoning_details",
        "thinking_blocks",
        "provider_specific_fields",
        "x_text",
        "x_thought",
        "x_annotations",
    }
)
# … and how the names of those begin that are made up.
GENERATED = "gen_"
# Where a client sees parts one after the other, and not a text for each kind of part.
_INTERRUPTED = frozenset({"candidates", "message", "response"})
# Events that begin a text: the field of it, and the events that continue it.
_PARTS = {"text": "response.output_text.delta", "refusal": "response.refusal.delta"}


@cache
def _known() -> frozenset[tuple[str | None, ...]]:
    """Where the events of the samples have strings: only there does a client know to join them."""
    every = (said(at, which, 8).events or () for at in range(len(SAMPLES)) for which in range(len(ANSWERS)))
    values = (json.loads(text) for events in every for _, text in events if text != "[DONE]")
    return frozenset(_flat(path) for value in values for (path, _), _ in _strings(value, (), ()))


def _unnamed(key: Any) -> bool:
    return key in UNNAMED or (isinstance(key, str) and key.startswith(GENERATED))


def _flat(path: tuple[Any, ...]) -> tuple[str | None, ...]:
    return tuple(None if isinstance(k, int) else k for k in path)


def texts(answer: list[str], *, join: bool) -> Iterator[Leaf]:
    """Every leaf of every body, and (``join``) what the strings of the same place say one after the other."""
    for text in answer:
        yield from leaves(text)
    for (path, _), whole in _joined(answer).items() if join else ():
        keys = (*(k for k in path if isinstance(k, str)), "joined")
        yield Leaf(whole, keys)
        yield from (Leaf(x.text, (*keys, *x.keys), x.number) for x in leaves(whole, nested=False))


def _joined(answer: list[str]) -> dict[Place, str]:
    """What a client has at the end: its texts, by the place they have in the events."""
    parts: dict[Place, list[str]] = {}
    begun: Counter[Place] = Counter()
    last: Place = ((), ())
    run = 0
    for text in answer:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue
        for item in value if isinstance(value, list) else [value]:  # the elements of a stream that is an array
            for place, piece in _begins(item):
                begun[place] += 1  # what an event begins again is another text
                parts.setdefault((place[0], (*place[1], begun[place])), []).append(piece)
            for place, piece in _strings(item, (), (text.event,) if isinstance(text, Payload) else ()):
                if _flat(place[0]) not in _known() and not any(map(_unnamed, place[0])):
                    continue
                if place[0][0] in _INTERRUPTED and place != last:
                    run += 1  # a text that another one interrupts is not continued
                last = place
                which = run if place[0][0] in _INTERRUPTED else begun[place]
                parts.setdefault((place[0], (*place[1], which)), []).append(piece)
    return {place: "".join(pieces) for place, pieces in parts.items() if len(pieces) > 1}


def _begins(event: Any) -> Iterator[tuple[Place, str]]:
    """The texts that an event begins and others continue, at the place of those."""
    kind = event.get("type") if isinstance(event, dict) else None
    found: list[tuple[tuple[Any, ...], tuple[Any, ...], str]]
    match kind:
        case "content_block_start":
            block, where = event.get("content_block"), (*_numbers(event), "content_block_delta")
            found = [(("delta", name), where, name) for name in ("text", "thinking")]
        case "response.content_part.added":
            block = event.get("part")
            found = [(("delta",), (*_numbers(event), name), field) for field, name in _PARTS.items()]
        case "response.output_item.added":
            block = event.get("item")
            name = block.get("id") if isinstance(block, dict) else None
            where = (*_numbers(event), *((("item_id", name),) if isinstance(name, str) else ()))
            found = [(("delta",), (*where, "response.function_call_arguments.delta"), "arguments")]
        case _:
            return
    for path, where, name in found:
        if isinstance(block, dict) and isinstance(block.get(name), str):
            yield (path, where), block[name]


def _numbers(value: dict[str, Any]) -> tuple[Any, ...]:
    return tuple((k, value[k]) for k in _PLACES if isinstance(value.get(k), int | str))


def _strings(value: Any, path: tuple[Any, ...], where: tuple[Any, ...]) -> Iterator[tuple[Place, str]]:
    """Every string that is not empty, with its path and the numbers by which events name what they continue."""
    if isinstance(value, dict):
        where += _numbers(value)
        if not path:
            kind = value.get("type", "")
            begins = kind == "content_block_start" or (
                str(kind).startswith("response.") and not str(kind).endswith(".delta")
            )
            # Such an event begins a text or says whole what was said before; one without a type is known to nobody.
            if not isinstance(kind, str) or begins or (not kind and isinstance(value.get("delta"), str)):
                return
            where += (kind,)
        where += ("thought",) if value.get("thought") else ()
        for key, inner in value.items():
            yield from _strings(inner, (*path, key), where)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _strings(inner, (*path, i), where)
    elif isinstance(value, str) and value and path:
        yield (path, where), value
