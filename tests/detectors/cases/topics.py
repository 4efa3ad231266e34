"""Cases of denied topics."""

from guardrails.detectors.topics import Settings
from tests.detectors.case import Case

INVESTING = Settings(
    "investment-advice",
    "Recommending what to buy, sell or hold, or where markets will go.",
    (
        "Should I buy shares of Tesla now?",
        "Which ETF would you recommend for my retirement?",
        "Will bitcoin go up this year?",
    ),
)

CASES = [
    Case("asked outright", INVESTING, "[INVESTMENT_ADVICE:Should I move my savings into index funds?]"),
    Case("in other words", INVESTING, "[INVESTMENT_ADVICE:Is now a good moment to purchase Apple stock?]"),
    Case(
        "a bank's everyday question", INVESTING, "How do I change my PIN?", type="INVESTMENT_ADVICE", kind="near-miss"
    ),
    Case("cooking", INVESTING, "How long do I boil potatoes?", type="INVESTMENT_ADVICE", kind="negative"),
]
