"""One proxy for all tests of real clients in a process."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest

from tests.clients.proxied import Proxied, Records, running

# Nothing is fetched, and nobody is told that tests run.
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LANGSMITH_TRACING": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "DO_NOT_TRACK": "1",
}


@pytest.fixture(scope="session")
def running_proxy() -> Iterator[Proxied]:
    with pytest.MonkeyPatch.context() as patch, running() as made:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        yield made
        with warnings.catch_warnings():  # connections that a client left open are its own affair
            warnings.simplefilter("ignore")
            gc.collect()


@pytest.fixture
def proxied(running_proxy: Proxied) -> Proxied:
    running_proxy.forget()
    return running_proxy


@pytest.fixture
def records() -> Records:
    return Records()
