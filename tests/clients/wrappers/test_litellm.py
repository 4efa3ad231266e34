"""LiteLLM's SDK, by its OpenAI and its Anthropic provider."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, Proxied, both_ways, call, needs, say

pytestmark = needs("litellm")

each = pytest.mark.parametrize("provider", ["openai", "anthropic"])
TOOL = {
    "type": "function",
    "function": {
        "name": "delete_records",
        "description": "Delete the records that match.",
        "parameters": {"type": "object", "properties": {"where": {"type": "string"}}},
    },
}


def ask(proxied: Proxied, provider: str, message: str, *, stream: bool) -> tuple[str, list[tuple[str, Any]], str]:
    """The text, the calls, and why it ended."""
    import litellm

    base = proxied.base + ("/v1" if provider == "openai" else "")
    messages = [{"role": "user", "content": message}]
    done = litellm.completion(
        f"{provider}/m", messages, api_base=base, api_key=KEY, tools=[TOOL], stream=stream, max_tokens=100
    )
    if stream:
        done = litellm.stream_chunk_builder(list(done), messages=messages)
    choice = done.choices[0]
    calls = [(c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls or ()]
    said = choice.message.content or getattr(choice.message, "refusal", None) or ""
    return said, calls, choice.finish_reason


@each
@both_ways
def test_allowed(proxied: Proxied, provider: str, stream: bool) -> None:
    assert ask(proxied, provider, say(PLAIN), stream=stream) == (PLAIN, [], "stop")


@each
@both_ways
def test_masked(proxied: Proxied, provider: str, stream: bool) -> None:
    message = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
    assert ask(proxied, provider, message, stream=stream)[0] == "Write to {EMAIL} today."
    assert "Call {PHONE}." in proxied.received()[0]


@each
@both_ways
def test_a_blocked_request_reaches_nobody(proxied: Proxied, provider: str, stream: bool) -> None:
    got = ask(proxied, provider, "What is project kingfisher?", stream=stream)
    assert got == (BLOCKED_IN, [], "content_filter")
    assert proxied.received() == []


@each
@both_ways
def test_a_blocked_answer_is_asked_for_once(proxied: Proxied, provider: str, stream: bool) -> None:
    said, _, finish = ask(proxied, provider, say("One moment please. The osprey lands at noon."), stream=stream)
    assert "osprey" not in said
    assert said.endswith(BLOCKED_OUT)
    assert finish == "content_filter"
    assert len(proxied.received()) == 1


@each
@both_ways
def test_a_call_passes_or_is_masked(proxied: Proxied, provider: str, stream: bool) -> None:
    assert ask(proxied, provider, call("old"), stream=stream)[1] == [("delete_records", {"where": "old"})]
    masked = ask(proxied, provider, call("bob@example.com"), stream=stream)
    assert masked[1] == [("delete_records", {"where": "{EMAIL}"})]


@each
@both_ways
def test_a_blocked_call_is_none(proxied: Proxied, provider: str, stream: bool) -> None:
    got = ask(proxied, provider, call("osprey"), stream=stream)
    assert got == (BLOCKED_OUT, [], "content_filter")
    assert len(proxied.received()) == 1
