"""Texts of strangers on a terminal: nothing in them acts, nothing in them hides."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from guardrails.fold import fold_term
from guardrails.fold.tables import LOOKALIKE, ignorable

__all__ = ["hidden", "shown"]

# Joiners and selectors of pictures (an emoji, a flag) are no secret; elsewhere they show nothing.
_JOINS = frozenset("\u200d\ufe0f\ufe0e")
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_BLANK = "\u2800"  # shows as a blank, and is none
_WORD = re.compile(r"[^\W\d_]+")
# Blanks or line breaks behind which a text goes on out of sight.
_FAR = re.compile(r"[ \t\u00a0\u2000-\u200a\u3000]{40,}(?=\S)|(?:[ \t]*\n){8,}[ \t]*(?=\S)")
_TAGS = range(0xE0000, 0xE0080)
# How many notes of a kind are worth a line.
_MOST = 8


def shown(text: str, *, most: int | None = None) -> str:
    """A text as one line that can be printed: what acts on a terminal, or shows nothing, is an escape such as ``<U+200B>``.

    ``most``: so many characters of it at most, with ``…`` for the rest.
    """
    cut = text if most is None or len(text) <= most else text[:most]
    out: list[str] = []
    for i, char in enumerate(cut):
        if char == "\t":
            out.append(" ")
        elif char == "\n" or (_unseen(char) and not _joins(cut, i)):
            out.append(f"<U+{ord(char):04X}>")
        else:
            out.append(char)
    return "".join(out) + ("" if cut is text else "…")


def hidden(text: str) -> list[str]:
    """What a reader of the text would not see in it, one note a line: characters that show nothing, what they spell, control
    characters, letters that pass for others, and text far out of sight. Safe to print."""
    notes = []
    unseen: dict[str, int] = {}
    for i, char in enumerate(text):
        if char not in "\n\t" and _unseen(char) and not _joins(text, i):
            unseen[char] = unseen.get(char, 0) + 1
    if unseen:
        kinds = [f"U+{ord(c):04X} {unicodedata.name(c, 'a control character')}" for c in list(unseen)[:_MOST]]
        more = f" and {len(unseen) - _MOST} more" if len(unseen) > _MOST else ""
        notes.append(f"{sum(unseen.values())} characters that nobody sees: {', '.join(kinds)}{more}")
    notes += [f"they spell: {shown(said, most=200)}" for said in _spelled(text)]
    words = [word for word in dict.fromkeys(_WORD.findall(text)) if _mixed(word)]
    notes += [f"letters of two scripts in one word: {_pointed(word)}" for word in words[:_MOST]]
    if _FAR.search(text):
        notes.append("text behind a long run of blanks or line breaks")
    return notes


def _unseen(char: str) -> bool:
    return char != "\n" and (unicodedata.category(char) in _UNSEEN or ignorable(char) or char in _BLANK)


def _joins(text: str, at: int) -> bool:
    """Whether a character belongs to a picture, or joins letters of a script that joins them."""
    if text[at] not in _JOINS or at == 0:
        return False
    before = next((c for c in reversed(text[max(0, at - 3) : at]) if c not in _JOINS), " ")
    return unicodedata.category(before) in ("So", "Sk", "Mn", "Mc") or before in "#*0123456789↔↕©®‼⁉ℹ™"


def _spelled(text: str) -> Iterator[str]:
    """What tag characters spell, and what bytes behind variation selectors do."""
    tags = "".join(chr(ord(c) - 0xE0000) for c in text if ord(c) in _TAGS)
    if any(c.isalnum() for c in tags):
        yield tags
    data = bytes(
        ord(c) - (0xFE00 if ord(c) < 0xE0000 else 0xE0100 - 16)
        for c in text
        if 0xFE00 <= ord(c) <= 0xFE0F or 0xE0100 <= ord(c) <= 0xE01EF
    )
    said = data.decode("utf-8", "replace")
    if len(data) >= 4 and sum(c.isalnum() or c == " " for c in said) > len(said) / 2:
        yield said


def _mixed(word: str) -> bool:
    """Whether a word has Latin letters, and others that pass for Latin ones."""
    foreign = any(ord(c) in LOOKALIKE for c in word)
    return (
        foreign
        and any("a" <= c <= "z" for c in unicodedata.normalize("NFD", word).lower())
        and fold_term(word).isascii()
    )


def _pointed(word: str) -> str:
    return shown("".join(f"[{c} U+{ord(c):04X}]" if ord(c) in LOOKALIKE else c for c in word), most=120)
