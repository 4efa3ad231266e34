"""Calls that somebody may confirm: what a decision says of them, whole and streamed. They are stopped all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails import Guard
from guardrails.asgi.records import record_of
from guardrails.decision import Decision
from guardrails.policy import loads
from guardrails.wire.format import Session
from tests.wire.streams import MESSAGE, exchange
from tests.wire.test_calls import CASES, FINE
from tests.wire.test_tool_policy import STREAMED, WHOLE

POLICY = """
version: 1
name: asking
words: {terms: [kingfisher, magpie]}
tools:
  calls:
    - {name: delete_records, allow: false, ask: ASK}
    - {name: never, allow: false}
"""
ASKING = Guard(loads(POLICY.replace("ASK", "true")))
REFUSING = Guard(loads(POLICY.replace("ASK", "false")))


def streamed(form: Session, data: bytes, judge: Guard) -> tuple[Decision, bytes]:
    """The decision about a stream, and what a client gets of it."""
    answer = exchange(form, judge).streamed()
    framing = form.framing()
    out = framing.head()
    for frame in [*framing.feed(data), *framing.finish()]:
        step, _ = answer.begin(frame)
        out += b"".join(framing.encode(f) for f in answer.settle(step))
    out += b"".join(framing.encode(f) for f in answer.finish())
    return answer.record(), out


@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_that_only_such_a_call_stops_says_so(name: str) -> None:
    form, stream = CASES[name]
    decision, out = streamed(form(), stream(FINE), ASKING)
    assert (decision.blocked, decision.ask) == (True, True)
    assert decision.to_dict()["ask"] is True
    assert record_of(decision).ask
    assert b"delete_records" not in out
    assert b"I look. " in out
    decision, _ = streamed(form(), stream(FINE), REFUSING)
    assert (decision.blocked, decision.ask) == (True, False)


@pytest.mark.parametrize("name", STREAMED)
def test_whoever_confirms_a_call_confirms_what_it_says(name: str) -> None:
    form, stream = CASES[name]
    decision, out = streamed(form(), stream(('{"where": "king', 'fisher"}')), ASKING)
    assert (decision.blocked, decision.ask) == (True, False)
    assert "words.kingfisher" not in out.decode("latin-1")
    assert {f.finding.type for f in decision.findings} >= {"DENIED"}


@pytest.mark.parametrize("name", STREAMED)
def test_what_was_said_before_the_call_counts(name: str) -> None:
    form, stream = CASES[name]
    decision, out = streamed(
        form(), stream(FINE), Guard(loads(POLICY.replace("ASK", "true").replace("magpie", "look")))
    )
    assert (decision.blocked, decision.ask) == (True, False)
    assert b"I look" not in out


@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_that_passes_asks_nobody(name: str) -> None:
    form, stream = CASES[name]
    plain = Guard(loads("version: 1\nname: plain\ntools: {calls: [{name: never, allow: false, ask: true}]}\n"))
    decision, out = streamed(form(), stream(FINE), plain)
    assert (decision.blocked, decision.ask) == (False, False)
    assert MESSAGE.encode() not in out


@pytest.mark.parametrize("make", WHOLE)
def test_a_whole_answer_says_the_same(make: Any) -> None:
    for arguments, judge, ask in (
        ({"where": "harbour"}, ASKING, True),
        ({"where": "kingfisher"}, ASKING, False),
        ({"where": "harbour"}, REFUSING, False),
    ):
        form, body = make("delete_records", arguments)
        judged = exchange(form, judge)
        out, decision = judged.answer(json.loads(json.dumps(body)))
        assert (decision.blocked, decision.ask) == (True, ask)
        assert "delete_records" not in json.dumps(out)
        assert (judged.confirmed is not None) is ask


def test_watching_streams_stop_nothing_and_ask_nobody() -> None:
    form, stream = CASES["chat"]
    watching = Guard(loads(POLICY.replace("ASK", "true") + "stream: async\n"))
    decision, out = streamed(form(), stream(FINE), watching)
    assert (decision.blocked, decision.ask) == (False, False)
    assert b"delete_records" in out
