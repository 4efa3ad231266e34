"""A report in the words of ApplyGuardrail: assessments, usage in text units, coverage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from guardrails.detectors import spec
from guardrails.rules import Rule
from guardrails.service.catalog import Guardrail
from guardrails.service.checking import Checked
from guardrails.service.names import arn
from guardrails.types import Action, Finding, OnFailure, Piece, Report, Source

__all__ = ["assessment", "coverage", "units"]

# Characters of a text unit: https://aws.amazon.com/bedrock/pricing/
_UNIT = 1_000
_KINDS = {
    "content": "contentPolicyUnits",
    "topics": "topicPolicyUnits",
    "words": "wordPolicyUnits",
    "pii": "sensitiveInformationPolicyUnits",
    "regex": "sensitiveInformationPolicyFreeUnits",
    "grounding": "contextualGroundingPolicyUnits",
}
_BLOCKED, _NONE, _ANONYMIZED = "BLOCKED", "NONE", "ANONYMIZED"
Entry = dict[str, Any]


def units(guardrail: Guardrail, source: Source, characters: int) -> dict[str, int]:
    """Text units of each kind of policy that looked at so many characters; images are counted and never read, so none of them."""
    used = dict.fromkeys((*_KINDS.values(), "contentPolicyImageUnits", "automatedReasoningPolicyUnits"), 0)
    used["automatedReasoningPolicies"] = 0
    for name in guardrail.guard.direction(source).names:
        if name in _KINDS:
            used[_KINDS[name]] = -(-characters // _UNIT)
    return used


def coverage(report: Report, images: int) -> dict[str, Any]:
    """How much was looked at."""
    out: dict[str, Any] = {"textCharacters": {"guarded": report.coverage.seen, "total": report.coverage.total}}
    return {**out, "images": {"guarded": 0, "total": images}} if images else out


class _Sections:
    """The sections of an assessment as they fill; an entry that is there already is told once."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], list[Entry]] = {}

    def add(self, section: str, group: str, entry: Entry) -> None:
        entries = self.found.setdefault((section, group), [])
        if entry not in entries:
            entries.append(entry)

    def render(self) -> dict[str, Any]:
        """Only sections with entries, each with all of its lists."""
        out: dict[str, Any] = {}
        for section, groups in _GROUPS.items():
            lists = {group: self.found.get((section, group), []) for group in groups}
            if any(lists.values()):
                out[section] = lists
        return out


_GROUPS = {
    "topicPolicy": ("topics",),
    "contentPolicy": ("filters",),
    "wordPolicy": ("customWords", "managedWordLists"),
    "sensitiveInformationPolicy": ("piiEntities", "regexes"),
    "contextualGroundingPolicy": ("filters",),
}


def assessment(
    guardrail: Guardrail,
    done: Checked,
    pieces: Sequence[Piece],
    usage: dict[str, int],
    *,
    full: bool,
    images: int,
    origins: Sequence[str] = ("REQUEST",),
) -> dict[str, Any]:
    """One assessment. ``full``: filters, topics and grounding that did not fire are told as well. ``origins``: why the guardrail was
    applied."""
    report = done.report
    policy = guardrail.guard.policy
    rules = {r.id: r for r in policy.rules if r.action(report.source) is not None}
    sections = _Sections()
    for finding in _worst(report.findings, rules):
        _add(sections, rules[finding.rule], finding, report, pieces)
    fired = {f.rule for f in report.findings}
    for rule in rules.values():
        blocks = rule.on_failure is OnFailure.BLOCK and any(f.rule == rule.id for f in report.failures)
        if blocks or (full and rule.id not in fired):
            _add_quiet(sections, rule, report, _BLOCKED if blocks else _NONE)
    if done.blocked and not report.blocked:
        sections.add("topicPolicy", "topics", _topic("uninspected content", _BLOCKED, detected=False))
    return {
        **sections.render(),
        "invocationMetrics": {
            "guardrailProcessingLatency": max(1, round(done.milliseconds)),
            "usage": usage,
            "guardrailCoverage": coverage(report, images),
        },
        "appliedGuardrailDetails": {
            "guardrailId": guardrail.id,
            "guardrailVersion": guardrail.version,
            "guardrailArn": arn(guardrail.id),
            "guardrailOrigin": list(origins),
            "guardrailOwnership": "SELF",
        },
    }


