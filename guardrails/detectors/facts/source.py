"""A source cut into clauses, with its facts, names and words, for looking up what stands near what."""

from __future__ import annotations

import bisect
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from guardrails.detectors.facts.finding import values
from guardrails.detectors.facts.names import Name, names
from guardrails.detectors.facts.values import Value
from guardrails.detectors.facts.words import Word, words
from guardrails.sentences import sentences

__all__ = ["Sources", "clauses"]

_SPLIT = re.compile(r"[;:()—–](?=\s)|,(?=\s)|\s[–—-]\s|\(|\)|\|\s|\b(?:and|but|while|whereas|or|otherwise|except|unless|if|then)\b", re.IGNORECASE)  # fmt: skip

# So many places of a word are looked at, those nearest to a fact.
_NEAREST = 8


def clauses(text: str) -> list[tuple[int, int, int]]:
    """The clauses of a text: half-open ranges that cover its sentences, with the number of the sentence."""
    out = []
    for number, (start, end) in enumerate(sentences(text)):
        at = start
        for m in _SPLIT.finditer(text, start, end):
            if text[at : m.start()].strip():
                out.append((at, m.start(), number))
                at = m.start()
        if text[at:end].strip():
            out.append((at, end, number))
    return out


class Sources:
    """All sources of a check as one text. Made once a check; immutable."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.clauses = clauses(text)
        self._starts = [c[0] for c in self.clauses]

    @cached_property
    def values(self) -> list[Value]:
        """The facts of the source."""
        return values(self.text)

    @cached_property
    def names(self) -> list[Name]:
        """The names of the source."""
        return names(self.text)

    @cached_property
    def words(self) -> list[Word]:
        """The content words of the source."""
        return words(self.text)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of its content words."""
        return frozenset(str(w) for w in self.words)

    @cached_property
    def _where(self) -> Mapping[str, list[int]]:
        """The clauses that have a stem."""
        out: dict[str, list[int]] = defaultdict(list)
        for w in self.words:
            at = self.clause(w.start)
            if not out[w] or out[w][-1] != at:
                out[w].append(at)
        return out

    def clause(self, at: int) -> int:
        """The number of the clause that holds a character."""
        return max(0, bisect.bisect_right(self._starts, at) - 1)

    def weight(self, stem: str) -> float:
        """How much a stem tells: rare ones tell more, those that the source lacks nothing."""
        count = len(self._where.get(stem, ()))
        return math.log(1 + len(self.clauses) / count) if count else 0.0

    def places(self, stem: str) -> Sequence[int]:
        """The clauses that have a stem, in order."""
        return self._where.get(stem, ())

    def shares(self, weights: Mapping[str, float]) -> dict[int, float]:
        """For each sentence that has some of the stems, by number, the sum of their weights."""
        out: dict[int, float] = defaultdict(float)
        for stem, weight in weights.items():
            for sentence in {self.clauses[c][2] for c in self._where.get(stem, ())}:
                out[sentence] += weight
        return out

    def spots(self, stem: str, clause: int) -> Sequence[int]:
        """Where a stem stands, by character: the places nearest to a clause."""
        found = self._spots.get(stem, ())
        if len(found) <= _NEAREST:
            return found
        at = bisect.bisect_left(found, self.clauses[clause][0])
        return found[max(0, at - _NEAREST // 2) : at + _NEAREST // 2]

    def has(self, stem: str, start: int, end: int) -> bool:
        """True where a stem stands between two characters."""
        found = self._spots.get(stem, ())
        at = bisect.bisect_left(found, start)
        return at < len(found) and found[at] < end

    def sentence(self, clause: int) -> tuple[int, int]:
        """The half-open range of the sentence that a clause belongs to."""
        number = self.clauses[clause][2]
        first = last = clause
        while first and self.clauses[first - 1][2] == number:
            first -= 1
        while last + 1 < len(self.clauses) and self.clauses[last + 1][2] == number:
            last += 1
        return self.clauses[first][0], self.clauses[last][1]

    def starts_in(self, start: int, end: int) -> Sequence[int]:
        """Where the content words between two characters begin."""
        return self._begins[bisect.bisect_left(self._begins, start) : bisect.bisect_left(self._begins, end)]

    @cached_property
    def _begins(self) -> list[int]:
        return [w.start for w in self.words]

    @cached_property
    def _spots(self) -> Mapping[str, list[int]]:
        out: dict[str, list[int]] = defaultdict(list)
        for w in self.words:
            out[w].append(w.start)
        return out
