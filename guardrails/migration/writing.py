"""The policy as a file: what it was made from stands above each rule, what was dropped at its head."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from guardrails.migration.report import Entry, Fate, Place
from guardrails.policy import dump
from guardrails.policy.source import Node, parse
from guardrails.rules import Position

__all__ = ["written"]

_WIDE = 110
# Characters that no comment may hold.
_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_MOST = 200  # dropped parts that are listed at the head


def written(document: dict[str, Any], entries: Sequence[Entry], file: str, product: str) -> str:
    """The YAML text of a policy, with the lines of ``file`` as comments."""
    text = dump(document)
    lines = text.splitlines()
    places = _positions(parse(text.encode(), "policy.yaml"))
    above: dict[int, list[str]] = {}
    for place, told in _by_rule(entries).items():
        at = places.get(place)
        if at is not None:
            above.setdefault(at.line, []).extend(_told(told, _indent(lines[at.line - 1])))
    out = _head(entries, file, product)
    for number, line in enumerate(lines, 1):
        out += [*above.get(number, ()), line]
    return "\n".join(out) + "\n"


def _by_rule(entries: Iterable[Entry]) -> dict[Place, list[Entry]]:
    found: dict[Place, list[Entry]] = {}
    for entry in entries:
        for place in entry.rules:
            found.setdefault(place, []).append(entry)
    return found


def _positions(node: Node, place: Place = ()) -> dict[Place, Position]:
    """Where each part of the policy begins: a key, or an item of a list."""
    found: dict[Place, Position] = {}
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            found |= {(*place, key): node.keys[key]} | _positions(child, (*place, key))
    elif isinstance(node.value, list):
        for i, child in enumerate(node.value):
            found |= {(*place, i): child.at} | _positions(child, (*place, i))
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _told(told: Sequence[Entry], indent: int) -> list[str]:
    """A line that says where a rule comes from, and one for each way in which it was approximated."""
    numbers = sorted({n for e in told for n in (e.line, e.last)})
    lines = [f"{'lines' if len(numbers) > 1 else 'line'} {_ranges(numbers)}"]
    lines += dict.fromkeys(f"approximated: {e.what}" for e in told if e.fate is Fate.APPROXIMATED)
    return [part for line in lines for part in _comment(line, indent)]


def _ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 as 1-3, 7."""
    out: list[list[int]] = []
    for n in numbers:
        if out and n == out[-1][-1] + 1:
            out[-1].append(n)
        else:
            out.append([n])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in out)


def _comment(text: str, indent: int, *, hang: int = 0) -> list[str]:
    """A comment, folded between words."""
    words, lines, line = _ODD.sub(" ", text).split(), [], ""
    for word in words:
        if line and indent + 2 + len(line) + 1 + len(word) > _WIDE:
            lines.append(line)
            line = " " * hang + word
        else:
            line = f"{line} {word}" if line else word
    return [f"{' ' * indent}# {one}" for one in [*lines, line]]


def _head(entries: Sequence[Entry], file: str, product: str) -> list[str]:
    dropped = [e for e in entries if e.fate is Fate.DROPPED]
    out = _comment(
        f"Made by guardrails import from {file} ({product}); numbers are its lines. Try it on texts of yours before it decides.",
        0,
    )
    if dropped:
        out += _comment("Not in this policy, and what to do instead:", 0)
    for entry in dropped[:_MOST]:
        out += _comment(f"- {entry.line}: {entry.path}: {entry.what}; {entry.instead}", 0, hang=2)
    if len(dropped) > _MOST:
        out += _comment(f"- and {len(dropped) - _MOST} more, which the import printed", 0)
    return out
