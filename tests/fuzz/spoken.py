"""What models say on purpose: JSON that was asked for, and calls of tools, several at once; and what a client makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

from guardrails.demo.answers import Answer, Delivery
from guardrails.demo.common import Asked
from tests.fuzz.canaries import OUTPUT, Leaf
from tests.fuzz.mutate import written
from tests.fuzz.samples import SAMPLES, form_of

__all__ = ["SPEAKING", "arguments", "asking", "calls", "json_answer", "parted", "said_json", "split"]

Event = tuple[str | None, str]

# The samples whose answers can be JSON or call a tool.
SPEAKING = tuple(
    i
    for i, s in enumerate(SAMPLES)
    if s.api is not None and s.format in {"openai.chat", "openai.responses", "anthropic.messages", "gemini.generate", "gemini.stream", "ollama.chat"}
)  # fmt: skip
_SCHEMA = {"type": "object", "properties": {"note": {"type": "string"}}}


def asking(rng: Random, format: str, body: dict[str, Any]) -> dict[str, Any]:
    """The request, which asks for JSON in one of the ways of its API."""
    json_schema = {"name": "answer", "schema": _SCHEMA}
    match format:
        case "openai.chat":
            body["response_format"] = rng.choice(
                ({"type": "json_object"}, {"type": "json_schema", "json_schema": json_schema})
            )
        case "openai.responses":
            body["text"] = {"format": rng.choice(({"type": "json_object"}, {"type": "json_schema", **json_schema}))}
        case "anthropic.messages":
            body["output_format"] = {"type": "json_schema", "schema": _SCHEMA}
        case "ollama.chat":
            body["format"] = rng.choice(("json", _SCHEMA))
        case _:
            config = rng.choice(
                (
                    {"responseMimeType": "application/json"},
                    {"response_mime_type": "application/json"},
                    {"responseSchema": _SCHEMA},
                )
            )
            body["generationConfig"] = {**body.get("generationConfig", {}), **config}
    return body  # fmt: skip


# -- JSON --------------------------------------------------------------------------------------------------------------


def _word(rng: Random) -> str:
    """Words, and often something that is to be masked in them."""
    word = rng.choice((OUTPUT.mail, OUTPUT.card, OUTPUT.masked, OUTPUT.plain_card, "rain", "grün", "", "\U0001f600"))
    around = ("{}", "{}", "a {} b", "x\n{}", "\t{}\n", 'say "{}"', "{}\\", "é {} 你好", "1. {}")
    return rng.choice(around).format(word)


def _value(rng: Random, depth: int = 0) -> Any:
    match rng.randrange(8):
        case 0 if depth < 3:
            return [_value(rng, depth + 1) for _ in range(rng.choice((0, 1, 2, 3)))]
        case 1 | 2 if depth < 3:
            return _object(rng, depth + 1)
        case 3:
            return rng.choice((0, -1, 7.5, True, None, int(OUTPUT.plain_card)))
    return _word(rng)


def _object(rng: Random, depth: int = 0) -> dict[str, Any]:
    return {name: _value(rng, depth) for name in rng.sample(("note", "city", "x_note", "items", "a b", "é"), rng.choice((1, 2, 3)))}  # fmt: skip


def json_answer(rng: Random, at: int, *, stream: bool) -> tuple[Any, list[Event] | None]:
    """An answer that is JSON, whole or as events."""
    value = _object(rng) if rng.random() < 0.8 else [_value(rng) for _ in range(3)]
    if rng.random() < 0.1:
        value = [value, f"the {OUTPUT.blocked}."]
    return _answered(rng, at, Answer(written(rng, value)), stream=stream)


def _answered(rng: Random, at: int, answer: Answer, *, stream: bool) -> tuple[Any, list[Event] | None]:
    sample = SAMPLES[at]
    api = sample.api
    if api is None or api.stream is None:
        raise ValueError(sample.format)
    query = dict([sample.query.split("=")]) if sample.query else {}
    asked = Asked({**sample.body, "stream": True}, {"model": "m-1"}, query)
    if not _streams(at, stream=stream):
        return api.whole(asked, answer), None
    framing = form_of(sample, stream=stream).framing()
    data = b"".join(api.stream(asked, answer, Delivery(rng.choice((1, 3, 8, 40)))))
    frames = [*framing.feed(data), *framing.finish()]
    return None, [(f.name, f.raw if f.raw is not None else json.dumps(f.body)) for f in frames]


def said_json(format: str, answer: list[str]) -> list[str]:
    """The texts of an answer that came as these JSON texts, each as a client joins it."""
    values = [v for text in answer if text[:1] in ("{", "[") and text != "[DONE]" for v in _listed(json.loads(text))]
    match format:
        case "openai.chat":
            pieces = [c.get("message", c.get("delta", {})).get("content") for v in values for c in v.get("choices", ())]
        case "openai.responses":
            pieces = [v["delta"] for v in values if v.get("type") == "response.output_text.delta"]
            wholes = [
                v.get("response", v)
                for v in values
                if v.get("object") == "response" or v.get("type") == "response.completed"
            ]
            said = [
                "".join(p["text"] for p in i["content"]) for w in wholes for i in w["output"] if i["type"] == "message"
            ]
            return [*(["".join(pieces)] if pieces else []), *said]
        case "anthropic.messages":
            pieces = [p.get("text") for v in values for p in (*v.get("content", ()), v.get("delta", {}))]
        case "ollama.chat":
            pieces = [v.get("message", {}).get("content") for v in values]
        case _:
            every = [p for v in values for c in v.get("candidates", ()) for p in c.get("content", {}).get("parts", ())]
            pieces = [p.get("text") for p in every]
    return ["".join(p for p in pieces if p)]  # fmt: skip


def _listed(value: Any) -> list[Any]:
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, dict)]


# -- calls -------------------------------------------------------------------------------------------------------------


def calls(rng: Random, at: int, *, stream: bool) -> tuple[Any, list[Event] | None, list[str], list[str]]:
    """An answer with calls of tools, and the names of those that may pass and of those that may not."""
    sample = SAMPLES[at]
    some: list[tuple[str, str]] = []
    fine: list[str] = []
    bad: list[str] = []
    for i in range(rng.choice((1, 2, 2, 3))):
        name, value = f"tool_zz{i}", _object(rng)
        if rng.random() < 0.3:
            value["x_note"] = rng.choice(("{}", "a {} b", '{{"a": "{}"}}')).format(OUTPUT.blocked)
        (bad if "x_note" in value and OUTPUT.blocked in str(value["x_note"]) else fine).append(name)
        some.append((name, written(rng, value)))
    whole, events = _MAKERS[sample.format](rng, some)
    return (None, events, fine, bad) if _streams(at, stream=stream) else (whole, None, fine, bad)


def _streams(at: int, *, stream: bool) -> bool:
    """Whether the answer streams. Ollama's does unless the request says no, as these do."""
    return stream if SAMPLES[at].format == "ollama.chat" else form_of(SAMPLES[at], stream=stream).streaming


