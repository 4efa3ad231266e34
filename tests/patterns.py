"""For tests of laws that hold for patterns and masks whatever finds: the trained tagger is left out, and tested on its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guardrails.detectors.pii import engine


@pytest.fixture(autouse=True, scope="module")
def patterns_only() -> Iterator[None]:
    """NAME, ADDRESS, AGE, USERNAME and PASSWORD by their patterns alone, for a whole module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "TAGGED", ())
        yield
