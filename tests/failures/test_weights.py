"""The same trouble in the shipped models themselves, once each: the content filters, and the tagger of names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard, inference
from guardrails.content import Deadline
from guardrails.errors import WeightsMissing
from guardrails.inference import runner, store
from guardrails.policy import loads
from guardrails.types import Failure, FailureKind, OnFailure

TEXT = "Maria Gonzalez wrote to bob@example.com"


def fails(*errors: BaseException) -> Any:
    def once(self: runner.Runner, *_: Any) -> Any:
        raise errors[0]

    return once


def troubles(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> dict[FailureKind, Any]:
    """The report of each kind of trouble, made where it is made in earnest."""
    reports = {FailureKind.TIMEOUT: guard.check(TEXT, "INPUT", deadline=Deadline(0))}
    for kind, error in (
        (FailureKind.OUT_OF_MEMORY, MemoryError()),
        (FailureKind.INTERNAL, RuntimeError("shape mismatch")),
    ):
        with monkeypatch.context() as broken:
            broken.setattr(runner.Runner, "_once", fails(error))
            reports[kind] = guard.check(TEXT, "INPUT")
    engine = inference.text_engine()
    with monkeypatch.context() as full:
        full.setattr(runner, "MAX_WAITING", 0)
        full.setattr(engine.runner, "_waiting", [None])
        reports[FailureKind.OVERLOAD] = guard.check(TEXT, "INPUT")
    with monkeypatch.context() as gone:
        gone.setattr(inference, "_engines", {})
        gone.setattr(store, "models_dir", lambda name: Path("/nowhere") / name)
        store.manifest.cache_clear()
        reports[FailureKind.MODEL_UNAVAILABLE] = guard.check(TEXT, "INPUT")
        with pytest.raises(WeightsMissing):
            Guard(guard.policy)
    store.manifest.cache_clear()
    assert guard.check(TEXT, "INPUT").failures == ()  # and all is well again
    return reports


@pytest.mark.parametrize("on_failure", OnFailure)
def test_the_content_filters(on_failure: OnFailure, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard(loads(f"version: 1\nname: c\non_failure: {on_failure}\ncontent: {{HATE: HIGH}}\n"))
    for kind, report in troubles(guard, monkeypatch).items():
        assert {(f.rule, f.kind) for f in report.failures} == {("content.HATE", kind)}
        assert report.blocked is (on_failure is OnFailure.BLOCK)
        assert report.blocked or report.text == TEXT


@pytest.mark.parametrize("on_failure", OnFailure)
def test_the_tagger(on_failure: OnFailure, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = f"version: 1\nname: t\non_failure: {on_failure}\npii: {{entities: {{NAME: mask, EMAIL: mask}}}}\n"
    guard = Guard(loads(policy))
    assert guard.check(TEXT, "INPUT").text == "{NAME} wrote to {EMAIL}"
    for kind, report in troubles(guard, monkeypatch).items():
        failed: set[Failure] = set(report.failures)
        # Patterns go on without the model; a deadline that has passed leaves them no time either.
        rules = {"pii.NAME", "pii.EMAIL"} if kind is FailureKind.TIMEOUT else {"pii.NAME"}
        assert {(f.rule, f.kind) for f in failed} == {(r, kind) for r in rules}
        if on_failure is OnFailure.BLOCK:
            assert report.blocked
        else:
            masked = TEXT if kind is FailureKind.TIMEOUT else "Maria Gonzalez wrote to {EMAIL}"
            assert report.text == masked
