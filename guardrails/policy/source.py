"""Policy bytes to plain data with positions: strict YAML 1.2, or JSON, and nothing that hurts on the way.

Cheap checks on the bytes come first, so that a hostile file is refused before any parser sees it. Then libyaml's
event stream is composed here: there are no anchors, aliases, tags, merge keys, directives or duplicate keys, and
scalars follow the YAML 1.2 core schema whatever the file declares (``no``, ``off`` and ``12:30:45`` are strings).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from guardrails.errors import PolicyError, Problem
from guardrails.policy.json_syntax import JsonMistake, read_json
from guardrails.policy.syntax import mistake
from guardrails.rules import Position

__all__ = [
    "CONTROL",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "Bounds",
    "Node",
    "parse",
    "plain",
    "scalar_of",
    "shown_line",
]

# 10,000 Bedrock words of 100 characters, each on a line of its own, and room for the rest.
MAX_BYTES = 1280 * 1024
MAX_DEPTH = 32
MAX_NODES = 60_000  # the same words, each with an id and an action


class Bounds(NamedTuple):
    """How large a file may be: bytes, and values in it."""

    bytes: int = MAX_BYTES
    nodes: int = MAX_NODES


_POLICY = Bounds()

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u2028\u2029\ufeff]")
# libyaml recurses nowhere in its scanner, but a line of indicators opens a level each.
# One pattern for each first character: a literal start is searched at memchr's speed.
_NESTED = [re.compile(rb"%s[ \t]+(?:[-?:][ \t]+){%d}" % (re.escape(c), MAX_DEPTH - 1)) for c in (b"-", b"?", b":")]
_INDENTED = b"\n" + b" " * (8 * MAX_DEPTH + 1)
_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_HARMLESS = bytes([9, 10, 13, *range(32, 127)])
_SECRET = re.compile(r"(?i)(?:key(?!_env|_file)|secret|passw|token)[a-z_]*[\"']?\s*:")
_SURROGATES = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


@dataclass(slots=True)
class Node:
    """One value with its place. ``value`` is a dict of Nodes, a list of Nodes, or a scalar; ``raw`` is how a scalar was
    written; ``keys`` are the places of a mapping's keys."""

    value: Any
    at: Position
    raw: str | None = None
    keys: dict[str, Position] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What it is, as an error message says it."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        if self.value is None:
            return "null"
        if isinstance(self.value, bool):
            return "a boolean"
        return "a string" if isinstance(self.value, str) else "a number"


def shown_line(lines: Sequence[str], number: int) -> str | None:
    """A line for a message, None where there is none, or where somebody may have written a secret into it."""
    line = lines[number - 1] if 0 < number <= len(lines) else None
    return None if line is None or len(line) > 400 or _SECRET.search(line) else line


