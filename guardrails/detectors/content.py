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
from typing import TYPE_CHECKING, Annotated

from guardrails import inference
from guardrails.catalog import CONTENT, STRENGTHS
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.settings import TYPE, Choice, Order, Section, Setting, Shape
from guardrails.detectors.traits import DetectorSpec
from guardrails.rules import Rule
from guardrails.types import Found, Hit, Level, Role, Source

if TYPE_CHECKING:
    from guardrails.inference.cascade import Judged

__all__ = ["ATTACKS", "SECTIONS", "SPEC", "Settings", "build"]

ATTACKS = ("JAILBREAK", "PROMPT_INJECTION", "PROMPT_LEAKAGE")
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
        cascade = inference.text_cascade()
        small, large = cascade.small.manifest, cascade.large
        found.models[small.name] = small.sha256
        calibration = cascade.calibration
        best: dict[tuple[int, str], Hit] = {}
        noted: set[int] = set()
        readings = [
            one
            for one in inference.read(content, deadline)
            if inference.judged(content, one.piece) and not inference.trusted(content, one.piece, self._rules, found)
        ]
        outputs = [_outputs(content.source, content.pieces[one.piece].role) for one in readings]
        question = inference.question(content, deadline)
        asked = [(one.reading, [x for x, _ in own], question) for one, own in zip(readings, outputs, strict=True)]
        for one, own, judged in zip(readings, outputs, cascade.judge(asked, deadline.remaining), strict=True):
            if one.piece not in noted:
                noted.add(one.piece)
                inference.note_languages(content, one.piece, (r.id for r in self._rules), found)
            if judged.large and large is not None:
                found.models[large.manifest.name] = large.manifest.sha256
            plain: list[Judged] | None = None
            for label, category in own:
                p, window = judged.decide(label)
                if p >= calibration[label].cuts[Level.LOW]:  # would it be stopped without its account numbers, too?
                    if plain is None:
                        again = inference.plainer(content, one, deadline)
                        names = [name for name, _ in own]
                        rest = [] if again is None else [(again, names, question)]
                        plain = cascade.judge(rest, deadline.remaining)
                    p = min([p, *(j.decide(label)[0] for j in plain)])
                name = label.rsplit(".", 1)[1]
                key = f"prompt_attack.{name}" if category == "PROMPT_ATTACK" else f"content.{name}"
                found.scores[key] = max(found.scores.get(key, 0.0), round(p, 6))
                level = next((v for v in _LEVELS if p >= calibration[label].cuts[v]), None)
                if level is None:
                    continue
                for rule in self._rules:
                    settings: Settings = rule.settings
                    if settings.category != category or not _acts(settings.strength(content.source), level):
                        continue
                    known = best.get((one.piece, rule.id))
                    if known is None or known.score < p:
                        start, end = one.span(window)
                        best[one.piece, rule.id] = Hit(rule.id, rule.type, start, end, round(p, 6), one.piece, level)
        found.hits = [best[k] for k in sorted(best)]
        return found

    def thresholds(self, source: Source, role: Role) -> dict[str, float]:
        """The cut point each category's strongest rule acts on."""
        out: dict[str, float] = {}
        if any(r.trusts(role) for r in self._rules):
            return out
        calibration = inference.text_cascade().calibration
        for label, category in _outputs(source, role):
            name = label.rsplit(".", 1)[1]
            key = f"prompt_attack.{name}" if category == "PROMPT_ATTACK" else f"content.{name}"
            for rule in self._rules:
                if rule.settings.category == category:
                    lowest = _ACTS_ON.get(rule.settings.strength(source))
                    if lowest is not None:
                        out[key] = min(out.get(key, 1.0), calibration[label].cuts[lowest])
        return out


def _acts(strength: str, level: Level) -> bool:
    lowest = _ACTS_ON.get(strength)
    return lowest is not None and _LEVELS.index(level) <= _LEVELS.index(lowest)


def _outputs(source: Source, role: Role) -> list[tuple[str, str]]:
    """(output of the model, category) for a piece of that direction and role."""
    out = [(f"{source}.{c}", c) for c in CONTENT if c != "PROMPT_ATTACK"]
    if source is Source.INPUT and role in (Role.USER, Role.SYSTEM):
        out += [(f"INPUT.{a}", "PROMPT_ATTACK") for a in ATTACKS]
    elif role in (Role.DOCUMENT, Role.TOOL):
        out.append(("DOCUMENT.PROMPT_INJECTION", "PROMPT_ATTACK"))
    return out
