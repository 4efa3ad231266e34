"""Courtesies, offers of help, questions and "I don't know" are no claims; everything with a fact in it is one."""

from __future__ import annotations

import pytest

from guardrails.detectors.claims import claims
from guardrails.sentences import sentences


def said(text: str) -> list[str]:
    return [text[a:b] for a, b in claims(text, sentences(text))]


@pytest.mark.parametrize(
    "text",
    [
        "Great question!",
        "Hello Maria,",
        "Thanks for asking.",
        "You're welcome!",
        "Let me know if you need anything else.",
        "Feel free to reach out if you have any further questions.",
        "If you have any questions, please contact our support team.",
        "Is there anything else I can help you with?",
        "I'm sorry, I don't know.",
        "I don't have that information.",
        "I could not find that in our documents. Please contact our hotline.",
        "I cannot find any mention of that in the context.",
        "Unfortunately, I don't have enough information to answer that.",
        "That information is not in the documents I have.",
        "Here are the steps:",
        "## Summary",
        "**Fees:**",
        "Based on the provided documents:",
        "I hope this helps!",
        "Sorry for the inconvenience.",
        "Kind regards,",
        "Would you like me to look that up?",
        "Thank you for getting in touch!",
        "Thanks for keeping the island clean.",
        "Get well soon!",
        "Please stay safe!",
        "Do get in touch if you need more.",
        "Please feel free to ask about Part A as well!",
        "Good to hear from you!",
        "Happy to explain!",
        "I'm sorry to hear that.",
        "Hope that's clear.",
        "I hope this is what you were looking for.",
        "We look forward to welcoming you.",
        "Congratulations on the house!",
        "Enjoy your visit!",
        "Safe travels!",
        "No need to worry!",
        "We'll be glad to help you further.",
    ],
)
def test_no_claim(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("Great question! You have 14 days to file a claim. Let me know if you need anything else.", ["You have 14 days to file a claim."]),
        ("Sure, the gym is included.", ["the gym is included."]),
        ("Contact us within 14 days.", ["Contact us within 14 days."]),
        ("Let me know before 5 pm and the order is free.", ["Let me know before 5 pm and the order is free."]),
        ("Let us know if it breaks and we will refund everything.", ["Let us know if it breaks and we will refund everything."]),
        ("The document does not say how long it takes.", ["The document does not say how long it takes."]),
        ("I don't have to pay for the upgrade.", ["I don't have to pay for the upgrade."]),
        ("Sorry, we do not refund opened items.", ["Sorry, we do not refund opened items."]),
        ("We cannot refund opened items.", ["We cannot refund opened items."]),
        ("No.", ["No."]),
        ("The gym is open to all guests. Clear skies!", ["The gym is open to all guests."]),
        ("Chess and football!", ["Chess and football!"]),
        ("The gym is closed today. It's free!", ["The gym is closed today.", "It's free!"]),
        ("Great news! The gym is open to all guests.", ["The gym is open to all guests."]),
        ("Happy to tell you that refunds are free.", ["Happy to tell you that refunds are free."]),
        ("Have a valid ticket with you.", ["Have a valid ticket with you."]),
        ("We hope to reopen in May.", ["We hope to reopen in May."]),
        ("Enjoy free entry for children.", ["Enjoy free entry for children."]),
    ],
)  # fmt: skip
def test_claim(text: str, claimed: list[str]) -> None:
    assert said(text) == claimed
