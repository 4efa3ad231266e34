"""Hits and failures in, findings and one action out. Pure: no text, no clock, and the order of rules is nothing."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from guardrails.rules import Rule
from guardrails.types import Action, Failure, FailureKind, Finding, Hit, OnFailure, RuleAction, Source, Unseen

__all__ = ["Verdict", "joined", "judge", "stops", "worst"]

_EFFECT = {RuleAction.BLOCK: Action.BLOCKED, RuleAction.MASK: Action.MASKED, RuleAction.DETECT: Action.NONE}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The action over all pieces, every finding, real failures, and rules that had nothing to look at.

    ``unseen``, ``scores`` and ``models`` are what detectors said besides (:class:`~guardrails.types.Found`).
    """

    action: Action
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    not_applicable: tuple[str, ...]
    unseen: tuple[Unseen, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)


def judge(rules: Mapping[str, Rule], source: Source, hits: Iterable[Hit], failures: Iterable[Failure]) -> Verdict:
    """What the policy says about these hits.

    The action is the most severe one of any finding, or BLOCKED when a rule that failed says so. A rule that should
    mask but points at no span blocks: there is nothing to rewrite, and the text must not pass.
    """
    findings = {_finding(rules[hit.rule], source, hit) for hit in hits}
    real: set[Failure] = set()
    not_applicable: set[str] = set()
    for failure in failures:
        if failure.kind is FailureKind.NOT_APPLICABLE and not rules[failure.rule].required:
            not_applicable.add(failure.rule)
        else:
            real.add(failure)
    action = max((f.action for f in findings), key=lambda a: a.severity, default=Action.NONE)
    if stops(rules, real):
        action = Action.BLOCKED
    return Verdict(
        action,
        tuple(sorted(findings, key=_place)),
        tuple(sorted(real, key=lambda f: (f.rule, f.kind, -1 if f.piece is None else f.piece, f.detail))),
        tuple(sorted(not_applicable)),
    )


def joined(first: Verdict, second: Verdict) -> Verdict:
    """Both verdicts about one text, the second after some of it was masked: scores and models are those of the first."""
    findings = first.findings
    if second.findings:
        every = dict.fromkeys((*first.findings, *second.findings))
        findings = tuple(sorted(every, key=lambda f: (f.piece, f.start or 0, f.end or 0, f.rule)))
    return Verdict(
        max(first.action, second.action, key=lambda a: a.severity),
        findings,
        tuple(dict.fromkeys((*first.failures, *second.failures))),
        tuple(dict.fromkeys((*first.not_applicable, *second.not_applicable))),
        (*first.unseen, *second.unseen),
        first.scores,
        first.models,
    )


def stops(rules: Mapping[str, Rule], failures: Iterable[Failure]) -> bool:
    """Whether one of these rules, which could not be evaluated, blocks for that."""
    return any(rules[f.rule].on_failure is OnFailure.BLOCK for f in failures)


def _finding(rule: Rule, source: Source, hit: Hit) -> Finding:
    wanted = rule.action(source)
    action = Action.NONE if wanted is None else _EFFECT[wanted]
    if action is Action.MASKED and hit.start is None:
        action = Action.BLOCKED
    return Finding(hit.rule, hit.type, hit.start, hit.end, hit.score, hit.level, hit.piece, action, hit.evidence)


def _place(f: Finding) -> tuple[int, int, int, str, str, float]:
    return (f.piece, -1 if f.start is None else f.start, -1 if f.end is None else f.end, f.rule, f.type, -f.score)


def worst(every: Sequence[Mapping[str, float]], lower_is_worse: Container[str]) -> dict[str, float]:
    """Of several texts' scores the worst of each: the highest, or the lowest where lower is worse."""
    out: dict[str, float] = {}
    for key in dict.fromkeys(chain.from_iterable(every)):
        pick = min if key in lower_is_worse else max
        out[key] = pick([scores[key] for scores in every if key in scores])
    return out