def plain(node: Node) -> Any:
    """The data without positions."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def parse(data: bytes, file: str, bounds: Bounds = _POLICY) -> Node:
    """The document in ``data``. ``file`` is its name in messages. Raises PolicyError with one problem."""
    text = _prescan(data, file, bounds)
    is_json = file.endswith(".json")
    if is_json:
        expected = _json(text, file)
        if not isinstance(expected, dict | list):
            raise _problem("json-invalid", "a policy is a JSON object", file, remedy='write {"version": 1, "name": …}')
        # YAML has no surrogate pairs in its escapes; JSON has nothing else beyond the BMP.
        text = _SURROGATES.sub(lambda m: f"\\U{ord(json.loads(chr(34) + m.group() + chr(34))):08X}", text)
        text = text.replace("\t", " ")
    node = _Composer(text, file, bounds.nodes).document()
    if is_json and not _same(plain(node), expected):
        raise _problem("json-invalid", "this JSON can be read in two ways", file, remedy="write it as plain JSON")
    return node


def _problem(code: str, message: str, file: str, line: int = 1, column: int = 1, **more: Any) -> PolicyError:
    return PolicyError([Problem(code, message, file, line, column, **more)])


def _prescan(data: bytes, file: str, bounds: Bounds) -> str:
    """What can be told from the bytes alone. Every check is one pass at C speed."""
    if len(data) > bounds.bytes:
        raise _problem(
            "too-large",
            "the file is too large for a policy",
            file,
            written=f"{len(data):,} bytes",
            allowed=f"at most {bounds.bytes:,} bytes",
            remedy="move long word lists to files of their own: words: {lists: [{file: …}]}",
        )
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _problem("bom", "the file starts with a byte order mark", file, remedy="save it as UTF-8 without BOM")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _problem("bad-utf8", "the file is not UTF-8", file, line, remedy="save it as UTF-8") from None
    control = None if text.isascii() and not data.translate(None, _HARMLESS) else CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        column = control.start() - text.rfind("\n", 0, control.start())
        raise _problem(
            "control-character",
            "the file holds a control or invisible separator character",
            file,
            line,
            column,
            written=f"U+{ord(control.group()):04X}",
            remedy='remove it, or write it as an escape in double quotes, such as "\\u0007"',
        )
    # YAML breaks lines at a carriage return too, and at U+0085, which no editor shows: neither may hide a directive.
    lone = text.replace("\r\n", "\n") if "\r" in text else text
    for mark, name in (("\r", "a lone carriage return"), ("\x85", "U+0085")):
        if mark in lone:
            raise _problem(
                "line-break", f"{name} is a line break to some readers and none to others", file,
                lone.count("\n", 0, lone.index(mark)) + 1, written=f"U+{ord(mark):04X}",
                remedy="save it with plain line breaks",
            )  # fmt: skip
    framed = b"\n" + data
    directive = framed.find(b"\n%")
    if directive >= 0 and not file.endswith(".json"):
        raise _problem(
            "directive",
            "directives are not read: a policy is YAML 1.2 whatever it declares",
            file,
            data.count(b"\n", 0, directive) + 1,
            remedy="remove the line that starts with %",
        )
    # Brackets inside strings count too, so this bound is loose; the exact one is kept while composing.
    if _bracket_depth(data) > 8 * MAX_DEPTH or any(p.search(data) for p in _NESTED) or _INDENTED in framed:
        raise _too_deep(file)
    nodes = data.count(b"\n") + data.count(b",") + data.count(b": ") + data.count(b"[") + data.count(b"{")
    if nodes > bounds.nodes:
        raise _problem("too-many-nodes", "the file has too many values", file, allowed=f"at most {bounds.nodes:,}")
    if not text.strip():
        raise _problem("empty-file", "the file is empty", file, remedy="start with version: 1 and name: …")
    return text


def _too_deep(file: str, line: int = 1, column: int = 1) -> PolicyError:
    return _problem(
        "too-deep", "values are nested too deeply", file, line, column, allowed=f"at most {MAX_DEPTH} levels"
    )


def _bracket_depth(data: bytes) -> int:
    depth = deepest = 0
    for bracket in data.translate(None, _BRACKETS):
        if bracket in b"[{":
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > 8 * MAX_DEPTH:
                    break
        elif depth:
            depth -= 1
    return deepest


class _Composer:
    """Events to nodes."""

    def __init__(self, text: str, file: str, most: int) -> None:
        self.file = file
        self.most = most
        self.text = text
        self.lines = text.splitlines()
        self.nodes = 0
        self.events = yaml.parse(text, Loader=Loader)

    def document(self) -> Node:
        """The one document of the stream."""
        try:
            self._expect(yaml.StreamStartEvent)
            event = self._next()
            if not isinstance(event, yaml.DocumentStartEvent):
                raise _problem("empty-file", "the file is empty", self.file, remedy="start with version: 1 and name: …")
            node = self._node(self._next(), 1)
            self._expect(yaml.DocumentEndEvent)
            event = self._next()
            if not isinstance(event, yaml.StreamEndEvent):
                remedy = "remove the line ---, or put what follows it into a file of its own"
                raise self._refuse("multiple-documents", "a policy file holds one document", event, remedy=remedy)
        except (yaml.YAMLError, RecursionError) as error:
            raise self._syntax(error) from None
        return node

    def _next(self) -> Any:
        return next(self.events)

    def _expect(self, kind: type) -> None:
        event = self._next()
        if not isinstance(event, kind):
            raise self._refuse("syntax", "the file is not a YAML document", event)

    def _at(self, event: Any) -> Position:
        mark = event.start_mark
        return Position(self.file, mark.line + 1, mark.column + 1)

    def _refuse(self, code: str, message: str, event: Any, **more: Any) -> PolicyError:
        at = self._at(event)
        source = shown_line(self.lines, at.line)
        return _problem(code, message, self.file, at.line, at.column, source_line=source, **more)

    def _node(self, event: Any, depth: int) -> Node:
        self.nodes += 1
        if isinstance(event, yaml.AliasEvent):
            raise self._refuse(
                "alias",
                "aliases are not read",
                event,
                written=f"*{event.anchor}",
                remedy="quote a value that starts with *",
            )
        if event.anchor is not None:
            raise self._refuse(
                "anchor",
                "anchors are not read",
                event,
                written=f"&{event.anchor}",
                remedy="quote a value that starts with &",
            )
        if event.tag is not None:
            raise self._refuse(
                "tag", "tags are not read", event, written=str(event.tag), remedy="quote a value that starts with !"
            )
        if self.nodes > self.most:
            raise self._refuse(
                "too-many-nodes", "the file has too many values", event, allowed=f"at most {self.most:,}"
            )
        if depth > MAX_DEPTH:
            raise _too_deep(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.ScalarEvent):
            return Node(_scalar(event), self._at(event), event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(child := self._next(), yaml.SequenceEndEvent):
                items.append(self._node(child, depth + 1))
            return Node(items, self._at(event))
        return self._mapping(event, depth)

    def _mapping(self, event: Any, depth: int) -> Node:
        node = Node({}, self._at(event))
        while not isinstance(child := self._next(), yaml.MappingEndEvent):
            key = self._node(child, depth + 1)
            if not isinstance(key.value, str) or key.raw is None:
                comma = self.text[child.start_mark.index - 1 : child.start_mark.index] == ","
                remedy = "write fractions with a point, such as 0.75" if comma else "put it in quotes"
                raise self._refuse("key-not-string", "a key must be a plain string", child, remedy=remedy)
            name = key.raw
            if name == "<<":
                raise self._refuse("merge-key", "merge keys are not read", child, remedy="use extends: …")
            if name in node.value:
                raise self._refuse(
                    "duplicate-key",
                    f"the key {name!r} is given twice",
                    child,
                    key=name,
                    remedy=f"keep one of them; the first is in line {node.keys[name].line}",
                )
            node.keys[name] = key.at
            node.value[name] = self._node(self._next(), depth + 1)
        return node

    def _syntax(self, error: Exception) -> PolicyError:
        what, line, column, remedy = mistake(error, self.text, Loader)
        source = shown_line(self.lines, line)
        return _problem(
            "syntax", f"this is not valid YAML: {what}", self.file, line, column, source_line=source, remedy=remedy
        )


def _scalar(event: Any) -> Any:
    return scalar_of(event.value) if event.implicit[0] else event.value


def scalar_of(text: str) -> Any:
    """What an unquoted scalar means in the YAML 1.2 core schema."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INT.fullmatch(text):
        digits = text.lstrip("+-")
        if len(digits) > 18:  # a number that long is an identifier that lost its quotes
            return text
        return int(text, 0) if digits[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _json(text: str, file: str) -> Any:
    try:
        return read_json(text)
    except JsonMistake as error:
        what, line, column, remedy = error.mistake
        source = shown_line(text.split("\n"), line)
        raise _problem(
            error.code, f"this is not valid JSON: {what}", file, line, column, source_line=source, remedy=remedy
        ) from None
    except RecursionError:
        raise _too_deep(file) from None


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, bool | str) or isinstance(right, bool | str):
        return type(left) is type(right) and bool(left == right)
    return bool(left == right)
