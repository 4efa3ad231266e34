"""What is recorded about one decision: ids, rules, scores and places, hashes with a key, and never a character of a text.

Fractions are whole numbers: ``…_ppm`` are millionths, ``…_us`` microseconds. The texts themselves are committed to with a salt: who has
a text and the salt can show that it is the one, and once the salt is erased nobody can.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, cast

from guardrails import __version__
from guardrails.decision import Decision, Located
from guardrails.evidence.canonical import clean
from guardrails.evidence.keys import Hashing, commitment
from guardrails.guard import Guard
from guardrails.pieces import Checkable, pieces_of
from guardrails.types import Action, Failure, FailureKind, Finding, Piece, PolicyIdentity, Report, Role, Source

__all__ = ["Context", "Sealing", "Text", "Texts", "of_decision", "of_policy", "of_report", "said_of", "texts_of"]

# Findings that are listed one by one; the total stands beside them.
SPANS = 1_000
_HIDDEN = "(withheld)"
# What the bodies of chat APIs call their parts. Any other name in a path may be a client's own word, and is hashed.
_STRUCTURE = frozenset(
    """answer args arguments assistant body candidates choices chunk citations content contentBlock context data delta description
    developer document documents embedding event events file files function functionCall functionResponse functions header headers
    id image input inputs instructions item items json message messages metadata model name output outputs parameters part parts path
    pieces prompt properties query reasoning reasoning_content refusal response result role source sources summary suffix system
    systemInstruction system_instruction text thinking title tool toolConfig toolResult toolUse tool_calls tools type url user value
    window""".split()  # noqa: SIM905 - words as text
)
_STEP = re.compile(r"\[\d+\]|\((?:path|window|parts|body)\)|[^.\[\]]+|[.\[\]]")
_NAME = re.compile(r"[\w./:@-]{1,128}", re.ASCII)
_DETAIL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")


class Text(NamedTuple):
    """A text that was checked: where it stood, who wrote it, and what it says."""

    pointer: str
    role: Role
    text: str


Texts = Sequence[Text]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known beside the decision. ``principal`` and ``conversation`` are recorded as hashes with the log's key; ``route`` is a
    template or a name of ours, never a path as it was sent. ``degraded``: an older policy than the newest file decided."""

    route: str = ""
    parent_id: str | None = None
    principal: str | bytes | None = None
    conversation: str | bytes | None = None
    upstream_status: int | None = None
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Sealing:
    """What stands between a text and its record: the log's key for hashes, and the salt of this record. ``owner``: who answers where
    the policy names nobody."""

    hashing: Hashing
    salt: bytes = field(repr=False)
    owner: str | None = None


def of_decision(
    decision: Decision, said: Texts | None, guard: Guard | None, context: Context, sealing: Sealing
) -> dict[str, Any]:
    """The fields of a decision about one direction of an exchange. ``said``: its texts, None where they are gone."""
    located, hashing = decision.findings, sealing.hashing
    skipped = dict.fromkeys((*decision.not_applicable, *decision.not_judged))
    return {
        **_identity(decision.id, decision.tenant, decision.direction, context, hashing),
        "protocol": decision.format,
        "model": _named(decision.model, decision.tenant, hashing),
        **_policy(decision.policy, sealing.owner),
        "engine": {"version": __version__, "setting": decision.setting},
        "models": _models(decision.weights),
        **_rules(guard, decision.direction, [x.finding for x in located], decision.failures, skipped),
        "scores": _scores(decision.scores, guard, decision.direction),
        **_spans(located, said, decision.tenant, hashing),
        **_action(decision.action, decision.blocking, decision.failures, decision.uninspected),
        **_texts(said, sealing.salt, decision.characters),
        "failures": _failures(decision.failures),
        "uninspected": [
            {"pointer": pointer(path, decision.tenant, hashing), "why": clean(why)}
            for why, path in decision.uninspected
        ],
        "fail_open": list(decision.fail_open),
        "replaced_turns": decision.replaced,
        "held_characters": decision.held,
        "latency_us": round(decision.milliseconds * 1000),
    }


