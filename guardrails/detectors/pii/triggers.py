"""Which patterns can match in a text at all: one pass of an Aho-Corasick automaton and one over the digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import sub

import ahocorasick_rs

from guardrails.detectors.pii.needs import Need, need
from guardrails.detectors.pii.recognizer import Spec

__all__ = ["Job", "Triggers"]

_DIGITS = "0123456789"
_DIGIT = re.compile("[0-9]")


@dataclass(frozen=True, slots=True)
class Job:
    """One pattern of one spec, with what a text needs for it."""

    spec: Spec
    pattern: str
    score: float
    need: Need


def _lower(text: str) -> str:
    """Lower case without lone surrogates, which the automaton does not take and no pattern needs."""
    lower = text.lower()
    if not lower.isascii():
        lower = lower.encode("utf-8", "replace").decode("utf-8")
    return lower


class Triggers:
    """Immutable once built."""

    __slots__ = ("_always", "_automaton", "_by_atom", "_by_digits", "_jobs", "_words")

    def __init__(self, specs: Sequence[Spec]) -> None:
        jobs = [Job(s, p, score, need(p)) for s in specs for p, score in s.patterns]
        atoms: dict[str, int] = {}
        by_atom: dict[int, list[int]] = {}
        by_digits: list[int] = []
        always: list[int] = []
        words: list[frozenset[int] | None] = []

        def ids(words: Sequence[str] | frozenset[str]) -> frozenset[int]:
            return frozenset(atoms.setdefault(w, len(atoms)) for w in sorted(words))

        for number, job in enumerate(jobs):
            # The first word of a context phrase: its blank may stand for anything or nothing.
            first = [w.lower().split()[0] for w in job.spec.context]
            words.append(ids(first) if job.spec.requires_context else None)
            primary = ids(job.need.atoms) if job.need.atoms else words[number]
            if primary:
                for atom in primary:
                    by_atom.setdefault(atom, []).append(number)
            else:
                (by_digits if job.need.digits else always).append(number)
        self._jobs, self._words = tuple(jobs), tuple(words)
        self._by_digits, self._always = tuple(by_digits), tuple(always)
        self._by_atom = {k: tuple(v) for k, v in by_atom.items()}
        self._automaton = ahocorasick_rs.AhoCorasick(list(atoms)) if atoms else None

    def jobs(self, text: str) -> list[Job]:
        """The jobs that may match in ``text``, each once, in a fixed order."""
        chosen = set(self._always)
        seen: set[int] = set()
        if self._automaton is not None:
            seen = {m[0] for m in self._automaton.find_matches_as_indexes(_lower(text), overlapping=True)}
            for atom in seen & self._by_atom.keys():
                chosen.update(self._by_atom[atom])
        digits: list[int] = []
        if any(d in text for d in _DIGITS):
            digits = [m.start() for m in _DIGIT.finditer(text)]
            chosen.update(self._by_digits)
        spans: dict[int, int] = {}
        return [self._jobs[n] for n in sorted(chosen) if self._possible(n, seen, digits, spans)]

    def _possible(self, number: int, seen: set[int], digits: list[int], spans: dict[int, int]) -> bool:
        words = self._words[number]
        if words is not None and words.isdisjoint(seen):
            return False
        need = self._jobs[number].need
        if not need.digits:
            return True
        if len(digits) < need.digits:
            return False
        if not need.width:
            return True
        if need.digits not in spans:
            spans[need.digits] = min(map(sub, digits[need.digits - 1 :], digits)) + 1
        return spans[need.digits] <= need.width
