"""A masked value that stands somewhere else again, in whatever spelling."""

from __future__ import annotations

import pytest

from guardrails import Action, Finding
from guardrails.fold import Folded
from guardrails.known_values import KnownValues
from tests.core.policies import guard, pii_rule
from tests.patterns import patterns_only  # noqa: F401 - a fixture


def found(value: str, text: str) -> list[str]:
    known = KnownValues()
    known.add(value, Finding("secrets", "PASSWORD", 0, len(value), 1.0, None, 0, Action.MASKED))
    return [text[start:end] for _, start, end in known.find(Folded(text))]


@pytest.mark.parametrize(
    "again",
    [
        "hunter2secret",
        "Hunter2Secret",
        "hunter2%73ecret",
        "hunter2&#115;ecret",
        "ｈｕｎｔｅｒ２ｓｅｃｒｅｔ",
        "hunter2\u200bsecret",
        "_hunter2secret_",
    ],
)
def test_every_reading(again: str) -> None:
    assert found("hunter2secret", f"and then {again}, she said") == [again.strip("_")]


def test_a_value_that_was_written_in_code_itself() -> None:
    assert found("hunter2%73ecret", "say hunter2secret") == ["hunter2secret"]


@pytest.mark.parametrize("text", ["xhunter2secret", "hunter2secrets", "3hunter2secret", "cafe\u0301hunter2secret"])
def test_only_whole(text: str) -> None:
    assert found("hunter2secret", text) == []


@pytest.mark.parametrize("value", ["Paris", "January", "a1", "1234"])
def test_only_distinctive_values(value: str) -> None:
    assert found(value, f"once more {value}.") == []


@pytest.mark.parametrize("again", ["Hunter2Secret", "hunter2&#115;ecret"])
def test_check_and_stream_alike(patterns_only: None, again: str) -> None:  # noqa: F811
    text = f"password: hunter2secret. I say it once more: {again} is it."
    g = guard(pii_rule("PASSWORD"))
    masked = "password: {PASSWORD}. I say it once more: {PASSWORD} is it."
    assert g.check(text, source="OUTPUT").text == masked
    stream = g.stream("OUTPUT")
    assert "".join([*map(stream.feed, text), stream.finish()]) == masked
