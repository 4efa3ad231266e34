"""The ``google-genai`` package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, Proxied, both_ways, call, needs, say

pytestmark = needs("google.genai")


@pytest.fixture
def client(proxied: Proxied) -> Iterator[Any]:
    from google import genai

    with genai.Client(api_key=KEY, http_options={"base_url": proxied.base}) as made:
        yield made


def ask(client: Any, message: str, *, stream: bool, **config: Any) -> tuple[str, list[tuple[str, Any]], str]:
    """The text, the calls, and why it ended."""
    from google.genai import types

    where = types.Schema(type=types.Type.STRING)
    declared = types.FunctionDeclaration(
        name="delete_records", parameters=types.Schema(type=types.Type.OBJECT, properties={"where": where})
    )
    if not config:
        config = {"tools": [types.Tool(function_declarations=[declared])]}
    asked = {"model": "m", "contents": message, "config": config}
    models = client.models
    chunks = list(models.generate_content_stream(**asked)) if stream else [models.generate_content(**asked)]
    parts = [p for c in chunks for p in (c.candidates[0].content.parts or () if c.candidates[0].content else ())]
    calls = [(p.function_call.name, p.function_call.args) for p in parts if p.function_call]
    return "".join(p.text or "" for p in parts), calls, chunks[-1].candidates[0].finish_reason.name


@both_ways
def test_allowed(client: Any, stream: bool) -> None:
    assert ask(client, say(PLAIN), stream=stream) == (PLAIN, [], "STOP")


@both_ways
def test_masked(client: Any, proxied: Proxied, stream: bool) -> None:
    message = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
    assert ask(client, message, stream=stream)[0] == "Write to {EMAIL} today."
    assert "Call {PHONE}." in proxied.received()[0]


@both_ways
def test_a_blocked_request_reaches_nobody(client: Any, proxied: Proxied, stream: bool) -> None:
    assert ask(client, "What is project kingfisher?", stream=stream) == (BLOCKED_IN, [], "SAFETY")
    assert proxied.received() == []


@both_ways
def test_a_blocked_answer_is_asked_for_once(client: Any, proxied: Proxied, stream: bool) -> None:
    text, _, finish = ask(client, say("One moment please. The osprey lands at noon."), stream=stream)
    assert "osprey" not in text
    assert text.endswith(BLOCKED_OUT)
    assert finish == "SAFETY"
    assert len(proxied.received()) == 1


@both_ways
def test_a_call_passes_or_is_masked(client: Any, stream: bool) -> None:
    assert ask(client, call("old"), stream=stream)[1] == [("delete_records", {"where": "old"})]
    assert ask(client, call("bob@example.com"), stream=stream)[1] == [("delete_records", {"where": "{EMAIL}"})]


@both_ways
def test_a_blocked_call_is_none(client: Any, stream: bool) -> None:
    assert ask(client, call("osprey"), stream=stream) == (BLOCKED_OUT, [], "SAFETY")


@both_ways
def test_a_masked_json_answer_parses(client: Any, stream: bool) -> None:
    said = say('{"card": 4111111111111111, "note": "a:\\nbob@example.com"}')
    text, _, _ = ask(client, said, stream=stream, response_mime_type="application/json")
    assert json.loads(text) == {"card": "{CREDIT_DEBIT_CARD_NUMBER}", "note": "a:\n{EMAIL}"}


def test_embeddings(client: Any, proxied: Proxied) -> None:
    done = client.models.embed_content(model="m", contents=["plain", "Call +1 415 555 0134."])
    assert len(done.embeddings) == 2
    assert "+1 415 555 0134" not in "".join(proxied.received())
