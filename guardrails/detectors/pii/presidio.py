"""The same recognisers as Presidio objects, and an analyzer engine made of them.

Importing this module imports ``presidio_analyzer`` (about a second); the detector itself does not need it. A spec
becomes one :class:`SpecRecognizer`, which runs on our own matcher, so that a pattern which runs out of time raises
instead of being skipped. Presidio's context enhancer compares lemmas and its no-op NLP engine makes none;
:class:`WordWindowEnhancer` takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts

from guardrails.detectors.pii.context import AFTER, BEFORE, FLOOR, RAISE, evidence, scored
from guardrails.detectors.pii.engine import run
from guardrails.detectors.pii.foreign import LANGUAGE, no_artifacts, no_op_engine
from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.registry import specs
from guardrails.detectors.pii.triggers import Triggers

__all__ = [
    "PRESIDIO_NAMES",
    "SpecRecognizer",
    "WordWindowEnhancer",
    "analyzer_engine",
    "no_artifacts",
    "recognizers",
]

# What Presidio's predefined recognisers call our types, for those who come from there.
PRESIDIO_NAMES: dict[str, str] = {
    "CREDIT_CARD": "CREDIT_DEBIT_CARD_NUMBER",
    "CRYPTO": "CRYPTO_WALLET",
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "IP_ADDRESS": "IP_ADDRESS",
    "LOCATION": "ADDRESS",
    "MAC_ADDRESS": "MAC_ADDRESS",
    "PERSON": "NAME",
    "PHONE_NUMBER": "PHONE",
    "UK_NHS": "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
    "UK_NINO": "UK_NATIONAL_INSURANCE_NUMBER",
    "URL": "URL",
    "US_BANK_NUMBER": "US_BANK_ACCOUNT_NUMBER",
    "US_DRIVER_LICENSE": "DRIVER_ID",
    "US_ITIN": "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
    "US_PASSPORT": "US_PASSPORT_NUMBER",
    "US_SSN": "US_SOCIAL_SECURITY_NUMBER",
}


class SpecRecognizer(EntityRecognizer):
    """One spec as a Presidio recogniser. Scores are those before context; the enhancer does the rest."""

    def __init__(self, spec: Spec, number: int = 0) -> None:
        self.name: str = f"{spec.type.title().replace('_', '')}Recognizer{number}"
        super().__init__(
            supported_entities=[spec.type],
            name=self.name,
            supported_language=LANGUAGE,
            context=list(spec.context),
        )
        self.spec = spec
        self._triggers = Triggers([spec])

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self,
        text: str,
        entities: Sequence[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002 - Presidio's signature
    ) -> list[RecognizerResult]:
        """Matches with their checksums applied. Raises TimeoutError when a pattern runs out of time."""
        if entities and self.spec.type not in entities:
            return []
        late: set[str] = set()
        found = [
            RecognizerResult(
                raw.spec.type,
                raw.start,
                raw.end,
                raw.score,
                recognition_metadata={
                    RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
                    RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
                },
            )
            for raw in run(self._triggers, text, failed=late)
        ]
        if late:
            raise TimeoutError(f"{self.name}: a pattern ran out of time")
        return found


class WordWindowEnhancer(ContextAwareEnhancer):
    """Scores after the words around a match, as :mod:`guardrails.detectors.pii.context` counts them."""

    def __init__(self) -> None:
        super().__init__(
            context_similarity_factor=RAISE,
            min_score_with_context_similarity=FLOOR,
            context_prefix_count=BEFORE,
            context_suffix_count=AFTER,
        )

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: NlpArtifacts,  # noqa: ARG002 - Presidio's signature
        recognizers: list[EntityRecognizer],
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        """The results with their scores changed; those that need a context word and have none are left out.

        ``context`` are words from outside the text, as in ``AnalyzerEngine.analyze``; they count as if in it.
        """
        by_id = {r.id: r for r in recognizers if isinstance(r, SpecRecognizer)}
        given = {w.lower() for w in context or ()}
        kept: list[RecognizerResult] = []
        for result in raw_results:
            metadata = result.recognition_metadata or {}
            recognizer = by_id.get(metadata.get(RecognizerResult.RECOGNIZER_IDENTIFIER_KEY))
            if recognizer is None:
                kept.append(result)
                continue
            spec = recognizer.spec
            around = evidence(text, result.start, result.end, spec.context, spec.against)
            outside = bool(given.intersection(spec.context))
            if spec.requires_context and around.sign <= 0 and not outside:
                continue
            result.score = max(result.score + RAISE, FLOOR) if outside else scored(result.score, around)
            result.score = min(1.0, result.score)
            kept.append(result)
        return kept


def recognizers(entities: Iterable[str] | None = None) -> list[EntityRecognizer]:
    """Our recognisers of these types (None: all) as Presidio objects."""
    wanted = None if entities is None else set(entities)
    return [SpecRecognizer(s, n) for n, s in enumerate(specs()) if wanted is None or s.type in wanted]


def analyzer_engine(
    entities: Iterable[str] | None = None, extra: Sequence[EntityRecognizer] = (), min_score: float = 0.5
) -> AnalyzerEngine:
    """A Presidio analyzer with the no-op NLP engine, our recognisers, our enhancer, and yours (``extra``)."""
    registry = RecognizerRegistry(
        recognizers=[*recognizers(entities), *extra], supported_languages=[LANGUAGE], global_regex_flags=0
    )
    return AnalyzerEngine(
        registry=registry,
        nlp_engine=no_op_engine(),
        supported_languages=[LANGUAGE],
        context_aware_enhancer=WordWindowEnhancer(),
        default_score_threshold=min_score,
    )
