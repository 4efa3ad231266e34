"""One embedded Ray for all tests here; they are skipped, with the reason, where Ray is not installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guardrails.clusters import joined

REASON = "Ray is not installed: it has an environment of its own, see tests/clients/README.md"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What Ray warns of, and processes that it leaves to the system, are its own affair."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(scope="session")
def ray() -> Iterator[Any]:
    if os.environ.get("GUARDRAILS_CLIENTS") != "required":
        pytest.importorskip("ray", reason=REASON)
    # On a busy machine parts of Ray need longer to start than others wait for them.
    os.environ.setdefault("RAY_agent_register_timeout_ms", "300000")
    os.environ.setdefault("RAY_worker_register_timeout_seconds", "300")
    with joined(os.environ.get("RAY_ADDRESS", ""), cpus=4) as made:  # a cluster that is there, or an embedded one
        yield made
