from __future__ import annotations

import doctest
from pathlib import Path

from guardrails.cli.docs import render

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_fresh() -> None:
    assert (ROOT / "docs/cli.md").read_text(encoding="utf-8") == render(), (
        "run: python -m guardrails.cli.docs docs/cli.md"
    )


def test_examples_of_the_pages() -> None:
    result = doctest.testfile(str(ROOT / "docs/folding.md"), module_relative=False)
    assert result.attempted
    assert not result.failed
