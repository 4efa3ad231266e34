"""docs/pii.md says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.detectors.pii import context, matching, table

PAGE = Path(__file__).parents[2] / "docs" / "pii.md"


def test_the_table_is_fresh() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert table.fresh(page) == page, "run: python -m guardrails.detectors.pii.table docs/pii.md"


def test_a_page_without_marks() -> None:
    with pytest.raises(ValueError, match="types: begin"):
        table.fresh("nothing")


def test_the_numbers_are_those_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for phrase in (
        f"| window before a value | {context.BEFORE} words",
        f"| window after a value | {context.AFTER} words",
        f"| a context word adds | {context.RAISE}, and lifts to at least {context.FLOOR} |",
        f"| a word against it takes | {context.LOWER:.2f} |",
        f"windows of {matching.WINDOW:,} characters",
        f"overlap by {matching.OVERLAP:,}",
        f"more than {matching.SECONDS} s",
    ):
        assert phrase in page
