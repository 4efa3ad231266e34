from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails.wire import recognise
from guardrails.wire.format import Session
from guardrails.wire.framing import Frame
from guardrails.wire.ollama import OllamaChat, OllamaGenerate
from tests.wire.servers import serving
from tests.wire.streams import (
    ACCOUNT,
    MASK,
    MESSAGE,
    cut_alike,
    events,
    exchange,
    flowed,
    keys,
    lines,
    parsed,
    refused,
    texts,
    uninspected,
)

CHAT = {"model": "llama4", "messages": [{"role": "user", "content": "Hello"}]}
GENERATE = {"model": "llama4", "prompt": "Hello"}
AT = "2026-11-24T18:26:54.123456789Z"
COUNTS = {
    "total_duration": 4883583458, "load_duration": 1334875, "prompt_eval_count": 26000, "prompt_eval_duration": 342546000,
    "eval_count": 282000, "eval_duration": 4535599000,
}  # fmt: skip


def chat() -> Session:
    return OllamaChat.open(CHAT)


def generate() -> Session:
    return OllamaGenerate.open(GENERATE)


def saying(**message: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "", **message}
    return {"model": "llama4", "created_at": AT, "message": message, "done": False}


def done(**message: Any) -> dict[str, Any]:
    return {**saying(**message), "done": True, "done_reason": "stop", **COUNTS}


def said(bodies: list[Any], name: str = "content") -> str:
    return "".join(b["message"].get(name) or "" for b in bodies)


# -- requests -----------------------------------------------------------------------------------------------------------


def test_routes() -> None:
    forms = (OllamaChat, OllamaGenerate)
    assert [f.name for f, _ in recognise("POST", "/api/chat", forms)] == ["ollama.chat"]
    assert [f.name for f, _ in recognise("POST", "/proxy/api/generate", forms)] == ["ollama.generate"]
    assert recognise("GET", "/api/chat", forms) == []


def test_a_chat_request() -> None:
    form = OllamaChat.open(
        parsed("""{
        "model": "llama4:70b",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Who is this?", "images": ["iVBORw0KGgo="]},
            {"role": "assistant", "content": "", "thinking": "Let me see.",
             "tool_calls": [{"id": "call_1", "function": {"index": 0, "name": "look", "arguments": {"where": "left"}}}]},
            {"role": "tool", "tool_name": "look", "content": "a cat"}
        ],
        "tools": [{"type": "function", "function": {"name": "look", "description": "Looks around.",
            "parameters": {"type": "object", "properties": {"where": {"type": "string"}}}}}],
        "format": {"type": "object", "description": "An animal."},
        "options": {"num_ctx": 131072, "temperature": 0.123456, "stop": ["END OF TEXT"]},
        "stream": false, "think": "high", "keep_alive": "5m"
    }""")
    )
    walk = form.inbound()
    assert texts(walk) == {
        "messages[0].content": "system: Be kind.",
        "messages[1].content": "user: Who is this?",
        "messages[2].thinking": "assistant: Let me see.",
        "messages[2].tool_calls[0].function.name": "assistant: look",
        "messages[2].tool_calls[0].function.arguments.where": "assistant: left",
        "messages[3].tool_name": "tool: look",
        "messages[3].content": "tool: a cat",
        "tools[0].function.name": "system: look",
        "tools[0].function.description": "system: Looks around.",
        "tools[0].function.parameters.type": "system: object",
        "tools[0].function.parameters.properties.where.type": "system: string",
        "format.type": "system: object",
        "format.description": "system: An animal.",
        "options.stop[0]": "user: END OF TEXT",
    }
    assert keys(walk) == {"where"}
    assert uninspected(walk) == {"messages[1].images[0]": "binary content"}
    assert form.latest(walk) == {3}
    assert not form.streaming


def test_a_generate_request() -> None:
    walk = OllamaGenerate.open(
        {
            **GENERATE,
            "suffix": "    return x",
            "system": "Be kind.",
            "template": "{{ .Prompt }}",
            "images": ["iVBORw0KGgo="],
            "context": [1, 2, 30000],
            "raw": True,
        }
    ).inbound()
    assert texts(walk) == {
        "prompt": "user: Hello",
        "suffix": "user:     return x",
        "system": "system: Be kind.",
        "template": "system: {{ .Prompt }}",
    }
    assert uninspected(walk) == {"images[0]": "binary content", "context": "token ids"}


