"""What an answer is compared with: the sources that a request holds, by the policy's ``grounding.sources``, and the question."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from typing import Any

from guardrails.types import Piece, Qualifier, Role
from guardrails.wire.slots import Slot

__all__ = ["marked", "references"]

# How prompts announce what was retrieved: in a tag, on a line that begins with a heading, on one that ends with it.
_WORDS = (
    r"(?:context|contexts|sources?|documents?|passages?|excerpts?|search results|retrieved (?:text|chunks)|knowledge(?: base)?|references?"
    r"|kontext|quellen|dokumente|contexte|contexto|contesto|documentos|documenti)"
)
_TAG = re.compile(
    r"<(context|contexts|documents?|sources?|passages?|search_results?|retrieved|retrieved_context|knowledge|knowledge_base|references?)"
    r"(?:\s[^<>]{0,200})?>",
    re.IGNORECASE,
)
_HEADING = re.compile(
    rf"^[ \t>#*_-]{{0,6}}(?:(?:retrieved|relevant|provided|additional) )?{_WORDS}[*_]{{0,2}}[ \t]*:[*_]{{0,2}}[ \t]*"
    rf"|\b{_WORDS}\b[^\n:.?]{{0,40}}:[ \t]*$"
    r"|^context information is below\.?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_NEXT = re.compile(
    r"^[ \t>#*_-]{0,6}(?:(?:user(?:'s)? )?(?:question|query)|(?:helpful |final )?answer|instructions?|task|frage|antwort|pregunta|respuesta|domanda"
    r"|risposta)[*_]{0,2}[ \t]*:|^given the (?:context|above)\b",
    re.IGNORECASE | re.MULTILINE,
)
_MOST = 64  # marked parts of one message


def marked(text: str) -> list[tuple[int, int]]:
    """The parts of a prompt that it marks as its sources, as spans in order that do not overlap."""
    found: list[tuple[int, int]] = []
    lowered = text.lower()
    at = 0
    while len(found) < _MOST and (tag := _TAG.search(text, at)) is not None:
        end = lowered.find(f"</{tag[1].lower()}", tag.end())
        at = tag.end() if end < 0 else end
        if end >= 0:
            found.append((tag.end(), end))
    if found:
        return found
    at = 0
    while len(found) < _MOST and (heading := _HEADING.search(text, at)) is not None:
        over = _NEXT.search(text, heading.end())
        at = over.start() if over is not None else len(text)
        found.append((heading.end(), at))
    return [(a, b) for a, b in found if text[a:b].strip(" \t\r\n-")]


def _after(text: str, begin: str, end: str | None) -> list[tuple[int, int]]:
    start = text.find(begin)
    if start < 0:
        return []
    start += len(begin)
    stop = text.find(end, start) if end else -1
    return [(start, len(text) if stop < 0 else stop)]


def references(slots: Iterable[Slot], wanted: Sequence[Any], latest: Container[int]) -> tuple[Piece, ...]:
    """The grounding sources and the queries among the texts of a request.

    ``wanted``: names of roles, ``marked``, or pairs of the words before and behind a source in the text of a user or system.
    """
    sources: list[Piece] = []
    queries: list[Piece] = []
    for slot in slots:
        if slot.path == "(keys)":
            continue
        text, spans = slot.text, []
        if slot.role.value in wanted:
            spans = [(0, len(text))]
        elif slot.role in {Role.USER, Role.SYSTEM}:
            for one in wanted:
                if not spans and one == "marked":
                    spans = marked(text)
                elif not spans and not isinstance(one, str):
                    spans = _after(text, one.after, one.before)
        sources += [Piece(text[a:b], slot.role, Qualifier.GROUNDING_SOURCE) for a, b in spans if text[a:b].strip()]
        if slot.role is Role.USER and slot.turn in latest and not slot.fixed:
            edges = [0, *(edge for span in spans for edge in span), len(text)]
            rest = "".join(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
            queries.append(Piece(rest if rest.strip() else text, slot.role, Qualifier.QUERY))
    return (*sources, *queries)
