"""A detector of somebody else's with many traits: words of an answer that stand in no reference, and in ids the word "kingfisher"."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector, DetectorSpec, References
from guardrails.rules import Rule
from guardrails.types import Failure, FailureKind, Found, Hit, Qualifier


@dataclass(frozen=True)
class Settings:
    sources: tuple[str, ...] = ("tool",)


SPEC = DetectorSpec(
    spans=False,
    whole_answer=True,
    needs_references=lambda settings: References(Qualifier.GROUNDING_SOURCE, settings.sources),
    lower_is_worse=("shared",),
)


class _Comparing:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules

    def find(self, content: Content, deadline: Deadline) -> Found:
        deadline.check()
        found = Found()
        known = {w for p in content.pieces if Qualifier.GROUNDING_SOURCE in p.qualifiers for w in p.text.split()}
        if not known:
            found.failures += [Failure(r.id, FailureKind.NOT_APPLICABLE, None, "no source") for r in self._rules]
            return found
        words = content.pieces[0].text.split()
        found.scores["shared"] = sum(w in known for w in words) / max(1, len(words))
        if found.scores["shared"] < 1:
            found.hits += [Hit(r.id, r.type, None, None, found.scores["shared"]) for r in self._rules]
        return found


def build(rules: Sequence[Rule]) -> Detector:
    return _Comparing(rules)


@contextlib.contextmanager
def registered() -> Iterator[None]:
    detectors.register("comparing", __name__)
    try:
        yield
    finally:
        del detectors.DETECTORS["comparing"]
