"""A canned model on a socket, and a policy of words and patterns in this process."""

from __future__ import annotations

import pytest

from guardrails import Guard
from guardrails.policy import loads
from tests.clients.proxied import Proxied
from tests.clients.upstream import POLICY


@pytest.fixture
def upstream(proxied: Proxied) -> Proxied:
    """``upstream.upstream`` is the model; nothing is between."""
    return proxied


@pytest.fixture
def guard() -> Guard:
    return Guard(loads(POLICY))
