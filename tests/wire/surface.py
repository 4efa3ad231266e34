"""The strings that the types of the SDKs can hold, and what the forms do with each of them.

``python -m tests.wire.surface`` prints the counts, ``--write`` renews ``surface.json``: the agreed list, which the tests
compare with what the installed SDKs and the forms say now.
"""

from __future__ import annotations

import collections.abc
import io
import json
import os
import sys
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import anthropic
import openai
import pydantic
import typing_extensions
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming as ChatParams
from openai.types.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from guardrails.wire.anthropic_messages import Messages
from guardrails.wire.format import Format, Session
from guardrails.wire.framing import Frame
from guardrails.wire.openai_chat import Chat
from guardrails.wire.openai_completions import Completions
from guardrails.wire.openai_embeddings import Embeddings
from guardrails.wire.openai_responses import Responses
from guardrails.wire.walk import Walk

AGREED = Path(__file__).with_name("surface.json")

# Text that no id looks like, and what looks like an id.
PROSE = "a kingfisher, seen: twice!"
ID = "kingfisher-7f3a"

# Nothing is waived today. "Model.field": why its text need not be inspected.
WAIVED: dict[str, str] = {}

Say = typing.Literal["request", "answer", "event"]


@dataclass(frozen=True)
class Root:
    """A body that an SDK knows: its type, the form that reads it, and which way it travels."""

    type: Any
    form: type[Format]
    way: Say
    asked: Any = None

    def made(self, body: Any) -> Session:
        return self.form.open(body if self.way == "request" else self.asked)

    def walk(self, form: Session, body: Any) -> Walk:
        if self.way == "request":
            return form.inbound()
        return form.outbound(body) if self.way == "answer" else form.event(Frame(body, name=body.get("type"))).walk


_CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
_INPUT = {"model": "m", "input": "hi"}
ROOTS: dict[str, Root] = {
    "openai chat request": Root(ChatParams, Chat, "request"),
    "openai chat response": Root(ChatCompletion, Chat, "answer", _CHAT),
    "openai chat chunk": Root(ChatCompletionChunk, Chat, "event", _CHAT),
    "openai responses request": Root(ResponseCreateParamsStreaming, Responses, "request"),
    "openai responses response": Root(Response, Responses, "answer", _INPUT),
    "openai responses event": Root(ResponseStreamEvent, Responses, "event", _INPUT),
    "openai completions request": Root(CompletionCreateParamsStreaming, Completions, "request"),
    "openai completions response": Root(openai.types.Completion, Completions, "answer", {"prompt": "hi"}),
    "openai completions chunk": Root(openai.types.Completion, Completions, "event", {"prompt": "hi"}),
    "openai embeddings request": Root(openai.types.EmbeddingCreateParams, Embeddings, "request"),
    "openai embeddings response": Root(openai.types.CreateEmbeddingResponse, Embeddings, "answer", {"input": "hi"}),
    "anthropic messages request": Root(MessageCreateParamsStreaming, Messages, "request"),
    "anthropic messages response": Root(anthropic.types.Message, Messages, "answer", _CHAT),
    "anthropic messages event": Root(anthropic.types.RawMessageStreamEvent, Messages, "event", _CHAT),
}


# -- the types ---------------------------------------------------------------------------------------------------------

_WRAPPERS = (typing.Required, typing.NotRequired, typing_extensions.Required, typing_extensions.NotRequired)
_LITERALS = (typing.Literal, typing_extensions.Literal)
# What is no string on the wire: numbers, and files that the SDK encodes into the strings of the same union.
_NO_TEXT = (bool, int, float, bytes, type(None), io.IOBase, os.PathLike, typing.IO)
_DEPTH = 14


def _bare(type_: Any) -> Any:
    """A type without what annotates it."""
    while True:
        if isinstance(type_, typing.TypeAliasType if sys.version_info >= (3, 12) else typing_extensions.TypeAliasType):
            type_ = type_.__value__
        elif typing.get_origin(type_) is typing.Annotated or typing.get_origin(type_) in _WRAPPERS:
            type_ = typing.get_args(type_)[0]
        else:
            return type_