Made = tuple[Any, list[Event]]


def _pieces(rng: Random, text: str) -> list[str]:
    edges = sorted(rng.randrange(len(text) + 1) for _ in range(rng.choice((0, 1, 3, 8))))
    return [text[a:b] for a, b in zip([0, *edges], [*edges, len(text)], strict=True)]


def _mixed(rng: Random, lists: list[list[Any]]) -> list[Any]:
    """The items of all lists; sometimes those of several in turns."""
    if rng.random() < 0.5:
        return [x for one in lists for x in one]
    out, lists = [], [list(one) for one in lists]
    while any(lists):
        out.append(rng.choice([one for one in lists if one]).pop(0))
    return out


def _chat(rng: Random, some: list[tuple[str, str]]) -> Made:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    function = [{"id": f"id_{n}", "type": "function", "function": {"name": n, "arguments": a}} for n, a in some]
    message = {"role": "assistant", "content": None, "tool_calls": function}
    whole = {
        **head,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
    }

    def chunk(delta: Any, reason: str | None = None) -> Event:
        return None, json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    each = []
    for i, (call, (_, text)) in enumerate(zip(function, some, strict=True)):
        given: dict[str, Any] = {**call, "function": {**call["function"], "arguments": ""}}
        each.append([{"index": i, **given}, *({"index": i, "function": {"arguments": p}} for p in _pieces(rng, text))])
    said = [chunk({"role": "assistant", "content": "I look. "})]
    return whole, [*said, *(chunk({"tool_calls": [c]}) for c in _mixed(rng, each)), chunk({}, "tool_calls"), (None, "[DONE]")]  # fmt: skip


def _responses(rng: Random, some: list[tuple[str, str]]) -> Made:
    items = [
        {
            "type": "function_call",
            "id": f"fc_{n}",
            "call_id": f"id_{n}",
            "name": n,
            "arguments": a,
            "status": "completed",
        }
        for n, a in some
    ]
    whole = {"id": "r1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": items}
    each = []
    for i, item in enumerate(items):
        at = {"item_id": item["id"], "output_index": i}
        kind = "response.function_call_arguments."
        each.append([
            {"type": "response.output_item.added", "output_index": i, "item": {**item, "arguments": "", "status": "in_progress"}},
            *({"type": kind + "delta", **at, "delta": p} for p in _pieces(rng, item["arguments"])),
            {"type": kind + "done", **at, "arguments": item["arguments"]},
            {"type": "response.output_item.done", "output_index": i, "item": item},
        ])  # fmt: skip
    begun = {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}}
    events = [begun, *_mixed(rng, each), {"type": "response.completed", "response": whole}]
    return whole, [(e["type"], json.dumps({**e, "sequence_number": i})) for i, e in enumerate(events)]


