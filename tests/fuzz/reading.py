"""What a client makes of an answer: its events, and the texts it joins from them. Knows the framings, and no format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]

from tests.fuzz.canaries import Leaf, leaves
from tests.fuzz.samples import ANSWERS, SAMPLES, said

__all__ = ["Unreadable", "bodies", "texts"]

_PLACES = ("index", "output_index", "content_index", "summary_index", "item_id", "contentBlockIndex", "command_index")


class Unreadable(Exception):
    """An answer that is not what its headers say."""


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
                out.append(_json(event.payload.decode("utf-8")))
    except Exception as error:
        raise Unreadable(f"no event stream: {type(error).__name__}") from None
    if buffer._data:
        raise Unreadable("a message that does not end")
    return out


@cache
def _known() -> frozenset[tuple[str | None, ...]]:
    """Where the events of the samples have strings: only there does a client know to join them."""
    every = (said(at, which, 8).events or () for at in range(len(SAMPLES)) for which in range(len(ANSWERS)))
    return frozenset(
        leaf.keys for events in every for _, text in events for leaf in leaves(text, nested=False) if not leaf.number
    )


def texts(answer: list[str], *, join: bool) -> Iterator[Leaf]:
    """Every leaf of every body, and (``join``) what the strings of the same place say one after the other."""
    joined: dict[tuple[Any, ...], list[str]] = {}
    last: tuple[Any, ...] = ()
    run = 0
    for text in answer:
        yield from leaves(text)
        if not join:
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue
        for item in value if isinstance(value, list) else [value]:  # the elements of a stream that is an array
            for place, said_ in _strings(item, (), ()):
                if tuple(None if isinstance(k, int) else k for k in place[0]) not in _known():
                    continue
                if place[0][0] in _INTERRUPTED and place != last:
                    run += 1  # a text that another one interrupts is not continued
                last = place
                joined.setdefault((*place, run if place[0][0] in _INTERRUPTED else 0), []).append(said_)
    for place, parts in joined.items():
        if len(parts) > 1:
            whole = "".join(parts)
            keys = (*(k for k in place[0] if isinstance(k, str)), "joined")
            yield Leaf(whole, keys)
            yield from (Leaf(x.text, (*keys, *x.keys), x.number) for x in leaves(whole, nested=False))


# Where a client sees parts one after the other, and not a text for each kind of part.
_INTERRUPTED = frozenset({"candidates", "message", "response"})


def _strings(value: Any, path: tuple[Any, ...], where: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every string that is not empty, with its path and the numbers by which events name what they continue."""
    if isinstance(value, dict):
        where += tuple((k, value[k]) for k in _PLACES if isinstance(value.get(k), int | str))
        kind = value.get("type", "")
        if not path and (not isinstance(kind, str) or (kind.startswith("response.") and not kind.endswith(".delta"))):
            return  # an event that says whole what was said before, or one that no client knows
        if not path and "delta" in value and isinstance(value["delta"], str) and not kind:
            return
        where += ((kind,) if not path else ()) + (("thought",) if value.get("thought") else ())
        for key, inner in value.items():
            yield from _strings(inner, (*path, key), where)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _strings(inner, (*path, i), where)
    elif isinstance(value, str) and value and path:
        yield (path, where), value