def _members(type_: Any) -> list[Any]:
    """The members of a union, or the type alone."""
    type_ = _bare(type_)
    if typing.get_origin(type_) in (typing.Union, types.UnionType):
        return [m for arg in typing.get_args(type_) for m in _members(arg)]
    return [type_]


def _is_object(type_: Any) -> bool:
    return typing_extensions.is_typeddict(type_) or (isinstance(type_, type) and issubclass(type_, pydantic.BaseModel))


def _fields(type_: Any) -> dict[str, tuple[Any, bool]]:
    """The fields of an object by their names on the wire: type, and whether they must be there."""
    if not typing_extensions.is_typeddict(type_):
        return {f.alias or name: (f.annotation, f.is_required()) for name, f in type_.model_fields.items()}
    hints = typing_extensions.get_type_hints(type_, include_extras=True)
    out = {}
    for name, hint in hints.items():
        inner = hint
        while typing.get_origin(inner) in _WRAPPERS:
            inner = typing.get_args(inner)[0]
        alias = next((a for m in getattr(inner, "__metadata__", ()) if (a := getattr(m, "alias", None))), None)
        out[alias or name] = (hint, name in type_.__required_keys__)
    return out


def minimal(type_: Any, depth: int = 0) -> Any:
    """The least value of a type."""
    member = next((m for m in _members(type_) if m is not type(None)), type(None))
    origin = typing.get_origin(member)
    if origin in _LITERALS:
        return typing.get_args(member)[0]
    if _is_object(member):
        return {
            name: minimal(t, depth + 1)
            for name, (t, needed) in _fields(member).items()
            if (needed and depth < 6) or name == "type"
        }
    if member is str:
        return ""
    if member in (int, float):
        return 0
    if member is bool:
        return False
    return {} if origin in (dict, collections.abc.Mapping) or member is object else [] if origin is not None else None


@dataclass(frozen=True)
class Leaf:
    """A place that holds a string. ``field`` is the model's, ``path`` as walks write it; ``build`` puts a string there."""

    field: str
    path: str
    enum: bool
    build: Callable[[str], Any]


def leaves(type_: Any, path: str = "", field: str = "", seen: tuple[Any, ...] = ()) -> Iterator[Leaf]:
    """Every string of a type, once for each way to it; a type inside itself is not entered again."""
    members = _members(type_)
    if len(seen) > _DEPTH:
        raise RecursionError(f"{path}: deeper than {_DEPTH}")
    strings = [m for m in members if m in (str, datetime, date)]
    literals = [
        m for m in members if typing.get_origin(m) in _LITERALS and any(isinstance(a, str) for a in typing.get_args(m))
    ]
    if strings or literals:
        yield Leaf(field, path, not strings, lambda text: text)
    for member in members:
        yield from _inside(member, path, field, seen)


def _inside(member: Any, path: str, field: str, seen: tuple[Any, ...]) -> Iterator[Leaf]:
    origin, args = typing.get_origin(member), typing.get_args(member)
    if member in (str, datetime, date) or origin in _LITERALS:
        return
    if member in (object, typing.Any):
        yield Leaf(field, path + ".deep[0]", False, lambda text: {"deep": [text]})
    elif _is_object(member):
        if member in seen:
            return
        owner = f"{member.__module__.rsplit('.', 1)[-1]}.{member.__name__}"
        around = minimal(member)
        for name, (inner, _) in _fields(member).items():
            for leaf in leaves(inner, f"{path}.{name}" if path else name, f"{owner}.{name}", (*seen, member)):
                yield _placed(leaf, lambda value, name=name, around=around: {**around, name: value})  # type: ignore[misc]
    elif origin in (dict, collections.abc.Mapping):
        yield Leaf(f"{field}{{key}}", path + "{key}", False, lambda text: {text: None})
        for leaf in leaves(args[1], path + ".k", field, seen):
            yield _placed(leaf, lambda value: {"k": value})
    elif origin in (list, tuple, set, collections.abc.Iterable, collections.abc.Sequence) or _is_sequence(origin):
        for leaf in leaves(args[0], path + "[0]", field, seen):
            yield _placed(leaf, lambda value: [value])
    elif not (isinstance(origin or member, type) and issubclass(origin or member, _NO_TEXT)):
        raise TypeError(
            f"{path}: {member!r} is a type that the surface test does not know; teach it in tests/wire/surface.py"
        )