def _anthropic(rng: Random, some: list[tuple[str, str]]) -> Made:
    blocks = [{"type": "tool_use", "id": f"id_{n}", "name": n, "input": json.loads(a)} for n, a in some]
    about = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    whole = {**about, "content": blocks, "stop_reason": "tool_use", "stop_sequence": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}]
    for i, (block, (_, text)) in enumerate(zip(blocks, some, strict=True)):
        events.append({"type": "content_block_start", "index": i, "content_block": {**block, "input": {}}})
        events += [
            {"type": "content_block_delta", "index": i, "delta": {"type": "input_json_delta", "partial_json": p}}
            for p in _pieces(rng, text)
        ]
        events.append({"type": "content_block_stop", "index": i})
    stop = {"stop_reason": "tool_use", "stop_sequence": None}
    events += [{"type": "message_delta", "delta": stop, "usage": {"output_tokens": 1}}, {"type": "message_stop"}]
    return whole, [(e["type"], json.dumps(e)) for e in events]


def _gemini(rng: Random, some: list[tuple[str, str]]) -> Made:
    parts = [{"functionCall": {"name": n, "args": json.loads(a)}} for n, a in some]

    def body(here: list[Any], *, last: bool) -> dict[str, Any]:
        end = {"finishReason": "STOP"} if last else {}
        return {"candidates": [{"content": {"parts": here, "role": "model"}, "index": 0, **end}], "modelVersion": "m"}

    groups = [parts] if rng.random() < 0.5 else [[p] for p in parts]
    return body(parts, last=True), [(None, json.dumps(body(g, last=g is groups[-1]))) for g in groups]


def _ollama(rng: Random, some: list[tuple[str, str]]) -> Made:
    made = [{"function": {"name": n, "arguments": json.loads(a)}} for n, a in some]
    groups = [made] if rng.random() < 0.5 else [[c] for c in made]

    def body(here: list[Any], *, done: bool) -> dict[str, Any]:
        message = {"role": "assistant", "content": "", "tool_calls": here}
        return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": done}

    end = {**body([], done=True), "done_reason": "stop"}
    return body(made, done=True), [(None, json.dumps(b)) for b in (*(body(g, done=False) for g in groups), end)]


_MAKERS = {
    "openai.chat": _chat, "openai.responses": _responses, "anthropic.messages": _anthropic, "gemini.generate": _gemini,
    "gemini.stream": _gemini, "ollama.chat": _ollama,
}  # fmt: skip


def arguments(answer: list[str]) -> Iterator[str]:
    """The arguments of calls that are JSON in strings: they leave whole, so that each is JSON by itself."""

    def walk(value: Any) -> Iterator[str]:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if key in ("arguments", "partial_json") and isinstance(inner, str) and inner:
                yield inner
            elif isinstance(inner, dict | list):
                yield from walk(inner)
            elif key == "delta" and isinstance(inner, str) and "arguments" in str(value.get("type")):
                yield inner

    for text in answer:
        if text[:1] in ("{", "[") and text != "[DONE]":
            yield from walk(json.loads(text))


# -- parts of a message ------------------------------------------------------------------------------------------------

_PARTED = ("content", "parts", "system")


def split(rng: Random, value: Any, word: str) -> bool:
    """Put a text into several parts of one message, one behind the other, in place; False where there is no such message."""
    found = [parts for _, parts in _part_lists(value) if any(_is_text(p) for p in parts)]
    if not found:
        return False
    parts = rng.choice(found)
    at = rng.choice([i for i, p in enumerate(parts) if _is_text(p)])
    spoken = rng.choice(("{}", "see {} now", "{}.", "x {}")).format(word)
    edges = sorted(rng.randrange(1, len(spoken)) for _ in range(rng.choice((1, 1, 2))))
    pieces = [spoken[a:b] for a, b in zip([0, *edges], [*edges, len(spoken)], strict=True)]
    copies = [{**deepcopy(parts[at]), "text": piece} for piece in pieces]
    # A word of its own: what stands before and behind is other parts, which may touch it.
    copies[0]["text"] = "So: " + copies[0]["text"]
    copies[-1]["text"] += " Go on."
    parts[at : at + 1] = copies
    return True


def parted(text: str, sent: str | None = None) -> list[Leaf]:
    """What the parts of each message say one behind the other. ``sent``: only lists at places where that text has some, too; a damaged byte of a
    compressed body may call messages something that nobody reads."""
    try:
        value, known = json.loads(text), json.loads(sent) if sent is not None else None
    except (ValueError, RecursionError):
        return []
    places = {place for place, _ in _part_lists(known)}
    found = [parts for place, parts in _part_lists(value) if sent is None or place in places]
    return [Leaf("".join(p["text"] for p in parts if _is_text(p)), ("parts",)) for parts in found]


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str) and not part.get("thought")


def _part_lists(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Each list of parts below a value, with the keys above it."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        place = (*above, key) if isinstance(key, str) else above
        if key in _PARTED and isinstance(inner, list):
            yield place, inner
        if isinstance(inner, dict | list):
            yield from _part_lists(inner, place)
