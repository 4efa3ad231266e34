"""Where sentences begin and end. Small on purpose: a claim is a sentence, a list item or a line."""

from __future__ import annotations

import re

__all__ = ["UNFINISHED", "sentences"]

# No sentence ends after these.
_ABBREVIATIONS = (
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|vs|etc|e\.g|i\.e|approx|No|Fig|Inc|Ltd|Co|Corp|Gen|Col|Lt|Sgt|Rep|Sen|Gov|Jan|Feb"
    r"|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|U\.S|U\.K|a\.m|p\.m|[A-Z])\.$"
)
# A text that ends like this goes on, whatever the full stop says.
UNFINISHED = re.compile(_ABBREVIATIONS)
_BREAK = re.compile(r"(?:[.!?]+[\"'”’)\]]*(?=\s)|[。！？]|\n\s*(?:[-*•·]|\d{1,2}[.)])?\s*|\n)")
_SHORT = 3  # words


def sentences(text: str) -> list[tuple[int, int]]:
    """Half-open character ranges of the sentences of ``text``, blanks around them left out.

    A sentence of fewer than three words ("Yes.", a list's number) goes with the one after it.
    """
    cuts = []
    for match in _BREAK.finditer(text):
        if match.group().startswith((".", "!", "?")):
            if UNFINISHED.search(text, max(0, match.end() - 12), match.end()):
                continue
            rest = text[match.end() :].lstrip()
            if match.group()[0] == "." and rest[:1].islower():
                continue
        cuts.append(match.end())
    out: list[tuple[int, int]] = []
    start = 0
    pending: int | None = None
    for end in [*cuts, len(text)]:
        a, b = start, end
        while a < b and text[a].isspace():
            a += 1
        while b > a and text[b - 1].isspace():
            b -= 1
        start = end
        if a == b or not any(c.isalnum() for c in text[a:b]):
            continue
        if len(text[a:b].split()) < _SHORT and end < len(text):
            pending = a if pending is None else pending
            continue
        out.append((a if pending is None else pending, b))
        pending = None
    if pending is not None:
        out.append((pending, len(text.rstrip())))
    return out