def _is_sequence(origin: Any) -> bool:
    """The SDKs' own sequence that is no string."""
    return getattr(origin, "__name__", "") == "SequenceNotStr"


def _placed(leaf: Leaf, around: Callable[[Any], Any]) -> Leaf:
    return Leaf(leaf.field, leaf.path, leaf.enum, lambda text: around(leaf.build(text)))


def places(root: Root) -> Iterator[Leaf]:
    """The leaves of a root. Events that hold a whole answer hold the same one: each field of it counts once a part of it."""
    seen = set()
    for member in _members(root.type):
        for leaf in leaves(member):
            inside = leaf.path.startswith("response.")
            key = (leaf.path.split(".")[1].split("[")[0] if inside else member, leaf.field)
            if root.way != "event" or key not in seen:
                seen.add(key)
                yield leaf


# -- the forms ---------------------------------------------------------------------------------------------------------


def verdict(root: Root, leaf: Leaf) -> str:
    """What the form does with the string: ``inspected``, ``id`` (unless it is prose), ``enum``, ``uninspected``, ``dropped``."""

    def look(text: str) -> tuple[bool, bool, bool]:
        body = leaf.build(text)
        walk = root.walk(root.made(body), body)
        found = any(text in slot.text for slot in walk.slots)
        walk.drop()
        return found, text not in json.dumps(body), any(u.path == leaf.path for u in walk.uninspected)

    prose, dropped, uninspected = look(PROSE)
    id_, _, id_uninspected = look(ID)
    if dropped:
        return "dropped"
    if not prose:
        return "missed"
    if leaf.enum:
        return "enum"
    if id_:
        return "uninspected" if uninspected else "inspected"
    return "uninspected" if id_uninspected else "id"


Surface = dict[str, dict[str, dict[str, str]]]


def surface() -> tuple[Surface, dict[str, dict[str, int]]]:
    """By root, model and verdict: the fields; and by root and verdict: how many places."""
    found: Surface = {}
    counts: dict[str, dict[str, int]] = {}
    for name, root in ROOTS.items():
        fields: dict[str, set[str]] = {}
        number = counts[name] = {}
        for leaf in places(root):
            said = "waived" if leaf.field in WAIVED else verdict(root, leaf)
            fields.setdefault(leaf.field, set()).add(said)
            number[said] = number.get(said, 0) + 1
        models: dict[str, dict[str, list[str]]] = {}
        for field, said_ in fields.items():
            model, _, own = field.rpartition(".")
            models.setdefault(model, {}).setdefault("+".join(sorted(said_)), []).append(own)
        found[name] = {m: {v: " ".join(sorted(f)) for v, f in sorted(vs.items())} for m, vs in sorted(models.items())}
    return found, counts


def written(found: Surface) -> str:
    """One line a model."""
    out = []
    for root, models in found.items():
        lines = ",\n".join(f"    {json.dumps(model)}: {json.dumps(fields)}" for model, fields in models.items())
        out.append(f"  {json.dumps(root)}: {{\n{lines}\n  }}")
    return "{\n" + ",\n".join(out) + "\n}\n"


def rows(counts: dict[str, dict[str, int]]) -> list[str]:
    """The counts as rows of a table."""
    kinds = ("inspected", "id", "enum", "uninspected", "dropped", "missed")
    return [f"| {name} | {' | '.join(str(n.get(k, 0)) for k in kinds)} |" for name, n in counts.items()]


if __name__ == "__main__":
    now, numbers = surface()
    print("\n".join(rows(numbers)))
    if "--write" in sys.argv:
        AGREED.write_text(written(now), encoding="utf-8")
