"""Texts that people label: which ones, what each reviewer says, how far they agree, and what becomes of it.

:func:`picked` chooses texts whose label says most about a rule. A :class:`Review` holds them and what each reviewer says, in memory or in a
file that its author names. :func:`agreement` says how far reviewers agree; :func:`cases` and :func:`labelled` hand on what was decided, as
tests of the policy and as rows for calibration; :func:`taught` says which of the texts to name as a topic's examples, and :func:`fitted_head`
fits a head for it.
"""

from __future__ import annotations

from guardrails.review.agreement import Agreement, agreement, alpha, kappa
from guardrails.review.book import Item, Question, Review
from guardrails.review.exporting import cases, labelled
from guardrails.review.heads import Fitted, fitted_head
from guardrails.review.naming import head_file, new_head, with_head, write_head
from guardrails.review.picking import picked, picked_of_scan
from guardrails.review.teaching import Figures, Lesson, taught, with_phrases

__all__ = [
    "Agreement",
    "Figures",
    "Fitted",
    "Item",
    "Lesson",
    "Question",
    "Review",
    "agreement",
    "alpha",
    "cases",
    "fitted_head",
    "head_file",
    "kappa",
    "labelled",
    "new_head",
    "picked",
    "picked_of_scan",
    "taught",
    "with_head",
    "with_phrases",
    "write_head",
]
