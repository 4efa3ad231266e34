"""JSON documents: what is wrong where one cannot be read, the place (1-based), and what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from guardrails.policy.syntax import Mistake

__all__ = ["JsonMistake", "read_json"]

_COMMENT = re.compile(r"//|/\*|#")
_WORD = re.compile(r"[A-Za-z_][\w.-]*")
_CONSTANTS = {
    "true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false",
    "none": "null", "nil": "null", "null": "null", "undefined": "null",
}  # fmt: skip
_NO_NUMBER = re.compile(r'"(?:\\.|[^"\\])*"|(NaN|-?Infinity)', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_COMMENTS = "JSON has no comments: remove it, or save the file as .yaml, where # begins one"
_DOUBLE = 'put keys and texts in straight double quotes: "name"'


class JsonMistake(Exception):
    """The document is not JSON; ``mistake`` says why, ``code`` is the problem's."""

    def __init__(self, mistake: Mistake, code: str = "json-invalid") -> None:
        super().__init__(mistake.what)
        self.mistake = mistake
        self.code = code


def read_json(text: str) -> Any:
    """The document. Keys that are given twice are the caller's to find. Raises JsonMistake, and RecursionError."""

    def constant(name: str) -> Any:
        at = next((m.start() for m in _NO_NUMBER.finditer(text) if m[1] == name), 0)
        raise JsonMistake(_at(text, at, f"{name} is not JSON", "write a number, or null"))

    try:
        found = json.loads(text, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise JsonMistake(_mistake(error, text)) from None
    half = _half(text)
    if half is not None:
        raise JsonMistake(
            _at(text, half, "an escape for half of a character", "write the character itself, or both of its escapes"),
            "syntax",
        )
    return found


def _at(text: str, place: int, what: str, remedy: str) -> Mistake:
    return Mistake(what, text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place), remedy)


def _half(text: str) -> int | None:
    """Where a surrogate is escaped without its other half."""
    high: re.Match[str] | None = None
    for found in _ESCAPE.finditer(text):
        code = int(found[1], 16) if found[1] else 0
        if high is not None:
            if 0xDC00 <= code < 0xE000 and found.start() == high.end():
                high = None
                continue
            return high.start()
        if 0xDC00 <= code < 0xE000:
            return found.start()
        high = found if 0xD800 <= code < 0xDC00 else None
    return None if high is None else high.start()


def _mistake(error: json.JSONDecodeError, text: str) -> Mistake:
    at = error.pos
    char, rest = text[at : at + 1], text[at:]
    before = text[:at].rstrip()
    last = before[-1:]

    def found(remedy: str, what: str = error.msg, place: int = at) -> Mistake:
        return _at(text, place, what, remedy)

    if not before and char not in ("{", "[", '"'):
        if _COMMENT.match(rest):
            return found(_COMMENTS, "a comment stands here")
        return found('begin with {"version": 1, "name": …}, or save the file as .yaml if it is YAML', "this is no JSON")
    if _COMMENT.match(rest):
        return found(_COMMENTS, "a comment stands here")
    if "trailing comma" in error.msg:  # newer versions of Python say so themselves
        return found("remove the comma", f"a comma stands before {rest[1:].lstrip()[:1]}")
    if last == "," and char in ("}", "]", ","):
        comma = len(before) - 1
        why = "two commas stand here" if char == "," else f"a comma stands before {char}"
        return found("remove the comma", why, comma)
    if not char and "Unterminated" not in error.msg:
        return found(_closing(text), "the file ends before what it opened is closed", max(0, len(before) - 1))
    if char in "'“”‘’«»„`":
        return found(_DOUBLE, f"{char} is no quote of JSON")
    if "control character" in error.msg:
        if char == "\n":
            return found(
                'close the text with " on this line; a line break inside of a text is written \\n',
                "a text ends on another line than it began",
            )
        return found(
            "write \\t" if char == "\t" else "write it as an escape, such as \\u0007", "a control character in a text"
        )
    if "escape" in error.msg:
        return found("write each backslash twice: \\\\d", "a backslash begins an escape that JSON does not have")
    if "Unterminated" in error.msg:
        return found('close the text with "', "a quote is opened here and never closed")
    return _between(error.msg, text, found, at)


def _between(msg: str, text: str, found: Callable[..., Mistake], at: int) -> Mistake:
    """Mistakes between values: commas, colons, brackets, and words without quotes."""
    char, rest, before = text[at : at + 1], text[at:], text[:at].rstrip()
    last = before[-1:]
    if "Extra data" in msg:
        remedy = f"remove this {char}, or one that closes too early" if char in "}]" else "remove what stands here"
        return found(remedy, "the document ends before this")
    if "':'" in msg:
        return found('write a colon between a key and its value: "name": "acme"', "a key without a colon")
    word = _WORD.match(rest)
    if "property name" in msg:
        return found(_DOUBLE if word else 'write a key in double quotes: "name"', "a key must stand in double quotes")
    if "Expecting value" in msg:
        if word:
            constant = _CONSTANTS.get(word[0].lower())
            what = f"write {constant}" if constant else "put the text in double quotes"
            return found(what, "a text without quotes, or a word that JSON does not have")
        if char in ".+-0123456789":
            return found("write a number as JSON does: 0.5, 12, -3", "this is no number of JSON")
        return found("write a value", "a value is missing")
    if "','" in msg:
        if char in "}]":
            return found(
                f"close with {'}' if char == ']' else ']'} what was opened with {'{' if char == ']' else '['}",
                f"{char} closes something else",
            )
        if char == ":":
            return found('put the key and its value in braces: {"name": …}, or write a comma', "a colon in a list")
        if last.isdigit() and before[-1:] == text[at - 1 : at] and char.isalnum() | (char == "."):
            return found(
                "write a number in decimal without leading zeros: 1, not 01 or 0x1", "this is no number of JSON"
            )
        if last == '"' and text[at - 1 : at] == '"' and word:
            return found(
                'write a double quote inside of a text as \\", and a comma between two entries', "a text ends here"
            )
        return found("put a comma between two entries", "a comma is missing behind this", len(before) - 1)
    return found("write it as JSON: keys and texts in double quotes, a comma between two entries, none behind the last")


def _closing(text: str) -> str:
    """What closes the brackets that are open at the end."""
    still: list[str] = []
    for sign in re.sub(r'"(?:\\.|[^"\\])*"', "", text, flags=re.DOTALL):
        if sign in "{[":
            still.append("}" if sign == "{" else "]")
        elif sign in "}]" and still:
            still.pop()
    return f"close it with {' '.join(reversed(still[-8:]))}" if still else "write the rest"
