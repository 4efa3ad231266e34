"""Halves of surrogate pairs: a server that cuts its text by UTF-16 units sends an emoji in two events, half a pair in each.

No half is ever text here. While a stream is read, a half is a private character; two that meet at one place become the
character that they are, and one that stays alone becomes U+FFFD.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["Halves", "marked", "replaced"]

_ESCAPE = re.compile(
    rb"\\(?:u(?:[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|([dD][89a-fA-F][0-9a-fA-F]{2})|)|[^u])",
    re.DOTALL,
)
# The last 2,048 private characters of plane 16 stand for U+D800 to U+DFFF.
_FIRST, _LAST = 0x10F800, 0x10FFFF
_MARKS = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
_PAIR = re.compile(f"([{chr(_FIRST)}-{chr(_FIRST + 0x3FF)}])([{chr(_FIRST + 0x400)}-{chr(_LAST)}])")
_HIGH_END = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + 0x3FF)}]$")


def marked(data: bytes) -> bytes | None:
    """The JSON text with each escaped half as a private character; None when there is none."""
    found = False

    def mark(match: re.Match[bytes]) -> bytes:
        nonlocal found
        if match[1] is None:
            return match[0]
        found = True
        return chr(_FIRST + int(match[1], 16) - 0xD800).encode()

    out = _ESCAPE.sub(mark, data)
    return out if found else None


def replaced(data: bytes) -> bytes | None:
    """The JSON text with each escaped half as U+FFFD; None when there is none."""
    out = marked(data)
    return (
        None
        if out is None
        else _MARKS.sub("\ufffd", out.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    )


class Halves:
    """Joins the halves of one stream, by the places of the strings in its events."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[str, str] = {}

    def __bool__(self) -> bool:
        """Whether a half waits for the other."""
        return bool(self._open)

    def join(self, body: Any) -> Any:
        """The body of the next event without halves; a half at the end of a string waits for the next event."""
        return self._value(body, "")

    def _value(self, value: Any, place: str) -> Any:
        match value:
            case str():
                return self._text(value, place)
            case list():
                return [self._value(item, f"{place}[{at}]") for at, item in enumerate(value)]
            case dict():
                index = value.get("index")
                here = f"{place}#{index}" if isinstance(index, int) else place
                return {key: self._value(inner, f"{here}.{key}") for key, inner in value.items()}
        return value

    def _text(self, text: str, place: str) -> str:
        if not text:
            return text
        text = _PAIR.sub(_whole, self._open.pop(place, "") + text)
        end = _HIGH_END.search(text)
        if end is not None:
            self._open[place] = end[0]
            text = text[: end.start()]
        return _MARKS.sub("\ufffd", text)


def _whole(pair: re.Match[str]) -> str:
    high, low = ord(pair[1]) - _FIRST, ord(pair[2]) - _FIRST - 0x400
    return chr(0x10000 + (high << 10) + low)
