"""Fields that a format interprets stand in one spelling; keys of data are the data's own."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.wire import FORMATS, form_class
from guardrails.wire.spellings import spelled_twice
from tests.asgi.apps import App

SAID = [{"role": "user", "content": "hello"}]
# format: bodies in which readers that ignore case, width or composition could see something else
TWICE: dict[str, list[dict[str, Any]]] = {
    "openai.chat": [
        {"messages": SAID, "Messages": []},
        {"messages": SAID, "STREAM": True, "stream": False},
        {"messages": [{"role": "user", "content": "safe", "CONTENT": "EVIL"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "safe", "Text": "EVIL"}]}]},
        {"messages": SAID, "me\u017f\u017fages": []},
        {"messages": SAID, "mod\uff45l": "x", "model": "y"},
        {"messages": SAID, "tools": [{"type": "function", "TYPE": "x"}]},
    ],
    "anthropic.messages": [
        {"messages": SAID, "\uff4dessages": []},
        {"messages": [{"role": "user", "Role": "system", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_use", "input": {}, "Input": {}}]}]},
    ],
    "gemini.generate": [{"contents": [{"role": "user", "parts": [{"text": "a", "tex\uff54": "b"}]}]}],
    "ollama.chat": [{"messages": SAID, "\u017ftream": True, "stream": False}],
    "bedrock.converse": [{"messages": [{"role": "user", "content": [{"text": "x", "TEXT": "y"}]}]}],
    "openai.responses": [{"input": [{"role": "user", "content": "x", "Content": "y"}]}],
}
_SCHEMA = {"type": "object", "properties": {"x": {"type": "number"}, "X": {"type": "string"}}, "Type": 1}
DATA: dict[str, list[dict[str, Any]]] = {
    "openai.chat": [
        {"messages": SAID, "tools": [{"type": "function", "function": {"name": "f", "parameters": _SCHEMA}}]},
        {"messages": SAID, "response_format": {"type": "json_schema", "json_schema": {"schema": _SCHEMA}}},
        {"messages": SAID, "metadata": {"a": "1", "A": "2"}},
        {"messages": [{"role": "user", "content": "x", "function_call": {"name": "f", "arguments": '{"-i":1,"-I":2}'}}]},
        {"messages": SAID, "Unknown": 1, "unknown": 2},
    ],
    "anthropic.messages": [
        {"messages": SAID, "tools": [{"name": "f", "input_schema": _SCHEMA}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"-i": True, "-I": False}}]}]},
    ],
    "gemini.generate": [
        {"contents": "x", "tools": [{"functionDeclarations": [{"name": "f", "parameters": _SCHEMA}]}]},
        {"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"k": 1, "K": 2}}}]}]},
        {"contents": "x", "system_instruction": {"parts": [{"text": "a"}]}, "systemInstruction": {"parts": []}},
    ],
    "ollama.chat": [
        {"messages": SAID, "format": _SCHEMA},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"n": 1, "N": 2}}}]}]},
    ],
    "bedrock.converse": [
        {"messages": SAID, "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": _SCHEMA}}}]}},
        {"messages": SAID, "additionalModelRequestFields": {"k": 1, "K": 2}},
    ],
    "openai.responses": [{"input": "x", "tools": [{"type": "function", "name": "f", "parameters": _SCHEMA}]}],
}  # fmt: skip


@pytest.mark.parametrize("name", TWICE)
def test_a_field_in_two_spellings_is_seen(name: str) -> None:
    for body in TWICE[name]:
        assert spelled_twice(body, form_class(name).REQUEST), body


@pytest.mark.parametrize("name", DATA)
def test_keys_of_data_may_differ_by_case(name: str) -> None:
    for body in DATA[name]:
        assert spelled_twice(body, form_class(name).REQUEST) is None, body


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_format_names_a_field_in_two_spellings(name: str) -> None:
    assert (
        spelled_twice(dict.fromkeys(getattr(form_class(name).REQUEST, "fields", {})), form_class(name).REQUEST) is None
    )


def test_keys_that_are_slow_to_compare_are_read_at_once() -> None:
    body = {"\ufdfa" * 100 + str(n): 1 for n in range(9_000)} | {"messages": SAID}
    assert spelled_twice(body, form_class("openai.chat").REQUEST) is None


def test_a_request_is_refused_for_one_and_not_for_the_other() -> None:
    app = App("fine")
    refused = app.post(TWICE["openai.chat"][0])
    assert refused.status_code == 400
    assert "`messages` stands in two spellings" in refused.text
    for body in DATA["openai.chat"]:
        assert app.post(body).status_code == 200
