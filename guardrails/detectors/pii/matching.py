"""One pattern on one text: RE2 where RE2 takes it, else the ``regex`` module under a time limit; in bounded windows.

Both engines read ``\\d``, ``\\w``, ``\\s`` and ``\\b`` as ASCII, so that a pattern means the same on either. Texts are
looked at in windows of :data:`WINDOW` characters which overlap by :data:`OVERLAP`; a match that reaches the edge of its
window is looked at again without the edge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

__all__ = ["OVERLAP", "SECONDS", "WINDOW", "BudgetExceededError", "Pattern", "compiled"]

WINDOW = 16_384
OVERLAP = 4_096
# Processor time of one pattern on one window, in its thread: a thousand times what it takes on ordinary text.
SECONDS = 0.25
_LEFT = 64  # characters before a window that RE2 sees, for word boundaries


class BudgetExceededError(Exception):
    """A pattern used up its time on a window."""


class Text:
    """A text with its UTF-8 windows, which all patterns share. ``tick`` is called before every window and may raise."""

    __slots__ = ("_windows", "text", "tick")

    def __init__(self, text: str, tick: Callable[[], None] = lambda: None) -> None:
        self.text = text
        self.tick = tick
        self._windows: dict[tuple[int, int], tuple[bytes, bool]] = {}

    def window(self, core: int, edge: int) -> tuple[bytes, bool]:
        """The UTF-8 of ``text[core:edge]``, a few characters before it included, and whether it is ASCII."""
        found = self._windows.get((core, edge))
        if found is None:
            part = self.text[max(0, core - _LEFT) : edge]
            # A lone surrogate has no UTF-8; as a question mark it keeps its place and matches no identifier.
            found = self._windows[core, edge] = (part.encode("utf-8", "replace"), part.isascii())
        return found


class _Spent:
    """What a pattern has spent of this thread's processor time on a window. It is over its budget the second time that
    :data:`SECONDS` are gone: the first may have been the garbage collector's, which runs wherever it likes."""

    __slots__ = ("_since", "_text", "_warned", "allowed")

    def __init__(self, text: Text) -> None:
        self._since = time.thread_time()
        self._text = text
        self._warned = False
        self.allowed = SECONDS

    def check(self, *, late: bool = False) -> None:
        """Raises BudgetExceededError. ``late``: the engine says so, by its own clock; it has ``allowed`` next."""
        over = time.thread_time() - self._since >= SECONDS
        if over and self._warned:
            raise BudgetExceededError
        if over:
            self._warned = True
            self._since = time.thread_time()
        if late:
            self._text.tick()
            self.allowed = SECONDS if over else 4 * SECONDS


class Pattern:
    """A compiled pattern. Immutable, so threads may share it."""

    __slots__ = ("_engine", "_group", "_linear")

    def __init__(self, pattern: str, ignore_case: bool) -> None:
        self._engine, self._linear = _compile(pattern, ignore_case)
        names = self._engine.groupindex  # RE2 keeps the names of a bytes pattern as bytes
        self._group: int = names.get("value", names.get(b"value", 0))

    @property
    def linear(self) -> bool:
        """True when it runs on RE2."""
        return self._linear

    def spans(self, text: Text) -> Iterator[tuple[int, int]]:
        """Half-open code-point ranges of the values found, in order. Raises BudgetExceededError."""
        size = len(text.text)
        core = 0
        while True:
            text.tick()
            edge = core + WINDOW + OVERLAP
            last = edge >= size
            for start, end in self._run(text, core, edge):
                if core <= start < (size if last else core + WINDOW):
                    # A match that reaches the edge of its window may go on behind it.
                    yield (start, end) if last or end < edge - _LEFT else (start, self._end(text, start, end))
            if last:
                return
            core += WINDOW

    def _run(self, text: Text, core: int, edge: int) -> Iterator[tuple[int, int]]:
        return self._on_re2(text, core, edge) if self._linear else self._on_regex(text, core, edge)

    def _end(self, text: Text, start: int, end: int) -> int:
        """Where the value that begins at ``start`` ends when no window cuts it."""
        edge = len(text.text)
        for s, e in self._run(text, max(0, start - _LEFT), edge):
            if s >= start:
                return max(e, end) if s == start else end
        return end

    def _on_regex(self, text: Text, core: int, edge: int) -> Iterator[tuple[int, int]]:
        at = core
        spent = _Spent(text)
        while True:
            # The engine counts the processor time of the whole process: with models at work on many cores, a fraction of a
            # second is over in no time. What counts is this thread's own; the search goes on from the last match.
            try:
                for match in self._engine.finditer(text.text, at, min(edge, len(text.text)), timeout=spent.allowed):
                    at = max(match.end(), match.start() + 1)
                    yield self._value(match)
            except TimeoutError:
                spent.check(late=True)
            else:
                return

    def _on_re2(self, text: Text, core: int, edge: int) -> Iterator[tuple[int, int]]:
        data, ascii_only = text.window(core, edge)
        offset = max(0, core - _LEFT)
        spent = _Spent(text)
        seen_bytes = seen_chars = 0
        for match in self._engine.finditer(data):
            spent.check()
            start, end = self._value(match)
            if not ascii_only:
                seen_chars += len(data[seen_bytes:start].decode("utf-8"))
                seen_bytes = start
                start, end = seen_chars, seen_chars + len(data[start:end].decode("utf-8"))
            yield start + offset, end + offset
        spent.check()

    def _value(self, match: Any) -> tuple[int, int]:
        start, end = match.span(self._group)
        if start < 0:
            start, end = match.span()
        return start, end


def _compile(pattern: str, ignore_case: bool) -> tuple[Any, bool]:
    import re2  # noqa: PLC0415 - settings must be importable without it

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(pattern.encode("utf-8"), options), True
    except re2.error:
        import regex  # noqa: PLC0415

        flags = regex.VERSION0 | regex.ASCII | (regex.IGNORECASE if ignore_case else 0)
        return regex.compile(pattern, flags), False


@lru_cache(maxsize=4096)
def compiled(pattern: str, ignore_case: bool) -> Pattern:
    """The pattern, compiled on first use and shared by all detectors of the process."""
    return Pattern(pattern, ignore_case)
