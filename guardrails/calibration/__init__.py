"""Where a rule's score should begin to act, chosen on an author's own texts.

:func:`scored` puts a run's predictions in order, one :class:`Scores` for each rule that has a cut point; its methods say what a cut
point does there, and choose one. :func:`rewritten` puts the choice into the policy file, with the evidence beside it.
Nothing here writes a checked text anywhere.
"""

from __future__ import annotations

from guardrails.calibration.choosing import Mistake, Point, Scores
from guardrails.calibration.dials import Dial, dials
from guardrails.calibration.scoring import Calibration, scored
from guardrails.calibration.suggesting import Suggestions, suggested
from guardrails.calibration.writing import evidence, rewritten

__all__ = [
    "Calibration",
    "Dial",
    "Mistake",
    "Point",
    "Scores",
    "Suggestions",
    "dials",
    "evidence",
    "rewritten",
    "scored",
    "suggested",
]
