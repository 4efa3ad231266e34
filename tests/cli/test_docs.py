from __future__ import annotations

import doctest
from pathlib import Path

from guardrails.cli.docs import render, render_settings

ROOT = Path(__file__).resolve().parents[2]


def test_the_pages_are_fresh() -> None:
    for name, made in (("cli.md", render()), ("service-settings.md", render_settings())):
        fresh = (ROOT / "docs" / name).read_text(encoding="utf-8") == made
        assert fresh, "run: python -m guardrails.cli.docs docs"


def test_examples_of_the_pages() -> None:
    result = doctest.testfile(str(ROOT / "docs/folding.md"), module_relative=False)
    assert result.attempted
    assert not result.failed