def test_a_context_of_words_is_text() -> None:
    walk = OllamaGenerate.open({**GENERATE, "context": ["ignore", 12345]}).inbound()
    assert texts(walk) == {"prompt": "user: Hello", "context[0]": "user: ignore", "context[1]": "user: 12345"}


@pytest.mark.parametrize(("value", "streams"), [(True, True), (None, True), (False, False)])
def test_a_stream_unless_it_says_no(value: Any, streams: bool) -> None:
    assert OllamaChat.open({**CHAT, "stream": value}).streaming is streams
    assert OllamaGenerate.open({**GENERATE, "stream": value}).streaming is streams
    assert chat().streaming
    assert generate().streaming


def test_shape_decides() -> None:
    assert OllamaChat.fits({"model": "llama4"})
    assert OllamaChat.fits(CHAT)
    assert not OllamaChat.fits({"model": "llama4", "messages": "Hello"})
    assert not OllamaChat.fits([CHAT])
    assert OllamaGenerate.fits({"model": "llama4"})
    assert not OllamaGenerate.fits({"model": "llama4", "prompt": ["Hello"]})
    assert not OllamaGenerate.fits(CHAT)


def test_a_message_of_the_past_is_replaced() -> None:
    body = {
        "messages": [
            {"role": "user", "content": "bad", "images": ["AAAA"]},
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
            {"role": "tool", "tool_name": "f", "content": "bad"},
            "not a message",
        ]
    }
    form = OllamaChat.open(body)
    assert form.replace(0, "[removed]")
    assert body["messages"][0] == {"role": "user", "content": "[removed]"}
    assert not form.replace(1, "[removed]")
    assert form.replace(2, "[removed]")
    assert body["messages"][2] == {"role": "tool", "tool_name": "f", "content": "[removed]"}
    assert not form.replace(3, "[removed]")


# -- answers ------------------------------------------------------------------------------------------------------------


def test_a_chat_answer() -> None:
    body = done(
        content=f"It is {ACCOUNT}.",
        thinking="Hm.",
        tool_calls=[{"function": {"name": "pay", "arguments": {"to": ACCOUNT, "cents": 1234567}}}],
    )
    body["logprobs"] = [{"token": "It", "logprob": -0.1, "bytes": [73, 116]}]
    walk = chat().outbound(body)
    assert texts(walk) == {
        "message.content": f"assistant: It is {ACCOUNT}.",
        "message.thinking": "assistant: Hm.",
        "message.tool_calls[0].function.name": "assistant: pay",
        "message.tool_calls[0].function.arguments.to": f"assistant: {ACCOUNT}",
        "message.tool_calls[0].function.arguments.cents": "assistant: 1234567",
    }
    assert keys(walk) == {"to", "cents"}
    got, _ = exchange(chat()).answer(body)
    assert got["message"]["content"] == f"It is {MASK}."
    assert got["message"]["tool_calls"][0]["function"]["arguments"] == {"to": MASK, "cents": 1234567}
    assert got["logprobs"] == []


def test_a_generate_answer() -> None:
    body = {"model": "llama4", "created_at": AT, "response": "Hi.", "done": True, "context": [1, 2, 30000], **COUNTS}
    walk = generate().outbound(body)
    assert texts(walk) == {"response": "assistant: Hi."}
    assert keys(walk) == set()
    got, _ = exchange(generate()).answer(body)
    assert got["context"] == []


def test_an_ordinary_event_is_one_text() -> None:
    event = chat().event(Frame(saying(content="Hi")))
    assert [s.text for s in event.walk.slots] == ["Hi"]
    assert event.bare
    assert not event.closes
    last = chat().event(Frame(done()))
    assert [s.text for s in last.walk.slots] == [""]
    assert last.closes is True
    assert not last.bare


def test_a_chat_stream() -> None:
    out = cut_alike(
        chat,
        lines(
            saying(thinking="Their account is ACC-12"),
            saying(thinking="345678, then."),
            saying(content="Your account is ACC-"),
            saying(content="12"),
            saying(content="345678, "),
            saying(tool_calls=[{"function": {"name": "pay", "arguments": {"to": ACCOUNT}}}]),
            saying(content="and ACC-87"),
            saying(content="654321."),
            done(),
        ),
    )
    bodies = events(out, chat())
    assert ACCOUNT.encode() not in out
    assert said(bodies, "thinking") == f"Their account is {MASK}, then."
    assert said(bodies) == f"Your account is {MASK}, and {MASK}."
    # Everything that came before the call is complete when it comes.
    call = next(i for i, b in enumerate(bodies) if b["message"].get("tool_calls"))
    assert said(bodies[:call]) == f"Your account is {MASK}, "
    assert bodies[call]["message"]["tool_calls"][0]["function"]["arguments"] == {"to": MASK}
    first = next(i for i, b in enumerate(bodies) if b["message"]["content"])
    assert said(bodies[:first], "thinking") == f"Their account is {MASK}, then."
    assert bodies[-1] == done()


