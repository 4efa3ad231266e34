"""How well sources support the claims of an answer: what the model says of each claim, shifted by what code finds against it."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from guardrails.content import Deadline
from guardrails.detectors.absence import absent
from guardrails.detectors.claims import claims
from guardrails.detectors.facts.compare import compare
from guardrails.detectors.facts.source import Sources
from guardrails.detectors.facts.weigh import HELD, held, shift
from guardrails.detectors.layout import Statement, plain, statements
from guardrails.detectors.phrases import plain as bare

if TYPE_CHECKING:
    from guardrails.inference.comparing import PairCascade
    from guardrails.inference.pair import Support

__all__ = ["CERTAIN", "claimed", "quoted", "support"]

# Characters of the sources that code looks through, and of a claim and a question; what lies beyond is the model's alone.
_MOST = 400_000
_CLAIM = 2000
# A claim of so many words that the sources say word for word is supported.
_QUOTED = 4
CERTAIN = 0.97


def claimed(answer: str) -> list[Statement]:
    """The statements of an answer that claim something, with their headings; courtesies before a claim are cut off."""
    out = []
    for s in statements(answer):
        for start, end in claims(answer, [(s.start, s.end)]):
            out.append(s if not s.own else replace(s, start=start, end=end, text=answer[start:end]))
    return out


def support(  # noqa: PLR0917
    engine: PairCascade,
    sources: Sequence[str],
    said: Sequence[str],
    question: str,
    cuts: Sequence[float],
    deadline: Deadline,
) -> list[Support]:
    """For each claim its support, with the place of the best evidence in the sources as they were given."""
    from guardrails.inference.comparing import Claim  # noqa: PLC0415 - torch

    read = [plain(text) for text in sources]
    texts = [text for text, _ in read]
    known = Sources("\n\n".join(texts)[:_MOST])
    words = f" {bare(known.text)} "
    asked: list[Claim] = []
    fixed: dict[int, float] = {}
    low: set[int] = set()
    for number, claim in enumerate(said):
        deadline.check()
        own = claim[:_CLAIM]
        right = absent(own, known, question[:_CLAIM])
        if right is not None:
            fixed[number] = right
        elif quoted(claim, words):
            fixed[number] = CERTAIN
        evidence = compare(own, known, question[:_CLAIM])
        if held(evidence):
            low.add(number)
        small, both = (shift(evidence, weights) for weights in engine.evidence)
        asked.append(Claim(claim, (small, both), settled=number in fixed))
    cuts = [*cuts, *(c / HELD for c in cuts if c < HELD)] if low else cuts
    found = engine.support(texts, asked, cuts, deadline.remaining, question[:_CLAIM])
    out = []
    for number, s in enumerate(found):
        start, end = _original(read[s.source][1], s.start, s.end)
        p = s.probability * (HELD if number in low else 1.0)
        out.append(replace(s, start=start, end=end, probability=fixed.get(number, p)))
    return out


def quoted(claim: str, words: str) -> bool:
    """True where the sources say a claim of four words and more word for word; ``words`` are theirs as :func:`said.plain` has them, in blanks."""
    whole = bare(claim)
    return whole.count(" ") + 1 >= _QUOTED and f" {whole} " in words


def _original(pieces: Sequence[tuple[int, int, int]], start: int, end: int) -> tuple[int, int]:
    """A range of the prose in the original text: exact where the text was prose, else the statements that it touches."""
    if len(pieces) == 1 and pieces[0][:2] == (0, 0):
        return start, end
    begins = [p[0] for p in pieces]
    first = max(0, bisect.bisect_right(begins, start) - 1)
    last = max(first, bisect.bisect_left(begins, end) - 1)
    return pieces[first][1], max(p[2] for p in pieces[first : last + 1])
