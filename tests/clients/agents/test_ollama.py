"""The ``ollama`` package: chats, embeddings, and the pages that describe models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, PLAIN, Proxied, both_ways, call, needs, say

pytestmark = needs("ollama")

TOOL = {
    "type": "function",
    "function": {
        "name": "delete_records",
        "description": "Delete the records that match.",
        "parameters": {"type": "object", "properties": {"where": {"type": "string"}}},
    },
}


@pytest.fixture
def client(proxied: Proxied) -> Iterator[Any]:
    import ollama

    with ollama.Client(host=proxied.base) as made:
        yield made


def ask(client: Any, message: str, *, stream: bool) -> tuple[str, list[tuple[str, Any]], str | None]:
    """The text, the calls, and why it ended."""
    done = client.chat("m", [{"role": "user", "content": message}], tools=[TOOL], stream=stream)
    parts = list(done) if stream else [done]
    calls = [(c.function.name, c.function.arguments) for p in parts for c in p.message.tool_calls or ()]
    return "".join(p.message.content or "" for p in parts), calls, parts[-1].done_reason


@both_ways
def test_allowed(client: Any, stream: bool) -> None:
    assert ask(client, say(PLAIN), stream=stream) == (PLAIN, [], "stop")


@both_ways
def test_masked(client: Any, proxied: Proxied, stream: bool) -> None:
    message = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
    assert ask(client, message, stream=stream)[0] == "Write to {EMAIL} today."
    assert "Call {PHONE}." in proxied.received()[0]


@both_ways
def test_a_blocked_request_reaches_nobody(client: Any, proxied: Proxied, stream: bool) -> None:
    assert ask(client, "What is project kingfisher?", stream=stream)[:2] == (BLOCKED_IN, [])
    assert proxied.received() == []


@both_ways
def test_a_blocked_answer_is_asked_for_once(client: Any, proxied: Proxied, stream: bool) -> None:
    text, _, _ = ask(client, say("One moment please. The osprey lands at noon."), stream=stream)
    assert "osprey" not in text
    assert text.endswith(BLOCKED_OUT)
    assert len(proxied.received()) == 1


@both_ways
def test_a_call_passes_or_is_masked(client: Any, stream: bool) -> None:
    assert ask(client, call("old"), stream=stream)[1] == [("delete_records", {"where": "old"})]
    assert ask(client, call("bob@example.com"), stream=stream)[1] == [("delete_records", {"where": "{EMAIL}"})]


@both_ways
def test_a_blocked_call_is_none(client: Any, stream: bool) -> None:
    assert ask(client, call("osprey"), stream=stream)[:2] == (BLOCKED_OUT, [])


@both_ways
def test_a_masked_json_answer_parses(client: Any, stream: bool) -> None:
    import json

    said = say('{"card": 4111111111111111, "note": "a:\\nbob@example.com"}')
    done = client.chat("m", [{"role": "user", "content": said}], format="json", stream=stream)
    text = "".join(p.message.content or "" for p in done) if stream else done.message.content
    assert json.loads(text) == {"card": "{CREDIT_DEBIT_CARD_NUMBER}", "note": "a:\n{EMAIL}"}


def test_models_are_listed_and_described(client: Any) -> None:
    assert [m.model for m in client.list().models] == ["m"]
    assert [m.model for m in client.ps().models] == ["m"]
    assert client.show("m").capabilities == ["tools"]


def test_embeddings(client: Any, proxied: Proxied) -> None:
    assert len(client.embed("m", ["plain", "Call +1 415 555 0134."]).embeddings) == 2
    assert len(client.embeddings("m", "plain").embedding) == 2
    assert "+1 415 555 0134" not in "".join(proxied.received())
