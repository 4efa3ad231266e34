"""The detector: the triggered patterns over every view, checksums, context, and one owner for each place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from guardrails.content import Content, Deadline
from guardrails.detectors.pii.context import evidence, scored
from guardrails.detectors.pii.matching import SECONDS, WINDOW, BudgetExceeded, Text, compiled
from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.resolve import Candidate, resolve
from guardrails.detectors.pii.triggers import triggers
from guardrails.fold import View
from guardrails.rules import Rule
from guardrails.types import Failure, FailureKind, Found, Hit

__all__ = ["PLACEHOLDER", "Extra", "Raw", "Runner", "run"]

Extra = Callable[[str, frozenset[str]], Iterator[tuple[str, int, int, float]]]
"""A tagger from elsewhere: text and wanted types in, ``(type, start, end, score)`` out."""

# What a mask leaves behind. A rule such as "password: …" must not find its own placeholder again.
PLACEHOLDER = re.compile(r"[{<\[]?\{?[A-Z][A-Z0-9_]*(?:[:_][0-9A-Za-z]+)?\}[}>\]]?")
_DEADLINE_EVERY = 16  # jobs


class Raw(NamedTuple):
    """A match before context: span in the view, score, and whether a checksum held."""

    spec: Spec
    start: int
    end: int
    score: float
    valid: bool


def run(specs: tuple[Spec, ...], text: str, *, failed: set[str], tick: Callable[[], None] = lambda: None) -> list[Raw]:
    """All matches of ``specs`` in ``text``, checksums applied, context not yet.

    Types whose pattern ran out of time are added to ``failed``; ``tick`` is called now and then and may raise.
    """
    found: list[Raw] = []
    if not text:
        return found
    shared = Text(text)
    for count, job in enumerate(triggers(specs).jobs(text)):
        if count % _DEADLINE_EVERY == 0:
            tick()
        spec = job.spec
        if spec.type in failed:
            continue
        try:
            for start, end in compiled(job.pattern, spec.ignore_case).spans(shared):
                verdict = None if spec.validate is None or start == end else spec.validate(text[start:end])
                if start < end and verdict is not False:
                    found.append(Raw(spec, start, end, 1.0 if verdict else job.score, bool(verdict)))
        except BudgetExceeded:
            failed.add(spec.type)
    return found


class Runner:
    """Finds the entities of its rules. Immutable and thread-safe."""

    def __init__(self, rules: Sequence[Rule], specs: tuple[Spec, ...], extra: Sequence[tuple[frozenset[str], Extra]]):
        self._rules: dict[str, list[Rule]] = {}
        for rule in sorted(rules, key=lambda r: r.id):
            self._rules.setdefault(rule.settings.entity, []).append(rule)
        self._least = {entity: min(r.settings.min_score for r in rules) for entity, rules in self._rules.items()}
        self._protected = frozenset(e for e, rules in self._rules.items() if any(r.enforced for r in rules))
        self._specs = specs
        self._anywhere = tuple(s for s in specs if s.scope != "raw")
        self._extra = tuple(extra)

    def find(self, content: Content, deadline: Deadline) -> Found:
        """Hits of every rule over every piece; a type that ran out of time is a failure of its rules."""
        found = Found()
        for index, piece in enumerate(content.pieces):
            deadline.check()
            failed: set[str] = set()
            candidates = self._candidates(content, index, failed, deadline)
            for types, tagger in self._extra:
                wanted = types & self._rules.keys()
                try:
                    candidates += [
                        Candidate(type_, start, end, score)
                        for type_, start, end, score in tagger(piece.text, wanted)
                        if type_ in wanted and 0 <= start < end <= len(piece.text)
                    ]
                except Exception as error:  # noqa: BLE001 - a foreign model may raise anything; it becomes a failure
                    found.failures += [
                        Failure(r.id, FailureKind.INTERNAL, index, type(error).__name__)
                        for t in sorted(wanted)
                        for r in self._rules[t]
                    ]
            certain = [c for c in candidates if c.score >= self._least[c.type]]
            for c in resolve(piece.text, certain, self._protected):
                found.hits += [
                    Hit(rule.id, rule.type, c.start, c.end, round(c.score, 4), index)
                    for rule in self._rules[c.type]
                    if c.score >= rule.settings.min_score
                ]
            found.failures += [
                Failure(r.id, FailureKind.TIMEOUT, index, f"{SECONDS} s for a pattern on {WINDOW} characters")
                for entity in sorted(failed)
                for r in self._rules[entity]
            ]
        return found

    def _candidates(self, content: Content, index: int, failed: set[str], deadline: Deadline) -> list[Candidate]:
        candidates: list[Candidate] = []
        for number, view in enumerate(content.folded(index).patterns):
            specs = self._specs if number == 0 else self._anywhere
            for raw in run(specs, view.text, failed=failed, tick=deadline.check):
                candidate = judged(raw, view)
                if candidate is not None:
                    candidates.append(candidate)
        return candidates


def judged(raw: Raw, view: Any) -> Candidate | None:
    """A match with its context weighed, at its place in the original; None when it does not count."""
    text = view.text
    value = text[raw.start : raw.end]
    if view.min_match and sum(c.isalnum() for c in value) < view.min_match:
        return None
    if value[-1] == "}" and PLACEHOLDER.fullmatch(value):
        return None
    spec = raw.spec
    around = evidence(text, raw.start, raw.end, spec.context, spec.against)
    if spec.requires_context and around.sign <= 0:
        return None
    start, end = view.span(raw.start, raw.end)
    distance = around.distance if around.sign > 0 else 99
    return Candidate(spec.type, start, end, scored(raw.score, around), raw.valid, distance)


_ = View
