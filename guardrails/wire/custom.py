"""Formats of your own: a file says by JSON pointers where text sits in the bodies of an API.

:func:`load_formats` reads such a file with the policies' strict YAML. What no pointer names is inspected as text, so a
forgotten field costs time and never a look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from guardrails.errors import PolicyError
from guardrails.policy.files import Files
from guardrails.policy.reader import Reader
from guardrails.policy.source import MAX_BYTES, Node, parse, plain
from guardrails.rules import Position
from guardrails.types import Role
from guardrails.wire import pointers
from guardrails.wire.custom_format import (
    FRAMINGS,
    PLACEHOLDER,
    Custom,
    EndingEvent,
    FormatSpec,
    MessageList,
    StreamSpec,
)
from guardrails.wire.format import Format, Route
from guardrails.wire.pointers import BadPointer, Places, Pointer
from guardrails.wire.shape import Delta, Kind, Repeat

__all__ = ["load_formats"]

_FORMAT = ("name", "route", "model", "request", "response", "stream", "refusal", "error")
_KINDS = {
    "ids": Kind.OPAQUE, "arguments": Kind.JSON, "payloads": Kind.TOOL, "references": Kind.REFERENCE, "binary": Kind.BINARY,
    "tokens": Kind.TOKENS, "numbers": Kind.NUMBERS, "drop": Kind.DROP,
}  # fmt: skip
_WRITERS = {
    "user": Role.USER, "query": Role.USER, "system": Role.SYSTEM, "assistant": Role.ASSISTANT, "tool": Role.TOOL,
    "sources": Role.DOCUMENT,
}  # fmt: skip
_REQUEST = ("messages", *_WRITERS, *(k for k in _KINDS if k != "drop"))
_RESPONSE = ("assistant", "tool", "sources", *_KINDS)
_STREAM = (
    "framing",
    "when",
    "continues",
    "continues_arguments",
    "calls",
    "repeats",
    "ends",
    "keep",
    "ending",
    *_RESPONSE,
)
_MESSAGES = ("at", "text", "role", "roles")
_ENDING = ("data", "raw", "event")
_METHODS = ("POST", "PUT", "PATCH")
_ROLES = tuple(r.value for r in Role)

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~-]+|\{[a-z_]+\})(?::[A-Za-z0-9._~-]+)?")
_EVENT_NAME = re.compile(r"[A-Za-z0-9_.:#/-]{1,128}")


def load_formats(path: str | Path) -> tuple[type[Format], ...]:
    """The formats of a file, in its order. Raises PolicyError with everything that is wrong with it: file, line, key."""
    file = Path(path)
    files = Files(file.parent)
    at = Position(str(path), 1)
    data = files.read(file.resolve(), at, "", str(path), MAX_BYTES)
    root = parse(data, str(path))
    reader = Reader(lines={str(path): data.decode("utf-8").splitlines()})
    entries = reader.mapping(root, "", ("version", "formats"))
    version = entries.get("version")
    if version is None or version.value != 1 or isinstance(version.value, bool):
        where = root.at if version is None else version.at
        reader.report("unknown-version", "this is no version of the format file", where, "version", allowed="1",
                      remedy="write version: 1")  # fmt: skip
    made: dict[str, type[Format]] = {}
    if "formats" not in entries:
        reader.report("missing-key", "formats is missing", root.at, "formats", remedy="add formats: [{name: …, …}]")
    else:
        nodes = reader.items(entries["formats"], "formats")
        if isinstance(entries["formats"].value, list) and not nodes:
            reader.report("empty-file", "there is no format in it", entries["formats"].at, "formats")
        for i, node in enumerate(nodes):
            form = _FormatReader(reader, f"formats[{i}]").read(node)
            if form.name in made:
                reader.report("duplicate-name", f"the format {form.name!r} is given twice", node.at, f"formats[{i}].name",
                              written=form.name, remedy="give one of them another name")  # fmt: skip
            made[form.name] = form
    errors = [p for p in reader.problems if p.severity == "error"]
    if errors:
        raise PolicyError(errors)
    return tuple(made.values())


class _FormatReader:
    """Reads one format; problems go to the reader."""

    def __init__(self, reader: Reader, key: str) -> None:
        self.reader = reader
        self.key = key
        self.query: list[Pointer] = []
        self.fits: list[Pointer] = []

    def read(self, node: Node) -> type[Custom]:
        reader, key = self.reader, self.key
        entries = reader.mapping(node, key, _FORMAT)
        for name in ("name", "route", "request", "response", "refusal"):
            if name not in entries and isinstance(node.value, dict):
                reader.report(
                    "missing-key", f"{key}.{name} is missing", node.at, f"{key}.{name}", remedy=f"add {name}: …"
                )
        name = self.name(entries["name"]) if "name" in entries else ""
        route = self.route(entries["route"]) if "route" in entries else None
        request, messages = self.request(entries.get("request"))
        response = self.places(entries.get("response"), f"{key}.response", _RESPONSE)
        events, stream = self.stream(entries.get("stream"))
        spec = FormatSpec(
            tuple(self.fits), tuple(self.query), messages,
            self.pointer(entries["model"], f"{key}.model") if "model" in entries else None, stream,
            self.template(entries.get("refusal"), f"{key}.refusal", ("message",), needs=True),
            self.template(entries.get("error"), f"{key}.error", ("message", "code", "status")),
        )  # fmt: skip
        fields = {"name": name, "routes": (route,) if route else (), "spec": spec, "__doc__": f"The format {name}.",
                  "REQUEST": request.shape(), "RESPONSE": response.shape(), "EVENT": events.shape()}  # fmt: skip
        return type("CustomFormat", (Custom,), fields)

    def name(self, node: Node) -> str:
        text = self.reader.text(node, f"{self.key}.name")
        if text is not None and not _NAME.fullmatch(text):
            self.reader.report("bad-id", "this is not a format's name", node.at, f"{self.key}.name", written=text,
                               allowed="1 to 63 small letters, digits, '.', '-' and '_'")  # fmt: skip
        return text or ""

    def route(self, node: Node) -> Route | None:
        key = f"{self.key}.route"
        text = self.reader.text(node, key)
        if text is None:
            return None
        method, _, path = text.partition(" ")
        if method not in _METHODS:
            self.reader.unknown("unknown-method", "has no body that could be inspected", method, node.at, key, _METHODS)
            return None
        if not path.startswith("/") or not all(map(_SEGMENT.fullmatch, path[1:].split("/"))):
            self.reader.report("bad-route", "this is not the end of a path", node.at, key, written=path,
                               allowed="/ and names or {parameters}", remedy="write POST /v1/ask")  # fmt: skip
            return None
        return Route(path, method)

    # -- places ------------------------------------------------------------------------------------------------------

    def request(self, node: Node | None) -> tuple[Places, MessageList | None]:
        key = f"{self.key}.request"
        places = self.places(node, key, _REQUEST)
        entries = node.value if node is not None and isinstance(node.value, dict) else {}
        messages = self.messages(entries["messages"], f"{key}.messages", places) if "messages" in entries else None
        if node is not None and not self.fits:
            self.reader.report("missing-key", "nothing says where the texts of a request are", node.at, key,
                               allowed="messages, user or query", remedy="add user: [/question]")  # fmt: skip
        return places, messages

    def places(self, node: Node | None, key: str, allowed: tuple[str, ...]) -> Places:
        """The tree of a section's pointers."""
        places = Places()
        if node is None:
            return places
        for name, child in self.reader.mapping(node, key, allowed).items():
            if name not in _WRITERS and name not in _KINDS:
                continue
            for at, pointer in self.pointers(child, f"{key}.{name}"):
                if name in ("user", "query"):
                    self.fits.append(pointer)
                if name == "query":
                    self.query.append(pointer)
                if name == "drop" and pointer[-1] == "*":
                    self.reader.report("bad-pointer", "only a field can be dropped", at.at, f"{key}.{name}", written=at.raw,
                                       remedy="name the field that holds the list")  # fmt: skip
                    continue
                place = self.place(places, pointer, at, f"{key}.{name}")
                if place is not None and name in _WRITERS:
                    place.role = _WRITERS[name]
                elif place is not None:
                    place.part = _KINDS[name]
        return places

    def place(self, places: Places, pointer: Pointer, node: Node, key: str, *, leaf: bool = False) -> Places | None:
        """The place of a pointer that no other pointer says anything about."""
        try:
            place = places.at(pointer)
        except BadPointer as error:
            self.reader.report("bad-pointer", str(error), node.at, key, written=node.raw)
            return None
        if place.said or (leaf and (place.fields or place.items)):
            self.reader.report("duplicate-pointer", "another pointer says what this is", node.at, key, written=node.raw,
                               remedy="keep one of them")  # fmt: skip
            return None
        return place

    def messages(self, node: Node, key: str, places: Places) -> MessageList | None:
        entries = self.reader.mapping(node, key, _MESSAGES)
        for name in ("at", "text", "role"):
            if name not in entries and isinstance(node.value, dict):
                self.reader.report("missing-key", f"{key}.{name} is missing", node.at, f"{key}.{name}")
        found = {n: self.pointer(entries[n], f"{key}.{n}") for n in ("at", "text", "role") if n in entries}
        at, text, role = (found.get(n) for n in ("at", "text", "role"))
        roles = self.roles(entries["roles"], f"{key}.roles") if "roles" in entries else {r: Role(r) for r in _ROLES}
        if at is None or text is None or role is None:
            return None
        if "*" in role:
            self.reader.report("bad-pointer", "a message has one writer", entries["role"].at, f"{key}.role",
                               written=entries["role"].raw, remedy="name a field")  # fmt: skip
            return None
        turns = self.place(places, at, entries["at"], f"{key}.at")
        if turns is None:
            return None
        try:
            item = places.at((*at, "*"))
            item.at(text)
        except BadPointer as error:
            self.reader.report("bad-pointer", str(error), entries["at"].at, f"{key}.at", written=entries["at"].raw)
            return None
        turns.turns = True
        item.by = _writer(role, roles)
        writer = self.place(item, role, entries["role"], f"{key}.role", leaf=True)
        if writer is not None:
            writer.part = Kind.OPAQUE
        self.fits.append(at)
        keep = frozenset({role[0], *(n for n, p in item.fields.items() if p.part is Kind.OPAQUE)} - {text[0]})
        return MessageList(at, text, keep)

    def roles(self, node: Node, key: str) -> dict[str, Role]:
        roles = {}
        for name, child in self.reader.mapping(node, key).items():
            role = self.reader.choice(child, f"{key}.{name}", _ROLES, "unknown-role")
            if role is not None:
                roles[name] = Role(role)
        return roles

    def pointers(self, node: Node, key: str) -> list[tuple[Node, Pointer]]:
        """A list of pointers, or a lone one."""
        nodes = [node] if isinstance(node.value, str) else self.reader.items(node, key)
        found = [(n, self.pointer(n, key if n is node else f"{key}[{i}]")) for i, n in enumerate(nodes)]
        return [(n, p) for n, p in found if p is not None]

    def pointer(self, node: Node, key: str) -> Pointer | None:
        text = self.reader.text(node, key, at_most=1000)
        if text is None:
            return None
        try:
            return pointers.parse(text)
        except BadPointer as error:
            self.reader.report("bad-pointer", str(error), node.at, key, written=text)
            return None

    # -- what we say -------------------------------------------------------------------------------------------------

    def stream(self, node: Node | None) -> tuple[Places, StreamSpec | None]:
        key = f"{self.key}.stream"
        places = self.places(node, key, _STREAM)
        entries = node.value if node is not None and isinstance(node.value, dict) else {}
        if node is None or not entries:
            return places, None
        allowed = (*FRAMINGS, "none")
        framing = self.reader.choice(entries["framing"], f"{key}.framing", allowed) if "framing" in entries else None
        if framing == "none":
            return places, None
        for name in ("framing", "when", "continues", "ending"):
            if name not in entries:
                self.reader.report("missing-key", f"{key}.{name} is missing", node.at, f"{key}.{name}")
        continues = []
        arguments = []
        for name, kind in (("continues", Kind.TEXT), ("continues_arguments", Kind.JSON)):
            for at, pointer in self.pointers(entries[name], f"{key}.{name}") if name in entries else ():
                place = self.place(places, pointer, at, f"{key}.{name}", leaf=True)
                if place is not None:
                    place.part = Delta(str(at.value), kind)
                    continues.append((at, pointer))
                    if kind is Kind.JSON:
                        arguments.append((str(at.value), pointer))
        calls = [p for _, p in self.pointers(entries["calls"], f"{key}.calls")] if "calls" in entries else []
        for at, pointer in self.pointers(entries["repeats"], f"{key}.repeats") if "repeats" in entries else ():
            place = self.place(places, pointer, at, f"{key}.repeats", leaf=True)
            if place is not None and continues:
                place.part = Repeat(str(continues[0][0].value))
        keep = []
        for at, pointer in self.pointers(entries["keep"], f"{key}.keep") if "keep" in entries else ():
            if "*" in pointer or any(pointer == p[: len(pointer)] for _, p in continues):
                self.reader.report("bad-pointer", "this cannot be kept from event to event", at.at, f"{key}.keep",
                                   written=at.raw, allowed="ids outside lists and outside the text")  # fmt: skip
                continue
            keep.append(pointer)
            # What is kept is an id; it may be named under ids too.
            place = places.at(pointer)
            place.part = place.part or Kind.OPAQUE
        when = entries.get("when")
        always = when is not None and when.value == "always"
        ending = self.ending(entries["ending"], f"{key}.ending") if "ending" in entries else ()
        return places, StreamSpec(
            framing or "sse", None if when is None or always else self.pointer(when, f"{key}.when"),
            tuple(p for _, p in continues), self.pointer(entries["ends"], f"{key}.ends") if "ends" in entries else None,
            tuple(keep), ending, tuple(calls), tuple(arguments),
        )  # fmt: skip

    def ending(self, node: Node, key: str) -> tuple[EndingEvent, ...]:
        ends = []
        for i, item in enumerate(self.reader.items(node, key)):
            here = f"{key}[{i}]"
            entries = self.reader.mapping(item, here, _ENDING)
            if ("data" in entries) == ("raw" in entries):
                self.reader.report("missing-key", "an event has either data or raw", item.at, here, allowed="data, raw")
                continue
            raw = self.reader.text(entries["raw"], f"{here}.raw") if "raw" in entries else None
            event = self.reader.text(entries["event"], f"{here}.event") if "event" in entries else None
            if event is not None and not _EVENT_NAME.fullmatch(event):
                self.reader.report(
                    "bad-id", "this is not an event's name", entries["event"].at, f"{here}.event", written=event
                )
            ends.append(EndingEvent(self.template(entries.get("data"), f"{here}.data", ("message",)), raw, event))
        if not any(_has(e.data, "message") for e in ends):
            self.reader.report("no-message", "no event of the ending says the message", node.at, key,
                               remedy="write {message} where its text stands")  # fmt: skip
        return tuple(ends)

    def template(self, node: Node | None, key: str, words: tuple[str, ...], *, needs: bool = False) -> Any:
        """A template, whose placeholders must be known."""
        if node is None:
            return None
        self.placeholders(node, key, words)
        value = plain(node)
        if needs and not _has(value, "message"):
            self.reader.report("no-message", f"{key} does not say the message", node.at, key,
                               remedy="write {message} where its text stands")  # fmt: skip
        return value

    def placeholders(self, node: Node, key: str, words: tuple[str, ...]) -> None:
        if isinstance(node.value, dict):
            for name, child in node.value.items():
                self.placeholders(child, f"{key}.{name}", words)
        elif isinstance(node.value, list):
            for i, child in enumerate(node.value):
                self.placeholders(child, f"{key}[{i}]", words)
        elif isinstance(node.value, str):
            for word in PLACEHOLDER.findall(node.value):
                if word not in words:
                    self.reader.unknown("unknown-placeholder", "is no placeholder here", word, node.at, key, words)


def _has(template: Any, word: str) -> bool:
    if isinstance(template, dict):
        return any(_has(v, word) for v in template.values())
    if isinstance(template, list):
        return any(_has(v, word) for v in template)
    return isinstance(template, str) and f"{{{word}}}" in template


def _writer(pointer: Pointer, roles: Mapping[str, Role]) -> Callable[[Mapping[str, Any]], Role | None]:
    def role_of(message: Mapping[str, Any]) -> Role | None:
        # A message of nobody we know is a user's: nothing trusts it.
        found = next(pointers.values(message, pointer), None)
        return roles.get(found, Role.USER) if isinstance(found, str) else Role.USER

    return role_of
