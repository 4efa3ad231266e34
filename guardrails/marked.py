"""Texts with the expected findings marked where a person reads them: ``mail [EMAIL:bob@x.io] now``.

A mark is ``[TYPE:covered text]`` with TYPE in capitals, digits and underscores. Marks do not nest. To write such a
shape literally, double the opening bracket: ``[[EMAIL:x]`` is the text ``[EMAIL:x]``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Marked", "mark", "parse"]

_MARK = re.compile(r"\[\[|\[([A-Z][A-Z0-9_]*):((?:[^\]\\]|\\.)*)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and the ``(start, end, type)`` spans marked in it, in order."""

    text: str = field(repr=False)
    spans: tuple[tuple[int, int, str], ...]


def parse(source: str) -> Marked:
    """Read a marked text. Inside a mark ``\\]`` is a bracket and ``\\\\`` a backslash."""
    out: list[str] = []
    spans: list[tuple[int, int, str]] = []
    at = length = 0
    for match in _MARK.finditer(source):
        before = source[at : match.start()]
        out.append(before)
        length += len(before)
        if match.group() == "[[":
            out.append("[")
            length += 1
        else:
            value = re.sub(r"\\(.)", r"\1", match.group(2), flags=re.DOTALL)
            spans.append((length, length + len(value), match.group(1)))
            out.append(value)
            length += len(value)
        at = match.end()
    out.append(source[at:])
    return Marked("".join(out), tuple(spans))


def mark(text: str, spans: list[tuple[int, int, str]]) -> str:
    """The inverse of :func:`parse` for sorted spans without overlap."""
    out: list[str] = []
    at = 0
    for start, end, type_ in sorted(spans):
        if start < at:
            continue
        value = text[start:end].replace("\\", "\\\\").replace("]", "\\]")
        out += [_escape(text[at:start]), f"[{type_}:{value}]"]
        at = end
    out.append(_escape(text[at:]))
    return "".join(out)


def _escape(text: str) -> str:
    return re.sub(r"\[(?=\[|[A-Z][A-Z0-9_]*:)", "[[", text)
