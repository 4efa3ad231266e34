"""`stream: {bounded: N}`: models may be behind by N characters, everything that points at spans may not."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.policy import load, loads
from guardrails.rules import Streaming, StreamMode
from guardrails.types import Action

CALM = "It rained for a while, and then the sun came out over the hills again. "
HARM = "You people are filthy animals and every one of you should be wiped off this earth. "
POLICY = """
version: 1
name: bounded
stream: {bounded: 400}
messages: {blocked_output: "[stopped]"}
content: {HATE: HIGH}
pii:
  entities: {CREDIT_DEBIT_CARD_NUMBER: mask}
"""


def run(guard: Guard, text: str, size: int) -> tuple[str, Action]:
    stream = guard.stream("OUTPUT")
    out = "".join(stream.feed(text[i : i + size]) for i in range(0, len(text), size)) + stream.finish()
    return out, stream.report.action


def test_what_a_model_blocks_was_not_ahead_by_more_than_the_policy_says() -> None:
    guard = Guard(loads(POLICY))
    text = CALM * 4 + HARM * 3 + CALM * 20
    out, action = run(guard, text, 7)
    assert action is Action.BLOCKED
    assert out.endswith("[stopped]")
    ahead = len(out) - len("[stopped]") - len(CALM * 4)
    assert ahead <= 400
    assert run(guard, text, 1000) == (out, action)
    strict = Guard(dataclasses.replace(guard.policy, stream=Streaming()))
    assert HARM not in run(strict, text, 7)[0]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 6), st.integers(1, 60))
def test_spans_keep_the_law(before: int, size: int) -> None:
    policy = load("baseline")
    strings = tuple(r for r in policy.rules if r.type == "CREDIT_DEBIT_CARD_NUMBER")
    guard = Guard(dataclasses.replace(policy, rules=strings, stream=Streaming(StreamMode.BOUNDED, 5_000)))
    text = CALM * before + "The card is 4111 1111 1111 1111 today. " + CALM * 6
    out, action = run(guard, text, size)
    assert "4111" not in out
    assert action is Action.MASKED
    assert out == run(guard, text, 10_000)[0]
