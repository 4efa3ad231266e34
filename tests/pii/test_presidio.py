"""Our recognisers as Presidio objects, and our check digits against Presidio's."""

from __future__ import annotations

import random
import string

import pytest
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, Pattern, PatternRecognizer
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    IbanRecognizer,
    NhsRecognizer,
)

from guardrails import catalog
from guardrails.detectors.pii import presidio, specs
from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks
from tests.pii.finding import detector, hits

TEXT = (
    "SSN 536904399, my card 4111 1111 1111 1111. I am 42 years old. Mail bob@example.com or call (212) 555-0198. "
    "The account number is 10060944; the order number is 20070855."
)


@pytest.fixture(scope="module")
def analyzer() -> AnalyzerEngine:
    return presidio.analyzer_engine()


def test_every_spec_is_a_recogniser() -> None:
    ours = presidio.recognizers()
    assert len(ours) == len(specs())
    assert all(isinstance(r, EntityRecognizer) for r in ours)
    assert {r.supported_entities[0] for r in presidio.recognizers(["EMAIL", "PHONE"])} == {"EMAIL", "PHONE"}


def test_the_analyzer_finds_what_the_detector_finds(analyzer: AnalyzerEngine) -> None:
    theirs = {(r.entity_type, r.start, r.end) for r in analyzer.analyze(TEXT, language="en")}
    ours = {(h.type, h.start, h.end) for h in hits(detector(), TEXT)}
    assert ours
    assert ours <= theirs  # the analyzer leaves overlaps between types to its user


def test_context_works_without_lemmas(analyzer: AnalyzerEngine) -> None:
    text = "The account number is 10060944; the order number is 20070855."
    found = {text[r.start : r.end] for r in analyzer.analyze(text, language="en")}
    assert found == {"10060944"}


def test_context_from_outside_counts(analyzer: AnalyzerEngine) -> None:
    assert not analyzer.analyze("536904399", language="en")
    found = analyzer.analyze("536904399", language="en", context=["ssn"])
    assert [r.entity_type for r in found] == ["US_SOCIAL_SECURITY_NUMBER"]


def test_foreign_recognisers_run_beside_ours() -> None:
    badge = PatternRecognizer("BADGE", patterns=[Pattern("badge", r"B-\d{4}", 0.8)])
    engine = presidio.analyzer_engine(["EMAIL"], extra=[badge])
    found = {r.entity_type for r in engine.analyze("badge B-1234, bob@example.com, 536-90-4399", language="en")}
    assert found == {"BADGE", "EMAIL"}
    assert [h.type for h in hits(detector(["BADGE"], extra=[badge]), "badge B-1234")] == ["BADGE"]


def test_running_out_of_time_is_no_silence() -> None:
    slow = presidio.SpecRecognizer(Spec("EMAIL", ((r"(?=(a|aa)+$)(a|aa)+b", 0.5),)))
    with pytest.raises(TimeoutError) as error:
        slow.analyze("a" * 64 + "!", ["EMAIL"])
    assert "aaa" not in str(error.value)


def test_names() -> None:
    assert set(presidio.PRESIDIO_NAMES.values()) <= set(catalog.PII)


def _numbers(length: int, count: int = 3000) -> list[str]:
    chance = random.Random(length)
    return ["".join(chance.choices(string.digits, k=length)) for _ in range(count)]


def test_luhn_agrees_with_presidio() -> None:
    theirs = CreditCardRecognizer()
    for number in _numbers(16):
        assert checks.luhn(number) == bool(theirs.validate_result(number))


def test_nhs_agrees_with_presidio() -> None:
    theirs = NhsRecognizer()
    for number in _numbers(10):
        if len(set(number)) > 1:
            assert checks.nhs(number) == bool(theirs.validate_result(number))


def test_iban_agrees_with_presidio() -> None:
    theirs = IbanRecognizer()
    valid = ["DE89370400440532013000", "GB29NWBK60161331926819", "NO9386011117947", "FR1420041010050500013M02606"]
    chance = random.Random(1)
    for number in valid:
        assert checks.iban(number)
        assert theirs.validate_result(number)
        for _ in range(200):
            at = chance.randrange(4, len(number))
            wrong = number[:at] + chance.choice(string.digits) + number[at + 1 :]
            assert checks.iban(wrong) == bool(theirs.validate_result(wrong))


def test_published_samples() -> None:
    assert checks.aba("021000021")
    assert not checks.aba("021000022")
    assert checks.vin("1M8GDM9AXKP042788")
    assert not checks.vin("1M8GDM9A0KP042788")
    assert checks.utr("1123456789")
    assert not checks.utr("2123456789")
