"""Runs the recognisers: one prefilter pass over a view, then only the patterns that can match.

Patterns run on RE2 where RE2 takes them; the others on the ``regex`` module with a time-out. A time-out is a failure of
the rule. Presidio's own runner logs it and goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from guardrails.content import Content, Deadline
from guardrails.detectors.pii.context import Window, rescored
from guardrails.detectors.pii.recognizer import Spec
from guardrails.fold import View
from guardrails.rules import Rule
from guardrails.types import Failure, FailureKind, Found, Hit

__all__ = ["Engine"]

# Seconds one pattern may spend on one view, and all patterns together on one piece.
_PATTERN_BUDGET = 0.5
_PIECE_BUDGET = 5.0
_SET_MEMORY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Pattern:
    spec: Spec
    score: float
    compiled: Any
    linear: bool
    group: int


@dataclass(frozen=True, slots=True)
class _Match:
    rule: int
    type: str
    start: int
    end: int
    score: float
    validated: bool

    @property
    def rank(self) -> tuple[bool, float, int, str]:
        """Better matches sort first."""
        return (not self.validated, -self.score, self.start - self.end, self.type)


class Engine:
    """The PII detector. Immutable once built."""

    def __init__(self, rules: Sequence[Rule], specs: Sequence[Spec], extra: Sequence[Any] = ()) -> None:
        self._rules = tuple(rules)
        self._by_type: dict[str, list[int]] = {}
        for number, rule in enumerate(self._rules):
            self._by_type.setdefault(rule.settings.entity, []).append(number)
        self._patterns = [p for s in specs if s.type in self._by_type for p in _compiled(s)]
        self._set, self._in_set, self._always = _prefilter(self._patterns)
        self._extra = [r for r in extra if set(r.supported_entities) & self._by_type.keys()]

    def find(self, content: Content, deadline: Deadline) -> Found:
        """Identifiers in every piece and every view, the better of overlapping ones."""
        found = Found()
        for index in range(len(content.pieces)):
            until = time.perf_counter() + _PIECE_BUDGET
            matches: set[_Match] = set()
            failed: dict[str, str] = {}
            for number, view in enumerate(content.folded(index).patterns):
                deadline.check()
                for pattern in self._candidates(view.text):
                    if number and pattern.spec.scope == "raw":
                        continue
                    if time.perf_counter() > until:
                        failed.setdefault(pattern.spec.type, f"over the budget of {_PIECE_BUDGET} s a piece")
                        continue
                    try:
                        matches.update(self._matches(pattern, view))
                    except TimeoutError:
                        failed.setdefault(pattern.spec.type, f"pattern over its budget of {_PATTERN_BUDGET} s")
                if self._extra:
                    matches.update(self._from_extra(view))
            for match in self._resolved(matches):
                rule = self._rules[match.rule]
                found.hits.append(Hit(rule.id, rule.type, match.start, match.end, match.score, index))
            for type_, detail in failed.items():
                for rule_number in self._by_type[type_]:
                    found.failures.append(Failure(self._rules[rule_number].id, FailureKind.TIMEOUT, index, detail))
        return found

    def _candidates(self, text: str) -> Iterator[_Pattern]:
        if self._set is not None:
            answer = self._set.Match(text)
            # The last pattern of the set always matches; an answer without it means that RE2 ran out of memory.
            numbers = sorted(answer)[:-1] if answer else range(len(self._in_set))
            for number in numbers:
                yield self._in_set[number]
        yield from self._always

    def _matches(self, pattern: _Pattern, view: View) -> Iterator[_Match]:
        spec = pattern.spec
        for start, end in _spans(pattern, view.text):
            if view.min_match and sum(c.isalnum() for c in view.text[start:end]) < view.min_match:
                continue
            score, valid = pattern.score, False
            if spec.validate is not None:
                verdict = spec.validate(view.text[start:end])
                if verdict is False:
                    continue
                valid = verdict is True
            if spec.context or spec.against:
                score, found = rescored(score, Window(view.text, start, end), spec.context, spec.against)
                if spec.requires_context and not found:
                    continue
            if valid and not spec.requires_context:
                score = 1.0
            for rule in self._by_type[spec.type]:
                if score >= self._rules[rule].settings.min_score:
                    yield _Match(rule, spec.type, *view.span(start, end), round(score, 4), valid)

    def _from_extra(self, view: View) -> Iterator[_Match]:
        from guardrails.detectors.pii.presidio import artifacts  # noqa: PLC0415 - only with a plugged-in recogniser

        for recognizer in self._extra:
            entities = [e for e in recognizer.supported_entities if e in self._by_type]
            for result in recognizer.analyze(view.text, entities, artifacts()):
                for rule in self._by_type.get(result.entity_type, ()):
                    if result.score >= self._rules[rule].settings.min_score:
                        span = view.span(result.start, result.end)
                        yield _Match(rule, result.entity_type, *span, float(result.score), validated=False)

    def _resolved(self, matches: set[_Match]) -> list[_Match]:
        """Without matches that lie inside a better one. An enforced rule's match yields to enforced rules only, so that
        a child policy cannot hide it behind a type of its own."""
        kept: list[_Match] = []
        for match in sorted(matches, key=lambda m: (m.rank, m.start, m.rule)):
            enforced = self._rules[match.rule].enforced
            covered = any(
                k.start <= match.start
                and match.end <= k.end
                and (not enforced or self._rules[k.rule].enforced)
                and (k.rule == match.rule or k.type != match.type)
                for k in kept
            )
            if not covered:
                kept.append(match)
        return sorted(kept, key=lambda m: (m.start, m.end, m.type))


def _compiled(spec: Spec) -> Iterator[_Pattern]:
    import re2  # noqa: PLC0415
    import regex  # noqa: PLC0415

    for pattern, score in spec.patterns:
        source = f"(?i){pattern}" if spec.ignore_case else pattern
        options = re2.Options()
        options.log_errors = False
        try:
            compiled, linear = re2.compile(source, options), True
        except re2.error:
            compiled, linear = regex.compile(source), False
        yield _Pattern(spec, score, compiled, linear, compiled.groupindex.get("value", 0))


def _prefilter(patterns: Sequence[_Pattern]) -> tuple[Any, list[_Pattern], list[_Pattern]]:
    """One RE2 set that says in one pass which patterns match; patterns it cannot hold always run."""
    import re2  # noqa: PLC0415

    inside = [p for p in patterns if p.linear]
    outside = [p for p in patterns if not p.linear]
    if not inside:
        return None, [], outside
    options = re2.Options()
    options.max_mem = _SET_MEMORY
    options.log_errors = False
    joined = re2.Set.SearchSet(options)
    for pattern in inside:
        joined.Add(pattern.compiled.pattern)
    joined.Add("")
    joined.Compile()
    return joined, inside, outside


def _spans(pattern: _Pattern, text: str) -> Iterator[tuple[int, int]]:
    """Non-empty spans of the finding. Raises TimeoutError over the budget."""
    if pattern.linear:
        until = time.perf_counter() + _PATTERN_BUDGET
        for match in pattern.compiled.finditer(text):
            start, end = match.span(pattern.group)
            if end > start:
                yield start, end
            if time.perf_counter() > until:
                raise TimeoutError
    else:
        for match in pattern.compiled.finditer(text, timeout=_PATTERN_BUDGET):
            start, end = match.span(pattern.group)
            if end > start:
                yield start, end
