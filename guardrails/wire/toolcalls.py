"""Calls of tools and their results in the bodies and events of every API, recognised by what they look like.

A call says which tool it calls and with what; what other calls it is held together with is its format's business
(:mod:`guardrails.wire.calls`). What looks like a call and names no tool is one without a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from guardrails.calls import Call
from guardrails.wire import strict
from guardrails.wire.calls import Group

__all__ = ["Made", "Traffic", "made_in", "traffic"]


class Made(NamedTuple):
    """A call, the id that its result names, and where it stands."""

    call: Call
    id: str
    path: str


@dataclass(slots=True)
class Traffic:
    """The calls of a body, and the places of results: path, and the tool's name and server where they are known."""

    calls: list[Made] = field(default_factory=list)
    results: list[tuple[str, str, str | None]] = field(default_factory=list, repr=False)

    def author(self, path: str) -> tuple[str, str | None] | None:
        """The tool whose result the text at a path is a part of, and its server."""
        inside = [r for r in self.results if path == r[0] or path.startswith((f"{r[0]}.", f"{r[0]}["))]
        return max(inside, key=lambda r: len(r[0]))[1:] if inside else None


# Fields of a call that say nothing about what it does.
_FORMAL = frozenset(
    ("type", "id", "call_id", "status", "index", "caller", "cache_control", "thoughtSignature", "created_by")
)
# Where the pieces of arguments stand in events of a call, by the path of the event's fields.
_PIECES = (("delta", "partial_json"), ("contentBlockDelta", "delta", "toolUse", "input"), ("delta", "toolUse", "input"))
_PIECE_EVENTS = re.compile(r"response\.[a-z_]*(?:arguments|input|code|command|diff)\.delta")
# What Gemini calls a call.
_NAMED = ("functionCall", "function_call")
_SIMPLE = re.compile(r"\$\.?([A-Za-z_][\w-]*)")


def traffic(body: Any) -> Traffic:
    """The calls and results in a body, in document order."""
    out = Traffic()
    results: list[tuple[str, str]] = []
    for node, key, path in _objects(body, "", ""):
        made = _made(node, key)
        if made is not None:
            out.calls.append(made._replace(path=path))
        about = _result(node, key)
        if about is not None:
            results.append((path, about))
    known = {made.id: made.call for made in out.calls if made.id}
    for path, about in results:
        call = known.get(about)
        out.results.append((path, about, None) if call is None else (path, call.name, call.server))
    return out


def made_in(group: Group) -> list[Made]:
    """The calls that events which leave together make, their arguments put together from their pieces."""
    bodies = [frame.body for frame in group.frames]
    pieces = [piece for body in bodies if (piece := _piece(body)) is not None]
    whole = [body for body in bodies if _piece(body) is None]
    found = _resumed(whole) or [made for body in whole for made in traffic(body).calls]
    if not group.call or (len(found) < 2 and not pieces):
        return found
    text = "".join(pieces)
    if text:
        heads = {(made.call.name, made.call.server): made for made in found} or {("", None): Made(Call(""), "", "")}
        found += [made._replace(call=_with(made.call, text)) for made in heads.values()]
    # The event that announces a call has no arguments yet; they count only where no other event has any.
    said = [made for made in found if made.call.arguments not in ({}, "")]
    named = {made.call.name for made in said}
    return said + [made for made in found if made not in said and made.call.name not in named]


def _resumed(bodies: Sequence[Any]) -> list[Made]:
    """Calls that go on in objects without a name, each put together; none where every object is a call of its own."""
    nodes = [node for body in bodies for node, key, _ in _objects(body, "", "") if key in _NAMED and "type" not in node]
    if all("name" in node for node in nodes):
        return []
    calls: list[dict[str, Any]] = []
    for node in nodes:
        parts = node.get("partialArgs") or node.get("partial_args") or []
        if "name" in node or not calls:
            calls.append({**node, "partialArgs": list(parts) if isinstance(parts, list) else [parts]})
        else:
            calls[-1]["partialArgs"] += parts if isinstance(parts, list) else [parts]
            calls[-1] |= {k: v for k, v in node.items() if k in ("args", "id")}
    return [_call(node, "") for node in calls]


def _with(call: Call, text: str) -> Call:
    if isinstance(call.arguments, str) and not call.unreadable and call.arguments:
        return replace(call, arguments=text)
    arguments, unreadable = _arguments(text)
    return replace(call, arguments=arguments, unreadable=unreadable)


