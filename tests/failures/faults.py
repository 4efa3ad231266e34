"""Guards whose detectors get into trouble on command, by the path on which it really comes.

Models are stubs at the boundary of :mod:`guardrails.inference`; the detectors, the guard and what is around them are real.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from guardrails import Guard, inference
from guardrails import workers as guard_module
from guardrails.content import Content, Deadline
from guardrails.errors import DeadlineExceeded, Overloaded, WeightsMissing
from guardrails.inference.pair import Support
from guardrails.policy import loads
from guardrails.types import Found, OnFailure, Source
from tests.failures.matrix import BAD_INPUT, CRASH, MEMORY, MISSING, OVERLOAD, TIMEOUT, Row, only_long

CANARY = "Zq81xkPw"
# What a rule beside the one in trouble finds; it only detects, and its own failures let everything pass.
OTHER = "zebrafinch"
# A text over this many characters is bad input.
LONGEST = 400
MESSAGES = ("[not asked]", "[not said]")

ERRORS: dict[str, type[Exception]] = {
    TIMEOUT: DeadlineExceeded,
    CRASH: RuntimeError,
    OVERLOAD: Overloaded,
    MISSING: WeightsMissing,
    MEMORY: MemoryError,
}


class Fault:
    """Strikes wherever it was put, once it is armed. The message of the error quotes the text, as careless libraries do."""

    def __init__(self) -> None:
        self.armed: str | None = None
        self.struck = 0

    def strike(self) -> None:
        if self.armed in ERRORS:
            self.struck += 1
            raise ERRORS[self.armed](f"could not read {CANARY}")


class Wrapped:
    """A built detector behind a fault."""

    def __init__(self, detector: Any, fault: Fault) -> None:
        self._detector, self._fault = detector, fault

    def find(self, content: Content, deadline: Deadline) -> Found:
        self._fault.strike()
        found: Found = self._detector.find(content, deadline)
        return found


class _Tokens:
    ids = np.zeros(0, dtype=np.int32)

    def __len__(self) -> int:
        return 0


class Models:
    """Stands for the text model, the grounding model and a foreign classifier; finds nothing."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        cuts = {"LOW": 0.5, "MEDIUM": 0.7, "HIGH": 0.9}
        every = _Always(SimpleNamespace(cuts=cuts, scale=1.0, bias=0.0, length=0.0))
        self.manifest = SimpleNamespace(name="stub", sha256="0" * 64, calibration=every, tags=("O",), settings={})
        self.label = _Always(0)
        self.labels = ("FINE", "EVIL")
        self.sha256 = "0" * 64
        self.evidence: tuple[dict[str, float], dict[str, float]] = ({}, {})
        self.large = None

    def here(self, *_: Any) -> Models:
        """The engine, unless its files are gone."""
        if self.fault.armed == MISSING:
            self.fault.strike()
        return self

    def read(self, texts: Sequence[Any], seconds: float) -> list[Any]:
        self.fault.strike()
        return [SimpleNamespace(tokens=_Tokens(), decide=lambda *_: (0.0, 0), span=lambda _: (0, 0)) for _ in texts]

    def support(self, sources: list[str], claims: list[Any], cuts: Any, seconds: float, question: str) -> list[Any]:
        self.fault.strike()
        return [Support(1.0, 0, 0, 1) for _ in claims]

    def score(self, text: str, seconds: float) -> list[tuple[int, int, dict[str, float]]]:
        self.fault.strike()
        return [(0, len(text), {"FINE": 1.0, "EVIL": 0.0})]


class _Always(dict[str, Any]):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self._value = value

    def __missing__(self, key: str) -> Any:
        return self._value


def stub_models(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> Models:
    """No weights, but the same path: engines are asked for, and answer or do not."""
    models = Models(fault)
    for name in ("text_engine", "pair_engine", "pair_cascade", "foreign"):
        monkeypatch.setattr(inference, name, models.here)
    from guardrails.inference import topics
    from guardrails.inference.cascade import Cascade
    from guardrails.inference.topic_pairs import TopicCascade

    monkeypatch.setattr(inference, "text_cascade", lambda: Cascade(inference.text_engine()))
    monkeypatch.setattr(inference, "topic_cascade", lambda: TopicCascade(inference.text_engine()))
    monkeypatch.setattr(topics, "fit", lambda *_: SimpleNamespace())
    return models


def policy(row: Row, on_failure: OnFailure, trouble: str | None = None) -> str:
    """The row's rule beside one that detects; only the former decides."""
    other = f"{{term: {OTHER}, id: other, action: detect, on_failure: detect}}"
    if row.detector == "words":
        sections = "words: {terms: [kingfisher]}\npii: {regexes: [{name: other, pattern: " + OTHER
        sections += ", action: detect, on_failure: detect}]}"
    else:
        sections = f"words: {{terms: [{other}]}}\n{row.section}"
    limit = LONGEST if trouble == BAD_INPUT else 1_000_000
    return (
        f"version: 1\nname: failures\non_failure: {on_failure.value}\n"
        f'messages: {{blocked_input: "{MESSAGES[0]}", blocked_output: "{MESSAGES[1]}"}}\n'
        f"limits: {{max_characters: {limit}}}\n{sections}\n"
    )


def guard(monkeypatch: pytest.MonkeyPatch, row: Row, on_failure: OnFailure, trouble: str, fault: Fault) -> Guard:
    """The guard of that cell; its trouble begins when the fault is armed."""
    stub_models(monkeypatch, fault)
    made = Guard(loads(policy(row, on_failure, trouble)))
    if not row.asks_model and not only_long(row, trouble):
        for source in Source:
            built = made.direction(source)._detectors
            built[:] = [(n, i, Wrapped(d, fault) if n == row.detector else d) for n, i, d in built]
    return made


def arm(monkeypatch: pytest.MonkeyPatch, row: Row, trouble: str, fault: Fault) -> None:
    """From now on there is trouble."""
    fault.armed = trouble
    if only_long(row, trouble):
        full = guard_module.Workers("strings")
        full.abandoned = guard_module.WORKERS
        monkeypatch.setitem(guard_module._pools, "strings", full)


def text(row: Row, trouble: str) -> str:
    """A text that meets the trouble: longer than may be, or so long that strings are read on a thread, or any."""
    words = f"Account number of {CANARY} and the {OTHER}. "
    if trouble == BAD_INPUT:
        return words + "This goes on for too long. " * 20
    if only_long(row, trouble):
        return words + "This goes on for very long. " * 700
    return words
