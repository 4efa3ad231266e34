"""What a text must hold before a pattern can match in it, read off the pattern itself.

The walk goes over the standard library's own parse tree, so nobody has to keep a second list of triggers by hand. The
answer errs on one side only: a text without what is needed cannot match. A test compares runs with and without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["Need", "need"]

_MOST_ATOMS = 128  # alternatives of one requirement; beyond that it stops being cheap to look for
_MOST_WIDTH = 512  # patterns that may match more characters than this are treated as unbounded
_PROPERTY = re.compile(r"\\[pP]\{[^}]*\}|\\X|\\[hR]")  # `regex` syntax the standard parser does not know
_COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "for",
        "i",
        "in",
        "is",
        "it",
        "my",
        "of",
        "on",
        "or",
        "that",
        "the",
        "this",
        "to",
        "was",
        "will",
        "with",
        "you",
        "your",
    ]
)
_DIGITS = frozenset(b"0123456789")


@dataclass(frozen=True, slots=True)
class Need:
    """A text can only match when, lower-cased, it holds one of ``atoms`` (None: anything may do) and at least
    ``digits`` ASCII digits within ``width`` characters (``width`` 0: anywhere)."""

    atoms: frozenset[str] | None = None
    digits: int = 0
    width: int = 0


@cache
def need(pattern: str) -> Need:
    """The requirement of a pattern in the syntax of the ``regex`` module; the empty one when it cannot be told."""
    parser: Any = import_module("re._parser")
    try:
        tree = parser.parse(_PROPERTY.sub(r"\\w", pattern))
    except (re.error, OverflowError):
        return Need()
    atoms = _best(_required(tree))
    width = int(tree.getwidth()[1])
    return Need(atoms, _digits(tree), width if width <= _MOST_WIDTH else 0)


def _weight(atoms: frozenset[str]) -> float:
    """How rare the weakest of the atoms is in ordinary text: blanks and single letters say nothing."""
    return min((_atom_weight(a) for a in atoms), default=0.0)


def _atom_weight(atom: str) -> float:
    if len(atom) == 1:
        return 3.0 if atom in "@{}\\~^`|=<>_" else 1.5 if atom in ":/#+" else 0.0
    # Blanks make a word no rarer, and the commonest words say nothing.
    return 0.5 if atom.strip() in _COMMON else float(min(sum(c.isalnum() for c in atom), 4))


def _best(candidates: Iterable[frozenset[str]]) -> frozenset[str] | None:
    best = max(candidates, key=lambda a: (_weight(a), -len(a)), default=frozenset[str]())
    return best if _weight(best) >= 1.5 else None


def _required(sequence: Any) -> list[frozenset[str]]:
    """Sets of strings of which at least one member occurs in every match."""
    found: list[frozenset[str]] = []
    run = frozenset([""])
    for op, value in sequence:
        if str(op) == "AT":
            continue
        exact = _exact(op, value)
        if exact is not None and len(run) * len(exact) <= _MOST_ATOMS:
            run = frozenset(a + b for a in run for b in exact)
            continue
        found += [run]
        run = frozenset([""]) if exact is None else exact
        name = str(op)
        if name in ("SUBPATTERN", "ATOMIC_GROUP"):
            found += _required(value[-1] if name == "SUBPATTERN" else value)
        elif name.endswith("_REPEAT") and value[0] > 0:
            found += _required(value[2])
        elif name == "BRANCH":
            parts = [_best(_required(branch)) for branch in value[1]]
            if all(parts):
                union = frozenset[str]().union(*[p for p in parts if p])
                if len(union) <= _MOST_ATOMS:
                    found.append(union)
    found.append(run)
    return [a for a in found if a and "" not in a]


def _exact(op: Any, value: Any) -> frozenset[str] | None:
    """All strings this node can match, lower-cased, when they are few; None otherwise."""
    name = str(op)
    if name == "LITERAL":
        return frozenset([chr(value).lower()])
    if name == "IN":
        if all(str(kind) == "LITERAL" for kind, _ in value):
            return frozenset(chr(code).lower() for _, code in value) if len(value) <= 12 else None
        return None
    if name == "SUBPATTERN":
        return _exact_sequence(value[-1])
    if name == "ATOMIC_GROUP":
        return _exact_sequence(value)
    if name == "BRANCH":
        parts = [_exact_sequence(branch) for branch in value[1]]
        if any(p is None for p in parts):
            return None
        union = frozenset[str]().union(*[p for p in parts if p is not None])
        return union if len(union) <= _MOST_ATOMS else None
    if name.endswith("_REPEAT") and value[1] == 1:
        inner = _exact_sequence(value[2])
        return None if inner is None else inner | {""} if value[0] == 0 else inner
    return None


def _exact_sequence(sequence: Any) -> frozenset[str] | None:
    run = frozenset([""])
    for op, value in sequence:
        if str(op) == "AT":
            continue
        exact = _exact(op, value)
        if exact is None or len(run) * len(exact) > _MOST_ATOMS:
            return None
        run = frozenset(a + b for a in run for b in exact)
    return run


def _digits(sequence: Any) -> int:
    """The least number of ASCII digits in a match."""
    total = 0
    for op, value in sequence:
        name = str(op)
        if name == "LITERAL":
            total += value in _DIGITS
        elif name == "IN":
            total += all(_only_digits(str(kind), arg) for kind, arg in value)
        elif name == "SUBPATTERN":
            total += _digits(value[-1])
        elif name == "ATOMIC_GROUP":
            total += _digits(value)
        elif name == "BRANCH":
            total += min(_digits(branch) for branch in value[1])
        elif name.endswith("_REPEAT"):
            total += value[0] * _digits(value[2])
    return total


def _only_digits(kind: str, arg: Any) -> bool:
    if kind == "LITERAL":
        return bool(arg in _DIGITS)
    if kind == "RANGE":
        return bool(arg[0] >= 0x30 and arg[1] <= 0x39)
    return kind == "CATEGORY" and str(arg) == "CATEGORY_DIGIT"