def _worst(findings: Iterable[Finding], rules: dict[str, Rule]) -> list[Finding]:
    """All findings of words and values; of what judges whole texts one a rule, the most certain of the worst."""
    out: list[Finding] = []
    worst: dict[str, Finding] = {}
    for finding in findings:
        if spec(rules[finding.rule].detector).spans:
            out.append(finding)
            continue
        known = worst.get(finding.rule)
        if known is None or (finding.action.severity, finding.score) > (known.action.severity, known.score):
            worst[finding.rule] = finding
    return [*worst.values(), *out]


def _add(sections: _Sections, rule: Rule, finding: Finding, report: Report, pieces: Sequence[Piece]) -> None:
    blocked = _BLOCKED if finding.action is Action.BLOCKED else _NONE
    values = _ANONYMIZED if finding.action is Action.MASKED else blocked
    match = "" if finding.start is None else pieces[finding.piece].text[finding.start : finding.end]
    match rule.detector:
        case "content":
            level = finding.level.value if finding.level is not None else "HIGH"
            sections.add("contentPolicy", "filters", _filter(rule, report.source, level, blocked, detected=True))
        case "words" if rule.settings.managed:
            entry = {"match": match, "type": rule.settings.managed[0], "action": blocked, "detected": True}
            sections.add("wordPolicy", "managedWordLists", entry)
        case "words":
            sections.add("wordPolicy", "customWords", {"match": match, "action": blocked, "detected": True})
        case "pii":
            entry = {"type": finding.type, "match": match, "action": values, "detected": True}
            sections.add("sensitiveInformationPolicy", "piiEntities", entry)
        case "regex":
            sections.add("sensitiveInformationPolicy", "regexes", _regex(rule, match, values, detected=True))
        case "grounding":
            entry = _grounding(rule, finding.score, blocked, detected=True)
            sections.add("contextualGroundingPolicy", "filters", entry)
        case _:
            sections.add("topicPolicy", "topics", _topic(_named(rule), blocked, detected=True))


def _add_quiet(sections: _Sections, rule: Rule, report: Report, action: str) -> None:
    """A rule that found nothing: it could not be evaluated and so blocks, or everything is asked for."""
    match rule.detector:
        case "content":
            sections.add("contentPolicy", "filters", _filter(rule, report.source, "NONE", action, detected=False))
        case "words" | "pii" | "regex" if action == _NONE:
            pass  # as in Bedrock: what has no match has no entry
        case "words":
            sections.add("wordPolicy", "customWords", {"match": "", "action": action, "detected": False})
        case "pii":
            entry = {"type": rule.type, "match": "", "action": action, "detected": False}
            sections.add("sensitiveInformationPolicy", "piiEntities", entry)
        case "regex":
            sections.add("sensitiveInformationPolicy", "regexes", _regex(rule, "", action, detected=False))
        case "grounding":
            score = report.scores.get(rule.id)
            if score is not None or action == _BLOCKED:
                entry = _grounding(rule, score or 0.0, action, detected=False)
                sections.add("contextualGroundingPolicy", "filters", entry)
        case _:
            sections.add("topicPolicy", "topics", _topic(_named(rule), action, detected=False))


def _named(rule: Rule) -> str:
    """A topic's name; a rule of a detector that Bedrock does not have by its id."""
    return rule.settings.name if rule.detector == "topics" else rule.id


def _filter(rule: Rule, source: Source, confidence: str, action: str, *, detected: bool) -> Entry:
    strength = rule.settings.strength(source)
    return {
        "type": rule.type,
        "confidence": confidence,
        "filterStrength": strength,
        "action": action,
        "detected": detected,
    }


def _regex(rule: Rule, match: str, action: str, *, detected: bool) -> Entry:
    return {
        "name": rule.settings.name,
        "match": match,
        "regex": rule.settings.pattern,
        "action": action,
        "detected": detected,
    }


def _grounding(rule: Rule, score: float, action: str, *, detected: bool) -> Entry:
    return {
        "type": rule.type,
        "threshold": rule.settings.threshold,
        "score": score,
        "action": action,
        "detected": detected,
    }


def _topic(name: str, action: str, *, detected: bool) -> Entry:
    return {"name": name, "type": "DENY", "action": action, "detected": detected}
