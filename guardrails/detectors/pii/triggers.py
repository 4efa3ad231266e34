"""Which patterns can match in a text at all: one pass of an Aho-Corasick automaton and one over the digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import ahocorasick_rs

from guardrails.detectors.pii.needs import Need, need
from guardrails.detectors.pii.recognizer import Spec

__all__ = ["Job", "Triggers", "triggers"]

_DELETE_DIGITS = {ord(c): None for c in "0123456789"}


@dataclass(frozen=True, slots=True)
class Job:
    """One pattern of one spec, with what a text needs for it."""

    spec: Spec
    pattern: str
    score: float
    need: Need


class Triggers:
    """Immutable once built."""

    __slots__ = ("_always", "_automaton", "_by_atom", "_by_digits", "_needs_word")

    def __init__(self, specs: Sequence[Spec]) -> None:
        jobs = [Job(s, p, score, need(p)) for s in specs for p, score in s.patterns]
        atoms: dict[str, int] = {}
        by_atom: dict[int, list[Job]] = {}
        self._needs_word: dict[Spec, frozenset[int]] = {}
        self._always: list[Job] = []
        self._by_digits: list[Job] = []

        def ids(words: Sequence[str] | frozenset[str]) -> frozenset[int]:
            return frozenset(atoms.setdefault(w, len(atoms)) for w in sorted(words))

        for job in jobs:
            spec = job.spec
            if spec.requires_context:
                # The first word of a context phrase: its blank may stand for anything or nothing.
                self._needs_word[spec] = ids([w.lower().split()[0] for w in spec.context])
            primary = ids(job.need.atoms) if job.need.atoms else self._needs_word.get(spec)
            if primary:
                for atom in primary:
                    by_atom.setdefault(atom, []).append(job)
            else:
                (self._by_digits if job.need.digits else self._always).append(job)
        self._by_atom = {k: tuple(v) for k, v in by_atom.items()}
        self._automaton = ahocorasick_rs.AhoCorasick(list(atoms)) if atoms else None

    def jobs(self, text: str) -> list[Job]:
        """The jobs that may match in ``text``, each once."""
        chosen = dict.fromkeys(self._always)
        lower = text.lower()
        seen: set[int] = set()
        if self._automaton is not None:
            seen = {m[0] for m in self._automaton.find_matches_as_indexes(lower, overlapping=True)}
            for atom in seen & self._by_atom.keys():
                chosen.update(dict.fromkeys(self._by_atom[atom]))
        digits = [i for i, c in enumerate(text) if c in "0123456789"] if _has_digits(text) else []
        if digits:
            chosen.update(dict.fromkeys(self._by_digits))
        spans: dict[int, int] = {}
        return [j for j in chosen if self._possible(j, seen, digits, spans)]

    def _possible(self, job: Job, seen: set[int], digits: list[int], spans: dict[int, int]) -> bool:
        words = self._needs_word.get(job.spec)
        if words is not None and words.isdisjoint(seen):
            return False
        count, width = job.need.digits, job.need.width
        if not count:
            return True
        if len(digits) < count:
            return False
        if not width:
            return True
        if count not in spans:
            spans[count] = min(b - a for a, b in zip(digits, digits[count - 1 :], strict=False)) + 1
        return spans[count] <= width


def _has_digits(text: str) -> bool:
    return any(d in text for d in "0123456789")


@lru_cache(maxsize=64)
def triggers(specs: tuple[Spec, ...]) -> Triggers:
    """The triggers of these specs, shared by policies that ask for the same types."""
    return Triggers(specs)