def of_report(
    report: Report,
    said: Texts | None,
    guard: Guard | None,
    context: Context,
    sealing: Sealing,
    *,
    id: str,
    tenant: str,
) -> dict[str, Any]:
    """The fields of a decision about texts that were checked together."""
    hashing, salt = sealing.hashing, sealing.salt
    located = [Located(f"pieces[{f.piece}]", f) for f in report.findings]
    blocking = dict.fromkeys(f.rule for f in report.findings if f.action is Action.BLOCKED)
    given = said or ()
    transformed = (
        commitment(salt, ((str(t.role), o) for t, o in zip(given, report.outputs, strict=False))) if given else None
    )
    return {
        **_identity(id, tenant, report.source, context, hashing),
        "protocol": "check",
        "model": "",
        **_policy(report.policy, sealing.owner),
        "engine": {"version": __version__, "setting": report.setting},
        "models": _models(report.models),
        **_rules(guard, report.source, report.findings, report.failures, dict.fromkeys(report.coverage.not_applicable)),
        "scores": _scores(report.scores, guard, report.source),
        **_spans(located, said, tenant, hashing),
        **_action(report.action, tuple(blocking), report.failures, ()),
        **_texts(said, salt, report.coverage.total),
        "transformed_commitment": transformed if report.action is Action.MASKED else None,
        "failures": _failures(report.failures),
        "uninspected": [{"pointer": f"pieces[{u.piece or 0}]", "why": clean(u.reason)} for u in report.coverage.unseen],
        "seen_characters": report.coverage.seen,
        "fail_open": _open(report, guard),
        "latency_us": round(sum(report.timings.values()) * 1000),
    }


def of_policy(policy: PolicyIdentity, guard: Guard | None, tenant: str) -> dict[str, Any]:
    """The fields of a record about a policy that decides from now on: its files, and the rules in force in each direction."""
    return {
        "tenant": clean(tenant),
        "name": clean(policy.name),
        "sha256": policy.sha256,
        "owner": clean(policy.owner or ""),
        "files": [clean(str(f)) for f in policy.files],
        "rules": {s.value: sorted(clean(r) for r in guard.direction(s).rules) for s in Source}
        if guard is not None
        else None,
    }


def said_of(pieces: Iterable[Piece]) -> list[Text]:
    """The pieces of a check as texts."""
    return [Text(f"pieces[{i}]", p.role, p.text) for i, p in enumerate(pieces)]


def texts_of(said: Texts | Checkable | None) -> Texts | None:
    """What was checked as texts, however a caller says it. Raises TypeError and ValueError; no message holds a text."""
    if said is None:
        return None
    if isinstance(said, Text):
        return [said]
    if isinstance(said, list | tuple) and all(isinstance(one, Text) for one in said):
        return cast(Texts, said)
    return said_of(pieces_of(cast(Checkable, said)))


def pointer(path: str, tenant: str, hashing: Hashing) -> str:
    """Where something stood, with the names that may be a client's own words hashed."""
    return "".join(
        step if step[0] in "[].(" or step in _STRUCTURE else f"#{hashing.value(tenant, 'name', step)[:8]}"
        for step in _STEP.findall(path[:2_000])
    )


def _named(name: str, tenant: str, hashing: Hashing) -> str:
    """A model's name as a client wrote it, if it reads like one."""
    return name if not name or _NAME.fullmatch(name) else f"#{hashing.value(tenant, 'name', name)[:8]}"


def _identity(id_: str, tenant: str, direction: Source, context: Context, hashing: Hashing) -> dict[str, Any]:
    def hashed(kind: str, value: str | bytes | None) -> str | None:
        return None if value is None else hashing.value(tenant, kind, value)

    return {
        "decision_id": id_,
        "parent_id": context.parent_id,
        "tenant": clean(tenant),
        "direction": direction.value,
        "route": clean(context.route),
        "principal_hmac": hashed("principal", context.principal),
        "conversation_hmac": hashed("conversation", context.conversation),
        "upstream_status": context.upstream_status,
        "degraded": context.degraded,
    }


def _policy(policy: PolicyIdentity, owner: str | None) -> dict[str, Any]:
    return {
        "policy": {"name": clean(policy.name), "sha256": policy.sha256},
        "owner": clean(policy.owner or owner or ""),
    }


def _models(weights: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"id": clean(name), "sha256": sha} for name, sha in sorted(weights.items())]


