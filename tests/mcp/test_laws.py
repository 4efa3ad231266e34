"""What holds for every message: each of its strings is inspected or the message is refused, and what is rewritten stays valid."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mcp.checking import CLIENT, MASKED, SERVER, WORD, Checking, answer, strings

CHECK = Checking()
_WORDS = st.sampled_from(
    ["hello", "a b c", "x", "", "A sentence, of words.", "id-7", f"so {WORD}!", f"ask {MASKED} now", WORD, MASKED]
)
# Not among them: a state and a cursor, which are their writer's own and pass as they are when they are one token.
_NAMES = st.sampled_from(
    [
        "name",
        "description",
        "title",
        "text",
        "type",
        "data",
        "blob",
        "uri",
        "content",
        "structuredContent",
        "message",
        "arguments",
        "inputSchema",
        "properties",
        "enum",
        "const",
        "items",
        "$ref",
        "default",
        "pattern",
        "tools",
        "prompts",
        "resources",
        "contents",
        "messages",
        "role",
        "instructions",
        "mimeType",
        "icons",
        "src",
        "_meta",
        "annotations",
        "isError",
        "resultType",
        "inputRequests",
        "method",
        "params",
        "level",
        "logger",
        "reason",
        "extra",
        "x",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(_WORDS, st.integers(-9, 9), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=4)),
    max_leaves=12,
)
_OBJECTS = st.dictionaries(_NAMES, VALUES, max_size=5)
_CALLS = st.sampled_from(["tools/call", "prompts/get", "resources/read", "completion/complete", "initialize"])
_TOLD = st.sampled_from(
    ["sampling/createMessage", "elicitation/create", "notifications/message", "notifications/progress"]
)


def all_strings(value: Any) -> list[str]:
    """Strings and keys."""
    out = [s for _, s in strings(value)]
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            out += one
        todo += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return out


def safe(value: Any) -> bool:
    return not any(WORD in s or MASKED in s for s in all_strings(value))


@settings(deadline=None)
@given(_OBJECTS)
def test_a_result(result: dict[str, Any]) -> None:
    passed = CHECK(answer(**result), SERVER)
    assert safe(passed.onward)
    assert safe(passed.back)
    if safe(result) and not passed.blocked:
        assert passed.onward == answer(**result)


@settings(deadline=None)
@given(_CALLS, _OBJECTS)
def test_a_request(method: str, params: dict[str, Any]) -> None:
    passed = CHECK({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, CLIENT)
    assert safe(passed.onward)
    assert (passed.onward is None) is passed.blocked


@settings(deadline=None)
@given(_TOLD, _OBJECTS)
def test_what_a_server_says_or_asks(method: str, params: dict[str, Any]) -> None:
    id_ = {} if method.startswith("notifications") else {"id": 7}
    passed = CHECK({"jsonrpc": "2.0", **id_, "method": method, "params": params}, SERVER)
    assert safe(passed.onward)
    assert safe(passed.back)


@settings(deadline=None)
@given(
    st.one_of(
        VALUES, st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error"]), VALUES)
    )
)
def test_anything_else(message: Any) -> None:
    for sender in (CLIENT, SERVER):
        passed = CHECK(message, sender)
        assert safe(passed.onward)
        assert safe(passed.back)


# -- schemas ---------------------------------------------------------------------------------------------------------

_CONSTRAINTS = st.fixed_dictionaries(
    {},
    optional={
        "pattern": st.sampled_from(["@", "^[a-z@. ]*$", "."]),
        "maxLength": st.integers(3, 25),
        "minLength": st.integers(0, 10),
        "enum": st.just(["hello", f"ask {MASKED} now", MASKED, "x"]),
        "title": _WORDS,
        "not": st.just({"pattern": "EMAIL"}),
    },
)
_TEXT_SCHEMAS = _CONSTRAINTS.map(lambda c: {"type": "string", **c})
SCHEMAS = st.recursive(
    _TEXT_SCHEMAS,
    lambda inner: st.one_of(
        inner.map(lambda s: {"type": "array", "items": s}),
        st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3).map(
            lambda p: {"type": "object", "properties": p, "required": list(p)}
        ),
        st.tuples(inner, inner).map(lambda two: {"anyOf": list(two)}),
    ),
    max_leaves=5,
)


def fitting(schema: Any, draw: Any) -> Any:
    """A value that has the schema's types."""
    if "anyOf" in schema:
        return fitting(draw(st.sampled_from(schema["anyOf"])), draw)
    if schema["type"] == "array":
        return [fitting(schema["items"], draw) for _ in range(draw(st.integers(0, 2)))]
    if schema["type"] == "object":
        return {name: fitting(inner, draw) for name, inner in schema["properties"].items()}
    return draw(st.sampled_from(["hello", "x", f"ask {MASKED} now", MASKED]))


@settings(deadline=None)
@given(SCHEMAS, st.data())
def test_a_rewritten_result_fits_the_schema_that_it_fitted_before(schema: Any, data: Any) -> None:
    value = fitting(schema, data.draw)
    if not jsonschema.Draft202012Validator(schema).is_valid(value):
        return
    check = CHECK
    check.catalogue.keep("/mcp", [{"name": "find", "outputSchema": schema}])
    check.asked("tools/call", name="find")
    passed = check(answer(content=[], structuredContent=value), SERVER)
    assert MASKED not in json.dumps(passed.onward)
    if "structuredContent" in passed.onward["result"]:
        jsonschema.Draft202012Validator(schema).validate(passed.onward["result"]["structuredContent"])
    else:
        assert passed.onward["result"]["isError"] is True


@settings(deadline=None)
@given(SCHEMAS)
def test_a_rewritten_definition_is_still_a_schema_and_still_means_the_same(schema: Any) -> None:
    passed = CHECK(answer(tools=[{"name": "find", "inputSchema": schema, "outputSchema": schema}]), SERVER)
    for tool in passed.onward["result"]["tools"]:
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
        assert without_prose(tool["inputSchema"]) == without_prose(schema)
        assert tool["outputSchema"] == tool["inputSchema"]


def without_prose(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: without_prose(v) for k, v in schema.items() if k != "title"}
    return [without_prose(one) for one in schema] if isinstance(schema, list) else schema
