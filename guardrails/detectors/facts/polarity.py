"""Whether a claim says the opposite of the clause it resembles: a negation more or less, or a word and its opposite."""

from __future__ import annotations

import re

from guardrails.detectors.facts.source import Sources, clauses
from guardrails.detectors.facts.words import NEGATION, opposites, words

__all__ = ["flipped", "overstated"]

# The share of a claim's weighted words that a clause must have to be the one it is about.
_ALIKE = 0.7
# Units whose shares differ by less are as near.
_CLOSE = 0.02
_ANY = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# An answer's "No," answers the question and does not negate what follows.
_ANSWER = re.compile(
    r"^\W*(?:(?:yes|no|nope|yeah|correct|right|sorry|unfortunately|not really|no need|i(?:['’]m| am) (?:sorry|afraid)|(?:unfortunately|better|certainly|of course|probably|perhaps|i(?:['’]m| am) afraid) not)\b[\s,;:.!–—-]*)+",
    re.IGNORECASE,
)
# What an answer says of everything, and what a source says that holds for some of it only. A claim with such a limit of its own is no overstatement.
_EVERYTHING = re.compile(
    r"\b(?:all|every|everyone|everybody|everything|always|never|whatever|anyone|anything|anywhere|any time|completely|entirely|fully|definitely|certainly|surely"
    r"|without (?:any )?(?:limits?|exceptions?|conditions?|restrictions?)|regardless|no matter|in any case|ever)\b",
    re.IGNORECASE,
)
_LIMITED = re.compile(
    r"\b(?:only|unless|except\w*|apart from|other than|provided|as long as|if|until|but|not|some|most|few|almost|nearly|mostly|usually|often|sometimes|may|might|could|perhaps"
    r"|possibly|probably|likely|expected|thought|hope\w*|plan\w*|want\w*|without|at least|at most|when|while|half|third|quarter|\d+ ?(?:%|per ?cent|of))(?!\w)",
    re.IGNORECASE,
)
_ABOUT = 0.6
# What follows these is said of some of it only, so that both may hold.
_PARTLY = re.compile(
    r"\b(?:only|unless|except\w*|otherwise|but|however|instead|other|than|rather|if|until|just|although|though|still)\b",
    re.IGNORECASE,
)


def flipped(claim: str, sources: Sources) -> tuple[float, float]:
    """Shares (0 to 1) of a claim's words in the nearest clause or sentence, where the two differ in negation, and in an opposite; 0 where not."""
    negation = opposite = 0.0
    claim = _ANSWER.sub("", claim, count=1)
    pieces = [claim[a:b] for a, b, _ in clauses(claim)]
    for piece in dict.fromkeys((claim, *pieces)):
        found = _flipped(piece, sources)
        negation, opposite = max(negation, found[0]), max(opposite, found[1])
    return negation, opposite


def overstated(claim: str, sources: Sources) -> float:
    """The share (0 to 1) of a claim's words in the nearest sentence, where the claim speaks of everything and the sentence of some of it; 0 where not."""
    claim = _ANSWER.sub("", claim, count=1)
    said = {m[0].casefold() for m in _EVERYTHING.finditer(claim)}
    if not said or _LIMITED.search(claim):
        return 0.0
    own = {str(w) for w in words(claim)}
    kept = {w: sources.weight(w) for w in own if w in sources.stems}
    near = _shares(kept, sum(kept.values()) + 2.0 * (len(own) - len(kept)), sources)
    best = max(near.values(), default=0.0)
    if len(kept) < 2 or best < _ABOUT:
        return 0.0
    top = [sources.text[slice(*sources.sentence(sources.clause(u[0])))] for u, x in near.items() if x >= best - _CLOSE]
    return best if all(_LIMITED.search(t) and not any(w in t.casefold() for w in said) for t in top) else 0.0


def _shares(kept: dict[str, float], whole: float, sources: Sources) -> dict[tuple[int, int], float]:
    """For each clause and sentence that may be meant, the share of the claim's weight that it has."""
    return {u: sum(x for w, x in kept.items() if sources.has(w, *u)) / whole for u in _units(sources, kept)}


def _flipped(claim: str, sources: Sources) -> tuple[float, float]:
    own = {str(w): w.said for w in words(claim)}
    own = {w: said for w, said in own.items() if not NEGATION.fullmatch(said)}
    kept = {w: sources.weight(w) for w in own if w in sources.stems}
    whole = sum(kept.values()) + sum(2.0 for w in own if w not in kept and not opposites(own[w]))
    if sum(not w.isdigit() for w in kept) < 2 or not whole:
        return 0.0, 0.0
    near = _shares(kept, whole, sources)
    best = max(near.values(), default=0.0)
    if best < _ALIKE:
        return 0.0, 0.0
    said = [m[0].casefold() for m in _ANY.finditer(claim)]
    # Of the clauses and sentences that share as much, the shortest ones: they say the least besides.
    top = [u for u, share in near.items() if share >= best - _CLOSE]
    top = [u for u in top if not any(o != u and u[0] <= o[0] and o[1] <= u[1] for o in top)]
    negation, opposite = [], []
    for a, b in top:
        text = sources.text[a:b]
        there = {m[0].casefold() for m in _ANY.finditer(text)}
        odd = len(NEGATION.findall(claim)) % 2 != len(NEGATION.findall(text)) % 2
        negation.append(best if odd and not _PARTLY.search(text) and not _PARTLY.search(claim) else 0.0)
        against = any(w not in there and opposites(w) & there - set(said) and not NEGATION.fullmatch(w) for w in said)
        opposite.append(best if against and not odd else 0.0)
    return min(negation), min(opposite)


def _units(sources: Sources, kept: dict[str, float]) -> list[tuple[int, int]]:
    """The clauses and sentences that have the rarest of the words."""
    rare = sorted(kept, key=lambda w: -kept[w])[:3]
    at = sorted({c for w in rare for c in sources.places(w)})[:60]
    out = {sources.clauses[c][:2] for c in at}
    return [*out, *{sources.sentence(c) for c in at}]