def _rules(
    guard: Guard | None,
    source: Source,
    findings: Iterable[Finding],
    failures: Iterable[Failure],
    skipped: Iterable[str],
) -> dict[str, Any]:
    """What the rules said, one by one, and how many others were in force and passed; the policy's record names them all."""
    rules: dict[str, dict[str, Any]] = {}
    for f in findings:
        told = rules.setdefault(
            f.rule, {"id": clean(f.rule), "outcome": "hit", "hits": 0, "score_ppm": 0, "action": Action.NONE}
        )
        told["hits"] += 1
        told["score_ppm"] = max(told["score_ppm"], _ppm(f.score))
        told["action"] = max(told["action"], f.action, key=lambda a: a.severity)
    for told in rules.values():
        told["action"] = told["action"].value
    for failure in failures:
        outcome = "timeout" if failure.kind is FailureKind.TIMEOUT else "error"
        rules.setdefault(failure.rule, {"id": clean(failure.rule)})["outcome"] = outcome
    for rule in skipped:
        rules.setdefault(rule, {"id": clean(rule), "outcome": "skipped"})
    force = guard.direction(source).rules if guard is not None else ()
    return {
        "rules": [rules[rule] for rule in sorted(rules)],
        "passed": sum(rule not in rules for rule in force),
    }


def _scores(scores: Mapping[str, float], guard: Guard | None, source: Source) -> list[dict[str, Any]]:
    if not scores:
        return []
    known = _thresholds(guard, source) if guard is not None else {}
    return [
        {"id": clean(key), "ppm": _ppm(score)} | ({"threshold_ppm": _ppm(known[key])} if key in known else {})
        for key, score in sorted(scores.items())
    ]


@lru_cache(maxsize=256)
def _thresholds(guard: Guard, source: Source) -> dict[str, float]:
    return guard.thresholds(source, Role.USER if source is Source.INPUT else Role.ASSISTANT)


def _spans(located: Sequence[Located], said: Texts | None, tenant: str, hashing: Hashing) -> dict[str, Any]:
    texts = {t.pointer: t.text for t in said or ()}
    spans = []
    for x in located[:SPANS]:
        f, text = x.finding, texts.get(x.path)
        inside = text is not None and f.start is not None and f.end is not None and f.end <= len(text)
        spans.append(
            {
                "pointer": pointer(x.path, tenant, hashing),
                "start": f.start,
                "end": f.end,
                "rule": clean(f.rule),
                "type": clean(f.type),
                "level": f.level.value if f.level else None,
                "score_ppm": _ppm(f.score),
                "action": f.action.value,
                "value_hmac": hashing.value(tenant, "value", text[f.start : f.end])
                if inside and text is not None
                else None,
            }
        )
    return {"spans": spans, "spans_total": len(located)}


def _action(
    action: Action, blocking: Sequence[str], failures: Sequence[Failure], uninspected: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """What happened, and because of what."""
    reason = ""
    if action is Action.MASKED:
        reason = "rule"
    elif action is Action.BLOCKED:
        reason = "rule" if blocking else "failure" if failures else "uninspected" if uninspected else "unfinished"
    return {"action": action.value, "action_reason": reason, "blocking": [clean(rule) for rule in blocking]}


def _texts(said: Texts | None, salt: bytes, characters: int) -> dict[str, Any]:
    told = None if said is None else commitment(salt, ((str(t.role), t.text) for t in said))
    return {"text_commitment": told, "texts": None if said is None else len(said), "text_len": characters}


def _failures(failures: Sequence[Failure]) -> list[dict[str, Any]]:
    return [
        {
            "rule": clean(f.rule),
            "kind": f.kind.value,
            "detail": f.detail if not f.detail or _DETAIL.fullmatch(f.detail) else _HIDDEN,
        }
        for f in failures[:SPANS]
    ]


def _open(report: Report, guard: Guard | None) -> list[str]:
    """The rules that could not be evaluated in a text that passed all the same."""
    if guard is None or report.action is Action.BLOCKED:
        return []
    return sorted({clean(f.rule) for f in report.failures})


def _ppm(score: float) -> int:
    """A score as millionths."""
    return round(score * 1_000_000)
