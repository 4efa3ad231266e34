"""What code can say for and against a claim, given its sources."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from guardrails.detectors.facts.binding import apart, rivals
from guardrails.detectors.facts.derive import derives, reckoned, same_kind
from guardrails.detectors.facts.finding import values
from guardrails.detectors.facts.names import known, names
from guardrails.detectors.facts.polarity import flipped, overstated
from guardrails.detectors.facts.source import Sources
from guardrails.detectors.facts.values import Value, contains, near, same
from guardrails.detectors.facts.words import words

__all__ = ["Evidence", "compare"]

_ARITHMETIC = re.compile(
    r"[=+×÷*/−]|\b(?:total|altogether|in all|sum|together|plus|minus|less|more|times|double|twice|triple|half|each|per|both|difference|left|remain\w*|save\w*|saving"
    r"|discount|off|cheaper|dearer|extra|on top|combined|overall|net|balance|average|so that|that is|i\.e|makes?|comes to|add\w*|rest|older|younger|longer|shorter|later|earlier|after|before|until|ago)\b",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\bhow (?:much|many|long|old|big|large)\b|\bwhat\b.*\b(?:cost|price|fee|pay|owe|be|total|come to)\b", re.IGNORECASE
)
# Words that announce a result. Without one, a number that could be computed somehow is most often a wrong one.
_RESULT = re.compile(
    r"[=+×÷*/−]|\b(?:total|altogether|in all|sum|together|plus|minus|times|double|twice|triple|half|difference|left|remain\w*|save\w*|saving|combined|overall"
    r"|average|comes? to|makes?|as (?:many|much)|more|less|fewer|cheaper|dearer|older|younger|longer|shorter|later|earlier|so)\b",
    re.IGNORECASE,
)
_PERIODS = (
    (re.compile(r"\b(?:month|monthly|year|yearly|annual|annually|a year|per year)\b", re.IGNORECASE), 12.0),
    (re.compile(r"\b(?:week|weekly)\b", re.IGNORECASE), 7.0),
    (re.compile(r"\bdozen\b", re.IGNORECASE), 12.0),
)
_SMALL = 12
# Facts of a source that are looked at one by one.
_MOST = 400
_LISTED = re.compile(r",|\band\b")
# Facts of a kind that count, at most; of the others two.
_COUNTED = {"found": 3.0, "reckoned": 1.0}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Counts and shares, all 0 where there is nothing to say.

    ``found``: facts that the sources state. ``reckoned``: numbers that the claim shows how to compute, from facts of theirs. ``derived``:
    other facts that follow from theirs by arithmetic, and ``guessed``: those of them for which neither the claim nor the question
    speaks of computing. ``missing``: facts that do none of these.
    ``small``: plain numbers up to twelve that do neither, which may count what the sources list. ``unit``: numbers that the sources have
    with other units only. ``names``: names that the sources do not have. ``swapped``: how much closer (-1 to 1) another fact of the same
    kind stands to the rest of the claim than the fact it states. ``misnamed``: the same for its names. ``negated``, ``opposite``: the claim
    reads like a sentence of the sources and has a negation more or less, or the opposite of one of its words; ``overstated``: it speaks of
    all where that sentence has a limit. ``new``: the share of its
    words, by number, that neither the sources nor the question have.
    """

    found: float = 0.0
    reckoned: float = 0.0
    derived: float = 0.0
    guessed: float = 0.0
    missing: float = 0.0
    small: float = 0.0
    unit: float = 0.0
    names: float = 0.0
    swapped: float = 0.0
    misnamed: float = 0.0
    apart: float = 0.0
    negated: float = 0.0
    opposite: float = 0.0
    overstated: float = 0.0
    new: float = 0.0


def compare(claim: str, sources: Sources, question: str = "") -> Evidence:
    """The evidence of one claim. ``question``: what was asked; its numbers are given, and it says what a short answer is about."""
    if not sources.text.strip():
        return Evidence()
    stated, asked = values(claim), values(question)
    stands = _Standing(claim, question, stated, asked, sources)
    counted = Counter(kind for v in stated for kind in stands.kinds(v))
    called = names(claim)
    unknown = [
        n
        for n in called
        if n.sure and not known(n, sources.text, sources.stems) and not known(n, question, frozenset())
    ]
    negated, opposite = flipped(claim, sources)
    own = words(claim)
    new = [w for w in own if w not in sources.stems and not w.isdigit()]
    asked_words = {str(w) for w in words(question)}
    new = [w for w in new if w not in asked_words]
    every = rivals(claim, stated, sources, question)
    return Evidence(
        **{kind: min(float(count), _COUNTED.get(kind, 2.0)) for kind, count in counted.items()},
        names=min(float(len(unknown)), 2.0),
        swapped=max((r.gain for r in every if not r.name), default=0.0),
        misnamed=max((r.gain for r in every if r.name), default=0.0),
        apart=apart(claim, sources, question) if question else 0.0,
        negated=negated,
        opposite=opposite,
        overstated=overstated(claim, sources),
        new=len(new) / len(own) if own else 0.0,
    )


