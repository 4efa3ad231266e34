"""Short answers of the form that the question asks for are relevant; other answers are left to the model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors.absence import absent
from guardrails.detectors.direct import direct
from guardrails.detectors.facts.source import Sources


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("Do you have SSO?", "Yes, on Business and Enterprise."),
        ("Can I bring my dog?", "Only on the terrace."),
        ("Is parking free?", "No, it's 2 euros an hour."),
        ("Does it work offline?", "Not yet."),
        ("How many seats does Team have?", "Five."),
        ("How much is shipping?", "4.99 EUR."),
        ("What does the Pro plan cost?", "12 USD a month."),
        ("When do you open?", "At 9 am."),
        ("What day is the market?", "Saturday."),
        ("How long is the warranty?", "Two years."),
        ("How often is it cleaned?", "Every Tuesday."),
        ("Who founded the company?", "Marta Olsen."),
        ("Where is your office?", "In Berlin, near the station."),
        ("Why was it late?", "Because of the snow."),
        ("Which plan has SSO?", "Business."),
        ("How do I reset it?", "Hold the button for ten seconds."),
        ("How do I reset it?", "1. Open the lid.\n2. Press the button."),
        ("Hi, I bought a kettle. What voltage does it need?", "230 V."),
    ],
)
def test_direct_answers(query: str, answer: str) -> None:
    assert direct(query, answer) >= 0.7


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("What are the symptoms of influenza?", "Please contact our support team for further assistance."),
        ("What is the capital of France?", "Our plans start at 12 USD."),
        ("When do you open?", "We sell shoes."),
        ("Is parking free?", "I don't know."),
        ("Is parking free?", "The capital of France is Paris."),
        ("How many seats are there?", "Thanks for asking!"),
        ("Who founded the company?", "It costs 12 USD."),
        ("", "Yes."),
    ],
)
def test_answers_beside_the_point(query: str, answer: str) -> None:
    assert direct(query, answer) == 0


RULES = Sources(
    "Returns are accepted within 30 days with a receipt. Sale items cannot be returned. Shipping costs 4.99 EUR. "
    "Gift cards are valid for two years. The shop opens at 9:00 and closes at 18:00. Parking is behind the building."
)


@pytest.mark.parametrize(
    ("claim", "question"),
    [
        ("The document doesn't mention pets.", "May I bring my cat?"),
        ("The rules say nothing about student housing.", "Is there student housing?"),
        ("Warranty repairs are not mentioned in the policy.", "How do warranty repairs work?"),
        ("There is no information about loyalty points in the text.", "Do I get loyalty points?"),
    ],
)
def test_what_the_sources_do_not_say(claim: str, question: str) -> None:
    right = absent(claim, RULES, question)
    assert right is not None
    assert right > 0.6


@pytest.mark.parametrize(
    ("claim", "question"),
    [
        ("The document doesn't say how long gift cards are valid.", "How long are gift cards valid?"),
        ("The policy doesn't mention shipping costs.", "What does shipping cost?"),
        ("The text does not state when the shop opens.", "When does the shop open?"),
    ],
)
def test_what_the_sources_do_say(claim: str, question: str) -> None:
    right = absent(claim, RULES, question)
    assert right is not None
    assert right < 0.4


@pytest.mark.parametrize(
    "claim",
    [
        "Sale items cannot be returned.",
        "The plan does not include SSO.",
        "Returns are accepted.",
        "You can't return it.",
    ],
)
def test_no_claims_of_absence(claim: str) -> None:
    assert absent(claim, RULES) is None


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_texts(query: str, answer: str) -> None:
    assert 0 <= direct(query, answer) <= 0.9
    right = absent(answer, RULES, query)
    assert right is None or 0 <= right <= 1
