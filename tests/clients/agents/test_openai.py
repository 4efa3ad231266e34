"""The ``openai`` package: chat completions and responses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, Proxied, both_ways, call, needs, say

pytestmark = needs("openai")

PARAMETERS = {"type": "object", "properties": {"where": {"type": "string"}}}


@dataclass
class Got:
    """What the client understood."""

    text: str = ""
    refused: bool = False
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    finish: str | None = None


@pytest.fixture
def client(proxied: Proxied) -> Iterator[Any]:
    import openai

    with openai.OpenAI(base_url=proxied.base + "/v1", api_key=KEY) as made:
        yield made


def chat(client: Any, message: str, *, stream: bool) -> Got:
    tool = {"type": "function", "function": {"name": "delete_records", "parameters": PARAMETERS}}
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": message}], "tools": [tool]}
    if stream:
        return chat_streamed(client.chat.completions.create(**asked, stream=True))
    choice = client.chat.completions.create(**asked).choices[0]
    calls = [(c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls or ()]
    refusal = choice.message.refusal
    return Got(choice.message.content or refusal or "", refusal is not None, calls, choice.finish_reason)


def chat_streamed(chunks: Any) -> Got:
    out, names, arguments = Got(), {}, {}
    for chunk in chunks:
        for choice in chunk.choices:
            out.text += choice.delta.content or choice.delta.refusal or ""
            out.refused |= bool(choice.delta.refusal)
            out.finish = choice.finish_reason or out.finish
            for one in choice.delta.tool_calls or ():
                names[one.index] = one.function.name or names[one.index]
                arguments[one.index] = arguments.get(one.index, "") + (one.function.arguments or "")
    out.calls = [(name, json.loads(arguments[index])) for index, name in names.items()]
    return out


def responses(client: Any, message: str, *, stream: bool) -> Got:
    tool = {"type": "function", "name": "delete_records", "parameters": PARAMETERS, "strict": False}
    asked: dict[str, Any] = {"model": "m", "input": message, "tools": [tool]}
    if stream:
        done = None
        for event in client.responses.create(**asked, stream=True):
            if event.type in ("response.completed", "response.incomplete"):
                done = event.response
        assert done is not None
    else:
        done = client.responses.create(**asked)
    out = Got(finish=done.incomplete_details.reason if done.incomplete_details else done.status)
    for item in done.output:
        if item.type == "function_call":
            out.calls.append((item.name, json.loads(item.arguments)))
            continue
        for part in item.content:
            out.refused |= part.type == "refusal"
            out.text += part.refusal if part.type == "refusal" else part.text
    return out


each = pytest.mark.parametrize("ask", [chat, responses])


@each
@both_ways
def test_allowed(client: Any, ask: Any, stream: bool) -> None:
    assert ask(client, say(PLAIN), stream=stream).text == PLAIN


@each
@both_ways
def test_masked(client: Any, proxied: Proxied, ask: Any, stream: bool) -> None:
    got = ask(client, "Call +1 415 555 0134. " + say("Write to bob@example.com today."), stream=stream)
    assert (got.text, got.refused) == ("Write to {EMAIL} today.", False)
    assert "Call {PHONE}." in proxied.received()[0]


@each
@both_ways
def test_a_blocked_request_reaches_nobody(client: Any, proxied: Proxied, ask: Any, stream: bool) -> None:
    got = ask(client, "What is project kingfisher?", stream=stream)
    assert (got.text, got.calls) == (BLOCKED_IN, [])
    assert got.finish == "content_filter"
    assert proxied.received() == []


@each
@both_ways
def test_a_blocked_answer_is_asked_for_once(client: Any, proxied: Proxied, ask: Any, stream: bool) -> None:
    got = ask(client, say("One moment please. The osprey lands at noon."), stream=stream)
    assert "osprey" not in got.text
    assert got.text.endswith(BLOCKED_OUT)
    assert got.finish == "content_filter"
    assert len(proxied.received()) == 1


@each
@both_ways
def test_a_call_passes_or_is_masked(client: Any, ask: Any, stream: bool) -> None:
    assert ask(client, call("old"), stream=stream).calls == [("delete_records", {"where": "old"})]
    masked = ask(client, call("bob@example.com"), stream=stream)
    assert masked.calls == [("delete_records", {"where": "{EMAIL}"})]


@each
@both_ways
def test_a_blocked_call_is_none(client: Any, proxied: Proxied, ask: Any, stream: bool) -> None:
    got = ask(client, call("osprey"), stream=stream)
    assert (got.text, got.calls) == (BLOCKED_OUT, [])
    assert len(proxied.received()) == 1


def test_the_parsing_helpers_say_that_it_was_filtered(client: Any, proxied: Proxied) -> None:
    """``stream`` and ``parse`` raise, as they do for a filter of the provider's own; they do not ask again."""
    import openai

    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": call("osprey")}]}
    with pytest.raises(openai.ContentFilterFinishReasonError):
        client.chat.completions.parse(**asked)
    with client.chat.completions.stream(**asked) as events, pytest.raises(openai.ContentFilterFinishReasonError):
        events.get_final_completion()
    assert len(proxied.received()) == 2


@both_ways
def test_a_masked_json_answer_parses(client: Any, stream: bool) -> None:
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        card: str
        note: str

    said = json.dumps({"name": "Zoë", "card": 4111111111111111, "note": "a:\nbob@example.com"})
    asked: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": say(said)}],
        "response_format": Person,
    }
    if stream:
        with client.chat.completions.stream(**asked) as events:
            done = events.get_final_completion()
    else:
        done = client.chat.completions.parse(**asked)
    want = Person(name="Zoë", card="{CREDIT_DEBIT_CARD_NUMBER}", note="a:\n{EMAIL}")
    assert done.choices[0].message.parsed == want


def test_embeddings(client: Any, proxied: Proxied) -> None:
    done = client.embeddings.create(model="m", input=["plain", "Call +1 415 555 0134."])
    assert len(done.data) == 2
    assert "{PHONE}" in proxied.received()[0]
