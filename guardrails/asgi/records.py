"""What figures, the log and traces are told about a decision: ids, names and numbers, never a character of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guardrails.decision import Decision

__all__ = ["DecisionRecord", "FailedRule", "record_of"]


@dataclass(frozen=True, slots=True)
class FailedRule:
    """A rule that could not be evaluated. ``kind`` is a :class:`guardrails.types.FailureKind`; ``open``: it let the text pass."""

    rule: str
    kind: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """What is recorded about one check of one direction of an exchange: ids, names and figures.

    ``id`` is what the client reads in ``x-guardrails-decision-id``. ``route`` is a route's template or the name of a
    recognised API, never the path as it was sent. ``rules`` are the ids of the rules that fired, detect-only ones included;
    ``uninspected`` short fixed reasons (``image``, ``audio``, ``reference``); ``not_applicable`` rules that had nothing to compare
    the text with. ``milliseconds`` is what the check added. ``scores``: the highest of each rule that fired. ``ask``: somebody might have
    confirmed the calls that stopped an answer (:attr:`guardrails.decision.Decision.ask`).
    """

    id: str
    tenant: str
    policy: str
    sha256: str
    route: str
    format: str
    direction: str
    action: str
    rules: Sequence[str] = ()
    failures: Sequence[FailedRule] = ()
    uninspected: Sequence[str] = ()
    not_applicable: Sequence[str] = ()
    milliseconds: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    ask: bool = False


def record_of(decision: Decision) -> DecisionRecord:
    """What is recorded of a decision that was made."""
    scores: dict[str, float] = {}
    for found in decision.findings:
        scores[found.finding.rule] = max(scores.get(found.finding.rule, 0.0), found.finding.score)
    return DecisionRecord(
        id=decision.id,
        tenant=decision.tenant,
        policy=decision.policy.name,
        sha256=decision.policy.sha256,
        route=decision.format,
        format=decision.format,
        direction=decision.direction.value,
        action=decision.action.value,
        rules=decision.fired,
        failures=tuple(FailedRule(f.rule, f.kind.value, f.rule in decision.fail_open) for f in decision.failures),
        uninspected=tuple(why for why, _ in decision.uninspected),
        not_applicable=decision.not_applicable,
        milliseconds=decision.milliseconds,
        scores=scores,
        ask=decision.ask,
    )
