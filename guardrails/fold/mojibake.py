"""UTF-8 that was read as a one-byte encoding: ``â€œtermâ€`` is a term in quotation marks."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import regex

from guardrails.fold.view import Builder, View

__all__ = ["unmojibake"]

_ENCODINGS = ("cp1252", "mac_roman", "cp437", "cp850", "cp1251", "koi8_r")
# Alphabets in which a pair of letters may be one by chance: there, three bytes or three pairs in a row.
_ALPHABETS = ("cp1251", "koi8_r")


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, dict[str, int], Any], ...]:
    made = []
    for name in _ENCODINGS:
        codes: dict[str, int] = {}
        for byte in range(0x80, 0x100):
            try:
                char = bytes([byte]).decode(name)
            except UnicodeDecodeError:
                char = chr(byte)
            codes[char] = byte
            if name == "cp1252" and byte < 0xA0:
                codes.setdefault(chr(byte), byte)  # Latin-1 has control characters there
        classes = {
            key: _class(codes, low, high)
            for key, low, high in (("c", 0x80, 0xBF), ("2", 0xC2, 0xDF), ("3", 0xE0, 0xEF), ("4", 0xF0, 0xF4))
        }
        three = f"{classes['3']}{classes['c']}{{2}}|{classes['4']}{classes['c']}{{3}}"
        pairs = f"{classes['2']}{classes['c']}"
        # A quotation mark often loses its last byte, which the encoding has no character for.
        lost = "|â€(?=[^\\w]|$)" if name == "cp1252" else ""
        run = f"(?:{three}|{pairs})+{lost}" if name not in _ALPHABETS else f"(?:{three})+|(?:{pairs}){{3,}}"
        made.append((name, codes, regex.compile(run)))
    return tuple(made)


def _class(codes: dict[str, int], low: int, high: int) -> str:
    return "[" + "".join(regex.escape(c, special_only=False) for c, b in codes.items() if low <= b <= high) + "]"


def unmojibake(view: View) -> View | None:
    """The text with such runs as they were meant; None without any. Undone twice where it was done twice."""
    once = _undone(view)
    twice = _undone(once) if once is not None else None
    return twice or once


def _undone(view: View) -> View | None:
    text = view.text
    for _, codes, pattern in _table():
        out = Builder(view)
        at = 0
        for run in pattern.finditer(text):
            said = '"' if run.group() == "â€" else _decoded(run.group(), codes)
            if said is None:
                continue
            out.copy(at, run.start())
            out.block(said, run.start(), run.end())
            at = run.end()
        if out.changed:
            out.copy(at, len(text))
            return out.view("mojibake")
    return None


def _decoded(run: str, codes: dict[str, int]) -> str | None:
    try:
        text = bytes(codes[c] for c in run).decode("utf-8")
    except (UnicodeDecodeError, KeyError):
        return None
    return text if all(c.isprintable() or c.isspace() or ord(c) > 0x7F for c in text) else None
