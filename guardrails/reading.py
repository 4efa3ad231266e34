"""What detectors read of a text, and the way back: JSON inside a text is read with its escapes undone, and stays JSON.

A text that is JSON (or begins with it, or holds it in a Markdown fence) is decoded as it comes: ``"a:\\nbob@example.com"`` is
read with a line break, and a mask is written around whole escapes. Three kinds of places are told apart in it:

* the inside of a string: a mask is written there with its quotes escaped;
* a bare number or word: a masked one becomes a string;
* what structures it (brackets, commas, quotes): never changed.

Outside JSON a text is read as it stands. Where JSON ends or stops being JSON, it is text again, so that nothing that only
looks like JSON is harmed. The reading depends on the text alone, never on how it is cut.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

__all__ = ["Edit", "Place", "Reading", "escaped", "fitted", "reading"]

# How JSON begins. A list of one short number, `[1]`, is a citation, and `[[` alone a link of a wiki.
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_BEGINS = re.compile(
    rf"\s*(?:\{{\s*[\"}}]|\[\s*(?:\[\s*)*(?:[\"{{\]]|{_NUMBER}\s*,|-?\d{{6}}|(?:{'|'.join(_LITERALS)})\s*[,\]])"
    rf"|(?:\[\s*){{2,}}{_NUMBER}\s*\]\s*,)"
)
# Everything that such a beginning begins with itself.
_BEGUN = "|".join(sorted({word[:i] for word in _LITERALS for i in range(1, len(word))}))
_MAY_BEGIN = re.compile(
    rf"\s*(?:\{{\s*|(?:\[\s*)+(?:{_BEGUN}|(?:{'|'.join(_LITERALS)})\s*|-?\d{{0,5}}(?:\.\d*)?(?:[eE][-+]?\d*)?\s*)?"
    rf"|(?:\[\s*){{2,}}{_NUMBER}\s*\]\s*)?\Z"
)
# Where JSON was asked for, whatever JSON begins with.
_BEGINS_ASKED = re.compile(r"\s*[\[{\"]")
_MAY_HOLD = re.compile(r"\s*[{\[]")
# Characters among which a text has to begin as JSON: how many are waited for.
_BLANKS = 256
# At most so wide: a fence has to be found in what is kept of the text so far, wherever it is cut.
_FENCE = re.compile(r"\n[ \t]{0,32}(?:```|~~~)[ \t]{0,2}json[^\S\n]{0,4}\n", re.IGNORECASE)
_FENCE_WIDTH = 48
_STRUCTURE = re.compile(r"[\s{}\[\],:]+")
_SCALAR = re.compile(r"-?[0-9][-+.0-9eE]*|-?(?:true|false|null|NaN|Infinity)")
_GOES_ON = re.compile(r"[-+.0-9eE]+")
_MAY_BE_SCALAR = re.compile(
    r"-?(?:t(?:r(?:u)?)?|f(?:a(?:l(?:s)?)?)?|n(?:u(?:l)?)?|N(?:a)?|I(?:n(?:f(?:i(?:n(?:i(?:t)?)?)?)?)?)?)?\Z"
)
_PLAIN = re.compile(r'[^"\\]+')
_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4})|(.))', re.DOTALL)
_MAY_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_MEANS = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Place(IntEnum):
    """What a range of a text is."""

    TEXT = 0
    STRING = 1
    SCALAR = 2
    STRUCTURE = 3


class Edit(NamedTuple):
    """A range of the text as it is read, and what takes its place."""

    start: int
    end: int
    new: str


class Reading:
    """One text that comes in pieces. Offsets are into the text as it is read; ``size`` is how much of it there is."""

    __slots__ = (
        "_bounds", "_deep", "_escapes", "_fenced", "_kinds", "_mode", "_origins", "_raw", "_rest", "_said", "_shifts", "_tail", "asked", "size",
    )  # fmt: skip

    def __init__(self, *, asked: bool = False) -> None:
        """``asked``: the text is an answer for which JSON was asked."""
        self.asked = asked
        self._raw: list[str] = []
        self._said: list[str] = []
        self.size = 0
        self._rest = ""  # not read yet: it depends on what comes
        self._mode = _Mode.BEGIN
        self._deep = 0
        self._fenced = False
        self._tail = "\n"  # the end of the text so far, which may begin a fence
        # Where each range begins, and what it is.
        self._bounds: list[int] = []
        self._kinds: list[Place] = []
        # Where each escape is read, where it was written, and how much longer what was written is from there on.
        self._escapes: list[int] = []
        self._origins: list[int] = []
        self._shifts: list[int] = []

    @property
    def plain(self) -> bool:
        """Whether the text is read as it stands, nothing of it as JSON."""
        return not self._kinds or (len(self._kinds) == 1 and self._kinds[0] is Place.TEXT)

    @property
    def raw(self) -> str:
        """The text as it was written, so far."""
        if len(self._raw) > 1:
            self._raw = ["".join(self._raw)]
        return self._raw[0] if self._raw else ""

    @property
    def text(self) -> str:
        """The text as it is read, so far."""
        if len(self._said) > 1:
            self._said = ["".join(self._said)]
        return self._said[0] if self._said else ""

    @property
    def waiting(self) -> int:
        """Characters that are here and not read yet: what they are depends on what comes."""
        return len(self._rest)

    def feed(self, raw: str) -> str:
        """More of the text as it is written; what can be read of it."""
        return self._read(raw, last=False)

    def finish(self) -> str:
        """The text is complete: what was waited for."""
        return self._read("", last=True)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _read(self, raw: str, *, last: bool) -> str:
        if raw:
            self._raw.append(raw)
        text, self._rest = self._rest + raw, ""
        out: list[str] = []
        at = 0
        while at < len(text):
            match self._mode:
                case _Mode.BEGIN:
                    begins = self._begins(text[at:], last=last)
                    if begins is None:
                        break
                    self._mode = _Mode.OUTSIDE if begins else _Mode.TEXT
                    self._deep = 0
                case _Mode.TEXT:
                    at = self._text(text, at, out)
                case _:
                    mode, before = self._mode, at
                    step = self._outside if mode is _Mode.OUTSIDE else self._inside
                    at = step(text, at, out, last=last)
                    if at == before and self._mode is mode:
                        break
        self._rest = text[at:]
        self._said += out
        return "".join(out)

    def _begins(self, text: str, *, last: bool) -> bool | None:
        if (_BEGINS_ASKED if self.asked or self._fenced else _BEGINS).match(text, 0, _BLANKS):
            return True
        if last or len(text) > _BLANKS or not _MAY_BEGIN.match(text):
            return False
        return None

    def _text(self, text: str, at: int, out: list[str]) -> int:
        known = len(self._tail)
        fence = _FENCE.search(self._tail + text[at:])
        # One that was complete before has been seen before.
        while fence is not None and fence.end() <= known:
            fence = _FENCE.search(self._tail + text[at:], fence.end() - 1)
        end = len(text) if fence is None else at + fence.end() - known
        self._take(text[at:end], Place.TEXT, out)
        if fence is not None:
            self._mode = _Mode.BEGIN
            self._fenced = True
        return end

    def _outside(self, text: str, at: int, out: list[str], *, last: bool) -> int:
        found = _STRUCTURE.match(text, at)
        if found is not None:
            for i in range(at, found.end()):
                if text[i] in "{[":
                    self._deep += 1
                elif text[i] in "}]":
                    self._deep -= 1
                    if self._deep <= 0:  # the end of the document
                        self._take(text[at : i + 1], Place.STRUCTURE, out)
                        self._mode, self._fenced = _Mode.BEGIN, False
                        return i + 1
            self._take(found.group(), Place.STRUCTURE, out)
            return found.end()
        going = _GOES_ON.match(text, at) if self._kinds and self._kinds[-1] is Place.SCALAR else None
        scalar = going or _SCALAR.match(text, at)
        if scalar is not None:
            self._take(scalar.group(), Place.SCALAR, out)
            return scalar.end()
        if not last and _MAY_BE_SCALAR.match(text, at):
            return at
        if text[at] == '"':
            self._take('"', Place.STRUCTURE, out)
            self._mode = _Mode.INSIDE
            return at + 1
        self._mode = _Mode.TEXT  # whatever this is, it is no JSON
        return at

    def _inside(self, text: str, at: int, out: list[str], *, last: bool) -> int:
        if text[at] == '"':
            self._take('"', Place.STRUCTURE, out)
            self._mode = _Mode.OUTSIDE if self._deep else _Mode.TEXT
            return at + 1
        plain = _PLAIN.match(text, at)
        if plain is not None:
            self._take(plain.group(), Place.STRING, out)
            return plain.end()
        if _MAY_ESCAPE.match(text, at) and not last:
            return at
        escape = _ESCAPE.match(text, at)
        if escape is None:
            self._take(text[at:], Place.STRING, out)
            return len(text)
        end = escape.end()
        if escape[1]:
            char = _MEANS[escape[1]]
        elif escape[2]:
            code = int(escape[2], 16)
            if 0xD800 <= code < 0xDC00:
                if not last and (end == len(text) or _MAY_ESCAPE.match(text, end)):
                    return at
                low = _ESCAPE.match(text, end)
                if low is not None and low[2] and 0xDC00 <= int(low[2], 16) < 0xE000:
                    code = 0x10000 + ((code - 0xD800) << 10) + int(low[2], 16) - 0xDC00
                    end = low.end()
            char = chr(code)
        else:
            char = escape.group()
        if 0xD800 <= ord(char[0]) < 0xE000 or len(char) > 1:  # half a character, or no escape of JSON: as it stands
            self._take(escape.group(), Place.STRING, out)
            return escape.end()
        self._take(char, Place.STRING, out)
        passed = self._shifts[-1] if self._shifts else 0
        self._escapes.append(self.size - 1)
        self._origins.append(self.size - 1 + passed)
        self._shifts.append(passed + end - at - 1)
        return end

    def _take(self, text: str, kind: Place, out: list[str]) -> None:
        if not text:
            return
        # Every quote ends a range: one string is never taken for the next.
        if not self._kinds or self._kinds[-1] is not kind:
            self._bounds.append(self.size)
            self._kinds.append(kind)
        self.size += len(text)
        self._tail = text[-_FENCE_WIDTH:] if len(text) >= _FENCE_WIDTH else (self._tail + text)[-_FENCE_WIDTH:]
        out.append(text)

    # -- writing -----------------------------------------------------------------------------------------------------

    def places(self, start: int, end: int) -> Iterator[tuple[Place, int, int]]:
        """The ranges that a range falls into."""
        at = max(0, bisect_right(self._bounds, start) - 1)
        while start < end and at < len(self._bounds):
            stop = self._bounds[at + 1] if at + 1 < len(self._bounds) else self.size
            yield self._kinds[at], start, min(end, stop)
            start = max(start, stop)
            at += 1

    def kind(self, offset: int) -> Place:
        """What stands at an offset."""
        return self._kinds[max(0, bisect_right(self._bounds, offset) - 1)] if self._kinds else Place.TEXT

    def scalar(self, offset: int) -> tuple[int, int]:
        """The whole range an offset lies in."""
        at = max(0, bisect_right(self._bounds, offset) - 1)
        return self._bounds[at], self._bounds[at + 1] if at + 1 < len(self._bounds) else self.size

    def written(self, offset: int) -> int:
        """Where what is read at an offset was written."""
        passed = bisect_left(self._escapes, offset)
        return offset + (self._shifts[passed - 1] if passed else 0)

    def read(self, offset: int, *, up: bool = False) -> int:
        """Where what was written at an offset is read; inside an escape, its character or (``up``) what follows it."""
        at = bisect_right(self._origins, offset) - 1
        if at < 0:
            return offset
        width = self._shifts[at] - (self._shifts[at - 1] if at else 0) + 1
        inside = offset - self._origins[at]
        return self._escapes[at] + (up and inside > 0) if inside < width else offset - self._shifts[at]

    def render(self, start: int, end: int, edits: Iterable[Edit]) -> Iterator[tuple[Place, str]]:
        """A range with its edits as it is to be written, in pieces of one place each.

        ``edits`` are sorted, do not overlap, and lie in one place each, as :func:`fitted` makes them.
        """
        raw = self.raw
        todo = [e for e in edits if e.start < end and e.end > start]
        i = 0
        for kind, low, high in self.places(start, end):
            at, parts = low, []
            while i < len(todo) and todo[i].start < high:
                edit = todo[i]
                i += 1
                parts.append(raw[self.written(at) : self.written(max(at, edit.start))])
                parts.append(escaped(edit.new) if kind is Place.STRING else edit.new)
                at = max(at, edit.end)
            parts.append(raw[self.written(at) : self.written(high)])
            yield kind, "".join(parts)


def reading(text: str) -> Reading | None:
    """The reading of a whole text, None when it is read as it stands."""
    if not _MAY_HOLD.match(text) and "json" not in text and "JSON" not in text:
        return None
    found = Reading()
    found.feed(text)
    found.finish()
    return None if found.plain else found


def fitted(found: Reading, edits: Iterable[Edit], shift: int = 0) -> list[Edit]:
    """Edits of a text that lie in one place each, and leave JSON what it is: a scalar that is changed becomes a string,
    structure stays. What an edit puts in stands in the first string, scalar or text that it changes; what it takes out of
    others goes. ``shift``: where what the edits count from begins in the reading.
    """
    out: list[Edit] = []
    scalars: dict[tuple[int, int], list[Edit]] = {}
    for start, end, new in edits:
        put = new
        for kind, low, high in found.places(start + shift, end + shift):
            if kind is Place.STRUCTURE:
                continue
            if kind is Place.SCALAR:
                scalars.setdefault(found.scalar(low), []).append(Edit(low, high, put))
            else:
                out.append(Edit(low - shift, high - shift, put))
            put = ""
    for (low, high), inside in scalars.items():
        at, parts = low, []
        for start, end, new in inside:
            parts += [found.text[at:start], new]
            at = end
        parts.append(found.text[at:high])
        out.append(Edit(low - shift, high - shift, f'"{escaped("".join(parts))}"'))
    return sorted(out)


def escaped(text: str) -> str:
    """A text as it is written inside a JSON string."""
    lone = any("\ud800" <= c <= "\udfff" for c in text)
    return json.dumps(text, ensure_ascii=lone)[1:-1]


class _Mode(IntEnum):
    BEGIN = 0
    TEXT = 1
    OUTSIDE = 2
    INSIDE = 3
