"""Amazon Bedrock's InvokeGuardrailChecks: scores of chosen filters and PII types, without a guardrail; it only detects."""

from __future__ import annotations

from functools import partial
from typing import Any

from guardrails import catalog
from guardrails.service.calls import Answer, Call
from guardrails.service.contracts import aws
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body
from guardrails.service.probes import probe
from guardrails.types import Piece, Report, Role, Source

__all__ = ["invoke"]

_CONTENT = tuple(c for c in catalog.BEDROCK_CONTENT if c != "PROMPT_ATTACK")
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM}
# Entities that are told; more are said to be there.
_MOST = 1_000
_UNIT = 1_000
Place = tuple[int, int]


async def invoke(call: Call) -> Answer:
    """``POST /guardrail-checks/invoke``."""
    body = call.body
    checks = body.object("checks")
    content = _asked(checks, "contentFilter", "categories", "category", _CONTENT)
    attacks = _asked(checks, "promptAttack", "categories", "category", catalog.ATTACKS)
    entities = _asked(checks, "sensitiveInformation", "entities", "type", tuple(catalog.BEDROCK_PII))
    if not (content or attacks or entities):
        raise Fault(Kind.INVALID, "is empty; add contentFilter, promptAttack or sensitiveInformation", "checks")
    pieces, places = _messages(body)
    filters = [*content, *(["PROMPT_ATTACK"] if attacks else [])]
    guardrail = await call.checking.run(partial(probe, filters, entities))
    reports = []
    for source in Source:
        mine = [i for i, p in enumerate(pieces) if (p.role is Role.ASSISTANT) == (source is Source.OUTPUT)]
        if mine:
            done = await call.checking.check(call, guardrail, [pieces[i] for i in mine], source)
            _judged(done.report)
            reports.append((done.report, [places[i] for i in mine]))
    results: dict[str, Any] = {}
    if content:
        results["contentFilter"] = {"results": _scores("content", content, reports)}
    if attacks:
        results["promptAttack"] = {"results": _scores("prompt_attack", attacks, reports)}
    if entities:
        found = _entities(reports)
        results["sensitiveInformation"] = {"results": found[:_MOST], "truncated": len(found) > _MOST}
    used = {"textUnits": -(-sum(len(p.text) for p in pieces) // _UNIT)}
    return Answer({"results": results, "usage": dict.fromkeys(results, used)}, headers=aws.headers(call.id))


def _asked(checks: Body, check: str, group: str, member: str, allowed: tuple[str, ...]) -> list[str]:
    asked = checks.object(check, None)
    if asked is None:
        return []
    items = asked.objects(group)
    if not items:
        raise Fault(Kind.INVALID, f"is empty; add one of {', '.join(allowed)}", asked.at(group))
    return list(dict.fromkeys(item.choice(member, allowed) for item in items))


def _messages(body: Body) -> tuple[list[Piece], list[Place]]:
    pieces, places = [], []
    for number, message in enumerate(body.objects("messages")):
        role = _ROLES[message.choice("role", _ROLES)]
        for index, block in enumerate(message.objects("content")):
            pieces.append(Piece(block.text("text"), role))
            places.append((number, index))
    if not pieces:
        raise Fault(Kind.INVALID, "holds no text; add a message with a block of text", "messages")
    return pieces, places


def _judged(report: Report) -> None:
    """Raises Fault when a rule could not be evaluated: no score is not a low one."""
    if report.failures:
        kinds = sorted({f"{f.rule} ({f.kind.value})" for f in report.failures})
        raise Fault(Kind.INTERNAL, f"not everything could be evaluated: {', '.join(kinds[:10])}")


def _scores(prefix: str, names: list[str], reports: list[tuple[Report, list[Place]]]) -> list[dict[str, Any]]:
    return [
        {
            "category": name,
            "severityScore": max((r.scores.get(f"{prefix}.{name}", 0.0) for r, _ in reports), default=0.0),
        }
        for name in names
    ]


def _entities(reports: list[tuple[Report, list[Place]]]) -> list[dict[str, Any]]:
    found = [
        {
            "type": f.type,
            "confidenceScore": f.score,
            "messageIndex": places[f.piece][0],
            "contentIndex": places[f.piece][1],
            "beginOffset": f.start,
            "endOffset": f.end,
        }
        for report, places in reports
        for f in report.findings
        if f.start is not None and f.type in catalog.BEDROCK_PII
    ]
    return sorted(found, key=lambda e: (e["messageIndex"], e["contentIndex"], e["beginOffset"]))
