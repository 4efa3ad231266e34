"""What becomes of single messages: what passes, what is masked, and how what is refused is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails.exchange import Catalogue
from tests.mcp.checking import CLIENT, MASKED, POLICY, SERVER, WORD, Checking, answer, request

MODERN = {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def test_arguments_are_masked_and_the_call_goes_on() -> None:
    passed = Checking()(request("tools/call", name="send", arguments={"to": [MASKED], "n": 3}), CLIENT)
    assert passed.onward["params"]["arguments"] == {"to": ["{EMAIL}"], "n": 3}


@pytest.mark.parametrize(("meta", "typed"), [({}, False), (MODERN, True)])
def test_a_refused_call_is_a_result_that_the_model_reads(meta: dict[str, Any], typed: bool) -> None:
    passed = Checking()(request("tools/call", name="send", arguments={"text": WORD}, **meta), CLIENT)
    assert passed.onward is None
    assert passed.back["result"]["isError"] is True
    assert passed.back["result"]["content"] == [text("The call was refused.")]
    assert passed.back["result"].get("resultType") == ("complete" if typed else None)


def test_any_other_refused_request_is_an_error() -> None:
    passed = Checking()(request("prompts/get", name="review", arguments={"code": WORD}), CLIENT)
    assert passed.back["error"]["code"] == -32011
    assert passed.back["id"] == 1


def test_a_call_that_makes_a_task_has_no_place_for_words() -> None:
    passed = Checking()(request("tools/call", name="send", arguments={"text": WORD}, task={"ttl": 5}), CLIENT)
    assert "error" in passed.back


def test_a_refused_answer_to_a_call_is_a_result_in_its_place() -> None:
    check = Checking()
    check.asked("tools/call", name="read")
    passed = check(answer(content=[text(f"it says {WORD}")]), SERVER)
    assert passed.blocked
    assert passed.onward["result"] == {"content": [text("The server's words were withheld.")], "isError": True}


def test_a_refused_notification_is_silence() -> None:
    message = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": {"a": WORD}}}
    passed = Checking()(message, SERVER)
    assert passed.blocked
    assert passed.onward is None
    assert passed.back is None


def test_what_a_server_asks_and_may_not_is_answered_at_once() -> None:
    asks = request("sampling/createMessage", maxTokens=5, messages=[{"role": "user", "content": text(WORD)}])
    passed = Checking()(asks, SERVER)
    assert passed.onward is None
    assert passed.back["error"]["code"] == -32011


def test_a_persons_answer_that_may_not_leave_is_an_error_for_the_server() -> None:
    check = Checking()
    assert not check(request("elicitation/create", message="Your name?", requestedSchema={}), SERVER).blocked
    passed = check(answer(action="accept", content={"name": WORD}), CLIENT)
    assert passed.blocked
    assert passed.onward["error"]["code"] == -32011


def test_a_value_in_two_parts_of_a_result_is_one_value() -> None:
    check = Checking()
    passed = check(answer(content=[text("write to bob@exam"), text("ple.com now")]), SERVER)
    assert [part["text"] for part in passed.onward["result"]["content"]] == ["write to {EMAIL}", " now"]


def test_a_result_and_its_twin_are_masked_alike() -> None:
    check = Checking()
    person = {"name": "Bob", "email": MASKED}
    passed = check(answer(content=[text(json.dumps(person))], structuredContent=person), SERVER)
    result = passed.onward["result"]
    assert result["structuredContent"] == {"name": "Bob", "email": "{EMAIL}"}
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]


# -- output schemas ------------------------------------------------------------------------------------------------------


def listed(schema: Any) -> Checking:
    """A server that has told of a tool with this output schema, and was called."""
    check = Checking()
    check.asked("tools/list")
    tool = {"name": "find", "inputSchema": {"type": "object"}, "outputSchema": schema}
    assert not check(answer(tools=[tool]), SERVER).blocked
    check.asked("tools/call", name="find")
    return check


@pytest.mark.parametrize(
    ("email", "passes"),
    [
        ({"type": "string"}, True),
        ({"type": "string", "pattern": "@"}, False),
        ({"type": "string", "format": "email"}, False),
        ({"type": "string", "maxLength": 20}, True),
        ({"enum": ["bob@example.com", "{EMAIL}"]}, True),
        ({"$ref": "https://elsewhere.example/schema.json"}, False),
        ({"$ref": "#/properties/email"}, False),
    ],
)
def test_a_masked_result_still_fits_its_tools_schema_or_is_refused(email: Any, passes: bool) -> None:
    schema = {"type": "object", "properties": {"email": email}, "required": ["email"]}
    passed = listed(schema)(answer(content=[], structuredContent={"email": MASKED}), SERVER)
    assert passed.blocked is not passes
    if passes:
        assert passed.onward["result"]["structuredContent"] == {"email": "{EMAIL}"}
    else:
        assert passed.onward["result"]["isError"] is True


def test_a_result_whose_promise_was_never_heard_keeps_its_types() -> None:
    cards = POLICY.replace("EMAIL: mask", "EMAIL: mask, CREDIT_DEBIT_CARD_NUMBER: mask")
    check = Checking(cards)
    passed = check(answer(content=[], structuredContent={"card": 4111111111111111}), SERVER)
    assert passed.blocked
    assert check(answer(content=[], structuredContent={"card": "4111 1111 1111 1111"}), SERVER).onward is not None


def test_a_schema_that_would_take_ages_is_no_proof() -> None:
    deep: dict[str, Any] = {"a0": {"type": "string"}}
    for i in range(1, 40):
        deep[f"a{i}"] = {"allOf": [{"$ref": f"#/$defs/a{i - 1}"}] * 2}
    schema = {"$defs": deep, "$ref": "#/$defs/a39"}
    check = Checking(POLICY + "limits: {deadline_ms: 300}\n")
    check.catalogue.keep("/mcp", [{"name": "find", "outputSchema": schema}])
    check.asked("tools/call", name="find")
    assert check(answer(content=[], structuredContent=MASKED), SERVER).blocked


# -- definitions ---------------------------------------------------------------------------------------------------------


def tool(name: str, description: str = "A tool.", **more: Any) -> dict[str, Any]:
    return {"name": name, "description": description, "inputSchema": {"type": "object"}, **more}


def test_a_definition_that_is_blocked_leaves_the_list_alone() -> None:
    check = Checking()
    asked = answer(
        tools=[tool("a"), tool("b", f"Say {WORD} first."), tool("c", f"Ask {MASKED}.")],
        nextCursor="opaque.page-2",
        ttlMs=5,
        cacheScope="public",
    )
    result = check(asked, SERVER).onward["result"]
    assert [t["name"] for t in result["tools"]] == ["a", "c"]
    assert result["tools"][1]["description"] == "Ask {EMAIL}."
    assert result["nextCursor"] == "opaque.page-2"
    assert result["cacheScope"] == "private"


@pytest.mark.parametrize(
    "planted",
    [
        {"inputSchema": {"type": "object", "properties": {"x": {"description": WORD}}}},
        {"inputSchema": {"type": "object", "properties": {WORD: {}}}},
        {"inputSchema": {"type": "object", "properties": {"x": {"enum": ["a", WORD]}}}},
        {"inputSchema": {"$defs": {"d": {"anyOf": [{"const": WORD}]}}}},
        {"outputSchema": {"properties": {"x": {"items": {"title": WORD}}}}},
        {"annotations": {"readOnlyHint": True, "title": WORD}},
        {"icons": [{"src": f"https://example.com/{WORD} here.png"}]},
        {"_meta": {"vendor": {"note": WORD}}},
        {"title": WORD},
        {"name": WORD},
    ],
)
def test_every_string_of_a_definition_is_read(planted: dict[str, Any]) -> None:
    assert Checking()(answer(tools=[{**tool("a"), **planted}]), SERVER).onward["result"]["tools"] == []


@pytest.mark.parametrize(
    "planted",
    [
        {"name": MASKED},
        {"inputSchema": {"properties": {"x": {"enum": [MASKED]}}}},
        {"inputSchema": {"properties": {"x": {"const": MASKED}}}},
        {"inputSchema": {"properties": {"x": {"pattern": MASKED}}}},
    ],
)
def test_what_callers_match_on_is_never_rewritten(planted: dict[str, Any]) -> None:
    assert Checking()(answer(tools=[{**tool("a"), **planted}]), SERVER).onward["result"]["tools"] == []


def test_a_definition_is_inspected_once_and_then_known() -> None:
    check = Checking()
    tools = [tool(f"t{i}", f"Tool number {i}, for one thing only.") for i in range(10_000)]
    tools[5_000]["description"] += f" Say {WORD}."
    first = check(answer(tools=tools), SERVER).onward["result"]["tools"]
    assert len(first) == 9_999
    misses = check.catalogue.definitions.misses, check.verdicts.misses
    second = check(answer(tools=tools), SERVER).onward["result"]["tools"]
    assert second == first
    assert check.catalogue.definitions.misses == misses[0]
    assert check.verdicts.misses - misses[1] < 10  # the texts around the list
    assert check.decision is not None
    assert check.decision.rules == ("words.secret",)


def test_what_is_known_of_definitions_is_bounded() -> None:
    catalogue = Catalogue(size=100)
    check = Checking(catalogue=catalogue)
    for page in range(5):
        names = [f"t{page}x{i}" for i in range(100)]
        check(answer(tools=[tool(n, outputSchema={"type": "object"}) for n in names]), SERVER)
    assert len(catalogue.definitions) == 100
    assert catalogue.output("/mcp", "t0x0") is None
    assert catalogue.output("/mcp", "t4x99") == {"type": "object"}
    catalogue.keep("/mcp", [tool("huge", outputSchema={"enum": ["x" * 70_000]})])
    assert catalogue.output("/mcp", "huge") == {"$ref": "#/$defs/not-kept"}


# -- what nobody knows ---------------------------------------------------------------------------------------------------


def test_an_unknown_method_is_refused_unless_it_is_allowed() -> None:
    assert "error" in Checking()(request("acme/do", text="hello"), CLIENT).back
    assert Checking(allowed=frozenset(["acme/do"]))(request("acme/do", text="hello"), CLIENT).onward is not None
    planted = Checking(allowed=frozenset(["acme/do"]))(request("acme/do", text=WORD), CLIENT)
    assert planted.blocked


@pytest.mark.parametrize(
    "sent", [{"resultType": "acme"}, {"inputRequests": {"a": {"method": "acme/do"}}}, {"inputRequests": []}]
)
def test_an_unknown_type_of_result_is_refused(sent: dict[str, Any]) -> None:
    check = Checking()
    check.asked("tools/call", name="x")
    assert check(answer(**sent), SERVER).onward["result"]["isError"] is True


@pytest.mark.parametrize(
    "message",
    [
        [request("ping")],
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []},
        {"jsonrpc": "2.0", "id": 1, "result": [WORD]},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "more": "x"},
        "ping",
        None,
    ],
)
def test_what_is_no_message_goes_nowhere(message: Any) -> None:
    for sender in (CLIENT, SERVER):
        passed = Checking()(message, sender)
        assert passed.onward is None
        assert passed.blocked


def test_a_state_is_never_touched() -> None:
    state = "v1.bWFnbm9saWE." + "x" * 500
    check = Checking()
    result = {"resultType": "input_required", "requestState": state, "inputRequests": {}}
    assert check(answer(**result), SERVER).onward["result"]["requestState"] == state
    again = request("tools/call", name="x", requestState=state, inputResponses={"a": {"action": "decline"}})
    assert check(again, CLIENT).onward["params"]["requestState"] == state
    assert check(request("tools/call", name="x", requestState=f"words, and {MASKED}"), CLIENT).blocked


TOOLS = """
tools:
  default: deny
  calls:
    - {name: fs.read, server: files, allow: true, arguments: {path: {roots: [/srv]}}}
    - {name: send, allow: true}
"""


@pytest.mark.parametrize(
    ("tool", "arguments", "passes"),
    [
        ("fs.read", {"path": "/srv/notes.txt"}, True),
        ("fs.read", {"path": "/srv/../etc/passwd"}, False),
        ("send", {"text": f"to {MASKED}"}, True),
        ("send", {"text": WORD}, False),
        ("delete", {}, False),
    ],
)
def test_the_rules_for_tools_hold_for_calls(tool: str, arguments: dict[str, Any], passes: bool) -> None:
    passed = Checking(POLICY + TOOLS, server="files")(request("tools/call", name=tool, arguments=arguments), CLIENT)
    assert passed.blocked is not passes
    if not passes:
        assert passed.onward is None
        assert passed.back["result"]["isError"] is True


def test_a_server_nobody_named_is_allowed_nothing_by_its_name() -> None:
    call = request("tools/call", name="fs.read", arguments={"path": "/srv/notes.txt"})
    assert Checking(POLICY + TOOLS)(call, CLIENT).blocked
