"""How far a pattern can reach: how much text must be seen beyond a point before no match can cover that point.

Text is *measured*, not counted: a run of blanks counts as :data:`BLANKS` characters at most, a run without blanks as
:data:`SOLID`. So ``\\S+`` in the middle of a pattern has a width although no match of it has a longest one, and the measure
of a text is never more than its length. :func:`guardrails.streaming.lookahead.settled` measures the same way.

A match that touches the end of what is there is held by the stream as it is. So what may end early counts until it can end:
``ACC-\\d+`` reaches five characters. The walk goes over the standard library's own parse tree. RE2's syntax is nearly a
subset of it, and what differs is rewritten first; the answer may be too large and never too small, and None is *the whole
text*. Tests cut random texts anywhere and compare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

__all__ = ["BLANKS", "SOLID", "pattern_reach"]

# A word, a key or an address longer than this is rare. The value is a matter of delay, not of safety: longer runs are
# measured as this much on both sides.
SOLID = 64
BLANKS = 16
_SPACE = " \t\n\r\f"  # what RE2 takes \s for
_SURE_SCRIPT = re.compile(r"\^?(?:Any|Common|Inherited|Zyyy|Zinh|C|Cc|Z.?)\Z")


class _Width(NamedTuple):
    """A measured width (None: unbounded) and what it is made of: ``solid``, ``blank``, ``mixed`` or ``none``."""

    size: int | None
    kind: str


_NOTHING = _Width(0, "none")
_UNBOUNDED = _Width(None, "mixed")


@lru_cache(maxsize=4096)
def pattern_reach(pattern: str, value: bool = False) -> int | None:
    """The reach of a pattern in the syntax of RE2 or of the ``regex`` module; None when it may need the whole text.

    ``value``: a group of that name is the finding, so what stands before it is not counted.
    """
    parser: Any = import_module("re._parser")
    try:
        tree = parser.parse(_standard(pattern))
    except (re.error, OverflowError, RecursionError, ValueError):
        return None
    nodes = list(tree)
    if value:
        number = tree.state.groupdict.get("value")
        nodes = (_from_group(nodes, number) if number is not None else None) or nodes
    return _tail(nodes).size


def _from_group(nodes: Sequence[Any], number: int) -> list[Any] | None:
    """The nodes from a group on, None when it is not there (or inside a repetition)."""
    for i, (op, value) in enumerate(nodes):
        name, rest = str(op), list(nodes[i + 1 :])
        if name == "SUBPATTERN":
            if value[0] == number:
                return [nodes[i], *rest]
            inner = _from_group(value[-1], number)
            if inner is not None:
                return inner + rest
        elif name == "BRANCH":
            for branch in value[1]:
                inner = _from_group(branch, number)
                if inner is not None:
                    return inner + rest
    return None


def _joined(widths: Iterable[_Width]) -> _Width:
    """The width of one after the other; neighbours of one kind are one run."""
    total, run, kind = 0, 0, "none"
    kinds = set()
    for width in widths:
        if width.size is None:
            return _UNBOUNDED
        if width.kind == "none":
            continue
        kinds.add(width.kind)
        if width.kind != kind:
            total, run, kind = total + run, 0, width.kind
        run = _capped(run + width.size, kind)
    return _Width(total + run, "none" if not kinds else kinds.pop() if len(kinds) == 1 else "mixed")


def _capped(size: int, kind: str) -> int:
    return min(size, SOLID if kind == "solid" else BLANKS) if kind in ("solid", "blank") else size


def _either(widths: Iterable[_Width]) -> _Width:
    found = [w for w in widths if w.kind != "none"]
    if any(w.size is None for w in found):
        return _UNBOUNDED
    kinds = {w.kind for w in found}
    return _Width(
        max((w.size or 0 for w in found), default=0), kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "none"
    )


def _times(width: _Width, times: int | None) -> _Width:
    """``times`` copies, None for any number of them."""
    if width.kind == "none" or times == 0:
        return _NOTHING
    if width.size is None:
        return _UNBOUNDED
    if width.kind == "mixed":
        return _UNBOUNDED if times is None else _Width(width.size * times, "mixed")
    cap = _capped(1 << 62, width.kind)
    return _Width(cap if times is None else min(width.size * times, cap), width.kind)


def _full(nodes: Iterable[Any]) -> _Width:
    """The measured width of the longest match of these nodes, what they look ahead at included."""
    return _joined(_node(op, value) for op, value in nodes)


def _node(op: Any, value: Any) -> _Width:
    name = str(op)
    if name == "AT":
        return _NOTHING
    if name in ("ASSERT", "ASSERT_NOT"):
        return _full(value[1]) if value[0] > 0 else _NOTHING
    if name == "SUBPATTERN":
        return _full(value[-1])
    if name == "ATOMIC_GROUP":
        return _full(value)
    if name == "BRANCH":
        return _either(_full(branch) for branch in value[1])
    if name.endswith("REPEAT"):
        return _times(_full(value[2]), _most(value))
    return _character(name, value)


def _most(repeat: Any) -> int | None:
    parser: Any = import_module("re._parser")
    return None if repeat[1] is parser.MAXREPEAT else int(repeat[1])


def _tail(nodes: Sequence[Any]) -> _Width:
    """The reach of nodes that end the pattern.

    A text that is cut deeper in a match than this has a match from the same start that ends no farther than this from the
    cut: the stream holds it. Cut in a node after the last one that must be there, the match ends before that node.
    """
    nodes = list(nodes)
    last = max((i for i, (op, value) in enumerate(nodes) if not _optional(op, value)), default=0)
    end = nodes[last:]
    if any(_asserts(op) for op, _ in end) and not _free(end):
        return _full(nodes)
    consuming = [(op, value) for op, value in end if not _asserts(op)]
    if not consuming:
        return _full(nodes)
    first = _joined([*(_node(op, value) for op, value in nodes[:last]), _tail_node(*consuming[0])])
    looks = [_node(op, value) for op, value in end if _asserts(op)]
    reach = _either([first, *(_tail_node(op, value) for op, value in consuming[1:])])
    return _joined([reach, *(_Width(w.size, "mixed") for w in looks if w.kind != "none")])


def _tail_node(op: Any, value: Any) -> _Width:
    name = str(op)
    if name == "SUBPATTERN":
        return _tail(value[-1])
    if name == "BRANCH":
        return _either(_tail(branch) for branch in value[1])
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        copies = max(value[0] - 1, 0)
        return _joined([_times(_full(value[2]), copies), _tail(value[2])])
    return _node(op, value)


def _asserts(op: Any) -> bool:
    return str(op) in ("AT", "ASSERT", "ASSERT_NOT")


def _optional(op: Any, value: Any) -> bool:
    """True for a node that may match nothing (and for assertions, which always match nothing)."""
    name = str(op)
    if name == "SUBPATTERN":
        return all(_optional(*node) for node in value[-1])
    if name == "ATOMIC_GROUP":
        return all(_optional(*node) for node in value)
    if name == "BRANCH":
        return any(all(_optional(*node) for node in branch) for branch in value[1])
    if name.endswith("REPEAT"):
        return value[0] == 0 or all(_optional(*node) for node in value[2])
    return _asserts(op)


def _free(end: Sequence[Any]) -> bool:
    """True when assertions behind the last nodes hold wherever those are cut: the match then reaches exactly to the cut.

    That needs repetitions of single characters. Nothing stands behind the cut, so ``$`` and negative look-ahead hold, and
    ``\\b`` when those characters are word characters.
    """
    words = True
    for index, (op, value) in enumerate(end):
        name = str(op)
        if name == "AT":
            at = str(value)
            if not (at in ("AT_END", "AT_END_STRING") or (at == "AT_BOUNDARY" and words)):
                return False
        elif name == "ASSERT_NOT":
            if value[0] < 0:
                return False
        elif name == "ASSERT":
            return False
        else:
            if any(_asserts(o) for o, _ in end[:index]):
                return False  # an assertion between characters: it would see some of what follows
            character = _repeated_character(op, value)
            if character is None:
                return False
            words = words and _all_words(*character)
    return True


def _repeated_character(op: Any, value: Any) -> tuple[str, Any] | None:
    """The one character that a node is, or repeats; None for anything longer."""
    while str(op) == "SUBPATTERN" and len(value[-1]) == 1:
        op, value = value[-1][0]
    if str(op) in ("MAX_REPEAT", "MIN_REPEAT"):
        if len(value[2]) != 1:
            return None
        op, value = value[2][0]
    return (str(op), value) if str(op) in ("LITERAL", "IN") else None


def _all_words(name: str, value: Any) -> bool:
    def word(code: int) -> bool:
        return code < 128 and (chr(code).isalnum() or code == 95)

    if name == "LITERAL":
        return word(value)
    if name == "CATEGORY":
        return str(value) in ("CATEGORY_WORD", "CATEGORY_DIGIT")
    for kind, arg in value:
        kind_name = str(kind)
        if kind_name == "RANGE":
            if arg[1] - arg[0] > 26 or not all(word(c) for c in range(arg[0], arg[1] + 1)):
                return False
        elif kind_name not in ("LITERAL", "CATEGORY") or not _all_words(kind_name, arg):
            return False
    return True


def _character(name: str, value: Any) -> _Width:
    """One character: blank, none, or either."""
    if name == "LITERAL":
        return _Width(1, "blank" if chr(value) in _SPACE else "solid")
    if name == "IN":
        matches = [c for c in _SPACE if _in(value, ord(c))]
        if not matches:
            return _Width(1, "solid")
        only = all(
            (str(k) == "LITERAL" and chr(a) in _SPACE) or (str(k) == "CATEGORY" and str(a) == "CATEGORY_SPACE")
            for k, a in value
        )
        return _Width(1, "blank" if only else "mixed")
    return (
        _Width(1, "mixed") if name in ("ANY", "NOT_LITERAL") else _UNBOUNDED
    )  # back-references and what else there is


def _in(items: Sequence[Any], code: int) -> bool:
    tests: dict[str, Callable[[Any], bool]] = {
        "LITERAL": lambda arg: code == arg,
        "RANGE": lambda arg: arg[0] <= code <= arg[1],
        # Of the categories, \s, \W and \D hold the blanks.
        "CATEGORY": lambda arg: str(arg) in ("CATEGORY_SPACE", "CATEGORY_NOT_WORD", "CATEGORY_NOT_DIGIT"),
    }
    negated = bool(items) and str(items[0][0]) == "NEGATE"
    found = any(tests[str(kind)](arg) for kind, arg in items if str(kind) in tests)
    return found is not negated


# -- from RE2's syntax to the standard library's ---------------------------------------------------------------------

_FLAGS = re.compile(r"\(\?([imsUxaLu]*)(?:-[imsUx]+)?([:)])")
_QUOTED = re.compile(r"\\Q(.*?)(?:\\E|\Z)", re.DOTALL)
_PROPERTY = re.compile(r"\\([pP])(?:\{([^}]*)\}|(.))")
_CODE = re.compile(r"\\x\{([0-9A-Fa-f]+)\}")
_POSIX = re.compile(r"\[:(\^?)([a-z]+):\]")


def _standard(pattern: str) -> str:
    """The pattern with what :mod:`re` does not know replaced by something that matches as wide and as blank."""
    out: list[str] = []
    at, opened = 0, -1  # where the current class begins in ``out``, -1 outside
    while at < len(pattern):
        char = pattern[at]
        inside = opened >= 0
        found = _QUOTED.match(pattern, at) if char == "\\" else None
        if found:
            out.append(re.escape(found[1]))
        elif char == "\\" and (found := _PROPERTY.match(pattern, at)):
            both = found[1] == "P" or bool(_SURE_SCRIPT.match(found[2] or found[3] or ""))
            out.append((r"\s\S" if inside else r"[\s\S]") if both or (found[2] or "")[:1] == "^" else r"\w")
        elif char == "\\" and (found := _CODE.match(pattern, at)):
            out.append(re.escape(chr(int(found[1], 16))))
        elif char == "\\":
            escape = pattern[at : at + 2]
            at += 2
            out.append({r"\z": r"\Z", r"\C": "."}.get(escape, escape))
            continue
        elif inside and char == "[" and (found := _POSIX.match(pattern, at)):
            solid = not found[1] and found[2] in (
                "alnum",
                "alpha",
                "digit",
                "graph",
                "lower",
                "punct",
                "upper",
                "word",
                "xdigit",
            )
            out.append(r"\s" if found[2] == "space" and not found[1] else "!-~" if solid else r"\s\S")
        elif inside and char == "]" and len(out) - opened > 1 and not (len(out) - opened == 2 and out[-1] == "^"):
            out.append(char)
            opened = -1
        elif inside:
            out.append("\\" + char if char in "[]&|~" or (char == "-" and out[-1] == "-") else char)
        elif char == "[":
            opened = len(out)
            out.append(char)
        elif char == "(" and (found := _FLAGS.match(pattern, at)):
            out.append("(?:" if found[2] == ":" else "")
        elif pattern.startswith("(?<", at) and pattern[at + 3 : at + 4] not in ("=", "!"):
            out.append("(?P<")
            at += 3
            continue
        elif char == "{" and pattern[at + 1 : at + 2] == ",":
            out.append(r"\{")
        else:
            out.append(char)
        at = found.end() if found else at + 1
    return "".join(out)
