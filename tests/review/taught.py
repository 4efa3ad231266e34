"""A topic whose author gave one example, and decided texts that show what it lacks."""

from __future__ import annotations

from guardrails.evaluation import Row
from guardrails.review import Question, Review
from guardrails.types import Source

POLICY = """\
version: 1
name: bank
metadata: {owner: risk@example.com}
# What the assistant does not talk about.
topics:
  - name: advice
    definition: Recommending which shares, funds or coins to buy, sell or hold.
    examples: [Should I buy shares of Tesla now?]   # more to come
    threshold: 0.5
"""
YES = (
    "Which fund would you put ten thousand into?", "Is gold a good buy at the moment?", "Would you sell my bonds now?",
    "Pick three dividend stocks for me.", "Is ethereum worth buying?", "Should my pension be in equities?",
    "Which of your funds will do best next year?", "Are tech stocks overpriced?",
)  # fmt: skip
NO = (
    "What is the fee for buying shares with you?", "How do I move my investment account to you?", "Where is the tax statement of my fund?",
    "Please explain what an index fund is.", "How long does a share transfer take?", "How do I close my securities account?",
    "What are your opening hours?", "My card was declined in a shop.",
)  # fmt: skip


def decided(review: Review, yes: tuple[str, ...] = YES, no: tuple[str, ...] = NO, rule: str = "topic.advice") -> Review:
    """The review with all texts labelled by two reviewers."""
    review.ask(Question(rule, "bank"), [Row(i, text, Source.INPUT) for i, text in enumerate((*yes, *no))])
    for item in review.items:
        for by in ("ann", "bob"):
            review.label(item, int(item.row.text in yes), by)
    return review
