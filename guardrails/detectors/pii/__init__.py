"""Sensitive information: the types of Amazon Bedrock Guardrails and more, found by patterns, checksums and context.

Every recogniser is data (a :class:`~guardrails.detectors.pii.recognizer.Spec`); the engine runs all of them in one
prefiltered pass, and :mod:`guardrails.detectors.pii.presidio` offers the same recognisers to Presidio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from guardrails.catalog import PII
from guardrails.detectors import Detector
from guardrails.detectors.pii.in_ids import CERTAIN
from guardrails.detectors.pii.registry import MODULES, TAGGED, score_range, specs
from guardrails.detectors.settings import TYPE, Number, Order, Section, Setting, Shape
from guardrails.detectors.traits import DetectorSpec, Reach, Scores
from guardrails.rules import Rule

__all__ = ["MODULES", "SECTIONS", "SPEC", "TAGGED", "Settings", "build", "specs"]


@dataclass(frozen=True, slots=True)
class Settings:
    """An entity type of :data:`guardrails.catalog.PII`, and the score (0 to 1) from which a match counts."""

    entity: Annotated[str, TYPE]
    min_score: Annotated[
        float,
        Setting(
            about="the score from which a match counts",
            kind=Number(0, 1),
            order=Order.FALLS,
            lost="Bedrock has no scores for PII",
        ),
    ] = 0.5


SECTIONS = (
    Section(
        key="pii.entities", shape=Shape.MAPPING, id="pii.{name}", names=PII, every="ALL",
        unknown=("unknown-entity", "is not a type of sensitive information"), acts=True, lost=None,
        formal=("EMAIL", "URL", "IP_ADDRESS", "MAC_ADDRESS", "CREDIT_DEBIT_CARD_NUMBER", "INTERNATIONAL_BANK_ACCOUNT_NUMBER"),
    ),
)  # fmt: skip


def _lookahead(settings: Settings) -> Reach:
    from guardrails.detectors.pii import reaching  # noqa: PLC0415 - Settings must stay cheap to import

    entity = settings.entity
    unfinished = reaching.unfinished_key if entity == "PRIVATE_KEY" else None
    return Reach(reaching.reach_of(entity), unfinished, partial(reaching.begun, (entity,)))


def _scores(settings: Settings) -> Scores:
    return Scores("min_score", *score_range(settings.entity))


SPEC = DetectorSpec(
    spans=True,
    lookahead=_lookahead,
    scores=_scores,
    blocking=lambda settings: settings.entity in TAGGED,
    competing=True,  # a hit may give way to another rule's; see resolve.py
    in_ids=lambda settings: CERTAIN.get(settings.entity),
)


def build(rules: Sequence[Rule], extra: Sequence[Any] = ()) -> Detector:
    """One detector for all PII rules of a direction.

    ``extra`` are Presidio ``EntityRecognizer`` objects (a trained tagger, say) that run beside our own: they see the
    original text and answer with our type names. Raises GuardrailsError for a type that nothing finds.
    """
    from guardrails.detectors.pii.engine import Engine  # noqa: PLC0415 - Settings must stay cheap to import

    return Engine(rules, specs(), extra)
