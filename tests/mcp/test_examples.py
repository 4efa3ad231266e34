"""The specification's own example messages: each passes unharmed, and a word in any string of any of them is caught."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.checking import CLIENT, MASKED, SERVER, WORD, Checking, answer, request, schemas, strings

FOLDER = schemas()
FILES = sorted((FOLDER / "2026-07-28/examples").rglob("*.json")) if FOLDER else []
pytestmark = pytest.mark.skipif(not FILES, reason="the specification's examples are not here (GUARDRAILS_MCP_SCHEMAS)")

WORDS = (
    "version: 1\nname: words\nuninspected: allow\nwords: {terms: [{id: secret, terms: [magnolia], action: block}]}\n"
)
# How an example that is a part of a message stands in one: who sends it, and where.
_CONTENT = (
    "TextContent",
    "ImageContent",
    "AudioContent",
    "EmbeddedResource",
    "ResourceLink",
    "ToolUseContent",
    "ToolResultContent",
)
_PARAMS = {
    "CancelledNotificationParams": "notifications/cancelled",
    "ProgressNotificationParams": "notifications/progress",
    "ResourceUpdatedNotificationParams": "notifications/resources/updated",
    "LoggingMessageNotificationParams": "notifications/message",
}
_ASKED = {
    "ElicitRequestFormParams": "elicitation/create",
    "ElicitRequestURLParams": "elicitation/create",
    "CreateMessageRequestParams": "sampling/createMessage",
}
_CALLED = {
    "CompleteRequestParams": "completion/complete",
    "PaginatedRequestParams": "tools/list",
    "GetPromptRequestParams": "prompts/get",
    "CallToolRequestParams": "tools/call",
}
_SERVER_ASKS = ("CreateMessageRequest", "ElicitRequest", "ListRootsRequest")
_CLIENT_ANSWERS = ("CreateMessageResult", "ElicitResult", "ListRootsResult")


def message_of(kind: str, example: Any) -> tuple[dict[str, Any], Any]:
    """A message with an example in it, and who sends it."""
    if kind.endswith("Params"):
        if kind in _PARAMS:
            return {"jsonrpc": "2.0", "method": _PARAMS[kind], "params": example}, SERVER
        return (
            (request(_ASKED[kind], **example), SERVER)
            if kind in _ASKED
            else (request(_CALLED[kind], **example), CLIENT)
        )
    if kind.endswith("Request"):
        return {"jsonrpc": "2.0", "id": 1, **example}, SERVER if kind in _SERVER_ASKS else CLIENT
    if kind.endswith("Notification"):
        return {"jsonrpc": "2.0", **example}, SERVER
    if kind.endswith("Response"):
        return example, SERVER
    if kind.endswith("Error"):
        return (example if "jsonrpc" in example else {"jsonrpc": "2.0", "id": 1, "error": example}), SERVER
    if kind.endswith("Result"):
        return answer(**example), CLIENT if kind in _CLIENT_ANSWERS else SERVER
    if kind.endswith("Schema"):
        schema = {"type": "object", "properties": {"x": example}}
        return request("elicitation/create", message="?", requestedSchema=schema), SERVER
    return part_of(kind, example)


def part_of(kind: str, example: Any) -> tuple[dict[str, Any], Any]:
    if kind in _CONTENT:
        return answer(content=[example]), SERVER
    if kind.endswith("ResourceContents"):
        return answer(contents=[example]), SERVER
    parts = {
        "Tool": (answer(tools=[example]), SERVER),
        "Resource": (answer(resources=[example]), SERVER),
        "Root": (answer(roots=[example]), CLIENT),
        "SamplingMessage": (request("sampling/createMessage", messages=[example], maxTokens=1), SERVER),
        "ModelPreferences": (request("sampling/createMessage", messages=[], modelPreferences=example), SERVER),
        "ClientCapabilities": (request("initialize", capabilities=example), CLIENT),
        "ServerCapabilities": (answer(capabilities=example), SERVER),
        "InputRequests": (answer(resultType="input_required", inputRequests=example), SERVER),
        "InputResponses": (request("tools/call", name="x", inputResponses=example), CLIENT),
    }
    return parts[kind]


def read(path: Path) -> tuple[dict[str, Any], Any]:
    return message_of(path.parent.name, json.loads(path.read_text(encoding="utf-8")))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_they_are_all_there() -> None:
    assert len(FILES) == 129


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_an_example_passes_as_it_is(path: Path) -> None:
    message, sender = read(path)
    passed = Checking(WORDS)(message, sender)
    assert passed.onward == message
    assert not passed.blocked


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_word_in_any_string_is_caught(path: Path) -> None:
    message, sender = read(path)
    check = Checking()
    for place, _ in strings(message):
        planted = put(message, place, f"so: {WORD}, please")
        passed = check(planted, sender)
        assert WORD not in json.dumps(passed.onward), place


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_value_in_any_string_is_masked_or_stops_the_message(path: Path) -> None:
    message, sender = read(path)
    check = Checking()
    for place, _ in strings(message):
        passed = check(put(message, place, f"so: {MASKED}, please"), sender)
        assert MASKED not in json.dumps(passed.onward), place


def put(message: Any, place: tuple[Any, ...], text: str) -> Any:
    made = copy.deepcopy(message)
    box = made
    for key in place[:-1]:
        box = box[key]
    box[place[-1]] = text
    return made
