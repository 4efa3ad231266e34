"""Calls of tools in streamed chat completions, put together from the pieces of their chunks.

A piece belongs to the call of its ``index``; servers also leave the index out, give one index to all calls, or leave the id
out. Another id begins another call, and so do arguments that begin anew where a call has all of its own.
"""

from __future__ import annotations

import json
from typing import Any

from guardrails.wire.places import is_index

__all__ = ["ChatCalls"]


class ChatCalls:
    """The calls of one answer so far, by choice."""

    __slots__ = ("_calls", "_left", "_legacy", "_legacy_left", "_marked")

    def __init__(self) -> None:
        self._calls: dict[int, list[dict[str, Any]]] = {}
        # Which call an index of a choice stands for.
        self._marked: dict[tuple[int, object], dict[str, Any]] = {}
        self._legacy: dict[int, dict[str, Any]] = {}
        # How many calls of a choice have left, and the choices whose legacy call has: nothing goes on in those.
        self._left: dict[int, int] = {}
        self._legacy_left: set[int] = set()

    def take(self, choice: int, delta: dict[str, Any]) -> bool:
        """Take the pieces of calls out of a delta. Whether there were any."""
        found = False
        if delta.get("tool_calls"):
            found = True
            given = delta.pop("tool_calls")
            pieces = given if isinstance(given, list) else [given]
            for at, piece in enumerate(pieces):
                if isinstance(piece, dict):
                    _join(self._call(choice, piece, at, alone=len(pieces) == 1), piece)
                elif piece is not None:
                    # Nothing that any client reads; it is checked all the same.
                    self._calls.setdefault(choice, []).append({"unknown": piece})
        if delta.get("function_call"):
            found = True
            piece = delta.pop("function_call")
            if choice in self._legacy_left:
                self._calls.setdefault(choice, []).append({"unknown": piece})
            else:
                _join(self._legacy.setdefault(choice, {}), piece if isinstance(piece, dict) else {"unknown": piece})
        return found

    def choices(self) -> list[int]:
        """The choices that have calls."""
        return sorted({*self._calls, *self._legacy})

    def whole(self, choice: int) -> list[dict[str, Any]]:
        """The calls of a choice, each as a delta that says all of it; they are forgotten here.

        What comes after them is another call, with an index of its own, and never goes on in one that has left."""
        calls = self._calls.pop(choice, [])
        left = self._left.get(choice, 0)
        self._left[choice] = left + len(calls)
        self._marked = {key: call for key, call in self._marked.items() if key[0] != choice}
        deltas: list[dict[str, Any]] = [
            {"tool_calls": [{"index": left + i, **{k: v for k, v in call.items() if k != "index"}}]}
            for i, call in enumerate(calls)
        ]
        legacy = self._legacy.pop(choice, None)
        if legacy is not None:
            self._legacy_left.add(choice)
        return deltas if legacy is None else [*deltas, {"function_call": legacy}]

    def forget(self) -> None:
        """The answer broke off: no call is whole."""
        self._calls.clear()
        self._marked.clear()
        self._legacy.clear()

    def _call(self, choice: int, piece: dict[str, Any], at: int, *, alone: bool) -> dict[str, Any]:
        """The call that a piece belongs to."""
        calls = self._calls.setdefault(choice, [])
        name, index = piece.get("id"), piece.get("index")
        known = next((c for c in calls if name and c.get("id") == name), None)
        mark: object = index if is_index(index) else None if alone else ("position", at)
        current = known or self._marked.get((choice, mark)) or (calls[-1] if mark is None and calls else None)
        if current is None or (known is None and _begins(current, piece)):
            current = {}
            calls.append(current)
        self._marked[choice, mark] = current
        return current


def _begins(call: dict[str, Any], piece: dict[str, Any]) -> bool:
    """Whether a piece begins another call than the one before it at its place."""
    if piece.get("id") and call.get("id"):
        # Some servers give each piece an id of its own; the first piece of a call has its name.
        return bool(_named(piece)) or _complete(call)
    name = _named(piece)
    if name and _named(call) and name != _named(call) and _complete(call):
        return True
    return _complete(call) and _arguments(piece).lstrip().startswith("{")


def _inside(call: dict[str, Any]) -> dict[str, Any]:
    return next((v for k in ("function", "custom") if isinstance(v := call.get(k), dict)), {})


def _named(call: dict[str, Any]) -> object:
    return _inside(call).get("name")


def _arguments(call: dict[str, Any]) -> str:
    found = _inside(call).get("arguments")
    return found if isinstance(found, str) else ""


def _complete(call: dict[str, Any]) -> bool:
    """Whether the arguments of a call are a whole JSON object."""
    text = _arguments(call)
    if not text.rstrip().endswith("}"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


# Fields that later pieces repeat, if they have them at all.
_ONCE = frozenset({"id", "type", "index", "name"})
# Fields whose pieces are what follows, even if two of them are alike.
_CONTINUED = frozenset({"arguments", "input"})


def _join(call: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add a piece to its call: texts go on, objects are joined, and of everything else the last counts."""
    for key, value in piece.items():
        before = call.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            _join(before, value)
        elif isinstance(before, str) and isinstance(value, str):
            call[key] = _text(key, before, value)
        elif before is None or (value is not None and not isinstance(before, str | dict | list)):
            call[key] = _copied(value)
        elif isinstance(before, list) and isinstance(value, list):
            call[key] = [*before, *value]
        elif value is not None and value != before:
            # Two kinds of value at one place: both are checked, and the first stays where it was.
            call.setdefault("unknown", [])
            if isinstance(call["unknown"], list):
                call["unknown"] = [*call["unknown"], {key: _copied(value)}]


def _text(key: str, before: str, value: str) -> str:
    if key in _CONTINUED:
        return before + value
    if not before or value.startswith(before):
        return value if key in _ONCE or not before else before if value == before else before + value
    return before if key in _ONCE - {"name"} else before + value


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copied(v) for k, v in value.items()}
    return list(value) if isinstance(value, list) else value
