"""Reads the kinds of settings that are declared, and says each as a JSON Schema."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.detectors.settings import (
    Choice,
    Counted,
    Either,
    File,
    Flag,
    Items,
    Kind,
    Named,
    Number,
    Plain,
    Record,
    Text,
    Word,
)
from guardrails.policy.drafts import Value
from guardrails.policy.files import Cache
from guardrails.policy.reader import Reader
from guardrails.policy.source import Node, plain

__all__ = ["enum", "mapping", "read", "schema"]

_FILES = Cache(64)


def read(kind: Kind, reader: Reader, node: Node, key: str) -> Any:
    """The value of that kind, None after a problem. Items of a list are values with their places."""
    match kind:
        case Flag():
            return reader.flag(node, key)
        case Number(low, high, whole):
            number = reader.number(node, key, low, high, whole=whole)
            return int(number) if whole and number is not None else number
        case Choice(names, make, code):
            name = reader.choice(node, key, names, code)
            return None if name is None else make(name)
        case Counted():
            return _counted(kind, reader, node, key)
        case Text():
            return _text(kind, reader, node, key)
        case Word():
            return node.raw if kind.empty else reader.word(node, key)
        case Items():
            return _items(kind, reader, node, key)
        case Record():
            return _record(kind, reader, node, key)
        case Named():
            return _named(kind, reader, node, key)
        case Plain():
            return _plain(kind, reader, node, key)
        case File():
            return _file(kind, reader, node, key)
        case Either(other, record):
            return read(record if isinstance(node.value, dict) else other, reader, node, key)


def _named(kind: Named, reader: Reader, node: Node, key: str) -> Any:
    entries = reader.mapping(node, key)
    found = {name: read(kind.of, reader, child, f"{key}.{name}") for name, child in entries.items()}
    if not isinstance(node.value, dict) or None in found.values():
        return None
    return tuple(Value((name, found[name]), entries[name].at) for name in sorted(found))


def _plain(kind: Plain, reader: Reader, node: Node, key: str) -> Any:
    data = plain(node)
    refused = kind.refused(data) if kind.refused is not None else None
    if refused is not None:
        why, remedy = refused
        reader.report(kind.code, f"{kind.message}: {why}", node.at, key, remedy=remedy)
        return None
    return kind.make(data)


def _file(kind: File, reader: Reader, node: Node, key: str) -> Any:
    named = reader.text(node, key)
    data = reader.load(named, node.at, key, kind.at_most) if named is not None and reader.load is not None else None
    if named is None or data is None:
        return None
    try:
        # Many policies name the same file: what it means is kept once.
        return _FILES.get((kind.make, named, hashlib.sha256(data).digest()), lambda: kind.make(named, data))
    except ValueError as error:
        reader.report(
            kind.code,
            f"{kind.message}: {error}",
            node.at,
            key,
            written=named,
            remedy=kind.remedy.format(file=named) or None,
        )
        return None


def _text(kind: Text, reader: Reader, node: Node, key: str) -> str | None:
    text = reader.text(node, key, at_most=kind.at_most)
    refused = kind.refused(text) if kind.refused is not None and text is not None else None
    if refused is not None:
        why, remedy = refused
        reader.report(kind.code, f"{kind.message}: {why}", node.at, key, written=text, remedy=remedy)
    return text


def _items(kind: Items, reader: Reader, node: Node, key: str) -> tuple[Value, ...] | None:
    nodes = reader.items(node, key)
    if isinstance(node.value, list) and len(nodes) < kind.at_least:
        remedy = f"name at least {kind.at_least}, or remove the key"
        reader.report("missing-key", f"{key} is empty", node.at, key, remedy=remedy)
        return None
    found = [(read(kind.of, reader, child, f"{key}[{i}]"), child.at) for i, child in enumerate(nodes)]
    return tuple(Value(value, at) for value, at in found if value is not None)


def _record(kind: Record, reader: Reader, node: Node, key: str) -> Any:
    entries = reader.mapping(node, key, tuple(kind.fields))
    values = {name: read(kind.fields[name], reader, child, f"{key}.{name}") for name, child in entries.items()}
    lacking = next((name for name in kind.needed if name not in entries), None)
    if lacking is not None:
        remedy = f"write {kind.example or f'{lacking}: …'}"
        reader.report("missing-key", f"{key}.{lacking} is missing", node.at, key, remedy=remedy)
        return None
    if None in values.values():
        return None
    try:
        return kind.make(**values)
    except ValueError as error:
        reader.report(kind.code, f"{kind.message}: {error}", node.at, key, remedy=kind.remedy or None)
        return None


def _counted(kind: Counted, reader: Reader, node: Node, key: str) -> Any:
    counted = kind.counted
    if isinstance(node.value, dict):
        entries = reader.mapping(node, key, (counted,))
        if counted not in entries:
            if not entries and not node.value:
                remedy = f"write {key}: {kind.names[0]}"
                reader.report("missing-key", f"{key}.{counted} is missing", node.at, key, remedy=remedy)
            return None
        number = reader.number(entries[counted], f"{key}.{counted}", kind.low, kind.high, whole=True)
        return None if number is None else kind.make(counted, int(number))
    name = reader.choice(node, key, kind.names)
    if name == counted:
        reader.report(
            "missing-key", f"{key}: {counted} needs a number of {kind.unit}", node.at, key, written=counted,
            allowed=f"{kind.low:,} to {kind.high:,} {kind.unit}",
            remedy=f"write {key.rpartition('.')[2]}: {{{counted}: {min(200, kind.high // 10)}}}",
        )  # fmt: skip
        return None
    return None if name is None else kind.make(name, None)


def enum(names: Iterable[str]) -> dict[str, Any]:
    """One of the names."""
    return {"enum": list(names)}


def mapping(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    """An object with exactly these keys."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": dict(properties), "additionalProperties": False, **needed}


def schema(kind: Kind) -> dict[str, Any]:
    """The JSON Schema of what :func:`read` takes."""
    match kind:
        case Flag():
            return {"type": "boolean"}
        case Number(low, high, whole):
            return {"type": "integer" if whole else "number", "minimum": low, "maximum": high}
        case Choice(names):
            return enum(names)
        case Counted(names, counted, low, high):
            number = {"type": "integer", "minimum": low, "maximum": high}
            return {"oneOf": [enum(n for n in names if n != counted), mapping({counted: number}, counted)]}
        case Text() | File():
            return {"type": "string", "minLength": 1}
        case Word(empty):
            return {"type": ["string", "number", "boolean", *(["null"] if empty else [])]}
        case Items(of, at_least):
            return {"type": "array", "items": schema(of), **({"minItems": at_least} if at_least else {})}
        case Record(fields, _, needed):
            return mapping({name: schema(field) for name, field in fields.items()}, *needed)
        case Named(of):
            return {"type": "object", "additionalProperties": schema(of)}
        case Plain():
            return {}
        case Either(other, record):
            return {"oneOf": [schema(other), schema(record)]}
