"""Sensitive information: patterns, checksums and the words around them, for every type of the catalogue.

A type is found by one or more :class:`~guardrails.detectors.pii.recognizer.Spec`; :mod:`.table` lists the modules that
hold them. See docs/pii.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guardrails.detectors import Detector
from guardrails.rules import Rule

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

__all__ = ["SPANS", "Settings", "build"]

SPANS = True


@dataclass(frozen=True, slots=True)
class Settings:
    """Which entity type (a name of :data:`guardrails.catalog.PII`), and the least score, in [0, 1], that counts."""

    entity: str
    min_score: float = 0.5


def build(rules: Sequence[Rule], extra: Sequence[EntityRecognizer] = ()) -> Detector:
    """One detector for all PII rules.

    ``extra`` are Presidio recognisers that run beside ours, such as a trained tagger; they see the original text and
    answer with our type names. Raises GuardrailsError for a type that nothing finds.
    """
    from guardrails.detectors.pii.engine import Runner  # noqa: PLC0415 - Settings must be cheap to import
    from guardrails.detectors.pii.table import specs_for  # noqa: PLC0415

    taggers = []
    if extra:
        from guardrails.detectors.pii.presidio import tagger  # noqa: PLC0415 - a second of imports

        taggers = [(frozenset(r.supported_entities), tagger(r)) for r in extra]
    known = frozenset[str]().union(*[types for types, _ in taggers])
    return Runner(rules, specs_for([r.settings.entity for r in rules], known), taggers)
