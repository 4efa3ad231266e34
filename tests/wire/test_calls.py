"""Calls of tools in streams: nothing of a call leaves before all of it has passed, in any format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails.wire.anthropic_messages import Messages
from guardrails.wire.bedrock_converse import ConverseStream
from guardrails.wire.custom import load_formats
from guardrails.wire.format import Session
from guardrails.wire.framing import Frame
from guardrails.wire.gemini import GeminiStream
from guardrails.wire.limits import Malformed
from guardrails.wire.ollama import OllamaChat
from guardrails.wire.openai_chat import Chat
from guardrails.wire.openai_completions import Completions
from guardrails.wire.openai_responses import Responses
from guardrails.wire.strict import parse_answer
from tests.wire.streams import MESSAGE, exchange, flowed, lines, sse

USER = [{"role": "user", "content": "Hi"}]
HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
# What the tool is called with: blocked, as its arguments come, or harmless.
BLOCKED, FINE = ('{"where": "king', 'fisher"}'), ('{"where": "har', 'bour"}')


TALK = load_formats(Path(__file__).parents[2] / "examples" / "formats.yaml")[1]


def chat() -> Session:
    return Chat.open({"messages": USER, "stream": True})


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def piece(arguments: str, index: int | None = 0, name: str = "", id_: str = "") -> dict[str, Any]:
    function = {**({"name": name} if name else {}), "arguments": arguments}
    at = {} if index is None else {"index": index}
    return chunk({"tool_calls": [{**at, **({"id": id_, "type": "function"} if id_ else {}), "function": function}]})


def chat_call(
    pieces: tuple[str, ...], index: int | None = 0, name: str = "delete_records", id_: str = "c1"
) -> list[Any]:
    return [piece("", index, name, id_), *(piece(p, index) for p in pieces)]


SAID = chunk({"role": "assistant", "content": "I look. "})
CHAT_END = [chunk({}, "tool_calls"), "[DONE]"]


def _chat(pieces: tuple[str, ...]) -> bytes:
    return sse(SAID, *chat_call(pieces), *CHAT_END)


def _legacy(pieces: tuple[str, ...]) -> bytes:
    calls = [chunk({"function_call": {"name": "delete_records", "arguments": ""}})]
    calls += [chunk({"function_call": {"arguments": p}}) for p in pieces]
    return sse(SAID, *calls, chunk({}, "function_call"), "[DONE]")


def _custom(pieces: tuple[str, ...]) -> bytes:
    first = {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "delete_records", "input": ""}}
    rest = [chunk({"tool_calls": [{"index": 0, "custom": {"input": p}}]}) for p in pieces]
    return sse(SAID, chunk({"tool_calls": [first]}), *rest, *CHAT_END)


def _second(pieces: tuple[str, ...]) -> bytes:
    first = chat_call(FINE, 0, "look_up", "c0")
    return sse(SAID, *first, *chat_call(pieces, 1), *CHAT_END)


def _interleaved(pieces: tuple[str, ...]) -> bytes:
    one, two = chat_call(FINE, 0, "look_up", "c0"), chat_call(pieces, 1)
    return sse(SAID, *(p for pair in zip(one, two, strict=True) for p in pair), *CHAT_END)


def block(kind: str) -> Callable[[tuple[str, ...]], bytes]:
    def stream(pieces: tuple[str, ...]) -> bytes:
        head = {"type": kind, "id": "t1", "name": "delete_records", "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": p} for p in ("", *pieces)]
        return sse(
            {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": [], "model": "m"}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I look. "}},
            {"type": "content_block_stop", "index": 0},
            {"type": "content_block_start", "index": 1, "content_block": head},
            {"type": "ping"},
            *({"type": "content_block_delta", "index": 1, "delta": d} for d in deltas),
            {"type": "content_block_stop", "index": 1},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}},
            {"type": "message_stop"},
        )

    return stream


def item(kind: str, event: str, field: str) -> Callable[[tuple[str, ...]], bytes]:
    def stream(pieces: tuple[str, ...]) -> bytes:
        text = {"type": "message", "id": "m1", "role": "assistant", "status": "in_progress", "content": []}
        part = {"type": "output_text", "text": "", "annotations": []}
        said = {**part, "text": "I look. "}
        call = {"type": kind, "id": "i1", "call_id": "c1", "name": "delete_records", "status": "in_progress", field: ""}
        done = {**call, "status": "completed", field: "".join(pieces)}
        where = {"item_id": "m1", "output_index": 0, "content_index": 0}
        at = {"item_id": "i1", "output_index": 1}
        head = {"id": "r", "object": "response", "status": "in_progress", "output": []}
        ended = [{**text, "status": "completed", "content": [said]}, done]
        return sse(
            {"type": "response.created", "response": head},
            {"type": "response.output_item.added", "output_index": 0, "item": text},
            {"type": "response.content_part.added", **where, "part": part},
            {"type": "response.output_text.delta", **where, "delta": "I look. "},
            {"type": "response.output_text.done", **where, "text": "I look. "},
            {"type": "response.content_part.done", **where, "part": said},
            {"type": "response.output_item.done", "output_index": 0, "item": ended[0]},
            {"type": "response.output_item.added", "output_index": 1, "item": call},
            *({"type": f"response.{event}.delta", **at, "delta": p} for p in pieces),
            {"type": f"response.{event}.done", **at, field: "".join(pieces)},
            {"type": "response.output_item.done", "output_index": 1, "item": done},
            {"type": "response.completed", "response": {**head, "status": "completed", "output": ended}},
        )

    return stream


def _gemini(pieces: tuple[str, ...]) -> bytes:
    call = {"functionCall": {"name": "delete_records", "args": json.loads("".join(pieces))}}
    bodies = [{"content": {"role": "model", "parts": [p]}, "index": 0} for p in ({"text": "I look. "}, call)]
    bodies[1]["finishReason"] = "STOP"
    return sse(*({"candidates": [b]} for b in bodies))


def _gemini_pieces(pieces: tuple[str, ...]) -> bytes:
    word = json.loads("".join(pieces))["where"]
    given = [
        {"jsonPath": "$.where", "stringValue": word[:4], "willContinue": True},
        {"jsonPath": "$.where", "stringValue": word[4:]},
    ]
    calls: list[dict[str, Any]] = [
        {"name": "delete_records", "willContinue": True},
        *({"partialArgs": [g], "willContinue": True} for g in given),
        {},
    ]
    parts = [{"text": "I look. "}, *({"functionCall": c} for c in calls)]
    bodies: list[dict[str, Any]] = [{"content": {"role": "model", "parts": [p]}, "index": 0} for p in parts]
    bodies[-1]["finishReason"] = "STOP"
    return sse(*({"candidates": [b]} for b in bodies))


def _ollama(pieces: tuple[str, ...]) -> bytes:
    call = {"function": {"name": "delete_records", "arguments": json.loads("".join(pieces))}}
    return lines(
        {"model": "m", "message": {"role": "assistant", "content": "I look. "}, "done": False},
        {"model": "m", "message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False},
        {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"},
    )


def _gemini_together(pieces: tuple[str, ...]) -> bytes:
    calls = [{"name": "look_up", "args": {"a": 1}}, {"name": "delete_records", "args": json.loads("".join(pieces))}]
    parts = [{"text": "I look. "}, *({"functionCall": c, "thoughtSignature": "abc=="} for c in calls)]
    content = {"content": {"role": "model", "parts": parts}, "index": 0, "finishReason": "STOP"}
    return sse({"candidates": [content], "usageMetadata": {"totalTokenCount": 3}, "responseId": "r"})


def _ollama_together(pieces: tuple[str, ...]) -> bytes:
    given = {"look_up": {"a": 1}, "delete_records": json.loads("".join(pieces))}
    calls = [{"function": {"name": k, "arguments": v}} for k, v in given.items()]
    said = {"role": "assistant", "content": "I look. ", "tool_calls": calls}
    return lines({"model": "m", "message": said, "done": True, "done_reason": "stop", "eval_count": 4})


def _own_format(pieces: tuple[str, ...]) -> bytes:
    call = {"index": 1, "name": "delete_records", "id": "c1"}
    args = [{"parts": [{"index": 1, "arguments": p}]} for p in pieces]
    return lines({"parts": [{"index": 0, "says": "I look. "}]}, {"parts": [call]}, *args, {"end": "yes"})


def _bedrock(pieces: tuple[str, ...]) -> bytes:
    framing = ConverseStream.open({"messages": []}).framing()
    return b"".join(
        framing.encode(Frame(body, name))
        for name, body in (
            ("messageStart", {"role": "assistant"}),
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "I look. "}}),
            ("contentBlockStop", {"contentBlockIndex": 0}),
            (
                "contentBlockStart",
                {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "delete_records"}}},
            ),
            *(("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": p}}}) for p in pieces),
            ("contentBlockStop", {"contentBlockIndex": 1}),
            ("messageStop", {"stopReason": "tool_use"}),
        )
    )


def anthropic() -> Session:
    return Messages.open({"messages": USER, "stream": True})


def responses() -> Session:
    return Responses.open({"input": "Hi", "stream": True})


def gemini() -> Session:
    return GeminiStream.open({"contents": []}, query={"alt": "sse"})


Case = tuple[Callable[[], Session], Callable[[tuple[str, ...]], bytes]]
CASES: dict[str, Case] = {
    "chat": (chat, _chat),
    "chat, legacy": (chat, _legacy),
    "chat, custom": (chat, _custom),
    "chat, second": (chat, _second),
    "chat, interleaved": (chat, _interleaved),
    **{kind: (anthropic, block(kind)) for kind in ("tool_use", "server_tool_use", "mcp_tool_use", "new_tool_use")},
    "function_call": (responses, item("function_call", "function_call_arguments", "arguments")),
    "custom_tool_call": (responses, item("custom_tool_call", "custom_tool_call_input", "input")),
    "mcp_call": (responses, item("mcp_call", "mcp_call_arguments", "arguments")),
    "a call nobody knows": (responses, item("robot_call", "robot_call_arguments", "arguments")),
    "gemini": (gemini, _gemini),
    "gemini, in pieces": (gemini, _gemini_pieces),
    "ollama": (lambda: OllamaChat.open({"messages": USER}), _ollama),
    "gemini, second of one event": (gemini, _gemini_together),
    "ollama, second of one event": (lambda: OllamaChat.open({"messages": USER}), _ollama_together),
    "a format of one's own": (lambda: TALK.open({"turns": []}), _own_format),
    "bedrock": (lambda: ConverseStream.open({"messages": []}), _bedrock),
}


@pytest.mark.parametrize("step", [0, 1, 17])
@pytest.mark.parametrize("name", CASES)
def test_nothing_of_a_blocked_call_leaves(name: str, step: int) -> None:
    form, stream = CASES[name]
    out = flowed(form(), stream(BLOCKED), step)
    assert b"delete_records" not in out
    assert b'"c1"' not in out
    assert b'"t1"' not in out
    assert b"I look. " in out
    assert MESSAGE.encode() in out
    assert (b"look_up" in out) == ("second" in name or "interleaved" in name)


@pytest.mark.parametrize("step", [0, 17])
@pytest.mark.parametrize("name", CASES)
def test_a_call_that_passes_arrives_after_what_was_said_before_it(name: str, step: int) -> None:
    form, stream = CASES[name]
    out = flowed(form(), stream(FINE), step)
    assert -1 < out.index(b"I look. ") < out.index(b"delete_records") < out.rindex(b"our")
    if name not in ("gemini", "gemini, in pieces", "ollama", "chat, custom"):
        assert b"harbour" in out


@pytest.mark.parametrize("name", CASES)
def test_a_call_that_never_ends_is_checked_whole_all_the_same(name: str) -> None:
    form, stream = CASES[name]
    for pieces in (BLOCKED, ('{"where": "kingfisher', "")):
        if name.startswith(("gemini", "ollama")) and pieces is not BLOCKED:
            continue
        data = stream(pieces)
        if name == "bedrock":
            continue
        for end in range(len(data) // 3, len(data), 97):
            out = flowed_cut(form(), data[:end])
            assert b"kingfisher" not in out
            assert b"delete_records" not in out or b"king" not in data[:end] or b"fisher" not in data[:end], end


def flowed_cut(form: Session, data: bytes) -> bytes:
    try:
        return flowed(form, data)
    except Malformed:
        return b""


def test_what_an_answer_says_at_its_end_is_said_once_behind_the_calls_of_one_event() -> None:
    first, last = _bodies(flowed(gemini(), _gemini_together(FINE)))
    assert [len(b["candidates"][0]["content"]["parts"]) for b in (first, last)] == [2, 1]
    assert "finishReason" not in first["candidates"][0]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert [b["usageMetadata"] for b in (first, last)] == [{"totalTokenCount": 3}] * 2
    said = flowed(OllamaChat.open({"messages": USER}), _ollama_together(FINE)).splitlines()
    first, last = (json.loads(line) for line in said[-2:])
    assert first == {"model": "m", "message": first["message"], "done": False}
    assert (last["done"], last["eval_count"], last["message"]["content"]) == (True, 4, "")
    assert [b["message"]["tool_calls"][0]["function"]["name"] for b in (first, last)] == ["look_up", "delete_records"]


def test_the_first_of_two_calls_in_one_event_takes_the_rest_along() -> None:
    given = [("delete_records", {"where": "kingfisher"}), ("look_up", {"a": 1})]
    parts = [{"functionCall": {"name": k, "args": v}} for k, v in given]
    out = flowed(gemini(), sse({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]}))
    assert b"look_up" not in out
    assert MESSAGE.encode() in out


def test_parallel_calls_with_one_index_are_told_apart_by_their_ids() -> None:
    whole = ('{"city": "London"}', '{"city": "Paris"}')
    stream = [piece(whole[i], 0, "weather", f"c{i}") for i in range(2)]
    assert calls(flowed(chat(), sse(*stream, *CHAT_END))) == {"c0": whole[0], "c1": whole[1]}


@pytest.mark.parametrize("index", [0, None])
def test_parallel_calls_in_pieces_with_one_index_or_none(index: int | None) -> None:
    stream = [*chat_call(FINE, index, "weather", "c0"), *chat_call(('{"a', '": 1}'), index, "weather", "c1")]
    assert calls(flowed(chat(), sse(*stream, *CHAT_END))) == {"c0": "".join(FINE), "c1": '{"a": 1}'}


def test_ids_are_followed_where_indexes_are_missing() -> None:
    one, two = ('{"a"', ": 1}"), ('{"b"', ": 2}")
    stream = [
        piece(p, None, "weather", id_)
        for pair in zip(one, two, strict=True)
        for p, id_ in zip(pair, ("c0", "c1"), strict=True)
    ]
    assert calls(flowed(chat(), sse(*stream, *CHAT_END))) == {"c0": "".join(one), "c1": "".join(two)}


def test_a_new_id_a_piece_or_a_name_a_piece_is_still_one_call() -> None:
    ids = [piece('{"a"', 0, "weather", "c0"), piece(": 1", 0, "", "c7"), piece("}", 0, "", "c8")]
    assert calls(flowed(chat(), sse(*ids, *CHAT_END))) == {"c0": '{"a": 1}'}
    names = [piece('{"a"', 0, "weather", "c0"), piece(": 1}", 0, "weather", "c0"), piece("", 0, "weather", "c0")]
    out = flowed(chat(), sse(*names, *CHAT_END))
    assert calls(out) == {"c0": '{"a": 1}'}
    assert b"weatherweather" not in out


def test_calls_without_ids_begin_where_arguments_begin_anew() -> None:
    stream = [piece('{"a": 1}', 0, "weather"), piece('{"a": 2}', 0, "weather")]
    out = [
        b
        for b in _bodies(flowed(chat(), sse(*stream, *CHAT_END)))
        if "tool_calls" in json.dumps(b["choices"][0]["delta"])
    ]
    assert [b["choices"][0]["delta"]["tool_calls"][0]["index"] for b in out] == [0, 1]


def test_fields_of_a_call_that_nobody_knows_arrive_and_are_checked() -> None:
    more = {"extra_content": {"google": {"thought_signature": "abc=="}}}
    first = {
        "tool_calls": [
            {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, **more}
        ]
    }
    assert b"thought_signature" in flowed(chat(), sse(chunk(first), *CHAT_END))
    for one, two in (("king", "fisher"), ("kingf", "isher")):
        notes = [chunk({"tool_calls": [{"index": 0, "note": t}]}) for t in (one, two)]
        out = flowed(chat(), sse(chunk(first), *notes, *CHAT_END))
        assert b"king" not in out
        assert b'"f"' not in out


def _bodies(data: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in data.decode().split("\n") if line.startswith("data: {")]


def calls(data: bytes) -> dict[str, str]:
    """The arguments of the calls of a chat stream, by their ids, joined by index as clients do."""
    ids: dict[int, str] = {}
    found: dict[int, str] = {}
    for body in _bodies(data):
        for choice in body["choices"]:
            for call in choice["delta"].get("tool_calls") or ():
                ids.setdefault(call["index"], call.get("id", ""))
                found[call["index"]] = found.get(call["index"], "") + call["function"]["arguments"]
    return {ids[i]: text for i, text in found.items()}


@pytest.mark.parametrize("text", ['{"b":1,"a": "x"}', '{ "to" : "a\\u0062c" }', "{\n}", '{"in": "{\\"x\\":1}"}'])
def test_arguments_in_which_nothing_is_found_keep_their_spelling(text: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": text}}
    form = Chat.open({"messages": [*USER, {"role": "assistant", "content": None, "tool_calls": [call]}]})
    exchange(form).request()
    assert form.body["messages"][1]["tool_calls"][0]["function"]["arguments"] == text
    assert calls(flowed(chat(), sse(piece(text, 0, "f", "c1"), *CHAT_END))) == {"c1": text}


def test_arguments_inside_arguments_are_masked_and_stay_json() -> None:
    text = json.dumps({"a": json.dumps({"to": "ACC-12345678"}), "b": '{"kept":1}'})
    got = json.loads(calls(flowed(chat(), sse(piece(text, 0, "f", "c1"), *CHAT_END)))["c1"])
    assert json.loads(got["a"]) == {"to": "{account}"}
    assert got["b"] == '{"kept":1}'


@pytest.mark.parametrize("reason", ["", "stop", "tool_calls"])
def test_a_reason_in_every_chunk_counts_in_the_last(reason: str) -> None:
    words = [chunk({"content": w}, reason) for w in ("Hello", " there", "")]
    data = sse(
        *words, *chat_call(FINE), chunk({}, "stop"), {**HEAD, "choices": [], "usage": {"total_tokens": 3}}, "[DONE]"
    )
    for step in (0, 1, 33):
        out = flowed(chat(), data, step)
        bodies = _bodies(out)
        assert "".join(b["choices"][0]["delta"].get("content") or "" for b in bodies if b["choices"]) == "Hello there"
        assert [r for b in bodies for c in b["choices"] if (r := c["finish_reason"])] == ["stop"]
        assert calls(out) == {"c1": "".join(FINE)}
        assert bodies[-1]["usage"] == {"total_tokens": 3}


def test_of_two_choices_one_that_ended_does_not_hold_the_other() -> None:
    def choice(index: int, text: str, finish: str | None = None) -> dict[str, Any]:
        return {**HEAD, "choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}

    out = _bodies(flowed(chat(), sse(choice(0, "One", "stop"), choice(1, "Two"), choice(1, "", "stop"), "[DONE]")))
    said = [(c["index"], c["delta"].get("content") or "", c["finish_reason"]) for b in out for c in b["choices"]]
    for index, text in ((0, "One"), (1, "Two")):
        assert "".join(t for i, t, _ in said if i == index) == text
        assert [f for i, _, f in said if i == index][-1] == "stop"


def test_text_that_is_held_comes_before_an_error() -> None:
    out = flowed(chat(), sse(chunk({"content": "Hello there. "}), {"error": {"message": "overloaded", "code": 529}}))
    assert -1 < out.index(b"Hello there. ") < out.index(b"overloaded")


def test_refusals_count_tokens_where_that_was_asked_for() -> None:
    asked = {"messages": USER, "stream": True, "stream_options": {"include_usage": True}}
    for data in (
        sse(chunk({"content": "kingfisher"}), "[DONE]"),
        sse(chunk({"content": "kingfisher"}, "stop"), "[DONE]"),
    ):
        bodies = _bodies(flowed(Chat.open(asked), data))
        assert bodies[-1]["choices"] == []
        assert set(bodies[-1]["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
        assert all("usage" not in b or b["usage"] is None or b is bodies[-1] for b in bodies)
        assert all(b["choices"] for b in _bodies(flowed(chat(), data)))
    old = Completions.open({"prompt": "Hi", "stream": True, "stream_options": {"include_usage": True}})
    out = _bodies(
        flowed(old, sse({"choices": [{"index": 0, "text": "kingfisher", "finish_reason": "stop"}]}, "[DONE]"))
    )
    assert out[-1]["choices"] == []
    assert out[-1]["usage"]["total_tokens"] == 0


def test_token_ids_of_answers_are_dropped() -> None:
    ids = {"token_ids": [11, 22222], "prompt_token_ids": [1], "tokens": [22222, 7]}
    body = {
        **HEAD,
        "prompt_token_ids": [1, 33333],
        "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop", **ids}],
    }
    assert b"2222" not in flowed(chat(), sse(body, "[DONE]"))
    assert b"3333" not in flowed(chat(), sse(body, "[DONE]"))
    message = {"role": "assistant", "content": "ACC-12345678"}
    whole = {**HEAD, "choices": [{"index": 0, "message": message, "finish_reason": "stop", **ids}]}
    run = exchange(chat())
    assert "22222" not in json.dumps(run.answer(whole)[0])


def test_tokens_that_are_no_ids_are_text() -> None:
    run = exchange(chat())
    message = {"role": "assistant", "content": "Hi"}
    whole = {
        **HEAD,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "tokens": ["a", "kingfisher"]}],
    }
    assert "kingfisher" not in json.dumps(run.answer(whole)[0])


def test_comments_pass_while_a_call_is_held() -> None:
    data = sse(SAID, *chat_call(FINE)) + b": ping\n\n: harbour heron\n\n"
    out = flowed(chat(), data, 7, ends=False)
    assert b": ping\n\n: keep-alive\n\n" in out
    assert b"harbour" not in out
    assert b"delete_records" not in out
    ended = flowed(chat(), data + sse(*CHAT_END), 7)
    assert ended.startswith(out)
    assert b"harbour" in ended


def raw(*deltas: str) -> bytes:
    """Chunks whose content is this JSON, to the letter."""
    chunks = [b'data: {"choices":[{"index":0,"delta":{"content":"' + d.encode() + b'"}}]}\n\n' for d in deltas]
    return b"".join([*chunks, sse(chunk({}, "stop"), "[DONE]")])


@pytest.mark.parametrize(
    ("deltas", "text"),
    [
        ((r"Hi \ud83d", r"\ude00 there"), "Hi \U0001f600 there"),
        ((r"Hi \ud83d", "", r"\ude00 there"), "Hi \U0001f600 there"),
        ((r"\ud83d\ude00\ud83d", r"\ude00"), "\U0001f600\U0001f600"),
        ((r"Hi \ud83d", "there"), "Hi \ufffdthere"),
        ((r"Hi \ude00", "there"), "Hi \ufffdthere"),
        ((r"Hi \\ud83d", "there"), r"Hi \ud83dthere"),
    ],
)
@pytest.mark.parametrize("step", [0, 1])
def test_halves_of_a_character_are_joined(deltas: tuple[str, ...], text: str, step: int) -> None:
    got = _bodies(flowed(chat(), raw(*deltas), step))
    assert "".join(b["choices"][0]["delta"].get("content") or "" for b in got) == text


def test_a_half_in_a_whole_answer_is_no_character() -> None:
    assert parse_answer(rb'{"a":"x\ud83dy","b":"\ud83d\ude00"}') == {"a": "x\ufffdy", "b": "\U0001f600"}
    with pytest.raises(Malformed):
        parse_answer(rb'{"a":"\ud83d",')
