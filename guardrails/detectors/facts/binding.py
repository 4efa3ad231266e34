"""Which of several facts of one kind the sources state about what a claim is about: "Business costs 12" where Team costs 12 and Business 20.

A word of the claim is bound to a fact by where it stands: in the fact's clause, before it in the sentence, behind it, in the sentence before.
A clause that opens with its fact ("£4,200 on Saturdays, £3,400 on Fridays") shares the words before with its neighbour. A fact that the
strongest single word prefers to the stated one is a rival.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guardrails.detectors.facts.derive import same_kind
from guardrails.detectors.facts.names import Name, names
from guardrails.detectors.facts.source import Sources, clauses
from guardrails.detectors.facts.values import Value, same
from guardrails.detectors.facts.words import Word, stem, words

__all__ = ["Rival", "apart", "rivals"]

# Facts of a source that are compared one by one.
_MOST = 300
# Of these, so many whose sentences share most with the claim are looked at closely.
_LIKELY = 10
# "The last ferry", "the cheapest plan": which of a list is meant is not said by the words near it.
_SUPERLATIVE = re.compile(r"\b(?:first|last|latest|earliest|least|most|maximum|minimum|max|min|total|\w{3,}est|average|both|all|other|others|different|instead|usual|normal|than)\b", re.IGNORECASE)  # fmt: skip
_COUNTED = re.compile(r"\s(?:\w+ly |new |more |other |different |full |whole )?([^\W\d_]{3,})")
# What stands between the ends of a range, the parts of a sum, and a limit and its excess.
_JOINS = re.compile(r"[^.;:]{0,24}?\b(?:to|until|till|and|or|minus|plus|times|less|of|with|from|against|instead of|rather than|compared with|at)\b[^.;:,]{0,24}|\s?[-–+×*/−=]\s?", re.IGNORECASE)  # fmt: skip
_SPANS = frozenset({"days", "working days"})


@dataclass(frozen=True, slots=True)
class Rival:
    """``text``: a fact or name as the sources write it, that fits ``start`` to ``end`` of a claim better than what stands there, by ``gain`` (-1 to 1)."""

    start: int
    end: int
    text: str
    gain: float
    name: bool = False


def rivals(claim: str, stated: Sequence[Value], sources: Sources, question: str = "") -> list[Rival]:
    """For each fact and name of a claim that the sources state too: its best rival, if it has any of its kind."""
    own, asked = words(claim), words(question)
    parts = clauses(claim) or [(0, len(claim), 0)]
    short = len({str(w) for w in own} & sources.stems) <= 2
    head = claim.find(": ")
    out: list[Rival] = []
    given = sources.values[:_MOST]
    compared = not _SUPERLATIVE.search(claim) and not _SUPERLATIVE.search(question)
    for v in stated if compared else ():
        if v.weak or v.kind == "ordinal" or (v.kind == "code" and not short):
            continue
        counted = None if short or v.kind != "quantity" or v.dimension else _noun(claim, v.end)
        if counted == "":
            continue
        here = [
            (g.start, g.end) for g in given if same(v, g) and (counted is None or _noun(sources.text, g.end) == counted)
        ]
        there = [
            g
            for g in given
            if _alike(v, g)
            and not (g.weak and not v.weak)
            and (counted is None or _noun(sources.text, g.end) == counted)
        ]
        # The other end of a range that has it is none.
        there = [g for g in there if not any(abs(g.start - e) < 9 or abs(s - g.end) < 9 for s, e in here)]
        # What the claim states as well is a rival only for what stands in the same clause.
        also = [g for g in there if any(same(g, s) for s in stated)]
        there = [g for g in there if g not in also]
        # Of two that one clause joins ("from 7:20 to 8:30", "310 minus 75") neither is the other's rival.
        also = [g for g in also if not any(same(g, s) and _joined(claim, v, s) for s in stated)]
        anchors = _anchors(v.start, v.end, own, parts, asked, sources, short, head)
        for group, by in ((there, anchors), (also, {w: x for w, x in anchors.items() if x >= 1.0 and not short})):
            found = _best(v.start, v.end, here, [(g.start, g.end) for g in group], by, sources) if by else None
            if found:
                out.append(found)
    everyone = sources.names[:_MOST]
    said = {w.said for w in (*own, *asked)}
    # Between sentences of prose names are too many; a short answer is the name.
    for n in names(claim) if short and compared else ():
        mine = [g for g in everyone if _shares(g, n)]
        others = [g for g in everyone if not _shares(g, n) and not set(g.parts) & said and g.sure]
        found = _best(
            n.start, n.end, [(g.start, g.end) for g in mine], [(g.start, g.end) for g in others],
            _anchors(n.start, n.end, own, parts, asked, sources, short, head), sources, name=True,
        )  # fmt: skip
        if found:
            out.append(found)
    return out


def _joined(claim: str, one: Value, other: Value) -> bool:
    first, second = sorted((one, other), key=lambda v: v.start)
    return bool(_JOINS.fullmatch(claim[first.end : second.start]))


def apart(claim: str, sources: Sources, question: str) -> float:
    """How much better (0 to 1) some clause fits the words of the question than the clauses that have the words of a short answer."""
    asked = {str(w): sources.weight(str(w)) for w in words(question)}
    asked = {w: x for w, x in asked.items() if x > 0}
    own = [w for w in words(claim) if str(w) not in asked and sources.weight(str(w)) > 0]
    if len(asked) < 2 or not own or len(own) > 5:
        return 0.0
    whole = sum(asked.values())
    key = max(sources.weight(str(w)) for w in own)
    at = {c for w in own if sources.weight(str(w)) >= 0.8 * key for c in sources.places(str(w))}
    fits = [
        sum(x * _bound(sources, w, c) for w, x in asked.items()) / whole for c in range(len(sources.clauses[:_MOST]))
    ]
    mine = max((fits[c] for c in at if c < len(fits)), default=0.0)
    return max(0.0, max(fits, default=0.0) - mine)


def _bound(sources: Sources, stem: str, clause: int) -> float:
    sentence = sources.clauses[clause][2]
    best = 0.0
    for c in sources.places(stem):
        if c == clause:
            return 1.0
        gap = sources.clauses[c][2] - sentence
        best = max(best, 0.7 if gap == 0 and c < clause else 0.4 if gap == 0 else 0.25 if gap == -1 else 0.0)
    return best


def _noun(text: str, end: int) -> str:
    """The stem of what a number counts; empty where no word follows."""
    m = _COUNTED.match(text, end)
    return stem(m[1].casefold()) if m else ""


def _shares(one: Name, other: Name) -> bool:
    a, b = (set(n.parts) for n in (one, other))
    numbers = {p for p in a if p.isdigit()}, {p for p in b if p.isdigit()}
    if numbers[0] and numbers[1] and numbers[0] != numbers[1]:
        return False
    return bool(a & b - numbers[0])


def _alike(v: Value, g: Value) -> bool:
    if g.kind != v.kind or same(v, g):
        return False
    if v.kind == "quantity":
        return same_kind(v, g) or {v.dimension, g.dimension} == _SPANS
    return v.kind != "date" or bool(_shape(v) & _shape(g))


def _shape(v: Value) -> set[int]:
    """Which of year, month and day a date states."""
    return {i for f in v.forms for i, x in enumerate(f) if x is not None}


def _anchors(  # noqa: PLR0917
    start: int,
    end: int,
    own: Sequence[Word],
    parts: Sequence[tuple[int, int, int]],
    asked: Sequence[Word],
    sources: Sources,
    short: bool,
    head: int,
) -> Mapping[str, float]:
    """The words that say what a fact is about, with their weight (0 to 1): those of its clause count most, and those before a colon (``head``).

    In a short answer without such words those of the question count as much.
    """
    out: dict[str, float] = {}
    a, b = next(((x, y) for x, y, _ in parts if x <= start < y), (start, end))
    for w in own:
        if not start <= w.start < end:
            out[str(w)] = max(
                out.get(str(w), 0.0),
                sources.weight(str(w)) * (1.0 if a <= w.start < b or w.start < head <= start else 0.5),
            )
    alone = short and not any(out.values())
    for w in asked:
        out[str(w)] = max(out.get(str(w), 0.0), sources.weight(str(w)) * (1.0 if alone else 0.6))
    top = max((sources.weight(w) for w in out), default=0.0)
    return {w: x / top for w, x in out.items() if x > 0} if top else {}


def _best(  # noqa: PLR0917
    start: int,
    end: int,
    here: Sequence[tuple[int, int]],
    there: Sequence[tuple[int, int]],
    anchors: Mapping[str, float],
    sources: Sources,
    *,
    name: bool = False,
) -> Rival | None:
    if not here or not there or not anchors or not sources.clauses:
        return None
    shares = sources.shares(anchors)
    every = sorted({*here, *there})
    here, there = (
        sorted(found, key=lambda at: -shares.get(sources.clauses[sources.clause(at[0])][2], 0.0))[:_LIKELY]
        for found in (here, there)
    )
    begins = [a for a, _ in every]
    tables = {at: {w: _binding(sources, w, at, begins) for w in anchors} for at in {*here, *there}}
    mine = [tables[at] for at in here]
    best: Rival | None = None
    for at in there:
        other = tables[at]
        # The stated fact may stand in several places: its best one counts.
        gain = min(
            max(0.0, *(x * (other[w] - own[w]) for w, x in anchors.items())) - max(0.0, *(x * (own[w] - other[w]) for w, x in anchors.items()))
            + 0.1 * sum(x * (other[w] - own[w]) for w, x in anchors.items())
            for own in mine
        )  # fmt: skip
        if best is None or gain > best.gain:
            best = Rival(start, end, sources.text[at[0] : at[1]], max(-1.0, min(1.0, gain)), name)
    return best


def _between(begins: Sequence[int], place: int, at: int) -> bool:
    """True where another fact begins between a word and a fact."""
    low, high = sorted((place, at))
    return bisect.bisect_left(begins, high) > bisect.bisect_right(begins, low)


def _binding(sources: Sources, stem: str, at: tuple[int, int], begins: Sequence[int]) -> float:
    """How closely (0 to 1) a word belongs to the fact at a place, given all facts of its kind."""
    own = sources.clause(at[0])
    if not sources.clauses:
        return 0.0
    start, _, sentence = sources.clauses[own]
    best = 0.0
    for place in sources.spots(stem, own):
        there = sources.clause(place)
        gap = sources.clauses[there][2] - sentence
        if there == own:
            # Two facts in one clause: the word belongs to the next one behind it, or the last one before it.
            between = _between(begins, place, at[0])
            best = max(best, 0.6 if between else 1.0)
        elif gap == 0:
            between = _between(begins, place, at[0])
            if place < at[0]:
                opens = not sources.starts_in(start, at[0])
                best = max(best, 0.95 if opens or not between else 0.6)
            else:
                best = max(best, 0.2 if between else 0.5)
        elif gap == -1:
            best = max(best, 0.35)
        elif gap == 1:
            best = max(best, 0.1)
    return best
