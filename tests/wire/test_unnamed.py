"""Texts of events at places that no format names: they go on from event to event, whatever the fields are called."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.policy import loads
from guardrails.types import Action
from guardrails.wire.anthropic_messages import Messages
from guardrails.wire.bedrock_converse import ConverseStream
from guardrails.wire.format import Session
from guardrails.wire.framing import Frame
from guardrails.wire.gemini import GeminiStream
from guardrails.wire.ollama import OllamaChat, OllamaGenerate
from guardrails.wire.openai_chat import Chat
from guardrails.wire.openai_completions import Completions
from guardrails.wire.openai_responses import Responses
from tests.wire.streams import ACCOUNT, MASK, MESSAGE, exchange, flowed, lines, sse

USER = [{"role": "user", "content": "Hi"}]
Pack = Callable[[list[dict[str, Any]]], bytes]


def _chat(bodies: list[dict[str, Any]]) -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    events: list[Any] = []
    for body in bodies:
        choice = {"index": 0, "delta": body.get("inner", {}), "finish_reason": None, **body.get("around", {})}
        events.append({**head, **body.get("outer", {}), "choices": [choice]})
    return sse(*events, {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]")


def _completions(bodies: list[dict[str, Any]]) -> bytes:
    events: list[Any] = []
    for body in bodies:
        choice = {"index": 0, "text": "", "finish_reason": None, **body.get("inner", {}), **body.get("around", {})}
        events.append({"id": "c", **body.get("outer", {}), "choices": [choice]})
    return sse(*events, {"id": "c", "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}, "[DONE]")


def _anthropic(kind: str, delta: str) -> Pack:
    def pack(bodies: list[dict[str, Any]]) -> bytes:
        return sse(
            {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": [], "model": "m"}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *(
                {
                    "type": kind,
                    "index": 0,
                    **b.get("outer", {}),
                    **b.get("around", {}),
                    "delta": {"type": delta, **b.get("inner", {})},
                }
                for b in bodies
            ),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
            {"type": "message_stop"},
        )

    return pack


def _responses(kind: str) -> Pack:
    def pack(bodies: list[dict[str, Any]]) -> bytes:
        item = {"type": "message", "id": "m1", "role": "assistant", "status": "in_progress", "content": []}
        head = {"id": "r", "object": "response", "status": "in_progress", "output": []}
        return sse(
            {"type": "response.created", "response": head},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            *(
                {
                    "type": kind,
                    "output_index": 0,
                    "item_id": "m1",
                    **b.get("outer", {}),
                    **b.get("around", {}),
                    **({"delta": b["inner"]} if "inner" in b else {}),
                }
                for b in bodies
            ),
            {"type": "response.output_item.done", "output_index": 0, "item": {**item, "status": "completed"}},
            {"type": "response.completed", "response": {**head, "status": "completed"}},
        )

    return pack


def _gemini(bodies: list[dict[str, Any]]) -> bytes:
    events = [
        {
            **b.get("outer", {}),
            "candidates": [
                {
                    "content": {"role": "model", "parts": [b.get("inner", {"text": ""})]},
                    "index": 0,
                    **b.get("around", {}),
                }
            ],
        }
        for b in bodies
    ]
    return sse(
        *events,
        {"candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}, "index": 0, "finishReason": "STOP"}]},
    )


def _ollama(bodies: list[dict[str, Any]]) -> bytes:
    events = [
        {
            "model": "m",
            **b.get("outer", {}),
            **b.get("around", {}),
            "message": {"role": "assistant", "content": "", **b.get("inner", {})},
            "done": False,
        }
        for b in bodies
    ]
    return lines(*events, {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True})


def _generate(bodies: list[dict[str, Any]]) -> bytes:
    events = [
        {"model": "m", "response": "", **b.get("outer", {}), **b.get("around", {}), **b.get("inner", {}), "done": False}
        for b in bodies
    ]
    return lines(*events, {"model": "m", "response": "", "done": True})


def _bedrock(bodies: list[dict[str, Any]]) -> bytes:
    framing = ConverseStream.open({"messages": []}).framing()
    events: list[tuple[str, dict[str, Any]]] = [("messageStart", {"role": "assistant"})]
    for b in bodies:
        delta = {**b.get("inner", {})}
        events.append(
            ("contentBlockDelta", {"contentBlockIndex": 0, **b.get("outer", {}), **b.get("around", {}), "delta": delta})
        )
    events += [("contentBlockStop", {"contentBlockIndex": 0}), ("messageStop", {"stopReason": "end_turn"})]
    return b"".join(framing.encode(Frame(body, name)) for name, body in events)


FORMATS: dict[str, tuple[Callable[[], Session], Pack]] = {
    "chat": (lambda: Chat.open({"messages": USER, "stream": True}), _chat),
    "completions": (lambda: Completions.open({"prompt": "Hi", "stream": True}), _completions),
    "anthropic, a delta": (lambda: Messages.open({"messages": USER, "stream": True}), _anthropic("content_block_delta", "x_delta")),
    "anthropic, an event": (lambda: Messages.open({"messages": USER, "stream": True}), _anthropic("x_event", "x_delta")),
    "responses, a delta": (lambda: Responses.open({"input": "Hi", "stream": True}), _responses("response.x.delta")),
    "responses, an event": (lambda: Responses.open({"input": "Hi", "stream": True}), _responses("response.x.happened")),
    "gemini": (lambda: GeminiStream.open({"contents": []}, query={"alt": "sse"}), _gemini),
    "ollama": (lambda: OllamaChat.open({"messages": USER}), _ollama),
    "ollama, generate": (lambda: OllamaGenerate.open({"prompt": "Hi"}), _generate),
    "bedrock": (lambda: ConverseStream.open({"messages": []}), _bedrock),
}  # fmt: skip

Nest = Callable[[str], Any]


def _in(name: str) -> Callable[[Nest], Nest]:
    return lambda inner: lambda text: {name: inner(text)}


def _listed(before: list[Any], after: list[Any], more: dict[str, Any]) -> Callable[[Nest], Nest]:
    def wrap(inner: Nest) -> Nest:
        def made(text: str) -> list[Any]:
            value = inner(text)
            return [*before, {**value, **more} if isinstance(value, dict) else value, *after]

        return made

    return wrap


NAMES = st.sampled_from(
    ["reasoning_details", "thinking_blocks", "provider_specific_fields", "thought", "x_text", "summary", "note", "parts", "data",
     "reasoning_text", "annotations", "title", "utterance", "output", "body", "stdout", "answer", "log"]
)  # fmt: skip
WRAPS = st.one_of(
    NAMES.map(_in),
    st.builds(
        _listed,
        st.sampled_from([[], [], [{"type": "x", "other": "something else"}]]),
        st.sampled_from([[], [], [{"kind": "y"}]]),
        st.sampled_from([{}, {"type": "text"}, {"index": 0}, {"id": "rs_1"}, {"index": 2, "id": "rs_2"}]),
    ),
)


@st.composite
def nests(draw: st.DrawFn) -> Nest:
    """An object around a text, as deep as providers build them."""
    nest: Nest = lambda text: text  # noqa: E731
    for wrap in draw(st.lists(WRAPS, max_size=3)):
        nest = wrap(nest)
    return _in(draw(NAMES))(nest)


def pieces(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted({c % len(text) for c in cuts} - {0}), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


def said(data: bytes, form: Session, nest: Nest, place: str) -> str:
    """What a client makes of the texts at the place, one after the other."""
    mark = "\ue000"

    def find(shape: Any, value: Any) -> list[str]:
        if shape == mark:
            return [value] if isinstance(value, str) else []
        if isinstance(shape, dict) and isinstance(value, dict):
            return [t for k, s in shape.items() if k in value for t in find(s, value[k])]
        if isinstance(shape, list) and isinstance(value, list):
            return [t for s, v in zip(shape, value, strict=False) for t in find(s, v)]
        return []

    out: list[str] = []
    framing = form.framing()
    for frame in [*framing.feed(data), *framing.finish()]:
        stack = [frame.body]
        while stack:
            value = stack.pop()
            if isinstance(value, dict):
                found = find(nest(mark), value)
                out += found
                if not found:
                    stack += value.values()
            elif isinstance(value, list):
                stack += value
    return "".join(out)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None)
@given(
    nests(),
    st.sampled_from(["inner", "outer", "around"]),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=12),
    st.booleans(),
)
def test_nothing_of_a_span_leaves_however_its_text_is_cut(
    name: str, nest: Nest, place: str, cuts: list[int], blocks: bool
) -> None:
    make, pack = FORMATS[name]
    text = f"We saw {'a kingfisher' if blocks else ACCOUNT} there, I think."
    out = flowed(make(), pack([{place: nest(piece)} for piece in pieces(text, cuts)]))
    joined = said(out, make(), nest, place)
    assert "kingfisher" not in joined
    assert ACCOUNT not in joined
    if blocks:
        assert MESSAGE.encode() in out
    else:
        assert joined == text.replace(ACCOUNT, MASK)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=15, deadline=None)
@given(nests(), st.sampled_from(["inner", "outer", "around"]), st.lists(st.integers(0, 10**6), min_size=1, max_size=12))
def test_a_text_in_which_nothing_is_found_arrives_as_it_came(
    name: str, nest: Nest, place: str, cuts: list[int]
) -> None:
    make, pack = FORMATS[name]
    text = "The harbour was quiet, and nobody had seen a thing. " * 4
    data = pack([{place: nest(piece)} for piece in pieces(text, cuts)])
    for step in (0, 50):
        assert said(flowed(make(), data, step), make(), nest, place) == text


def chat(*deltas: dict[str, Any], **outer: Any) -> bytes:
    return _chat([{"inner": d, "outer": outer} for d in deltas])


def bodies(data: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in data.decode().split("\n") if line.startswith("data: {")]


WORDS = [f"word{i}{'.' if i % 4 == 3 else ''} " for i in range(160)]


def test_a_label_in_every_event_arrives_in_every_event_and_holds_nothing_back() -> None:
    make = FORMATS["chat"][0]
    deltas = [{"content": w} for w in WORDS]
    data = chat(*deltas, served_by="Some Cloud Of Ours", region="safe")
    got = bodies(flowed(make(), data))
    labels = [b["served_by"] for b in got if "served_by" in b]
    assert len(labels) == len(deltas)
    assert set(labels) == {"Some Cloud Of Ours"}
    assert "".join(b["choices"][0]["delta"].get("content", "") for b in got) == "".join(WORDS)
    # … and the text does not wait for the end of the stream.
    early = flowed(make(), data[: len(data) * 3 // 4], ends=False)
    assert b"word50 " in early
    assert b"Some Cloud" in early


def test_a_text_that_is_said_whole_again_and_again_is_one_text() -> None:
    make = FORMATS["chat"][0]
    text = "We saw ACC-12345678 there, I think. " * 2
    grown = [text[: i + 1] for i in range(9, len(text), 7)] + [text]
    got = bodies(flowed(make(), _chat([{"around": {"message": {"role": "assistant", "content": t}}} for t in grown])))
    texts = [b["choices"][0]["message"]["content"] for b in got if "message" in b["choices"][0]]
    assert texts[-1] == text.replace(ACCOUNT, MASK)
    assert all(texts[-1].startswith(t) or MASK in t for t in texts)
    assert "ACC-1" not in json.dumps(texts)
    grown = [("We saw a kingfisher" + " there" * 9)[: i + 9] for i in range(40)]
    out = flowed(make(), _chat([{"around": {"message": {"role": "assistant", "content": t}}} for t in grown]))
    assert b"kingf" not in out
    assert MESSAGE.encode() in out


@pytest.mark.parametrize("text", ["kingkingfisher", "king king fisher"])
def test_what_is_said_twice_may_still_go_on(text: str) -> None:
    make = FORMATS["chat"][0]
    out = flowed(make(), chat({"x": "king"}, {"x": "king"}, {"x": "fisher"}))
    assert MESSAGE.encode() in out or b"kingfisher" not in b"".join(out.split(b'"x":"'))
    assert MESSAGE.encode() in flowed(make(), chat({"x": "1111"}, {"x": "1111"}, {"x": " kingfisher"}))


def test_items_of_one_list_are_told_apart_by_their_ids() -> None:
    make = FORMATS["chat"][0]

    def detail(id_: str, text: str) -> dict[str, Any]:
        return {"reasoning_details": [{"type": "reasoning.text", "id": id_, "text": text}]}

    out = flowed(
        make(), chat(detail("a", "ACC-12"), detail("b", "some other"), detail("a", "345678"), detail("b", " words"))
    )
    assert b"345678" not in out
    assert (
        "".join(
            d["text"]
            for b in bodies(out)
            for d in b["choices"][0]["delta"].get("reasoning_details", ())
            if d["id"] == "b"
        )
        == "some other words"
    )


def test_parts_that_stand_side_by_side_are_one_text() -> None:
    make = FORMATS["chat"][0]
    parts = [{"type": "text", "text": "Your number: ACC-12"}, {"type": "text", "text": "345678, sir."}]
    out = bodies(flowed(make(), chat({"thinking_parts": parts})))
    texts = [p["text"] for b in out for p in b["choices"][0]["delta"].get("thinking_parts", ())]
    assert texts == [f"Your number: {MASK}", ", sir."]


def test_text_with_a_name_does_not_wait_for_text_without() -> None:
    make = FORMATS["chat"][0]
    deltas = [{"content": w, "x_alt": w} for w in WORDS]
    early = flowed(make(), chat(*deltas)[:-2000], ends=False)
    assert b"word50 " in early
    got = bodies(flowed(make(), chat(*deltas)))
    for name in ("content", "x_alt"):
        assert "".join(b["choices"][0]["delta"].get(name, "") for b in got) == "".join(WORDS)


@pytest.mark.parametrize("name", FORMATS)
def test_labels_after_the_end_of_an_answer_are_no_late_text(name: str) -> None:
    if name not in ("chat", "completions"):
        return
    make, pack = FORMATS[name]
    data = pack([{"outer": {"served_by": "Some Cloud"}}]).replace(b"data: [DONE]\n\n", b"")
    data += sse({"id": "c", "choices": [], "usage": {"total_tokens": 1}, "served_by": "Some Cloud"}, "[DONE]")
    out = flowed(make(), data)
    assert out.count(b"Some Cloud") == 2
    assert MESSAGE.encode() not in out


def test_what_is_masked_at_such_a_place_is_in_the_decision() -> None:
    run = exchange(FORMATS["chat"][0]())
    answer = run.streamed()
    framing = run.form.framing()
    data = chat({"x": "We saw ACC-12"}, {"x": "345678 there."})
    for frame in [*framing.feed(data), *framing.finish()]:
        answer.settle(answer.begin(frame)[0])
    answer.finish()
    assert answer.record().action is Action.MASKED
    assert [located.finding.type for located in answer.record().findings] == ["account"]


LABELS = Guard(
    loads(
        "version: 1\nname: t\nwords: {terms: [kingfisher]}\npii:\n  entities: {EMAIL: mask}\n"
        "  regexes: [{name: CUSTOMER, pattern: '\\bRB-\\d{3}-\\d{4}\\b', action: mask}]\n"
    )
)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("field", ["x_author", "id", "model", "responseId", "modelVersion", "created_at", "item_id"])
@pytest.mark.parametrize(
    "texts",
    [
        ["eve@example.com"] * 3,
        ["b44595a4ac22", "eve@example.com", "eve@example.com"],
        ["b44595a4ac22", "eve@example.com", "bob@example.org"],
        ["Some Cloud", "Ask eve@example.com", "Ask bob@example.org", "Some Cloud"],
        ["RB-123-4567", "RB-123-4568", "nobody"],
        ["eve@example.com", "RB-123-4567", "Hello"],
    ],
    ids=" ".join,
)
def test_a_value_that_fills_a_string_is_seen_whatever_the_next_event_says_there(
    name: str, field: str, texts: list[str]
) -> None:
    make, pack = FORMATS[name]
    out = flowed(make(), pack([{"outer": {field: text}} for text in texts]), judge=LABELS)
    for value in ("eve@example.com", "bob@example.org", "RB-123-456"):
        assert value.encode() not in out
    blocks = flowed(
        make(),
        pack([{"outer": {field: text}} for text in ("Some Cloud", "kingfisher", "the Kingfisher")]),
        judge=LABELS,
    )
    assert b"kingfisher" not in blocks.lower()


def test_a_short_piece_of_a_word_is_not_read_by_itself() -> None:
    make = FORMATS["chat"][0]
    judge = Guard(loads("version: 1\nname: t\nwords: {terms: [ass, bomb]}\n"))
    out = flowed(make(), chat({"x": "A "}, {"x": "cl"}, {"x": "ass"}, {"x": "y bomb"}, {"x": "ast"}), judge=judge)
    assert "".join(b["choices"][0]["delta"].get("x", "") for b in bodies(out)) == "A classy bombast"