def _piece(body: Any) -> str | None:
    for path in _PIECES:
        found = body
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, str):
            return found
    kind = body.get("type") if isinstance(body, dict) else None
    if isinstance(kind, str) and _PIECE_EVENTS.fullmatch(kind) and isinstance(body.get("delta"), str):
        return str(body["delta"])
    return None


def _objects(value: Any, key: str, path: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Every object of a body, with the field it stands in (of a list: the list's) and its path; not those in a call."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _objects(item, key, f"{path}[{i}]")
    elif isinstance(value, dict):
        yield value, key, path
        if _made(value, key) is None:
            for name, inside in value.items():
                if isinstance(inside, dict | list):
                    yield from _objects(inside, name, f"{path}.{name}" if path else name)


def _made(node: Mapping[str, Any], key: str) -> Made | None:
    """The call that an object is, None for anything else."""
    kind = node.get("type")
    id_ = next((v for k in ("call_id", "id", "toolUseId") if isinstance(v := node.get(k), str)), "")
    if key in {"tool_calls", "tool_call"}:
        inside = next((v for k in ("function", "custom") if isinstance(v := node.get(k), dict)), node)
        return _call(inside, id_)
    if key in ("function_call", "functionCall", "toolUse") and kind is None:
        return _call(node, id_)
    if key in ("toolCall", "tool_call", "executableCode", "executable_code") and kind is None:
        return Made(Call(str(node.get("toolType") or node.get("tool_type") or key), _rest(node)), id_, "")
    if not isinstance(kind, str):
        return None
    if kind.endswith("tool_use") or (kind.endswith("_call") and isinstance(node.get("name"), str)):
        return _call(node, id_)
    if kind == "mcp_approval_request":
        return _call(node, id_)
    if kind.endswith("_call"):
        return Made(Call(kind.removesuffix("_call"), _rest(node)), id_, "")
    return None


def _call(node: Mapping[str, Any], id_: str) -> Made:
    name = node.get("name")
    server = next((v for k in ("server_label", "server_name") if isinstance(v := node.get(k), str)), None)
    given: Any = next((node[k] for k in ("arguments", "input", "args") if node.get(k) is not None), {})
    parts = next((v for k in ("partialArgs", "partial_args") if isinstance(v := node.get(k), list)), None)
    if parts is not None:
        given, unreadable = _joined(given, parts)
    elif "input" in node and isinstance(given, str):  # a tool that takes a text
        unreadable = False
    else:
        given, unreadable = _arguments(given)
    return Made(Call(name if isinstance(name, str) else "", given, server, unreadable), id_, "")


def _arguments(given: Any) -> tuple[Any, bool]:
    """Arguments as data, and whether nobody can read them."""
    if not isinstance(given, str):
        return given, False
    if not given.strip():
        return {}, False
    try:
        return strict.parse(given.encode()), False
    except (strict.Malformed, UnicodeEncodeError):
        return given, True


def _joined(given: Any, parts: Sequence[Any]) -> tuple[Any, bool]:
    """Arguments that come in parts, each with the place that it belongs to."""
    out: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    for part in parts:
        path = part.get("jsonPath") or part.get("json_path") if isinstance(part, dict) else None
        simple = _SIMPLE.fullmatch(path) if isinstance(path, str) else None
        value = next((v for k, v in part.items() if k.endswith(("Value", "_value"))), None) if simple else None
        if simple is None or value is None:
            return out, True
        before = out.get(simple[1])
        out[simple[1]] = before + value if isinstance(before, str) and isinstance(value, str) else value
    return out, False


def _rest(node: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name not in _FORMAL}


def _result(node: Mapping[str, Any], key: str) -> str | None:
    """Which call an object is the result of: its id, or the name of its tool."""
    for name in ("tool_call_id", "tool_use_id", "toolUseId"):
        if isinstance(found := node.get(name), str) and (name != "toolUseId" or key == "toolResult"):
            return found
    if key in ("functionResponse", "function_response") or node.get("role") in ("function", "tool"):
        return next((v for k in ("id", "name", "tool_name") if isinstance(v := node.get(k), str) and v), None)
    kind = node.get("type")
    if isinstance(kind, str) and kind.endswith("_output") and isinstance(node.get("call_id"), str):
        return str(node["call_id"])
    return None
