"""Lists, steps, tables and ``key: value`` lines cut into statements that say where they stand.

A row of a table becomes "row's name: column header value; …", an item of a list keeps the sentence that leads it, a line below a heading
keeps the heading. Prose is cut into sentences. Markdown, CSV with ``,``, ``;`` or tabs, and HTML tables and lists.
"""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from guardrails.detectors.claims import courtesy
from guardrails.sentences import sentences

__all__ = ["Statement", "plain", "statements"]

# A table of more cells, a list item of more levels: read as lines.
_CELLS = 5000
_LEAD = 160
_HEADING = re.compile(r"\s{0,3}(?:#{1,6}\s+(?P<a>.+?)\s*#*|\*\*(?P<b>[^*\n]{1,80})\*\*:?|__(?P<c>[^_\n]{1,80})__:?|<h[1-6][^>]*>(?P<d>[^<]{1,120})</h[1-6]>)\s*$", re.IGNORECASE)  # fmt: skip
_ITEM = re.compile(
    r"(?P<indent>[ \t>]*)(?P<mark>[-*+•·‣▪–]|\(?\d{1,3}[.)]|\(?[a-z][.)]|step \d{1,3}[:.)])(?:[ \t]+\[[ xX]\])?[ \t]+(?=\S)",
    re.IGNORECASE,
)
# Steps on one line: "1. Open it. 2. Close it."
_INLINE = re.compile(r"(?:(?<=[.;:,!?])|^)\s*(?:\(?(?P<n>\d{1,2})[.)])\s+(?=\S)")
_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")
_KEY = re.compile(r"\s*(?P<key>[^\s:|][^:|\n]{0,48}?)\s*:\s+(?P<value>\S.*)$")
_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>table|tr|td|th|li|ul|ol|p|div|br|h[1-6]|dt|dd)\b[^<>]{0,200}>", re.IGNORECASE
)
_ANY_TAG = re.compile(r"<[^<>\n]{1,200}>")
_MARKS = re.compile(r"\*\*|__|`")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said at ``start`` to ``end`` (half-open characters), and ``text``: the same with its headings, as prose.

    ``own`` is False where ``text`` is not what stands there.
    """

    start: int
    end: int
    text: str
    own: bool


def statements(text: str) -> list[Statement]:
    """The statements of a text by place; none overlap. Headings and headers of columns are in the statements below them."""
    out: list[Statement] = []
    if "<" in text and _TAG.search(text):
        at = 0
        for start, end in _tables(text):
            out += _lines(text, at, start)
            out += _html(text, start, end)
            at = end
        out += _lines(text, at, len(text))
        return [s for s in out if s.start < s.end]
    return list(_lines(text, 0, len(text)))


def plain(text: str) -> tuple[str, list[tuple[int, int, int]]]:
    """The text as prose, and its pieces: (where it begins in the prose, half-open range of the original). The text itself where it is prose."""
    found = statements(text)
    if all(s.own for s in found):
        return text, [(0, 0, len(text))]
    out, pieces, at, last = [], [], 0, 0
    for s in found:
        gap = "\n" if "\n" in text[last : s.start] or not s.own else " "
        said = s.text if s.text.rstrip()[-1:] in ".!?:;" else s.text.rstrip() + "."
        out.append(gap + said)
        pieces.append((at + len(gap), s.start, s.end))
        at += len(gap) + len(said)
        last = s.end
    return "".join(out), pieces


# --- lines ---


def _lines(text: str, start: int, end: int) -> Iterator[Statement]:
    """Statements of what stands between two characters, line by line."""
    heading, lead = "", ""
    block: list[tuple[int, int]] = []  # lines of prose in a row
    lines = []
    at = start
    for line in text[start:end].splitlines(keepends=True):
        lines.append((at, at + len(line.rstrip("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"))))
        at += len(line)
    number = 0
    while number < len(lines):
        a, b = lines[number]
        line = text[a:b]
        stop = _table(text, lines, number)
        if stop:
            yield from _prose(text, block, heading)
            block = []
            yield from _grid(text, lines[number:stop], lead or heading)
            number, lead = stop, ""
            continue
        item = _ITEM.match(line)
        title = _HEADING.match(line)
        if not line.strip():
            yield from _prose(text, block, heading)
            block = []
        elif title:
            yield from _prose(text, block, heading)
            block, lead = [], ""
            heading = next(g for g in title.groups() if g).strip().rstrip(":")
            heading = "" if courtesy(heading) else heading
        elif item:
            if block:
                lead = _lead(text, block)
            yield from _prose(text, block, heading)
            block = []
            # Lines that go on with an item are indented and are no items.
            last = number
            while (
                last + 1 < len(lines)
                and re.match(r"[ \t]{2,}\S", text[lines[last + 1][0] : lines[last + 1][1]])
                and not _ITEM.match(text[lines[last + 1][0] : lines[last + 1][1]])
            ):
                last += 1
            at, first = a + item.end(), re.search(r"\d+", item["mark"])
            # More steps on the same line: "1. Open it. 2. Close it."
            marks = _counted(text, at, lines[last][1], int(first[0]) + 1) if first else []
            for begin, end_ in zip(
                [at, *(m.end() for m in marks)], [*(m.start() for m in marks), lines[last][1]], strict=True
            ):
                yield from _item(text, begin, end_, lead or heading)
            number = last
        else:
            block.append((a, b))
            if line.rstrip().endswith(":"):
                lead = _clean(line).rstrip(":")
                lead = "" if courtesy(lead + ":") else lead
            elif len(block) == 1:
                lead = ""
        number += 1
    yield from _prose(text, block, heading)


def _prose(text: str, block: list[tuple[int, int]], heading: str) -> Iterator[Statement]:
    """The sentences of lines of prose; a line of several numbered steps is cut at their numbers, a ``key: value`` line keeps its heading."""
    for a, b in _pieces(text, block):
        key = _KEY.match(text[a:b])
        if key and heading and len(sentences(text[a:b])) == 1:
            yield Statement(a + key.start("key"), b, f"{heading}: {_clean(text[a:b])}", own=False)
            continue
        marks = _counted(text, a, b, 1)
        if len(marks) >= 2:
            if text[a : marks[0].start()].strip():
                yield from _sentences(text, a, marks[0].start())
            lead = _lead(text, [(a, marks[0].start())])
            for m, following in zip(marks, [*marks[1:], None], strict=True):
                yield from _item(text, m.end(), following.start() if following else b, lead)
            continue
        yield from _sentences(text, a, b)


def _counted(text: str, start: int, end: int, number: int) -> list[re.Match[str]]:
    """The marks of numbered steps on one line that count on from a number; none where another number stands between."""
    marks = list(_INLINE.finditer(text, start, end))
    return marks if [int(m["n"]) for m in marks] == list(range(number, number + len(marks))) else []


def _pieces(text: str, block: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """A line goes on in the next one where that begins with a small letter and this one ends nothing."""
    start = None
    for number, (a, b) in enumerate(block):
        start = a if start is None else start
        following = text[block[number + 1][0] : block[number + 1][1]].lstrip() if number + 1 < len(block) else ""
        if following[:1].islower() and text[a:b].rstrip()[-1:] not in (".", "!", "?", ":", ";"):
            continue
        yield start, b
        start = None


def _sentences(text: str, a: int, b: int) -> Iterator[Statement]:
    for x, y in sentences(re.sub(r"[\r\n]", " ", text[a:b])):
        yield Statement(a + x, a + y, text[a + x : a + y], own=True)


def _item(text: str, a: int, b: int, lead: str) -> Iterator[Statement]:
    """An item of a list with its lead; an item of several sentences gives one to each."""
    while b > a and text[b - 1].isspace():
        b -= 1
    if a >= b or not any(c.isalnum() for c in text[a:b]):
        return
    own = [(a + x, a + y) for x, y in sentences(text[a:b])] or [(a, b)]
    for x, y in own:
        said = _clean(text[x:y])
        yield Statement(x, y, f"{lead}: {said}" if lead else said, own=not lead and said == text[x:y])


def _lead(text: str, block: list[tuple[int, int]]) -> str:
    """The sentence before a list, where it leads it: it ends with a colon."""
    line = text[block[-1][0] : block[-1][1]].rstrip()
    if not line.endswith(":"):
        return ""
    parts = sentences(line)
    said = _clean(line[parts[-1][0] : parts[-1][1]] if parts else line).rstrip(":")[-_LEAD:]
    return "" if courtesy(said + ":") else said


def _clean(text: str) -> str:
    return " ".join(_ANY_TAG.sub(" ", _MARKS.sub("", text)).split())


# --- tables ---


def _table(text: str, lines: list[tuple[int, int]], number: int) -> int:
    """Where a table that begins at a line ends; 0 for none. Markdown needs pipes, CSV a header and rows of as many cells."""
    first = text[lines[number][0] : lines[number][1]]
    if "|" in first and first.count("|") >= 2:
        stop = number
        while stop < len(lines) and text[lines[stop][0] : lines[stop][1]].count("|") >= 2:
            stop += 1
        return stop if stop - number >= 2 else 0
    for sign in ("\t", ";", ","):
        many = first.count(sign)
        if many < (1 if sign == "\t" else 2) or (sign == "," and re.search(r",\s|\.\s*$", first)):
            continue
        stop = number
        while (
            stop < len(lines)
            and text[lines[stop][0] : lines[stop][1]].count(sign) >= many
            and not text[lines[stop][0] : lines[stop][1]].rstrip().endswith(".")
        ):
            stop += 1
        if stop - number >= 2:
            return stop
    return 0


def _grid(text: str, lines: list[tuple[int, int]], lead: str) -> Iterator[Statement]:
    first = text[lines[0][0] : lines[0][1]]
    sign = "|" if first.count("|") >= 2 else next(s for s in ("\t", ";", ",") if s in first)
    header: list[str] | None = None
    for a, b in lines:
        line = text[a:b]
        if sign == "|" and _RULE.match(line):
            continue
        cells = _cells(line, sign)
        if header is None:
            header = cells
            continue
        said = _row(header, cells, lead)
        if said:
            x, y = a + len(line) - len(line.lstrip()), a + len(line.rstrip())
            yield Statement(x, y, said, own=False)


def _cells(line: str, sign: str) -> list[str]:
    if sign == "|":
        return [_clean(c) for c in line.strip().removeprefix("|").removesuffix("|").split("|")]
    try:
        return [_clean(c) for c in next(csv.reader([line], delimiter=sign))]
    except (csv.Error, StopIteration):
        return [_clean(c) for c in line.split(sign)]


def _row(header: list[str], cells: list[str], lead: str) -> str:
    """A row as "name: header value, header value"."""
    name = cells[0] if cells else ""
    rest = [f"{h} {c}".strip() for h, c in zip([*header[1:], *[""] * len(cells)], cells[1:], strict=False) if c]
    said = f"{name}: {', '.join(rest)}" if rest and name else ", ".join(rest) or name
    return said if not lead else f"{lead}: {said}" if said else ""


# --- HTML ---


def _tables(text: str) -> list[tuple[int, int]]:
    out, start = [], None
    for m in _TAG.finditer(text):
        if m["name"].casefold() == "table":
            if not m["close"] and start is None:
                start = m.start()
            elif m["close"] and start is not None:
                out.append((start, m.end()))
                start = None
    return out


def _html(text: str, start: int, end: int) -> Iterator[Statement]:
    header: list[str] | None = None
    row: tuple[int, list[str]] | None = None
    cell: int | None = None
    for m in _TAG.finditer(text, start, end):
        name, close = m["name"].casefold(), bool(m["close"])
        if name in ("td", "th", "tr", "table") and cell is not None and row is not None:
            row[1].append(html.unescape(_clean(text[cell : m.start()])))
            cell = None
        if name in ("tr", "table") and row is not None:
            if header is None:
                header = row[1]
            elif said := _row(header, row[1], ""):
                yield Statement(row[0], m.start(), said, own=False)
            row = None
        if name == "tr" and not close:
            row = (m.end(), [])
        if name in ("td", "th") and not close:
            row = row or (m.start(), [])
            cell = m.end()
