"""Digits and signs that stand for letters.

A number, a price or a code (``8455``, ``$30``, ``SH17``) is no word in disguise. Such tokens are read as letters all the same,
since a phrase may hold one ("4tt4ck 47 d4wn"), but a match counts only where it covers a token that is plainly leetspeak.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from guardrails.fold.view import Builder, View

__all__ = ["LEET_TRIGGER", "leet"]

# `!` behind a word ends it, and is a letter only inside one.
LEET_TRIGGER = (
    r"[A-Za-z](?:[0-9@$#€]|!+[\pL\pN_@$#%€|+]|[|+]|[(\[{<][A-Za-z])|[0-9@$!|+#€][A-Za-z]|[@$|+#][@$|+#!]{2}|!{4}"
)

_SIGNS = {"4": "a", "@": "a", "8": "b", "3": "e", "€": "e", "6": "g", "9": "g", "#": "h", "!": "i", "1": "i", "|": "l",
          "0": "o", "5": "s", "$": "s", "7": "t", "+": "t", "2": "z", "%": "x", "¢": "c", "£": "l", "¥": "y", "§": "s",
          "©": "c", "®": "r", "¡": "i", "†": "t", "×": "x", "(": "c", "[": "c", "{": "c", "<": "c"}  # fmt: skip
# The strokes that may be i or l, each way that a whole text is likely to use.
_TABLES = (
    _SIGNS,
    {**_SIGNS, "1": "l"},
    {**_SIGNS, "|": "i"},
    {**_SIGNS, "1": "l", "!": "l"},
)
_OPEN = {"(": ")", "[": "]", "{": "}", "<": ">"}
_SET = r"@$!|+#%€¢£¥§©®¡†×"
# An escape (`\u0041`) is decoded by others, and is no word itself.
_ESCAPE = rf"\\(?:u[0-9a-fA-F]{{4}}|U[0-9a-fA-F]{{8}}|x[0-9a-fA-F]{{2}})(?![\w{_SET}])(*SKIP)(*FAIL)"
_SIGN = regex.compile(rf"{_ESCAPE}|[0-9{_SET}]|[(\[{{<](?=[\w{_SET}])")
# What a sign is part of, to its left and to its right.
_PART = rf"(?:[\w{_SET}]|[(\[{{<](?=[\w{_SET}]))"
_LEFT, _RIGHT = regex.compile(rf"(?r){_PART}*+"), regex.compile(rf"{_PART}*+")
_INSIDE = regex.compile(r"\pL\d+\pL")
_OUTSIDE = regex.compile(r"^\d.*\pL.*\d$")
_HEX = regex.compile(r"[0-9a-fA-F]+")
_NEXT_TO_HEX = regex.compile(r"[-:][0-9a-fA-F]{2}|(?r)[0-9a-fA-F]{2}[-:]")


def leet(view: View) -> list[View]:
    """The text with digits and signs read as letters, once for each meaning of the strokes; none without leetspeak."""
    text = view.text
    tokens = list(_tokens(text))
    strong = [(start, end) for start, end in tokens if _plainly(text, start, end)]
    found: list[View] = []
    if not strong:
        return found
    endings = (
        (False, True)
        if any(text[end - 1] == "!" and _signs(text[start : end - 1]) for start, end in strong)
        else (False,)
    )
    seen = {text}
    for ending in endings:
        for table in _TABLES:
            made = _reading(view, tokens, strong, table, ending)
            if made.text not in seen:
                seen.add(made.text)
                found.append(made)
    return found


def _reading(
    view: View, tokens: list[tuple[int, int]], strong: list[tuple[int, int]], table: dict[str, str], ending: bool
) -> View:
    text = view.text
    out = Builder(view)
    at = 0
    for start, end in tokens:
        out.copy(at, start)
        out.put(_read(text[start:end], table, ending), start, end)
        at = end
    out.copy(at, len(text))
    made = out.view("leet", min_match=3)
    made.only = tuple(strong)  # one sign is one letter, so the places are the same
    return made


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """Words with a sign or digit in them, and runs of nothing else. Escapes (``\\u0041``) are decoded, and no words themselves."""
    at = 0
    # Few words have a sign: looking for those first costs a tenth of looking at every word.
    while (sign := _SIGN.search(text, at)) is not None:
        start, end = _LEFT.match(text, at, sign.start()).start(), _RIGHT.match(text, sign.start()).end()
        at = max(end, sign.end())
        if end - start >= 2:
            yield start, end


def _signs(word: str) -> bool:
    return any(c in _SIGNS for c in word)


def _plainly(text: str, start: int, end: int) -> bool:
    """True for a token that is leetspeak by itself, False for numbers, prices and codes."""
    word = text[start:end].strip("#").rstrip("!")
    letters = [c for c in word if c.isalpha()]
    digits = sum(c.isdigit() for c in word)
    if not letters:
        signs = text[start:end]
        return not digits and (len(signs) >= 4 or (len(signs) == 3 and len(set(signs)) > 1))
    if not digits:
        return any(_sign(word, i, text, end) for i in range(len(word)))
    inside = _INSIDE.search(word) is not None
    if _HEX.fullmatch(word) and digits >= len(letters):
        named = word[0].isalpha() and word[-1].isalpha()
        apart = _NEXT_TO_HEX.match(text, end) is None and _NEXT_TO_HEX.match(text, 0, start) is None
        if not (named and apart):
            return False
    if all(c.isupper() for c in letters):
        return len(letters) > digits and (inside or digits == 1)
    return inside or len(letters) > digits or (len(word) >= 4 and _OUTSIDE.search(word) is not None)


def _sign(word: str, i: int, text: str, end: int) -> bool:
    """True for a sign in a word that may be a letter; a bracket only when nothing closes it."""
    char = word[i]
    if char in _OPEN:
        return _OPEN[char] not in text[end - len(word) + i : end + 80]
    if char == "+":
        return len(word) >= 4 or 0 < i < len(word) - 1
    return char in _SIGNS


def _read(word: str, table: dict[str, str], ending: bool) -> str:
    """A word with its signs as letters. A ``!`` that ends it is punctuation, unless there is nothing else."""
    core = word if ending else word.rstrip("!") or word
    return "".join(table.get(c, c) for c in core) + word[len(core) :]