class _Standing:
    """How each fact of a claim stands to the sources and the question: the fields of :class:`Evidence` that count it."""

    def __init__(
        self, claim: str, question: str, stated: Sequence[Value], asked: Sequence[Value], sources: Sources
    ) -> None:
        self._stated, self._asked, self._sources = stated, asked, sources
        self._factors = _factors(claim, question)
        # Whether anything in it speaks of computing, and of a result.
        self._shown = bool(
            asked
            or len(stated) > 1
            or _ARITHMETIC.search(claim)
            or _ARITHMETIC.search(question)
            or _AMOUNT.search(question)
        )
        self._announced = bool(_RESULT.search(claim) or _RESULT.search(question))

    def kinds(self, v: Value) -> tuple[str, ...]:
        """``found``, ``reckoned``, … of one fact; none where nothing can be said."""
        sources, asked, factors = self._sources, self._asked, self._factors
        if any(same(v, g) for g in asked) or _has(v, sources):
            return () if v.weak else ("found",)
        if v.weak:
            return ()
        if v.kind == "code":
            return ("missing",)
        if _reckoned(v, self._stated, asked, sources, factors):
            return ("reckoned",)
        if _between(v, sources.values) or (self._shown and _follows(v, asked, sources, factors)):
            plain = v.kind == "quantity" and not self._announced
            guessed = plain and not _multiple(v, (*self._stated, *asked), sources, factors)
            return ("derived", "guessed") if guessed else ("derived",)
        measured = v.kind == "quantity" and v.dimension
        if measured and any(g.kind == "quantity" and g.dimension and g.number == v.number for g in sources.values):
            return ("unit",)
        if v.kind in ("quantity", "ordinal") and not v.dimension and v.number <= _SMALL:
            return ("small",)
        return ("missing",)


def _has(value: Value, sources: Sources) -> bool:
    if value.kind == "code":
        return any(same(value, g) for g in sources.values) or _bare(value.code).lstrip("0") in _bare(sources.text)
    for g in sources.values[: 10 * _MOST]:
        if same(value, g):
            return True
        # "over 200" is right for 203, "about 32" for 31.
        if value.about and g.kind == value.kind == "quantity" and same_kind(value, g):
            low, high = g.low, g.high
            if value.about == "near" and 0.9 * value.low <= high and low <= 1.1 * value.high:
                return True
            if value.about == "above" and value.low <= high <= 1.25 * value.low:
                return True
            if value.about == "below" and 0.8 * value.high <= low <= value.high:
                return True
    return False


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _between(value: Value, given: Sequence[Value]) -> bool:
    """True where the value lies within a range of the sources."""
    return any(
        0 <= two.start - one.end <= 9 and one.kind == value.kind and contains(one, two, value)
        for one, two in pairwise(given)
    )


def _reckoned(
    value: Value, stated: Sequence[Value], asked: Sequence[Value], sources: Sources, factors: Sequence[float]
) -> bool:
    """True where a quantity comes from what the claim and the question show besides; with that, two steps may lie between."""
    if value.kind != "quantity":
        return False
    others = [
        v
        for v in stated
        if v is not value and (v.weak or not v.dimension or _has(v, sources) or any(same(v, a) for a in asked))
    ]
    shown = [v.number for v in (*others, *asked) if v.kind == "quantity" and v.number != 1]
    amounts = [v.low for v in others if v.dimension.startswith("money") and v.low != v.number]
    if others and reckoned(value, [*shown, *amounts, *factors]):
        return True
    moments = [v for v in others if v.kind in ("clock", "date")]
    return len(moments) > 1 and derives(value, moments)


def _follows(value: Value, asked: Sequence[Value], sources: Sources, factors: Sequence[float]) -> bool:
    given = [*asked, *sources.values[:_MOST]]
    return derives(value, given, [*factors, *(v.number for v in asked if v.kind == "quantity")])


def _multiple(value: Value, shown: Sequence[Value], sources: Sources, factors: Sequence[float]) -> bool:
    """True where a quantity is one of the sources times (or by) a number that is shown, or lies between two moments of theirs."""
    numbers = [*factors, *(v.number for v in shown if v.kind == "quantity" and v is not value and v.number > 1)]
    own = [g.low for g in sources.values[:_MOST] if g.kind == "quantity" and same_kind(value, g)]
    if any(near(value.low, x, 1e-3) for a in own for n in numbers for x in (a * n, a / n)):
        return True
    return any(
        one.kind == two.kind == "clock" and two.start - one.end <= 9 and derives(value, (one, two))
        for one, two in pairwise(sources.values[:_MOST])
    )


def _factors(claim: str, question: str) -> list[float]:
    """How many things a question lists ("for Film and Ceramics" asks for two), and how many months a year has where it is about these."""
    listed = len(_LISTED.findall(question))
    out = [float(listed + 1)] if 0 < listed < 6 else []
    for pattern, number in _PERIODS:
        if pattern.search(claim) or pattern.search(question):
            out.append(number)
    return out
