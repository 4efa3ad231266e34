"""Every field of the SDK's types is inspected, or an id, or reported as uninspected: a new field that is not fails here."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import anthropic.types as stable
import pytest
import typing_extensions
from anthropic.types import beta
from pydantic import BaseModel

from guardrails.wire.anthropic_messages import Messages
from guardrails.wire.format import Event
from guardrails.wire.frames import Frame
from guardrails.wire.walk import Walk

_WRAPPERS = (Annotated, typing.Required, typing.NotRequired, typing_extensions.Required, typing_extensions.NotRequired)
# Looks like an id: the hardest case, as prose is inspected wherever it stands.
CANARY = "canary17"
LEAVES: tuple[Any, ...] = (CANARY, 412345678, True)

# What is not inspected as long as it looks like an id: who or which, never what anybody said.
OPAQUE = {
    "id", "tool_use_id", "tool_id", "file_id", "skill_id", "previous_message_id", "user_profile_id", "workspace_id",
    "model", "recommended_model", "version", "inference_geo", "betas[]", "stop_reason", "retrieved_at", "toolset_name",
    "tab_id", "download_id", "exclude_tools[]", "clear_tool_inputs[]", "allowed_tools[]", "mcp_server_name", "authorization_token",
}  # fmt: skip
# By what an API knows its own words again.
SEALS = {"signature", "encrypted_index", "fallback_credit_token", "token"}
# Names of tools where they are defined or chosen, and of servers; in a call the name is the model's word.
NAMES = {"Tool", "ResponseTool", "MCPTool", "MCPToolParam", "ToolChoiceTool", "RequestMCPServerURLDefinition"}


def bodies(kind: Any, leaf: Any, path: str = "", above: frozenset[Any] = frozenset()) -> Iterator[tuple[str, Any]]:
    """Each body of a type with ``leaf`` in one place and nothing else, and that place as `Type.field`."""
    origin = get_origin(kind)
    if origin in _WRAPPERS:
        yield from bodies(get_args(kind)[0], leaf, path, above)
    elif origin in (Union, types.UnionType):
        for choice in get_args(kind):
            yield from bodies(choice, leaf, path, above)
    elif origin is Literal:
        return
    elif inspect.isclass(origin) and issubclass(origin, Mapping):
        for where, body in bodies(get_args(kind)[1], leaf, path, above):
            yield where, {"key": body}
    elif origin is not None:
        for where, body in bodies(get_args(kind)[0], leaf, f"{path}[]", above):
            yield where, [body]
    elif (fields := _fields(kind)) is not None:
        if kind in above:
            return
        fixed = {name: word for name in ("type", "role") if (word := _word(fields.get(name))) is not None}
        for name, part in fields.items():
            place = f"{kind.__name__.removeprefix('Beta').removesuffix('Param')}.{name}"
            for where, body in bodies(part, leaf, place, above | {kind}):
                yield where, {**fixed, name: body}
    elif kind in ((str, object) if isinstance(leaf, str) else (int, float) if type(leaf) is int else (bool,)):
        yield path, leaf


def _fields(kind: Any) -> dict[str, Any] | None:
    if not inspect.isclass(kind):
        return None
    if issubclass(kind, BaseModel):
        return {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
    if typing_extensions.is_typeddict(kind):
        return typing_extensions.get_type_hints(kind, include_extras=True)
    return None


def _word(kind: Any) -> Any:
    """The first word of a literal type."""
    while get_origin(kind) in _WRAPPERS:
        kind = get_args(kind)[0]
    return get_args(kind)[0] if get_origin(kind) is Literal else None


def _walk(body: Any, way: str) -> Walk:
    if way == "request":
        return Messages.open(body).inbound()
    if way == "answer":
        return Messages.open({}).outbound(body)
    event: Event = Messages.open({}).event(Frame(body, body.get("type")))
    return event.walk


SURFACE = {
    "request": stable.message_create_params.MessageCreateParamsStreaming,
    "request, beta": beta.message_create_params.MessageCreateParamsStreaming,
    "answer": stable.Message,
    "answer, beta": beta.BetaMessage,
    "event": stable.RawMessageStreamEvent,
    "event, beta": beta.BetaRawMessageStreamEvent,
}


@pytest.mark.parametrize("name", SURFACE)
def test_every_field_is_inspected_or_known(name: str) -> None:
    way = name.split(",", maxsplit=1)[0]
    wrong: set[str] = set()
    inspected = 0
    for leaf in LEAVES:
        for place, body in bodies(SURFACE[name], leaf):
            walk = _walk(body, way)
            owner, field = place.split(".", 1)
            found = any(str(leaf) in slot.text for slot in walk.slots if not slot.fixed)
            keys = {key for slot in walk.slots if slot.fixed for key in slot.text.split("\n")}
            known = field in OPAQUE | SEALS or (field == "name" and owner in NAMES)
            if isinstance(leaf, str):
                inspected += found
                if (found or bool(walk.uninspected)) == known and not (known and walk.uninspected):
                    wrong.add(place)
            elif found:
                wrong.add(f"{place} (a number that masking would make a string)")
            # What a toolset's members are called is read as words, harmless ones.
            if keys - {"key"} and not owner.endswith("Config"):
                wrong.add(f"{place} (a field of the API's own that is read as somebody's words)")
    assert sorted(wrong) == []
    assert inspected > 30
