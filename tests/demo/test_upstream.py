"""The demo upstream as the real clients see it, on a socket, streamed and not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.demo.answers import Delivery, answer, pieces
from guardrails.demo.upstream import app, upstream
from tests.demo.clients import CLIENTS
from tests.demo.sockets import serving

# Whatever a cut may hurt: beyond the BMP, a ZWJ family, combining marks, quotes and backslashes, line breaks.
ODD = 'naïve 😀 👨‍👩‍👧 é "quoted" \\u0041 {x}\r\n\ttab   end '


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serving(upstream(record=True)) as address:
        yield address


every_client = pytest.mark.parametrize("name", CLIENTS)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@every_client
@both_ways
def test_says_what_it_is_told(base: str, name: str, stream: bool) -> None:
    said = CLIENTS[name](base, f"say: {ODD}", stream=stream)
    assert said.text == ODD
    assert (said.status, said.refused, said.tool) == (200, False, None)
    assert said.tokens == (len(f"say: {ODD}".split()), len(ODD.split()))
    if stream:
        assert len(said.parts) > 5


@every_client
@both_ways
def test_canned_answers(base: str, name: str, stream: bool) -> None:
    said = CLIENTS[name](base, "Who is my manager?", stream=stream)
    assert "maria.lopez@example.com" in said.text


@every_client
@both_ways
def test_echoes_what_it_received(base: str, name: str, stream: bool) -> None:
    said = CLIENTS[name](base, "echo", stream=stream)
    received = json.loads(httpx.get(base + "/_received").json()[-1]["body"])
    assert json.loads(said.text) == received


@pytest.mark.parametrize("name", [n for n in CLIENTS if n != "openai completions"])
@both_ways
def test_calls_a_tool(base: str, name: str, stream: bool) -> None:
    said = CLIENTS[name](base, 'tool: weather {"city": "Kraków 😀", "days": [1, 2]}', stream=stream)
    assert said.tool == ("weather", {"city": "Kraków 😀", "days": [1, 2]})
    assert CLIENTS[name](base, "tool: weather", stream=stream).tool == ("weather", {})


@pytest.mark.parametrize("name", [n for n in CLIENTS if n != "ollama"])  # that API has no refusals
@both_ways
def test_refuses(base: str, name: str, stream: bool) -> None:
    said = CLIENTS[name](base, "refuse", stream=stream)
    assert said.refused
    assert said.text == "I can't help with that."


@every_client
@both_ways
@pytest.mark.parametrize("status", [400, 429, 500])
def test_fails(base: str, name: str, stream: bool, status: int) -> None:
    said = CLIENTS[name](base, f"error {status}", stream=stream)
    assert said.status == status
    assert f"fail with {status}" in said.text


@every_client
def test_slow_is_the_same_answer(base: str, name: str) -> None:
    assert CLIENTS[name](base, f"slow say: {ODD}", stream=True).text == ODD


@pytest.mark.parametrize("name", CLIENTS)
def test_the_same_question_has_the_same_answer(name: str) -> None:
    """Byte for byte, ids included."""
    answers = []
    for _ in range(2):
        kept: list[bytes] = []

        async def recording(scope: Any, receive: Any, send: Any, kept: list[bytes] = kept) -> None:
            async def told(message: Any) -> None:
                kept.append(message.get("body", b""))
                await send(message)

            await app(scope, receive, told if scope["type"] == "http" else send)

        with serving(recording) as address:
            CLIENTS[name](address, "hello", stream=True)
        answers.append(b"".join(kept))
    assert answers[0] == answers[1] != b""


@every_client
def test_the_key_arrives_as_that_api_sends_it(base: str, name: str) -> None:
    CLIENTS[name](base, "hello", stream=False, key="sk-of-a-tenant")
    headers = dict(httpx.get(base + "/_received").json()[-1]["headers"])
    header = "x-goog-api-key" if "gemini" in name else "authorization"
    assert headers[header].removeprefix("Bearer ") == "sk-of-a-tenant"


def test_bedrock_signs_when_it_has_no_bearer_key(base: str) -> None:
    assert CLIENTS["bedrock"](base, "say: x", stream=True, key=None).text == "x"
    headers = dict(httpx.get(base + "/_received").json()[-1]["headers"])
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256")


@pytest.mark.parametrize("model", ["m", "arn:aws:bedrock:us-east-1:1:inference-profile/us.x-v1:0"])
@both_ways
def test_bedrock_model_ids(base: str, model: str, stream: bool) -> None:
    assert CLIENTS["bedrock"](base, "say: x", stream=stream, model=model).text == "x"


@both_ways
def test_several_choices(base: str, stream: bool) -> None:
    texts = dict.fromkeys(range(3), "")
    with openai.OpenAI(base_url=base + "/v1", api_key="x") as client:
        asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "say: a b"}], "n": 3}
        if stream:
            for chunk in client.chat.completions.create(**asked, stream=True, logprobs=True):
                for choice in chunk.choices:
                    texts[choice.index] += choice.delta.content or ""
                    logged = "".join(t.token for t in choice.logprobs.content) if choice.logprobs else ""
                    assert logged == (choice.delta.content or "")
        else:
            done = client.chat.completions.create(**asked)
            texts = {c.index: c.message.content for c in done.choices}
    assert texts == dict.fromkeys(range(3), "a b")


@pytest.mark.parametrize("message", ["say: a b", 'tool: weather {"city": "x"}', "refuse"])
def test_the_openai_clients_own_accumulator_agrees(base: str, message: str) -> None:
    """``stream()`` is stricter than reading chunks one by one."""
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": message}]}
    with openai.OpenAI(base_url=base + "/v1", api_key="x") as client:
        whole = client.chat.completions.create(**asked)
        with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as events:
            done = events.get_final_completion()
        with client.responses.stream(model="m", input=message) as more:
            response = more.get_final_response()
        plain = client.responses.create(model="m", input=message)
    assert (response.output_text, response.usage) == (plain.output_text, plain.usage)
    assert [o.type for o in response.output] == [o.type for o in plain.output]
    assert (done.choices[0].message.content or "") == (whole.choices[0].message.content or "")
    assert done.choices[0].message.refusal == whole.choices[0].message.refusal
    assert (done.usage, done.choices[0].finish_reason) == (whole.usage, whole.choices[0].finish_reason)


def test_embeddings(base: str) -> None:
    with openai.OpenAI(base_url=base + "/v1", api_key="x") as client:
        one = client.embeddings.create(model="m", input="a text").data[0].embedding  # travels as base64
        plain = client.embeddings.create(model="m", input=["a text", "b"], encoding_format="float", dimensions=8).data
        numbers = client.embeddings.create(model="m", input=[1, 2, 3]).data
    assert one == pytest.approx(plain[0].embedding, abs=1e-6)
    assert [d.index for d in plain] == [0, 1]
    assert plain[0].embedding != plain[1].embedding
    assert len(numbers) == 1


def test_models(base: str) -> None:
    with openai.OpenAI(base_url=base + "/v1", api_key="x") as client:
        assert [m.id for m in client.models.list()] == ["demo"]


@pytest.mark.parametrize("how", [{"params": {"chunk": "3"}}, {"headers": {"x-demo-chunk": "3"}}])
def test_a_request_says_how_it_is_cut(base: str, how: dict[str, Any]) -> None:
    body = {"messages": [{"role": "user", "content": "say: abcdefg"}]}
    lines = httpx.post(base + "/api/chat", json=body, **how).text.splitlines()
    assert [json.loads(line)["message"]["content"] for line in lines] == ["abc", "def", "g", ""]


def test_a_setting_says_how_it_is_cut() -> None:
    body = {"messages": [{"role": "user", "content": "say: abc"}]}
    with serving(upstream(chunk=1)) as address:
        assert len(httpx.post(address + "/api/chat", json=body).text.splitlines()) == 4


def test_nothing_is_remembered_unless_asked() -> None:
    with serving(app) as address:
        assert httpx.get(address + "/_received").status_code == 404
    assert app.state.received == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff", b'{"a":"\\ud800"}', b"[" * 100_000])
@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions", "/v1/messages", "/model/m/converse", "/v1beta/models/m:generateContent", "/api/chat"],
)
def test_what_is_no_object_is_a_400(base: str, path: str, body: bytes) -> None:
    assert httpx.post(base + path, content=body).status_code == 400


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["messages", "content", "role", "text", "n", "input", "contents", "parts", "prompt", "stream"]
                ),
                x,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_body_breaks_it(value: Any) -> None:
    async def ask(path: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo") as client:
            return (await client.post(path, json={"x": 1, **value} if isinstance(value, dict) else value)).status_code

    for path in (
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/messages",
        "/api/chat",
    ):
        assert asyncio.run(ask(path)) in range(200, 600)
    for path in ("/model/m/converse-stream", "/v1beta/models/m:streamGenerateContent"):
        assert asyncio.run(ask(path)) in range(200, 600)


@given(st.text(), st.none() | st.integers(1, 9))
def test_pieces_are_the_text(text: str, chunk: int | None) -> None:
    assert "".join(pieces(text, Delivery(chunk))) == text


@given(st.text())
def test_say_is_verbatim(text: str) -> None:
    assert answer(f"say: {text}", {}).text == text


def test_unknown_operations(base: str) -> None:
    assert httpx.post(base + "/model/m/invoke", json={}).status_code == 404
    assert httpx.post(base + "/v1beta/models/m:countTokens", json={}).status_code == 404
