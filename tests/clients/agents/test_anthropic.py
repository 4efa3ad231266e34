"""The ``anthropic`` package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, Proxied, both_ways, call, needs, say

pytestmark = needs("anthropic")

TOOL = {
    "name": "delete_records",
    "description": "Delete the records that match.",
    "input_schema": {"type": "object", "properties": {"where": {"type": "string"}}},
}


@pytest.fixture
def client(proxied: Proxied) -> Iterator[Any]:
    import anthropic

    with anthropic.Anthropic(base_url=proxied.base, api_key=KEY) as made:
        yield made


def ask(client: Any, message: str, *, stream: bool) -> Any:
    asked: dict[str, Any] = {"model": "m", "max_tokens": 100, "tools": [TOOL]}
    asked["messages"] = [{"role": "user", "content": message}]
    if not stream:
        return client.messages.create(**asked)
    with client.messages.stream(**asked) as events:
        return events.get_final_message()


def text(done: Any) -> str:
    return "".join(block.text for block in done.content if block.type == "text")


def calls(done: Any) -> list[tuple[str, Any]]:
    return [(block.name, block.input) for block in done.content if block.type == "tool_use"]


@both_ways
def test_allowed(client: Any, stream: bool) -> None:
    done = ask(client, say(PLAIN), stream=stream)
    assert (text(done), done.stop_reason) == (PLAIN, "end_turn")


@both_ways
def test_masked(client: Any, proxied: Proxied, stream: bool) -> None:
    done = ask(client, "Call +1 415 555 0134. " + say("Write to bob@example.com today."), stream=stream)
    assert text(done) == "Write to {EMAIL} today."
    assert "Call {PHONE}." in proxied.received()[0]


@both_ways
def test_a_blocked_request_reaches_nobody(client: Any, proxied: Proxied, stream: bool) -> None:
    done = ask(client, "What is project kingfisher?", stream=stream)
    assert (text(done), calls(done), done.stop_reason) == (BLOCKED_IN, [], "refusal")
    assert proxied.received() == []


@both_ways
def test_a_blocked_answer_is_asked_for_once(client: Any, proxied: Proxied, stream: bool) -> None:
    done = ask(client, say("One moment please. The osprey lands at noon."), stream=stream)
    assert "osprey" not in text(done)
    assert text(done).endswith(BLOCKED_OUT)
    assert done.stop_reason == "refusal"
    assert len(proxied.received()) == 1


@both_ways
def test_a_call_passes_or_is_masked(client: Any, stream: bool) -> None:
    done = ask(client, call("old"), stream=stream)
    assert (calls(done), done.stop_reason) == ([("delete_records", {"where": "old"})], "tool_use")
    assert calls(ask(client, call("bob@example.com"), stream=stream)) == [("delete_records", {"where": "{EMAIL}"})]


@both_ways
def test_a_blocked_call_is_none(client: Any, proxied: Proxied, stream: bool) -> None:
    done = ask(client, call("osprey"), stream=stream)
    assert (text(done), calls(done), done.stop_reason) == (BLOCKED_OUT, [], "refusal")
    assert len(proxied.received()) == 1


def test_of_two_streamed_calls_the_blocked_one_is_none(client: Any) -> None:
    done = ask(client, "[[two calls]]", stream=True)
    assert ("delete_records", {"where": "osprey"}) not in calls(done)
    assert ("delete_records", {}) not in calls(done)
    assert done.stop_reason == "refusal"
