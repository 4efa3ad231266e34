"""One score a row, whatever finds in it: each rule's score put on a scale where its own threshold is .5."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.detectors import lower_is_worse
from guardrails.evaluation.rows import Row
from guardrails.guard import Guard
from guardrails.rules import Rule
from guardrails.types import Role, RuleAction, Source

__all__ = ["Scorer", "evidence", "normal", "thresholds"]

_ATTACK = "prompt_attack."
_TINY = 1e-6


def evidence(score: float, threshold: float | None) -> float:
    """A probability on a scale where ``threshold`` is .5: its odds divided by the threshold's odds.

    Strictly increasing and onto [0, 1], so it changes no curve of a single score; it makes several comparable. A category
    that acts at .9 and one that acts at .3 weigh the same at the point where each acts.
    """
    score = min(max(score, 0.0), 1.0)
    if threshold is None:
        return score
    threshold = min(max(threshold, _TINY), 1 - _TINY)
    for_it, against = score * (1 - threshold), (1 - score) * threshold
    return for_it / (for_it + against)


def thresholds(guard: Guard, source: Source, role: Role) -> dict[str, float]:
    """Where each score of a text starts to act, as far as policy and guard say.

    A guard may have ``thresholds``: a mapping of the scores' keys, or a function of direction and role that returns one.
    """
    good = lower_is_worse(guard.policy.rules)
    known = {r.id: float(r.settings.threshold) for r in guard.policy.rules if r.id in good}
    given: Any = getattr(guard, "thresholds", None) or {}
    if callable(given):
        given = given(source, role)
    return {**known, **{str(k): float(v) for k, v in given.items()}}


def normal(name: str) -> str:
    """A category's name as it is compared: ``self-harm``, ``Self Harm`` and ``SELF_HARM`` are one."""
    return re.sub(r"[\s\-]+", "_", name.strip()).upper()


class Scorer:
    """Turns lines of predictions into scores, under one guard."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._on = {s: {r.id: r for r in guard.policy.rules if r.action(s) is not None} for s in Source}
        self._counted = {s: _counted(rules.values(), s) for s, rules in self._on.items()}
        self._good = lower_is_worse(guard.policy.rules)
        self._limits: dict[tuple[Source, Role], dict[str, float]] = {}
        self._named: dict[tuple[str, Source], frozenset[str]] = {}
        self._rules: dict[tuple[str, Source], str | None] = {}

    @property
    def thresholded(self) -> bool:
        """True when some score asked for so far had a threshold."""
        return any(self._limits.values())

    def score(self, row: Row, line: Mapping[str, Any]) -> float:
        """The strongest evidence of any rule that counts: those that block, or all where none does.

        A rule without a score in ``scores`` (words, regexes, PII) says 1 when it found something, else 0.
        """
        best = 0.0
        counted, judged = self._counted[row.source], set[str]()
        for key, value in line["scores"].items():
            rule = self._rule(key, row.source)
            if rule is not None and rule in counted:
                judged.add(rule)
                best = max(best, self._evidence(key, value, row))
        fired = {f["rule"] for f in _findings(line)} & counted
        return 1.0 if fired - judged else best

    def category(self, name: str, row: Row, line: Mapping[str, Any]) -> tuple[bool, float]:
        """Whether something of that (normal) name fired, and the strongest evidence for it.

        Where only a score bears the name (``JAILBREAK`` under PROMPT_ATTACK), its evidence must reach .5.
        """
        ids = self._ids(name, row.source)
        fired = any(f["rule"] in ids or normal(f["type"]) == name for f in _findings(line))
        scores = [
            self._evidence(key, value, row)
            for key, value in line["scores"].items()
            if self._rule(key, row.source) is not None and _bears(key, name)
        ]
        if not scores:
            return fired, float(fired)
        best = max(scores)
        return fired or (not ids and best >= 0.5), best

    def knows(self, name: str, lines: Iterable[Mapping[str, Any]]) -> bool:
        """True when a rule that is on, or a score that was given, bears the name."""
        if any(self._ids(name, source) for source in Source):
            return True
        return any(_bears(key, name) for line in lines for key in line["scores"])

    def acts_on(self, type_: str, source: Source) -> bool:
        """True when a rule that masks or blocks in that direction is named after the type."""
        ids = self._ids(normal(type_), source)
        return any(self._on[source][i].action(source) is not RuleAction.DETECT for i in ids)

    def _ids(self, name: str, source: Source) -> frozenset[str]:
        """The rules that are on in that direction and bear the name."""
        at = (name, source)
        if at not in self._named:
            self._named[at] = frozenset(r.id for r in self._on[source].values() if name in _names(r))
        return self._named[at]

    def _rule(self, key: str, source: Source) -> str | None:
        """The rule that a score belongs to, when it is on in that direction."""
        at = (key, source)
        if at not in self._rules:
            self._rules[at] = _rule_of(key, self._on[source])
        return self._rules[at]

    def _evidence(self, key: str, value: float, row: Row) -> float:
        at = (row.source, row.pieces[0].role)
        limits = self._limits.get(at)
        if limits is None:
            limits = self._limits[at] = thresholds(self._guard, *at)
        threshold = limits.get(key)
        if threshold is None and key.startswith(_ATTACK):
            threshold = limits.get("content.PROMPT_ATTACK")
        if key in self._good:
            return evidence(1 - value, None if threshold is None else 1 - threshold)
        return evidence(value, threshold)


def _counted(rules: Iterable[Rule], source: Source) -> set[str]:
    rules = list(rules)
    return {r.id for r in rules if r.action(source) is RuleAction.BLOCK} or {r.id for r in rules}


def _rule_of(key: str, rules: Mapping[str, Rule]) -> str | None:
    if key in rules:
        return key
    head, _, name = key.partition(".")
    if key.startswith(_ATTACK):
        return "content.PROMPT_ATTACK" if "content.PROMPT_ATTACK" in rules else None
    if head == "topic":
        return next((r.id for r in rules.values() if r.detector == "topics" and r.type == name), None)
    return None


def _names(rule: Rule) -> set[str]:
    return {normal(rule.id), normal(rule.type), normal(rule.id.partition(".")[2])}


def _bears(key: str, name: str) -> bool:
    head, _, tail = key.partition(".")
    return name in {normal(key), normal(tail)} or (head == "prompt_attack" and name == "PROMPT_ATTACK")


def _findings(line: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*line["findings"], *line.get("other_findings", ())]
