"""Content filters: HATE, INSULTS, SEXUAL, VIOLENCE, MISCONDUCT, SELF_HARM, PROMPT_ATTACK, judged by a shipped encoder.

A category has three cut points, chosen on development data for stated false-positive rates (docs/content.md): HIGH,
MEDIUM and LOW confidence. As in Bedrock, strength HIGH acts on LOW confidence and up, MEDIUM on MEDIUM and up, LOW on
HIGH confidence only.

Which kind of prompt attack a piece may hold follows from its role: a user can attack directly (jailbreak, injection,
leakage), a document or tool result indirectly, a system prompt and the assistant's own turns not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guardrails import inference
from guardrails.catalog import CONTENT
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.rules import Rule
from guardrails.types import Found, Hit, Level, Role, Source

if TYPE_CHECKING:
    from guardrails.inference.text import Row

__all__ = ["ATTACKS", "SPANS", "Settings", "build", "reach"]

SPANS = False

ATTACKS = ("JAILBREAK", "PROMPT_INJECTION", "PROMPT_LEAKAGE")
_LEVELS = (Level.HIGH, Level.MEDIUM, Level.LOW)
# The lowest confidence a strength acts on.
_ACTS_ON = {"LOW": Level.HIGH, "MEDIUM": Level.MEDIUM, "HIGH": Level.LOW}


@dataclass(frozen=True, slots=True)
class Settings:
    """A category of :data:`guardrails.catalog.CONTENT` and a strength (NONE, LOW, MEDIUM, HIGH) per direction."""

    category: str
    input_strength: str = "HIGH"
    output_strength: str = "HIGH"

    def strength(self, source: Source) -> str:
        """The strength in that direction."""
        return self.input_strength if source is Source.INPUT else self.output_strength


def reach(settings: Settings) -> int | None:
    """0: texts are judged segment by segment, and there is no span to mask."""
    del settings
    return 0


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for all filters of a direction. Raises WeightsMissing when the model is not what this release ships."""
    inference.text_engine()
    return _Filters(rules)


class _Filters:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    def find(self, content: Content, deadline: Deadline) -> Found:
        """The hits of every category whose probability reaches what the rule's strength acts on, once a piece."""
        found = Found()
        if content.masked:  # it was judged before; a mask takes away and adds nothing
            return found
        engine = inference.text_engine()
        found.models[engine.manifest.name] = engine.manifest.sha256
        calibration = engine.manifest.calibration
        best: dict[tuple[int, str], Hit] = {}
        noted: set[int] = set()
        for one in inference.read(content, deadline):
            if not inference.judged(content, one.piece):
                continue
            if one.piece not in noted:
                noted.add(one.piece)
                inference.note_languages(content, one.piece, (r.id for r in self._rules), found)
            for label, category in _outputs(content.source, content.pieces[one.piece].role):
                column = engine.label[label]
                p, window = one.reading.decide(_column(column), calibration[label])
                if p >= calibration[label].cuts[Level.LOW]:  # would it be stopped without its account numbers, too?
                    again = inference.plainer(content, one, deadline)
                    if again is not None:
                        p = min(p, again.decide(_column(column), calibration[label])[0])
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
        calibration = inference.text_engine().manifest.calibration
        out: dict[str, float] = {}
        for label, category in _outputs(source, role):
            name = label.rsplit(".", 1)[1]
            key = f"prompt_attack.{name}" if category == "PROMPT_ATTACK" else f"content.{name}"
            for rule in self._rules:
                if rule.settings.category == category:
                    lowest = _ACTS_ON.get(rule.settings.strength(source))
                    if lowest is not None:
                        out[key] = min(out.get(key, 1.0), calibration[label].cuts[lowest])
        return out


def _column(index: int) -> Callable[[Row], float]:
    return lambda row: float(row.logits[index])


def _acts(strength: str, level: Level) -> bool:
    lowest = _ACTS_ON.get(strength)
    return lowest is not None and _LEVELS.index(level) <= _LEVELS.index(lowest)


def _outputs(source: Source, role: Role) -> list[tuple[str, str]]:
    """(output of the model, category) for a piece of that direction and role."""
    out = [(f"{source}.{c}", c) for c in CONTENT if c != "PROMPT_ATTACK"]
    if source is Source.INPUT and role is Role.USER:
        out += [(f"INPUT.{a}", "PROMPT_ATTACK") for a in ATTACKS]
    elif role in (Role.DOCUMENT, Role.TOOL):
        out.append(("DOCUMENT.PROMPT_INJECTION", "PROMPT_ATTACK"))
    return out
