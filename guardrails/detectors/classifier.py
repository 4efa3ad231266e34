"""Any Hugging Face sequence classifier on disk, as a rule: which of its labels fire, and from which probability.

rules:
  - id: prompt-guard
    detector: classifier
    action: block
    settings: {path: /opt/models/prompt-guard, labels: [MALICIOUS], threshold: 0.5}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from guardrails import inference
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.settings import Number, Order, Setting
from guardrails.detectors.traits import DetectorSpec
from guardrails.errors import GuardrailsError
from guardrails.rules import Rule
from guardrails.types import Found, Hit

__all__ = ["SPEC", "Settings", "build"]


@dataclass(frozen=True, slots=True)
class Settings:
    """A directory with ``config.json``, ``model.safetensors`` and a tokeniser; its labels that count; a probability (0 to 1)."""

    path: str
    labels: tuple[str, ...]
    threshold: Annotated[
        float,
        Setting(about="the probability from which it fires", kind=Number(0, 1), order=Order.FALLS, cut=True),
    ] = 0.5


# Texts are judged segment by segment, and there is no span to mask.
SPEC = DetectorSpec(spans=False, judges_meaning=True, remedy="raise the threshold of {rule}, or change its action")


def build(rules: Sequence[Rule]) -> Detector:
    """Raises WeightsMissing for a directory that lacks a file, GuardrailsError for a label the model does not have."""
    for rule in rules:
        settings: Settings = rule.settings
        known = inference.foreign(settings.path).labels
        for label in settings.labels:
            if label not in known:
                raise GuardrailsError(
                    f"rule {rule.id}: the model at {settings.path} has no label {label!r}; it has {', '.join(known)}"
                )
    return _Classifiers(rules)


class _Classifiers:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    def find(self, content: Content, deadline: Deadline) -> Found:
        """A hit a piece and rule, at the window with the highest probability of a label that counts."""
        found = Found()
        if content.masked:
            return found
        passed = {i for i in range(len(content.pieces)) if inference.trusted(content, i, self._rules, found)}
        for rule in self._rules:
            settings: Settings = rule.settings
            model = inference.foreign(settings.path)
            found.models[settings.path] = model.sha256
            for index, piece in enumerate(content.pieces):
                if index in passed or not piece.text.strip() or not inference.judged(content, index):
                    continue
                best = (-1.0, 0, 0)
                for view in inference.views(content, index):
                    deadline.check()
                    for start, end, scores in model.score(view.text, deadline.remaining):
                        p = max(scores[label] for label in settings.labels)
                        if p > best[0] and end > start:
                            best = (p, *view.span(start, end))
                p, start, end = best
                found.scores[rule.id] = max(found.scores.get(rule.id, 0.0), round(max(p, 0.0), 6))
                if p >= settings.threshold:
                    found.hits.append(Hit(rule.id, rule.type, start, end, round(p, 6), index))
        return found
