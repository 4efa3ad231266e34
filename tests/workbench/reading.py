"""What assistive technology has against a page, and pictures of pages for the manual."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def faults(page: Any) -> list[str]:
    """What axe finds on the page as it is."""
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    page.evaluate(axe.AXE_SCRIPT)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{v['id']}: {[n['html'][:160] for n in v['nodes']]}" for v in found["violations"]]


def picture(page: Any, room: str) -> None:
    """Keep a picture of the page for the manual, when ``GUARDRAILS_SCREENSHOTS`` is set."""
    if os.environ.get("GUARDRAILS_SCREENSHOTS"):
        page.screenshot(path=IMAGES / f"workbench-{room}.png", animations="disabled")
