"""A detector of somebody else's, for the section ``rules``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from guardrails import detectors

SPEC = detectors.DetectorSpec(spans=False)


@dataclass(frozen=True)
class Settings:
    words: int
    loud: bool = False

    def __post_init__(self) -> None:
        if self.words < 1:
            raise ValueError("words must be 1 or more")


@contextlib.contextmanager
def registered() -> Iterator[None]:
    detectors.register("demo", "tests.policy.demo_detector")
    try:
        yield
    finally:
        del detectors.DETECTORS["demo"]
