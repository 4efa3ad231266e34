"""Reading the cases of a test file, every field of them checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guardrails import marked
from guardrails.errors import PolicyError
from guardrails.policy import parse_document
from guardrails.policy.reader import Reader
from guardrails.policy.source import Node
from guardrails.types import Action, Piece, Qualifier, Role

__all__ = ["Case", "read_cases"]

_FILE_KEYS = ("policy", "cases")
_CASE_KEYS = ("name", "text", "pieces", "finds", "source", "expect", "masked", "rules", "not_rules")
_PIECE_KEYS = ("text", "role", "qualifier")
_SOURCES = ("INPUT", "OUTPUT", "BOTH")


@dataclass(frozen=True)
class Case:
    """One expectation. ``finds`` is the text with the expected findings marked in it (see :mod:`guardrails.marked`);
    ``masked`` the exact text that may be used; ``rules`` must have fired, ``not_rules`` must not."""

    name: str
    line: int
    pieces: tuple[Piece, ...]
    source: str
    expect: Action | None
    masked: str | None = None
    finds: str | None = None
    rules: tuple[str, ...] = ()
    not_rules: tuple[str, ...] = ()


def read_cases(path: Path) -> tuple[str, list[Case]]:
    """The policy's path as written (by default the file beside) and the cases. Raises PolicyError."""
    node = parse_document(path)
    reader = Reader(lines={str(path): path.read_text(encoding="utf-8").splitlines()})
    top = reader.mapping(node, "", _FILE_KEYS)
    beside = path.name.replace(".test.", ".")
    policy = reader.text(top["policy"], "policy") if "policy" in top else beside
    cases: list[Case] = []
    if "cases" in top:
        for i, child in enumerate(reader.items(top["cases"], "cases")):
            case = _case(child, f"cases[{i}]", reader)
            if case is not None:
                cases.append(case)
    if reader.problems:
        raise PolicyError(reader.problems)
    return policy or beside, cases


def _case(node: Node, key: str, reader: Reader) -> Case | None:
    before = len(reader.problems)
    entries = reader.mapping(node, key, _CASE_KEYS)

    def text(name: str) -> str | None:
        return reader.text(entries[name], f"{key}.{name}", at_least=0) if name in entries else None

    def texts(name: str) -> tuple[str, ...]:
        if name not in entries:
            return ()
        nodes = entries[name].value if isinstance(entries[name].value, list) else [entries[name]]
        return tuple(t for i, n in enumerate(nodes) if (t := reader.text(n, f"{key}.{name}[{i}]")) is not None)

    finds = text("finds")
    pieces: tuple[Piece, ...] = ()
    given = [n for n in ("text", "pieces", "finds") if n in entries]
    if "pieces" in entries:
        pieces = tuple(
            p
            for i, n in enumerate(reader.items(entries["pieces"], f"{key}.pieces"))
            if (p := _piece(n, f"{key}.pieces[{i}]", reader))
        )
    elif "text" in entries:
        pieces = (Piece(text("text") or ""),)
    elif finds is not None:
        pieces = (Piece(marked.parse(finds).text),)
    if not given:
        reader.report(
            "missing-key", f"{key} has no text", node.at, key, allowed="text, finds or pieces", remedy="add text: …"
        )
    source = reader.choice(entries["source"], f"{key}.source", _SOURCES) if "source" in entries else "INPUT"
    expect: Any = reader.choice(entries["expect"], f"{key}.expect", tuple(Action)) if "expect" in entries else None
    if "expect" not in entries and "masked" not in entries and finds is None:
        reader.report(
            "missing-key",
            f"{key} expects nothing",
            node.at,
            key,
            allowed="expect, masked or finds",
            remedy="add expect: NONE",
        )
    name = text("name") or (pieces[0].text[:60] if pieces else key)
    masked = text("masked")
    rules, not_rules = texts("rules"), texts("not_rules")
    if len(reader.problems) > before:
        return None
    return Case(
        name,
        node.at.line,
        pieces,
        source or "INPUT",
        Action(expect) if expect else None,
        masked,
        finds,
        rules,
        not_rules,
    )


def _piece(node: Node, key: str, reader: Reader) -> Piece | None:
    entries = reader.mapping(node, key, _PIECE_KEYS)
    if "text" not in entries:
        reader.report("missing-key", f"{key}.text is missing", node.at, key, remedy="add text: …")
        return None
    text = reader.text(entries["text"], f"{key}.text", at_least=0)
    role = reader.choice(entries["role"], f"{key}.role", tuple(Role)) if "role" in entries else Role.USER
    qualifier = (
        reader.choice(entries["qualifier"], f"{key}.qualifier", tuple(Qualifier))
        if "qualifier" in entries
        else Qualifier.GUARD_CONTENT
    )
    if text is None or role is None or qualifier is None:
        return None
    return Piece(text, Role(role), Qualifier(qualifier))
