"""A detector of some PII types, and what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from guardrails.content import Content, Deadline
from guardrails.detectors import Detector, pii
from guardrails.marked import mark
from guardrails.rules import Rule
from guardrails.types import Found, Hit, Piece, Source

ALL = tuple(sorted({spec.type for spec in pii.specs()}))


def rule(entity: str, **more: Any) -> Rule:
    score = more.pop("min_score", 0.5)
    return Rule(id=f"pii.{entity}", detector="pii", type=entity, settings=pii.Settings(entity, score), **more)


def detector(types: Iterable[str] = ALL, extra: Sequence[Any] = ()) -> Detector:
    return pii.build([rule(t) for t in types], extra)


def found(engine: Detector, text: str, milliseconds: float = 60_000) -> Found:
    return engine.find(Content([Piece(text)], Source.INPUT), Deadline(milliseconds))


def hits(engine: Detector, text: str) -> list[Hit]:
    outcome = found(engine, text)
    assert not outcome.failures
    return outcome.hits


def marked(engine: Detector, text: str) -> str:
    return mark(text, [(h.start or 0, h.end or 0, h.type) for h in hits(engine, text)])
