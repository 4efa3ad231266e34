"""Files of other products, read as their own programs read them, with the line of every value.

They are looser than a policy file: YAML 1.1 as PyYAML has it (``yes`` is true), anchors, aliases and merge keys, keys given twice.
"""

from __future__ import annotations

from typing import Any

import yaml

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.policy.source import MAX_DEPTH, Bounds, Node, parse
from guardrails.rules import Position

__all__ = ["read"]

# Ten thousand words of Bedrock, each on lines of its own, and more.
_BOUNDS = Bounds(16_000_000, 600_000)
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = ("null", "bool", "int", "float", "str")


def read(data: bytes, name: str) -> tuple[Node, list[tuple[str, int]]]:
    """The document in ``data``, and the keys (path, line) that are given a second time later, which then counts.

    Raises GuardrailsError for what is neither YAML nor JSON, or is too large.
    """
    if len(data) > _BOUNDS.bytes:
        raise GuardrailsError(f"{name}: the file has {len(data):,} bytes; at most {_BOUNDS.bytes:,} are read")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            return parse(data, f"{name}.json" if not name.endswith(".json") else name, _BOUNDS), []
        except PolicyError as error:
            if name.endswith(".json"):
                problem = error.problems[0]
                remedy = f"; {problem.remedy}" if problem.remedy else ""
                raise GuardrailsError(f"{name}:{problem.line}:{problem.column}: {problem.message}{remedy}") from None
    try:
        text = data.decode("utf-8")
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except UnicodeDecodeError:
        raise GuardrailsError(f"{name}: this is not UTF-8 text") from None
    except RecursionError:
        raise GuardrailsError(f"{name}: values are nested too deeply") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        what = getattr(error, "problem", None) or type(error).__name__
        raise GuardrailsError(f"{name}{place}: this is not YAML: {what}") from None
    if len(documents) != 1 or documents[0] is None:
        raise GuardrailsError(f"{name}: a file with one document is read; this one has {len(documents)}")
    copier = _Copier(name)
    return copier.node(documents[0], "", 1), copier.twice


class _Copier:
    """PyYAML's nodes as ours: aliases copied out, merge keys merged."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.twice: list[tuple[str, int]] = []
        self._loader = yaml.SafeLoader("")
        self._count = 0

    def node(self, node: yaml.Node, path: str, depth: int) -> Node:
        self._count += 1
        at = self._at(node)
        if self._count > _BOUNDS.nodes or depth > MAX_DEPTH:
            raise GuardrailsError(
                f"{self.file}:{at.line}: the file has more than {_BOUNDS.nodes:,} values or {MAX_DEPTH} levels"
            )
        if isinstance(node, yaml.ScalarNode):
            return Node(self._scalar(node), at, node.value)
        if isinstance(node, yaml.SequenceNode):
            return Node([self.node(n, f"{path}[{i}]", depth + 1) for i, n in enumerate(node.value)], at)
        return self._mapping(node, path, depth)

    def _at(self, node: yaml.Node) -> Position:
        return Position(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag.removeprefix("tag:yaml.org,2002:") not in _PLAIN:
            if node.tag.startswith("tag:yaml.org,2002:"):
                return node.value  # a date, as it is written
            at = self._at(node)
            raise GuardrailsError(
                f"{self.file}:{at.line}: the tag {node.tag} is not read; write the value that it stands for"
            )
        try:
            return self._loader.construct_object(node)
        except (ValueError, yaml.YAMLError):
            return node.value

    def _mapping(self, node: yaml.Node, path: str, depth: int) -> Node:
        own, merged = Node({}, self._at(node)), Node({}, self._at(node))
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                at = self._at(key)
                raise GuardrailsError(f"{self.file}:{at.line}: a key must be a plain text")
            if key.tag == _MERGE:
                for one in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    read = self.node(one, path, depth + 1)
                    for name, child in read.value.items() if isinstance(read.value, dict) else ():
                        if name not in merged.value:
                            merged.keys[name], merged.value[name] = read.keys[name], child
                continue
            below = f"{path}.{key.value}" if path else key.value
            if key.value in own.value:
                self.twice.append((below, own.keys[key.value].line))
            own.keys[key.value] = self._at(key)
            own.value[key.value] = self.node(value, below, depth + 1)
        for name, child in merged.value.items():
            if name not in own.value:
                own.keys[name], own.value[name] = merged.keys[name], child
        return own
