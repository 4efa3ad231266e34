"""All facts of a text that code can compare."""

from __future__ import annotations

import re

from guardrails.detectors.facts.codes import codes
from guardrails.detectors.facts.dates import dates
from guardrails.detectors.facts.quantities import quantities
from guardrails.detectors.facts.values import Value

__all__ = ["values"]

# Marks of a citation, of a list and of a section say where something stands and nothing about the world.
_MARKS = re.compile(r"\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|^[ \t>]*(?:[-*•]\s+)?(?:\(?\d{1,2}[.)]|step \d{1,2}[:.)])(?=\s)|§\s?\d+", re.MULTILINE | re.IGNORECASE)  # fmt: skip


def values(text: str) -> list[Value]:
    """The facts of a text by place; none overlap. Codes come before dates, dates before numbers; marks of lists and citations are skipped."""
    bare = _MARKS.sub(lambda m: " " * len(m[0]), text)
    out: list[Value] = []
    for found in (codes(bare), dates(bare), quantities(bare)):
        taken = sorted((v.start, v.end) for v in out)
        out += [v for v in found if not _touches(taken, v.start, v.end)]
    return sorted(out, key=lambda v: v.start)


def _touches(taken: list[tuple[int, int]], start: int, end: int) -> bool:
    return any(a < end and start < b for a, b in taken)
