"""Denied topics, each given by a name, a definition and a few examples; no training.

The shipped encoder embeds a text once, whatever the number of topics; each topic is a direction fitted when the policy
loads (:mod:`guardrails.inference.topics`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guardrails import inference
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.rules import Rule
from guardrails.types import Found, Hit, Role, Source

if TYPE_CHECKING:
    from guardrails.inference.text import Row
    from guardrails.inference.topics import Topic

__all__ = ["SPANS", "Settings", "build", "reach"]

SPANS = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What the topic is called, what belongs to it (a definition), and example phrases."""

    name: str
    definition: str
    examples: tuple[str, ...] = ()


def reach(settings: Settings) -> int | None:
    """0: texts are judged segment by segment, and there is no span to mask."""
    del settings
    return 0


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for all topics of a direction. Raises WeightsMissing when the model is not what this release ships."""
    return _Topics(rules)


class _Topics:
    def __init__(self, rules: Sequence[Rule]) -> None:
        engine = inference.text_engine()
        from guardrails.inference.topics import fit  # noqa: PLC0415 - numpy

        self._topics = [(r, fit(engine, r.settings.name, r.settings.definition, r.settings.examples)) for r in rules]

    def find(self, content: Content, deadline: Deadline) -> Found:
        """A hit for each topic and piece whose probability reaches the topic's cut point, at the window that decided."""
        found = Found()
        if content.masked:  # it was judged before; a mask takes away and adds nothing
            return found
        manifest = inference.text_engine().manifest
        found.models[manifest.name] = manifest.sha256
        best: dict[tuple[int, str], Hit] = {}
        noted: set[int] = set()
        for one in inference.read(content, deadline):
            if not inference.judged(content, one.piece) or content.pieces[one.piece].role is Role.SYSTEM:
                continue
            if one.piece not in noted:
                noted.add(one.piece)
                inference.note_languages(content, one.piece, (r.id for r, _ in self._topics), found)
            for rule, topic in self._topics:
                calibration = manifest.calibration["TOPIC"]
                p, window = one.reading.decide(_score(topic), calibration)
                key = f"topic.{rule.settings.name}"
                found.scores[key] = max(found.scores.get(key, 0.0), round(p, 6))
                known = best.get((one.piece, rule.id))
                if p >= calibration.cuts["LOW"] and (known is None or known.score < p):
                    start, end = one.span(window)
                    best[one.piece, rule.id] = Hit(rule.id, rule.type, start, end, round(p, 6), one.piece)
        found.hits = [best[k] for k in sorted(best)]
        return found

    def thresholds(self, source: Source, role: Role) -> dict[str, float]:
        """The cut point of topics, the same for all."""
        del source, role
        cut = inference.text_engine().manifest.calibration["TOPIC"].cuts["LOW"]
        return {f"topic.{rule.settings.name}": cut for rule, _ in self._topics}


def _score(topic: Topic) -> Callable[[Row], float]:
    return lambda row: topic.score(row.embedding)
