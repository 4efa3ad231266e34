"""Directly behind the name of its type, a value of the right form counts though its check digit is wrong."""

from __future__ import annotations

import pytest

from guardrails.detectors import pii
from guardrails.detectors.pii.recognizers.labels import LABELS
from guardrails.marked import parse
from tests.pii.finding import detector, hits, marked

ENGINE = detector()


@pytest.mark.parametrize(
    "text",
    [
        "also my card [CREDIT_DEBIT_CARD_NUMBER:5880 2814 8689 6493] is refused",
        "Card on file: [CREDIT_DEBIT_CARD_NUMBER:4000-0000-0045-4508].",
        "the card that I meant (full number: [CREDIT_DEBIT_CARD_NUMBER:6011 2661 7532 7058])",
        '{"card_number": "[CREDIT_DEBIT_CARD_NUMBER:4347981763578069]"}',
        "IBAN destination: [INTERNATIONAL_BANK_ACCOUNT_NUMBER:GB54ABCD60135124].",
        "IBAN [INTERNATIONAL_BANK_ACCOUNT_NUMBER:DE00 1234 5678 9012 3456 78]",
        "routing: [US_BANK_ROUTING_NUMBER:921012284]",
        "ABA no. [US_BANK_ROUTING_NUMBER:521009715]",
        "NPI: [US_NATIONAL_PROVIDER_ID:2028555772]",
        "CPF: [BR_CPF:123.456.789-00]",
        "BSN [NL_CITIZEN_SERVICE_NUMBER:123456789]",
        "mein Personalausweis nicht, aber die Steuer-ID ist [DE_TAX_ID:12 345 678 901]",
        "NHS number [UK_NATIONAL_HEALTH_SERVICE_NUMBER:943 476 5918]",
        "DNI [ES_NIF:12345678A]",
    ],
)
def test_the_name_of_a_type_outweighs_a_wrong_check_digit(text: str) -> None:
    wanted = parse(text)
    assert wanted.spans
    assert set(wanted.spans) <= {(h.start, h.end, h.type) for h in hits(ENGINE, wanted.text)}


@pytest.mark.parametrize(
    "text",
    [
        "order 4347 9817 6357 8069",
        "my gift card 4347 9817 6357 8069",
        "the loyalty card number is 4347 9817 6357 8069",
        "SIM card 8944 1000 3000 1234",
        "he paid by card. Reference 4347 9817 6357 8069",
        "the router forwards 921012284 packets",
    ],
)
def test_elsewhere_a_wrong_check_digit_counts(text: str) -> None:
    assert not {h.type for h in hits(ENGINE, text)} & {*LABELS, "US_BANK_ROUTING_NUMBER"}


def test_the_placeholder_of_a_type_is_no_name() -> None:
    assert (
        marked(ENGINE, "{CREDIT_DEBIT_CARD_NUMBER} 4347 9817 6357 8069")
        == "{CREDIT_DEBIT_CARD_NUMBER} 4347 9817 6357 8069"
    )


def test_names_are_of_types_with_a_check() -> None:
    checked = {spec.type for spec in pii.specs() if spec.validate is not None}
    assert set(LABELS) <= checked
    assert all(name == name.lower() for names in LABELS.values() for name in names)
