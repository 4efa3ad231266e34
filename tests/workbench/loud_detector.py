"""A detector of somebody else's with a score and a cut point that cost nothing: which share of a text's letters are capitals."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector, DetectorSpec
from guardrails.detectors.settings import Number, Order, Setting
from guardrails.rules import Rule
from guardrails.types import Found, Hit


@dataclass(frozen=True)
class Settings:
    threshold: Annotated[float, Setting(kind=Number(0, 1), order=Order.FALLS, cut=True)] = 0.5


SPEC = DetectorSpec(spans=False, blocking=lambda _: False)


def share(text: str) -> float:
    """Capitals among the letters, 0 to 1."""
    letters = [c for c in text if c.isalpha()]
    return sum(c.isupper() for c in letters) / max(1, len(letters))


class _Loud:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules

    def find(self, content: Content, deadline: Deadline) -> Found:
        deadline.check()
        found = Found()
        for index, piece in enumerate(content.pieces):
            for rule in self._rules:
                score = share(piece.text)
                found.scores[rule.id] = max(score, found.scores.get(rule.id, 0.0))
                if score >= rule.settings.threshold:
                    found.hits.append(Hit(rule.id, rule.type, None, None, score, index))
        return found


def build(rules: Sequence[Rule]) -> Detector:
    return _Loud(rules)


@contextlib.contextmanager
def registered() -> Iterator[None]:
    detectors.register("loud", __name__)
    try:
        yield
    finally:
        del detectors.DETECTORS["loud"]
