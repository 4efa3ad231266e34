"""Denied topics, each given by a name, a definition, a few examples and what is none; no training.

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
from guardrails.detectors.said import Said
from guardrails.rules import Rule
from guardrails.types import Found, Hit, Role, Source

if TYPE_CHECKING:
    from guardrails.inference.text import Row, TextEngine
    from guardrails.inference.topics import Topic

__all__ = ["SPANS", "Settings", "build", "fitted", "reach"]

SPANS = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What the topic is called, what belongs to it (a definition), example phrases, and phrases that do not belong to it.

    ``threshold`` is the probability (0 to 1) from which on the topic fires, None for the model's own cut point.
    """

    name: str
    definition: str
    examples: tuple[str, ...] = ()
    not_examples: tuple[str, ...] = ()
    threshold: float | None = None


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

        self._topics = [(r, fitted(engine, r.settings, fit)) for r in rules]
        self._said = {r.id: (Said(r.settings.examples), Said(r.settings.not_examples)) for r in rules}
        cut = engine.manifest.calibration["TOPIC"].cuts["LOW"]
        self._cuts = {r.id: cut if r.settings.threshold is None else r.settings.threshold for r in rules}

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
                calibration, cut = manifest.calibration["TOPIC"], self._cuts[rule.id]
                examples, others = self._said[rule.id]
                if others.whole(one.view.text):  # what the author wrote counts more than a score
                    p, place = 0.0, (0, 0)
                elif (said := examples.find(one.view.text)) is not None:
                    p, place = 1.0, one.view.span(*said)
                else:
                    p, window = one.reading.decide(_score(topic), calibration, (cut,))
                    place = one.span(window)
                key = f"topic.{rule.settings.name}"
                found.scores[key] = max(found.scores.get(key, 0.0), round(p, 6))
                known = best.get((one.piece, rule.id))
                if p >= cut and (known is None or known.score < p):
                    best[one.piece, rule.id] = Hit(rule.id, rule.type, *place, round(p, 6), one.piece)
        found.hits = [best[k] for k in sorted(best)]
        return found

    def thresholds(self, source: Source, role: Role) -> dict[str, float]:
        """The cut point of each topic."""
        del source, role
        return {f"topic.{rule.settings.name}": self._cuts[rule.id] for rule, _ in self._topics}


def fitted(engine: TextEngine, settings: Settings, fit: Callable[..., Topic]) -> Topic:
    """The topic that these settings describe."""
    return fit(engine, settings.name, settings.definition, settings.examples, settings.not_examples)


def _score(topic: Topic) -> Callable[[Row], float]:
    return lambda row: topic.score(row.embedding)
