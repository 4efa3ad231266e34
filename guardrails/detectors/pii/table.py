"""The table of types in docs/pii.md, made from the catalogue and the specs.

    python -m guardrails.detectors.pii.table docs/pii.md

writes it between its two marks; a test compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

from guardrails import catalog
from guardrails.detectors.pii.registry import specs

__all__ = ["BEGIN", "END", "fresh", "markdown"]

BEGIN, END = "<!-- types: begin -->", "<!-- types: end -->"


def markdown() -> str:
    """One line a type: country, whether Bedrock has it, and what a match needs to count."""
    lines = ["| type | country | Bedrock | a match needs |", "|---|---|---|---|"]
    for type_ in catalog.PII:
        lines.append(
            f"| `{type_}` | {catalog.COUNTRY_OF[type_] or ''} | {'yes' if type_ in catalog.BEDROCK_PII else ''} "
            f"| {_needs(type_)} |"
        )
    return "\n".join(lines)


def _needs(type_: str) -> str:
    own = [s for s in specs() if s.type == type_]
    parts = []
    if any(s.validate or s.refine for s in own):
        parts.append("its check" if all(s.validate or s.refine for s in own) else "its check, for some forms")
    free = [score for s in own if not s.requires_context for _, score in s.patterns]
    checked = any(s.validate and not s.requires_context for s in own)
    if not free or (max(free) < 0.5 and not checked):
        parts.append("a context word")
    elif min(free) < 0.5 or any(s.requires_context for s in own):
        parts.append("a context word, for weak forms")
    return ", ".join(parts) or "its form"


def fresh(page: str) -> str:
    """The page with a new table. Raises ValueError when the marks are missing."""
    before, found, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"the page needs the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{markdown()}\n{END}{after}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(fresh(target.read_text(encoding="utf-8")), encoding="utf-8")
