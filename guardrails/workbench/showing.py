"""What one policy says of a sample, ready to be shown: texts cut where findings begin and end, and a row for each finding."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from guardrails import detectors
from guardrails.decision import Decision
from guardrails.detectors.settings import Shape, section_of
from guardrails.exchange import Exchange, Kept, Tenancy
from guardrails.guard import Guard
from guardrails.policy.remedies import remedy
from guardrails.types import Action, Failure, Finding, Report, Role, Source
from guardrails.wire import form_class
from guardrails.workbench.samples import Bodies, Pieces, Sample

__all__ = ["Row", "Score", "Segment", "Shown", "Text", "cut", "show"]

# Of each text; what lies behind is checked all the same, and its findings are listed.
SHOWN = 20_000
_ROWS = 200
_VALUE = 200
_SECRET = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a text under the same findings, by their numbers; ``action`` is the most severe of theirs, empty without any."""

    text: str = field(repr=False)
    numbers: tuple[int, ...] = ()
    action: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it was given, where it stood, and how many characters of it are not shown."""

    place: str
    role: str
    segments: tuple[Segment, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A finding. ``at`` is where its rule is written; ``value`` what an exception would have to say, empty where none is possible."""

    number: int
    rule: str
    type: str
    action: str
    score: float
    threshold: float | None
    level: str
    at: str
    remedy: str
    value: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Score:
    """What a model said, from 0 to 1, and where its rule begins to act."""

    name: str
    score: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One direction under one policy. ``forwarded`` is what goes on, or the message when nothing does."""

    policy: str
    sha256: str
    source: str
    action: str
    texts: tuple[Text, ...]
    rows: tuple[Row, ...]
    more_rows: int
    failures: tuple[str, ...]
    uninspected: tuple[str, ...]
    scores: tuple[Score, ...]
    times: tuple[tuple[str, float], ...]
    milliseconds: float
    forwarded: str = field(repr=False)


def show(guard: Guard, sample: Sample) -> list[Shown]:
    """What the guard makes of a sample: of bodies, the request and the answer each."""
    return [_pieces(guard, sample)] if isinstance(sample, Pieces) else _bodies(guard, sample)


def _pieces(guard: Guard, sample: Pieces) -> Shown:
    started = time.perf_counter()
    report = guard.check(list(sample.pieces), sample.source)
    spent = (time.perf_counter() - started) * 1000
    role = sample.pieces[0].role
    texts = [
        (f"{p.role.value} {i + 1}" if len(sample.pieces) > 1 else "", p.role, p.text)
        for i, p in enumerate(sample.pieces)
    ]
    return Shown(
        **_common(guard, sample.source, report.action, texts, [(f.piece, f) for f in report.findings], role, report.scores),
        failures=_failures(report.failures),
        uninspected=_uninspected(report),
        times=tuple(sorted(report.timings.items(), key=lambda t: -t[1])),
        milliseconds=spent,
        forwarded=report.text,
    )  # fmt: skip


def _bodies(guard: Guard, sample: Bodies) -> list[Shown]:
    kept = Kept()
    session = form_class(sample.format).open(sample.request, {"model": "model"})
    exchange = Exchange(Tenancy("workbench", guard, _SECRET), session, kept=kept)
    out = []
    decision = exchange.request() if sample.request is not None else None
    if decision is not None:
        on = session.refusal(_message(guard, decision)) if decision.blocked else session.body
        out.append(_decided(guard, decision, kept, on))
    if sample.answer is not None and not (decision is not None and decision.blocked):
        on, decision = exchange.answer(sample.answer)
        out.append(_decided(guard, decision, kept, on))
    exchange.forget()
    return out


def _message(guard: Guard, decision: Decision) -> str:
    return guard.policy.blocked(decision.direction, decision.blocking)


def _decided(guard: Guard, decision: Decision, kept: Kept, on: Any) -> Shown:
    texts = kept.of(decision.direction) or []
    places = {place: index for index, (place, _, _) in enumerate(texts)}
    found = [(places[x.path], x.finding) for x in decision.findings if x.path in places]
    return Shown(
        **_common(guard, decision.direction, decision.action, texts, found, Role.USER, decision.scores),
        failures=_failures(decision.failures),
        uninspected=(
            *(f"{why}: {path}" for why, path in decision.uninspected),
            *(f"not judged in system messages: {rule}" for rule in decision.not_judged),
            *(f"nothing to compare with: {rule}" for rule in decision.not_applicable),
        ),
        times=(),
        milliseconds=decision.milliseconds,
        forwarded=json.dumps(on, ensure_ascii=False, indent=2),
    )


def _common(  # noqa: PLR0917 - what both kinds of samples have
    guard: Guard,
    source: Source,
    action: Action,
    texts: Sequence[tuple[str, Role, str]],
    found: Sequence[tuple[int, Finding]],
    role: Role,
    scores: Any,
) -> dict[str, Any]:
    thresholds = guard.thresholds(source, role)
    rows = tuple(_row(guard, n, texts, i, f, thresholds) for n, (i, f) in enumerate(found[:_ROWS], 1))
    numbered = [(n, i, f) for n, (i, f) in enumerate(found, 1)]
    return {
        "policy": guard.policy.name,
        "sha256": guard.policy.identity.sha256,
        "source": source.value,
        "action": action.value,
        "texts": tuple(
            Text(place, who.value, cut(text, [(n, f) for n, at, f in numbered if at == i]), max(0, len(text) - SHOWN))
            for i, (place, who, text) in enumerate(texts)
        ),
        "rows": rows,
        "more_rows": len(found) - len(rows),
        "scores": tuple(Score(k, v, thresholds.get(k)) for k, v in sorted(scores.items(), key=lambda s: -s[1])),
    }


def _row(  # noqa: PLR0917 - a finding and what is known around it
    guard: Guard, number: int, texts: Sequence[Any], index: int, finding: Finding, thresholds: dict[str, float]
) -> Row:
    rule = guard.policy.rule(finding.rule)
    at = guard.policy.positions.get(finding.rule)
    value = ""
    excusable = detectors.spec(rule.detector).spans and section_of(rule.detector, rule.type).shape is not Shape.WORDS
    if finding.start is not None and excusable and not rule.enforced:
        value = texts[index][2][finding.start : finding.end]
    return Row(
        number,
        finding.rule,
        finding.type,
        finding.action.value,
        finding.score,
        thresholds.get(finding.rule, getattr(rule.settings, "min_score", None)),
        finding.level.value if finding.level else "",
        str(at) if at else "",
        remedy(finding, guard.policy),
        value if len(value) <= _VALUE else "",
    )


def cut(text: str, found: Iterable[tuple[int, Finding]], most: int = SHOWN) -> tuple[Segment, ...]:
    """The first ``most`` characters of a text, cut where a finding begins or ends. Findings without a place mark nothing."""
    placed = [(n, f, f.start, f.end) for n, f in found if f.start is not None and f.end is not None]
    end = min(len(text), most)
    borders = sorted({0, end, *(min(max(at, 0), end) for _, _, a, b in placed for at in (a, b))})
    out = []
    for start, stop in pairwise(borders):
        here = [(n, f) for n, f, a, b in placed if a <= start and stop <= b]
        action = max((f.action for _, f in here), key=lambda a: a.severity).value if here else ""
        out.append(Segment(text[start:stop], tuple(n for n, _ in here), action))
    return tuple(out)


def _failures(failures: Iterable[Failure]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{f.rule}: {f.kind.value} {f.detail}".rstrip() for f in failures))


def _uninspected(report: Report) -> tuple[str, ...]:
    seen = [u.reason + (f": {u.rule}" if u.rule else "") for u in report.coverage.unseen]
    return tuple(
        dict.fromkeys([*seen, *(f"nothing to compare with: {rule}" for rule in report.coverage.not_applicable)])
    )