def test_thoughts_between_words_do_not_cut_them() -> None:
    out = cut_alike(chat, lines(saying(content="ACC-1234"), saying(thinking="Hm."), saying(content="5678"), done()))
    assert said(events(out, chat())) == MASK


def test_words_in_the_last_event() -> None:
    out = cut_alike(chat, lines(saying(content="It is ACC-"), done(content="12345678.")))
    bodies = events(out, chat())
    assert said(bodies) == f"It is {MASK}."
    assert bodies[-1]["done"] is True
    assert all(not b["done"] for b in bodies[:-1])


def test_a_generate_stream() -> None:
    def piece(**more: Any) -> dict[str, Any]:
        return {"model": "llama4", "created_at": AT, "response": "", "done": False, **more}

    out = cut_alike(
        generate,
        lines(
            piece(thinking="It is ACC-12"),
            piece(thinking="345678"),
            piece(response="It is ACC-"),
            piece(response="12345678."),
            piece(done=True, done_reason="stop", context=[1, 2, 30000], **COUNTS),
        ),
    )
    bodies = events(out, generate())
    assert "".join(b["response"] for b in bodies) == f"It is {MASK}."
    assert "".join(b.get("thinking", "") for b in bodies) == f"It is {MASK}"
    assert bodies[-1]["context"] == []


def test_an_error_in_a_stream_is_read() -> None:
    out = flowed(chat(), lines(saying(content="Hi. "), {"error": f"no such account {ACCOUNT}"}))
    assert events(out, chat()) == [saying(content="Hi. "), {"error": f"no such account {MASK}"}]


@pytest.mark.parametrize("form", [chat, generate])
def test_a_blocked_stream_ends_as_this_api_ends(form: Any) -> None:
    name = "message" if form is chat else "response"

    def piece(text: str, **more: Any) -> dict[str, Any]:
        words = {"role": "assistant", "content": text} if form is chat else text
        return {"model": "llama4", "created_at": AT, name: words, "done": False, **more}

    out = cut_alike(form, lines(piece("The bird is a king"), piece("fisher."), piece("More."), piece("", done=True)))
    bodies = events(out, form())
    words = [b[name] if form is generate else b[name]["content"] for b in bodies]
    assert "".join(words) == MESSAGE
    assert bodies[-1]["done"] is True
    assert bodies[-1]["created_at"] == AT
    assert b"kingfisher" not in out


# -- the real client ----------------------------------------------------------------------------------------------------


def test_the_client_reads_refusals() -> None:
    ollama = pytest.importorskip("ollama")
    with serving(json.dumps(chat().refusal(MESSAGE)).encode(), "application/json") as url:
        got = ollama.Client(url).chat("llama4", [{"role": "user", "content": "Hi"}])
    assert got.message.content == MESSAGE
    assert got.done
    with serving(json.dumps(generate().refusal(MESSAGE)).encode(), "application/json") as url:
        assert ollama.Client(url).generate("llama4", "Hi").response == MESSAGE


def test_the_client_reads_streams() -> None:
    ollama = pytest.importorskip("ollama")
    masked = flowed(chat(), lines(saying(content="It is ACC-"), saying(content="12345678."), done()))
    for data, wanted in ((masked, f"It is {MASK}."), (refused(chat()), MESSAGE)):
        with serving(data, "application/x-ndjson") as url:
            parts = list(ollama.Client(url).chat("llama4", [{"role": "user", "content": "Hi"}], stream=True))
        assert "".join(p.message.content for p in parts) == wanted
        assert [p.done for p in parts][-1] is True
    with serving(refused(generate()), "application/x-ndjson") as url:
        parts = list(ollama.Client(url).generate("llama4", "Hi", stream=True))
    assert "".join(p.response for p in parts) == MESSAGE


def test_the_client_reads_an_error() -> None:
    ollama = pytest.importorskip("ollama")
    body = json.dumps(chat().error(403, "Not yours.", "unknown_tenant")).encode()
    with serving(body, "application/json", 403) as url, pytest.raises(ollama.ResponseError, match="Not yours"):
        ollama.Client(url).chat("llama4", [{"role": "user", "content": "Hi"}])
