"""The clean view: what a reader sees. Invisible characters, width, style, diacritics, foreign digits, look-alikes."""

from __future__ import annotations

import unicodedata

import regex

from guardrails.fold.tables import LOOKALIKE, ignorable, latin_greek_cyrillic, plain_char
from guardrails.fold.view import Builder, View

__all__ = ["clean", "erased", "lookalikes", "lowered", "smuggled", "uncontrolled"]

_FOREIGN = regex.compile(r"[^\x00-\x7f]+")
_WORD = regex.compile(r"[\p{L}\p{N}\p{M}_@$]+")
_LATIN = regex.compile(r"[A-Za-z]")
_SCRIPTS = regex.compile(r"[\p{Cyrillic}\p{Greek}\p{Armenian}\p{Cherokee}\p{Coptic}]")
_MARKED = ("Mn", "Me")


def clean(view: View) -> View:
    """Without what hides letters. ASCII runs are copied whole; only the rest is looked at character by character."""
    text = view.text
    out = Builder(view)
    at = 0
    for run in _FOREIGN.finditer(text):
        base = text[run.start() - 1] if run.start() else ""
        for i in range(run.start(), run.end()):
            char = text[i]
            mark = unicodedata.category(char) in _MARKED and not ignorable(char)
            if mark and base and (base.isascii() or latin_greek_cyrillic(base)):
                plain = ""
            else:
                plain = plain_char(char)
                if plain:
                    base = char if plain == char else plain[-1]
            if plain != char:
                out.copy(at, i)
                out.put(plain, i, i + 1)
                at = i + 1
    out.copy(at, len(text))
    return out.view("clean") if out.changed else view


def lookalikes(view: View) -> View | None:
    """Cyrillic, Greek … letters that pass for Latin ones, as Latin. None when nothing speaks for it.

    A word of mixed scripts is folded. A word wholly of look-alikes is folded when its text has no native word of that
    script, that is one with a letter that passes for nothing: Russian text stays Russian.
    """
    text = view.text
    if not _SCRIPTS.search(text):
        return None
    words = [m for m in _WORD.finditer(text) if _SCRIPTS.search(m.group())]
    folded = [m.group().translate(LOOKALIKE) for m in words]
    native = any(_SCRIPTS.search(f) and not _LATIN.search(m.group()) for m, f in zip(words, folded, strict=True))
    out = Builder(view)
    at = 0
    for word, new in zip(words, folded, strict=True):
        mixed = bool(_LATIN.search(word.group()))
        if mixed or (not native and not _SCRIPTS.search(new)):
            out.copy(at, word.start())
            out.put(new, word.start(), word.end())
            at = word.end()
    out.copy(at, len(text))
    return out.view("lookalike") if out.changed else None


def lowered(view: View) -> View:
    """Lower case, character for character."""
    text = view.text.lower()
    if len(text) == len(view.text):
        if text == view.text:
            return view
        low = View(text, f"{view.kind}>lower", view)
        low.only, low.respelled = view.only, view.respelled
        return low
    out = Builder(view)
    for i, char in enumerate(view.text):
        out.put(char.lower(), i, i + 1)
    return out.view("lower")


_ERASE = regex.compile(r"[\x08\x7f]+")


def erased(view: View) -> View | None:
    """Characters rubbed out by backspaces are gone."""
    if not _ERASE.search(view.text):
        return None
    kept: list[int] = []
    for i, char in enumerate(view.text):
        if char in "\x08\x7f":
            if kept:
                kept.pop()
        else:
            kept.append(i)
    out = Builder(view)
    out.changed = True
    for i in kept:
        out.copy(i, i + 1)
    return out.view("erased")


# Not those that are blanks to a regex: tab, line feed and its like, and the four separators of ASCII.
_CONTROLS = regex.compile(r"[\x00-\x08\x0e-\x1b\x7f]+")


def uncontrolled(view: View) -> View | None:
    """Without the control characters of ASCII, which show nothing: ``bob@exam\\0ple.com`` is an address. None where there are none."""
    out = Builder(view)
    at = 0
    for run in _CONTROLS.finditer(view.text):
        out.copy(at, run.start())
        out.put("", run.start(), run.end())
        at = run.end()
    out.copy(at, len(view.text))
    return out.view("shown") if out.changed else None


# The flags of England, Scotland and Wales (and their like) are tag characters too: a region's code, at most six of them.
_TAGS = regex.compile(
    "(?P<flag>\U0001f3f4[\U000e0061-\U000e007a\U000e0030-\U000e0039]{3,6}+\U000e007f)|[\U000e0020-\U000e007e]{3,}"
)
_SELECTORS = regex.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}")
_BITS = regex.compile("[\u200b\u200c\u2062\u2064]{16,}")


def smuggled(view: View) -> list[View]:
    """Texts written in characters nobody sees: tag characters, variation selectors, zero-width bits."""
    found: list[View] = []
    text = view.text
    for pattern in (_TAGS, _SELECTORS, _BITS):
        out = Builder(view)
        at = 0
        for run in pattern.finditer(text):
            if pattern is _TAGS and run.group("flag") is not None:
                continue
            out.copy(at, run.start())
            at = run.end()
            _hidden(out, text, run.start(), run.end(), pattern)
        if out.changed:
            out.copy(at, len(text))
            found.append(out.view("smuggled"))
    return found


def _hidden(out: Builder, text: str, start: int, end: int, pattern: object) -> None:
    """Write what a hidden run spells, each character over the characters that carry it."""
    out.block(" ", start, start + 1)
    if pattern is _TAGS:
        for i in range(start, end):
            out.put(chr(ord(text[i]) - 0xE0000), i, i + 1)
    elif pattern is _SELECTORS:
        for i in range(start, end):
            code = ord(text[i])
            out.put(chr(code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16), i, i + 1)
    else:
        for zero in sorted(set(text[start:end])):
            bits = "".join("0" if c == zero else "1" for c in text[start:end])
            chars = [chr(int(bits[i : i + 8], 2)) for i in range(0, len(bits) - 7, 8)]
            if chars and all(c.isprintable() or c.isspace() for c in chars):
                for n, char in enumerate(chars):
                    out.block(char, start + 8 * n, start + 8 * n + 8)
                break
    out.block(" ", end - 1, end)
