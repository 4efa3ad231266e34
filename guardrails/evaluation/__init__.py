"""Figures for a policy on labelled texts: rows in, one prediction a row, and a summary with intervals.

:func:`read` checks the rows, :func:`predictions` runs the guard over them, :func:`evaluate` makes the figures.
Nothing here writes a checked text anywhere, unless asked to by name.
"""

from __future__ import annotations

from guardrails.evaluation.rows import BadData, Data, Row, Span, read
from guardrails.evaluation.run import predictions, prepared
from guardrails.evaluation.summary import Evaluation, Group, evaluate

__all__ = ["BadData", "Data", "Evaluation", "Group", "Row", "Span", "evaluate", "predictions", "prepared", "read"]
