from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.policy.demo_detector import registered


@pytest.fixture
def demo() -> Iterator[None]:
    with registered():
        yield
