"""Other spellings of the same words, for word lists: glued, stretched, censored, hyphenated, with or without vowel signs.

Each is a view of its own beside the text as it stands, and made only where the text has something of its kind. What is decided
here depends on a word and its neighbours alone, so that a stream can settle.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from guardrails.fold.view import Builder, View

__all__ = ["SPELLING_TRIGGER", "UNSPACED", "bare", "respelled", "squashed"]

# What of this an ASCII text may hold: parts of compounds, a hyphen at a line's end, a letter three times (``www`` is an address).
_THRICE = "|".join(f"[{c}{c.upper()}]{{3}}" for c in "abcdefghijklmnopqrstuvxyz")
SPELLING_TRIGGER = rf"[a-z][A-Z]|[A-Za-z]-[ \t]*\r?\n|[A-Za-z]{{4}}[0-9]|[0-9][A-Za-z]{{4}}|{_THRICE}"

# Scripts written without blanks between words.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"

# Escapes (`\u006e`) are decoded by others, and are no words themselves.
_CAMEL = regex.compile(
    r"(?<!\w)(?!(?<=\\)(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2})(?!\w))_*\p{L}[\p{L}\p{N}_]{4,}"
)
_EDGE = regex.compile(
    r"(?<=\p{Ll})(?=\p{Lu}\p{Ll})|(?<=\p{Ll}{2})(?=\p{Lu})|(?<=\p{Lu}{2})(?=\p{Lu}\p{Ll}{2})|(?<=\p{L}{4})(?=\p{Nd})|(?<=\p{Nd})(?=\p{L}{4})"
)
_PART = regex.compile(r"\p{L}+")
_HYPHEN = regex.compile(r"(?<=\p{L}{2})[-\u2010\u00ac][ \t]*\r?\n[ \t>#*/|]*(?=\p{L}{2})")
_RUN = regex.compile(r"(\p{L})\1{2,}", regex.IGNORECASE)
_BEFORE, _AFTER = regex.compile(r"(?r)\p{L}*+"), regex.compile(r"\p{L}*+")
_DOUBLED = regex.compile(r"(\p{L})\1+", regex.IGNORECASE)
_CENSOR = regex.compile(
    r"(?<=\p{L})(?:[#@$%&!?_~×•●█■▪◼⬛✱∗⁎﹡＊★☆✖]|(?<=\*)[#@$%&!?_\-]|[#@$%&!?_\-](?=\*))+(?=[\p{L}*#@$%&!?_\-])"
)
# … where a line breaks; Korean has blanks, but lines of it break inside words too.
_BETWEEN = regex.compile(rf"(?<=[{UNSPACED}])\s+(?=[{UNSPACED}])|(?<=\p{{Hangul}})[ \t]*\r?\n[ \t]*(?=\p{{Hangul}})")

# Signs that a reader supplies, and letters with the same name in neighbouring alphabets: Arabic vowel signs and tatweel, the
# hamza and madda of an alef; Hebrew points and accents; Syriac points; Devanagari's nukta; candrabindu for anusvara.
_OPTIONAL = regex.compile(
    r"[\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u08d3-\u08ff]"
    r"|(?<=\u0627)[\u0653-\u0655]|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]|[\u0730-\u074a]|\u093c|[\u0671\u06cc\u0649\u06a9\u06c1\u0901]"
)
_SAME = {
    "\u0671": "\u0627",
    "\u06cc": "\u064a",
    "\u0649": "\u064a",
    "\u06a9": "\u0643",
    "\u06c1": "\u0647",
    "\u0901": "\u0902",
}


def bare(view: View) -> View:
    """Without vowel signs and other marks that are written or not: a term and a text may differ in them."""
    text = view.text
    if text.isascii() or not _OPTIONAL.search(text):
        return view
    out = Builder(view)
    at = 0
    for sign in _OPTIONAL.finditer(text):
        out.copy(at, sign.start())
        out.put(_SAME.get(sign.group(), ""), sign.start(), sign.end())
        at = sign.end()
    out.copy(at, len(text))
    return out.view("bare")


def respelled(view: View) -> Iterator[View]:
    """The other spellings of a clean text."""
    for made in (
        _replaced(view, _HYPHEN, lambda _: "", "rejoined"),
        _replaced(view, _BETWEEN, lambda _: "", "unwrapped") if not view.text.isascii() else None,
        _replaced(view, _CENSOR, lambda t: "*" * len(t), "censored"),
        _parted(view),
        *_unstretched(view),
    ):
        if made is not None:
            yield made


def squashed(text: str) -> str:
    """Every run of a letter as one."""
    return str(_DOUBLED.sub(r"\1", text))


def _replaced(view: View, pattern: regex.Pattern[str], new, kind: str) -> View | None:  # type: ignore[no-untyped-def]
    out = Builder(view)
    at = 0
    for found in pattern.finditer(view.text):
        out.copy(at, found.start())
        out.put(new(found.group()), found.start(), found.end())
        at = found.end()
    if not out.changed:
        return None
    out.copy(at, len(view.text))
    return out.view(kind)


def _parted(view: View) -> View | None:
    """Compounds in their parts: ``ProjectKingfisher``, ``kingfisher2024``. Keys and codes, whose parts are no words, stay whole."""
    out = Builder(view)
    at = 0
    for word in _CAMEL.finditer(view.text):
        edges = [e.start() for e in _EDGE.finditer(view.text, word.start(), word.end())]
        if not edges:
            continue
        parts = _PART.findall(word.group())
        if len(edges) > 1 and word.end() - word.start() < 3 * (len(edges) + 1):
            continue
        if sum(c.isdigit() for c in word.group()) > sum(map(len, parts)):
            continue
        for edge in edges:
            out.copy(at, edge)
            out.block(" " + view.text[edge], edge, edge + 1)
            at = edge + 1
    if not out.changed:
        return None
    out.copy(at, len(view.text))
    return out.view("parted", min_match=4)


def _unstretched(view: View) -> Iterator[View]:
    """Letters that are drawn out ("nooo") as one, as two, and with every double of such a word as one."""
    words = list(_stretched(view.text))
    if not words:
        return
    for pattern, times in ((_RUN, 1), (_RUN, 2), (_DOUBLED, 1)):
        out = Builder(view)
        at = 0
        for start, end in words:
            for run in pattern.finditer(view.text, start, end):
                out.copy(at, run.start())
                out.put(run.group()[:times], run.start(), run.end())
                at = run.end()
        out.copy(at, len(view.text))
        made = out.view("stretched", min_match=4 if pattern is _DOUBLED else 2)
        made.respelled = pattern is _DOUBLED
        yield made


def _stretched(text: str) -> Iterator[tuple[int, int]]:
    """Words with a letter at least three times in a row, and another one."""
    at = 0
    while (run := _RUN.search(text, at)) is not None:
        start, end = _BEFORE.match(text, at, run.start()).start(), _AFTER.match(text, run.end()).end()
        at = end
        if end - start > run.end() - run.start():
            yield start, end
