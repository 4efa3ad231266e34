"""Reading values out of a document, and remembering everything that is wrong with them.

Each method returns the value or None after recording a problem, so that one pass over a file finds all of its errors.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guardrails import catalog
from guardrails.errors import Problem
from guardrails.policy import hints
from guardrails.policy.source import Node, shown_line
from guardrails.rules import Position

__all__ = ["MAX_PROBLEMS", "Reader", "nearest"]

MAX_PROBLEMS = 200
_LISTED = 45  # names that are all shown
_PERCENT = 100


def nearest(written: str, allowed: Iterable[str]) -> str | None:
    """The valid name closest to what was written, or None when none is close."""
    by_fold = {name.lower(): name for name in allowed}
    found = difflib.get_close_matches(written.lower(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def _list(allowed: Sequence[str]) -> str:
    if len(allowed) <= _LISTED:
        return ", ".join(allowed)
    return f"{', '.join(allowed[:12])} and {len(allowed) - 12} more"


@dataclass
class Reader:
    """Collects problems; ``lines`` holds the lines of each file read, for the caret display."""

    problems: list[Problem] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)
    # The real path behind a reference in the file that is read, None after a problem; without files, nothing is resolved.
    resolve: Callable[[str, Position, str], Path | None] | None = None
    # The bytes of a file that the file that is read names (and at most so many), None after a problem.
    load: Callable[[str, Position, str, int], bytes | None] | None = None

    def report(self, code: str, message: str, at: Position, key: str = "", **more: Any) -> None:
        """Record a problem; with ``severity="warning"`` it does not stop the load. Nobody reads more than 200."""
        if len(self.problems) >= MAX_PROBLEMS:
            if len(self.problems) == MAX_PROBLEMS:
                self.problems.append(
                    Problem("too-many-problems", "there are more problems than these", at.file, at.line, at.column,
                            allowed=f"the first {MAX_PROBLEMS} are listed", remedy="mend these and load it again")
                )  # fmt: skip
            return
        for name in ("written", "allowed"):
            if more.get(name) is not None and len(more[name]) > 400:
                more[name] = f"{more[name][:399]}…"
        source = shown_line(self.lines.get(at.file, ()), at.line)
        self.problems.append(Problem(code, message, at.file, at.line, at.column, key, source_line=source, **more))

    def mapping(self, node: Node, key: str, allowed: Sequence[str] | None = None) -> dict[str, Node]:
        """The entries of a mapping; unknown keys are recorded and left out."""
        if not isinstance(node.value, dict):
            below = f"write its settings below it: {', '.join(allowed[:6])}" if allowed else None
            self.wrong_type(node, key, "a mapping", hints.shape(key) or below)
            return {}
        if allowed is None:
            return dict(node.value)
        known = {}
        for name, child in node.value.items():
            if name in allowed:
                known[name] = child
            else:
                self.unknown(
                    "unknown-key", "is not a setting here", name, node.keys[name], _dotted(key, name), allowed,
                    hints.slip(name, key, allowed) or hints.home(name, key, tuple(catalog.PII), catalog.CONTENT),
                )  # fmt: skip
        return known

    def unknown(  # noqa: PLR0917 - what, where and instead of what
        self,
        code: str,
        what: str,
        written: str,
        at: Position,
        key: str,
        allowed: Sequence[str],
        remedy: str | None = None,
    ) -> None:
        """Record a name that is none of ``allowed``."""
        # Looking for the nearest name is slow; a file with that many errors is no slip of the pen.
        close = None
        if len(self.problems) < MAX_PROBLEMS // 10:
            close, instead = hints.meant(code, written, allowed)
            remedy = remedy or instead
            close = close or (None if instead else nearest(written, allowed))
        if remedy is None and close:
            remedy = f"write {close}"
        self.report(
            code, f"{written!r} {what}", at, key, written=written, allowed=_list(allowed), nearest=close, remedy=remedy
        )

    def wrong_type(self, node: Node, key: str, wanted: str, remedy: str | None = None) -> None:
        """Record a value of the wrong type."""
        written = node.kind if node.raw is None else f"{node.raw} ({node.kind})"
        if node.value is None:
            written = "nothing" if not node.raw else node.raw
            remedy = remedy or "write a value, or remove the key"
        self.report(
            "wrong-type", f"{key or 'a policy'} must be {wanted}", node.at, key, written=written, allowed=wanted,
            remedy=remedy or f"write {wanted}",
        )  # fmt: skip

    def items(self, node: Node, key: str) -> list[Node]:
        """The items of a list."""
        if not isinstance(node.value, list):
            scalar = node.raw is not None and node.value is not None
            name = key.rpartition(".")[2]
            single = f"write {name}: [{node.raw}]" if scalar and len(node.raw or "") < 60 else None
            self.wrong_type(node, key, "a list", single or hints.shape(key))
            return []
        return node.value

    def text(self, node: Node, key: str, *, at_least: int = 1, at_most: int = 100_000) -> str | None:
        """A string within the given length."""
        if not isinstance(node.value, str):
            scalar = node.raw is not None and node.value is not None
            self.wrong_type(node, key, "a string", "put it in quotes" if scalar else None)
            return None
        if not at_least <= len(node.value.strip()) <= at_most:
            self.report(
                "wrong-length",
                f"{key} must have {at_least} to {at_most:,} characters",
                node.at,
                key,
                written=f"{len(node.value)} characters",
                allowed=f"{at_least} to {at_most:,}",
            )
            return None
        return node.value

    def word(self, node: Node, key: str) -> str | None:
        """A list term: any scalar as it was written (``- 007`` and ``- no`` are terms)."""
        if node.raw is None or not node.raw.strip():
            self.report("empty-term", f"{key} must be a word or phrase", node.at, key, remedy="remove the empty entry")
            return None
        return node.raw

    def choice(self, node: Node, key: str, allowed: Sequence[str], code: str = "unknown-value") -> str | None:
        """One of a few names."""
        if not isinstance(node.value, str):
            close, instead = hints.meant(code, node.raw, allowed) if node.raw else (None, None)
            self.wrong_type(node, key, f"one of {_list(allowed)}", instead or (f"write {close}" if close else None))
            return None
        if node.value not in allowed:
            self.unknown(code, "is not known here", node.value, node.at, key, allowed)
            return None
        return node.value

    def flag(self, node: Node, key: str) -> bool | None:
        """``true`` or ``false``."""
        if not isinstance(node.value, bool):
            word = str(node.raw or "").strip().lower()
            said = "true" if word in ("yes", "on", "1", "true", "y") else "false"
            known = said == "true" or word in ("no", "off", "0", "false", "n", "none")
            self.wrong_type(node, key, "true or false", f"write {said}, without quotes" if known else None)
            return None
        return node.value

    def number(self, node: Node, key: str, low: float, high: float, *, whole: bool = False) -> float | None:
        """A number from ``low`` to ``high``, both included."""
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            wanted = "a whole number" if whole else "a number"
            between = f"{int(low):,} to {int(high):,}" if whole else f"{low:g} to {high:,g}"
            self.wrong_type(node, key, wanted, f"write {wanted} from {between}, without quotes")
            return None
        if not low <= value <= high:
            self.report(
                "out-of-range",
                f"{key} is out of range",
                node.at,
                key,
                written=str(value),
                allowed=f"{low:g} to {high:,g}" if not whole else f"{int(low):,} to {int(high):,}",
                remedy=_within(value, low, high, whole=whole),
            )
            return None
        return value


def _within(value: float, low: float, high: float, *, whole: bool) -> str:
    """What to write instead of a number that is out of range; 75 for a share is meant in percent."""
    if not whole and low == 0 and 0 < high <= 1 < value <= _PERCENT:
        return f"write {min(value / _PERCENT, high):g}: it is a share, not a percentage"
    near = low if value < low else high
    return (
        f"write {int(near)} or {'more' if value < low else 'less'}"
        if whole
        else f"write {near:g} or {'more' if value < low else 'less'}"
    )


def _dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
