"""Content filters: HATE, INSULTS, SEXUAL, VIOLENCE, MISCONDUCT, SELF_HARM, PROMPT_ATTACK, judged by a shipped encoder.

A category has three cut points, chosen on development data for stated false-positive rates (docs/content.md): HIGH,
MEDIUM and LOW confidence. As in Bedrock, strength HIGH acts on LOW confidence and up, MEDIUM on MEDIUM and up, LOW on
HIGH confidence only.

The installation decides which models read a text (docs/models.md): the small one, the large one besides, or the large one only
where the small one is not sure that a text is harmless.

Which kind of prompt attack a piece may hold follows from its role: a user can attack directly (jailbreak, injection,
leakage), a document or tool result indirectly, the assistant's own turns not at all. System messages are the operator's and are
not judged, unless the policy says ``system_messages: judge``: then they count as a user's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from guardrails import inference
from guardrails.catalog import CONTENT, STRENGTHS
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.settings import TYPE, Choice, Order, Section, Setting, Shape
from guardrails.detectors.traits import DetectorSpec
from guardrails.inference.harm import harms, models, outputs
from guardrails.rules import Rule
from guardrails.types import Found, Hit, Level, Role, Source

__all__ = ["SECTIONS", "SPEC", "Settings", "build"]

_LEVELS = (Level.HIGH, Level.MEDIUM, Level.LOW)
# The lowest confidence a strength acts on.
_ACTS_ON = {"LOW": Level.HIGH, "MEDIUM": Level.MEDIUM, "HIGH": Level.LOW}


_STRENGTH = Setting(
    about="how sure the model must be: HIGH acts on the least confidence",
    kind=Choice(STRENGTHS, code="unknown-strength"),
    order=Order.RISES,
    member="Strength",
    sided=True,
    cut=True,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """A category of :data:`guardrails.catalog.CONTENT` and a strength (NONE, LOW, MEDIUM, HIGH) per direction."""

    category: Annotated[str, TYPE]
    input_strength: Annotated[str, _STRENGTH] = "HIGH"
    output_strength: Annotated[str, _STRENGTH] = "HIGH"

    def strength(self, source: Source) -> str:
        """The strength in that direction."""
        return self.input_strength if source is Source.INPUT else self.output_strength


SECTIONS = (
    Section(
        key="content", shape=Shape.MAPPING, names=CONTENT, unknown=("unknown-category", "is not a content filter"),
        bare="strength", off=("strength", "NONE"), lost=None,
    ),
)  # fmt: skip


# Texts are judged segment by segment, and there is no span to mask.
SPEC = DetectorSpec(
    spans=False,
    judges_meaning=True,
    remedy="lower the strength of {rule} for this direction (HIGH is the strictest), or change its action",
)


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for all filters of a direction. Raises WeightsMissing when a model is not what this release ships."""
    inference.text_cascade()
    return _Filters(rules)


class _Filters:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    def find(self, content: Content, deadline: Deadline) -> Found:
        """The hits of every category whose probability reaches what the rule's strength acts on, once a piece."""
        found = Found()
        if content.masked:  # it was judged before; a mask takes away and adds nothing
            return found
        calibration = inference.text_cascade().calibration
        best: dict[tuple[int, str], Hit] = {}
        read = dict.fromkeys(one.piece for one in inference.read(content, deadline))
        pieces = [
            i for i in read if inference.judged(content, i) and not inference.trusted(content, i, self._rules, found)
        ]
        for index in pieces:
            inference.note_languages(content, index, (r.id for r in self._rules), found)
        judged = harms(content, deadline, frozenset(pieces))
        found.models |= models(judged)
        for harm in judged:
            p, key = harm.probability, _score(harm.label, harm.category)
            found.scores[key] = max(found.scores.get(key, 0.0), round(p, 6))
            cuts = calibration[harm.label].cuts
            level = next((v for v in _LEVELS if p >= cuts[v]), None)
            if level is None:
                continue
            piece = harm.one.piece
            for rule in self._rules:
                settings: Settings = rule.settings
                if settings.category != harm.category or not _acts(settings.strength(content.source), level):
                    continue
                known = best.get((piece, rule.id))
                if known is None or known.score < p:
                    start, end = harm.one.span(harm.window)
                    best[piece, rule.id] = Hit(rule.id, rule.type, start, end, round(p, 6), piece, level)
        found.hits = [best[k] for k in sorted(best)]
        return found

    def thresholds(self, source: Source, role: Role) -> dict[str, float]:
        """The cut point each category's strongest rule acts on."""
        out: dict[str, float] = {}
        if any(r.trusts(role) for r in self._rules):
            return out
        calibration = inference.text_cascade().calibration
        for label, category in outputs(source, role):
            key = _score(label, category)
            for rule in self._rules:
                if rule.settings.category == category:
                    lowest = _ACTS_ON.get(rule.settings.strength(source))
                    if lowest is not None:
                        out[key] = min(out.get(key, 1.0), calibration[label].cuts[lowest])
        return out


def _acts(strength: str, level: Level) -> bool:
    lowest = _ACTS_ON.get(strength)
    return lowest is not None and _LEVELS.index(level) <= _LEVELS.index(lowest)


def _score(label: str, category: str) -> str:
    """The key of a score in reports."""
    name = label.rsplit(".", 1)[1]
    return f"prompt_attack.{name}" if category == "PROMPT_ATTACK" else f"content.{name}"
