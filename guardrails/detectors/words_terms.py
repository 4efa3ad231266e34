"""Terms of word lists, and text, in the same reduced form: what the matcher looks for, and where it looks."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import regex

from guardrails.detectors.words_affixes import affixed
from guardrails.fold import fold_term
from guardrails.fold.spelling import UNSPACED, squashed

__all__ = ["SQUASHED", "SQUEEZED", "UNSPACED_SCRIPTS", "Pattern", "Prepared", "compile_term", "variants"]

# Everything that separates words: what is no letter, number or combining mark. Marks and the joiners that
# Persian and Hindi write inside words belong to the word.
_SEPARATORS = regex.compile(r"[^\p{L}\p{N}\p{M}\u200c\u200d]+")
# As bytes: translating bytes is four times as fast as translating a string.
_ASCII_BLANKS = bytes(i if chr(i).isalnum() and i < 128 else 32 for i in range(256))
_TOKEN = re.compile(r"\S+")
# Scripts written without blanks between words: a term that begins or ends in one needs no boundary there.
UNSPACED_SCRIPTS = regex.compile(f"[{UNSPACED}]")
_BETWEEN_UNSPACED = regex.compile(f"(?<=[{UNSPACED}]) (?=[{UNSPACED}])")
_WORDY = regex.compile(r"[\p{M}\u200c\u200d]")
# What may stand between the words of a phrase, or inside a word, without being a symbol somebody means.
_JOINS = frozenset(" -_'’.,/:\"“”‘«»")
_QUOTES = frozenset("'’\"“”‘«»")

# A term this long (letters) is looked for in ciphers too.
_LONG = 10
_TURNED = 8  # letters of a term of several words, from which on it is also looked for turned around
# Words of a phrase that are glued in a hashtag are looked for from this length on.
_TAGGED = 5
SQUEEZED, SQUASHED = "\x00", "\x01"
_ABC = "abcdefghijklmnopqrstuvwxyz"
_ATBASH = str.maketrans(_ABC, _ABC[::-1])
_ROTATIONS = [str.maketrans(_ABC, _ABC[n:] + _ABC[:n]) for n in range(1, 26)]


class Pattern(NamedTuple):
    """A compiled term: the string to look for, blanks at its ends where a word boundary is, and in which text.

    ``whole``: a hit is the whole word that the term is a part of, as for ``prefix*``.
    """

    text: str
    literal: bool
    whole: bool = False


def _single(text: str) -> str:
    """Runs of blanks as one blank, by doubling: three passes at C speed for what ordinary text has."""
    while "  " in text:
        text = text.replace("    ", " ").replace("  ", " ")
    return text


def variants(pattern: Pattern, *, rotations: bool) -> list[Pattern]:
    """A term as other spellings and ciphers write it.

    Any term: with the affixes that its script glues to words; with single letters for double ones, for text whose letters are drawn
    out; as a hashtag. A long one, or one of several words: reversed, and with the letters of each word reversed. A long one: ROT-N,
    Atbash, pig latin, and with its words run together. Looking for the enciphered term costs the scan nothing and finds it inside any sentence; deciphering the text would
    cost a view a cipher. Short words are left out: reversed, many are another word ("lana"). Patterns that begin with
    ``SQUEEZED`` are for text without blanks, those with ``SQUASHED`` for text without double letters.
    """
    core = pattern.text.strip()
    letters = core.replace(" ", "")
    if pattern.literal:
        return []
    start, end = pattern.text[: pattern.text.index(core[0])], " " if pattern.text.endswith(" ") else ""
    if not letters.isascii():
        found = [pattern._replace(text=f" {form} ") for form in affixed(core)] if start and end else []
        close = _BETWEEN_UNSPACED.sub("", pattern.text)
        return found if close == pattern.text else [*found, pattern._replace(text=close)]
    if not letters.isalpha():
        return []
    found = []
    if " " in core and len(letters) >= _TAGGED:
        found.append(Pattern("#" + letters, True))
    single = squashed(core)
    if single != core and len(single) >= 4:
        found.append(pattern._replace(text=f"{SQUASHED}{start}{single}{end}"))
    turned = [core[::-1], " ".join(word[::-1] for word in core.split(" "))]
    if len(letters) < _LONG:
        # Two words turned around are no other two words.
        forms = turned if " " in core and len(letters) >= _TURNED else []
        return [*found, *(pattern._replace(text=f"{start}{form}{end}") for form in forms if form != core)]
    forms = [
        *turned,
        core.translate(_ATBASH),
        _pig(core, "ay", "way"),
        _pig(core, "ay", "yay"),
        _pig(core, "ay", "ay"),
        " ".join(f"{word[1:]}{word[0]}ay" for word in core.split(" ")),
    ]
    forms += [core.translate(table) for table in (_ROTATIONS if rotations else _ROTATIONS[12:13])]
    found += [pattern._replace(text=f"{start}{form}{end}") for form in forms if form != core]
    if " " in core:
        found += [Pattern(SQUEEZED + letters, False), Pattern(SQUEEZED + letters[::-1], False)]
        if len(set(letters)) > 3:
            # Ten letters of several words are no part of another word, so they need no boundary ("a a a" may be).
            found.append(Pattern(letters, False))
    return found


def _pig(text: str, consonant: str, vowel: str) -> str:
    words = []
    for word in text.split(" "):
        head = len(word) - len(word.lstrip("bcdfghjklmnpqrstvwxyz"))
        words.append(word[head:] + word[:head] + consonant if 0 < head < len(word) else word + vowel)
    return " ".join(words)


def _reduced(text: str) -> str:
    """Separators as single blanks, none at the ends."""
    if text.isascii():
        return _single(text.encode().translate(_ASCII_BLANKS).decode("ascii")).strip(" ")
    return str(_SEPARATORS.sub(" ", text)).strip(" ")


def compile_term(term: str) -> Pattern:
    """A list term as a pattern. ``prefix*``, ``*suffix`` and ``*substring*`` drop the boundary at the star."""
    if term.isascii() and term.isalnum():  # most terms of a long list
        return Pattern(f" {term.lower()} ", False)
    core = term.strip()
    open_start = core.startswith("*")
    open_end = core.endswith("*") and not core.endswith("\\*")
    core = core[1 if open_start else 0 : -1 if open_end and len(core) > 1 else None].replace("\\*", "*").strip()
    folded = " ".join(fold_term(core).split())
    body = _reduced(folded)
    literal = not body or any(c not in _JOINS and not _letter(c) for c in folded) or _stands(folded)
    if literal:
        return Pattern(folded, True)
    start = "" if open_start or UNSPACED_SCRIPTS.match(body[0]) else " "
    end = "" if open_end or UNSPACED_SCRIPTS.match(body[-1]) else " "
    return Pattern(f"{start}{body}{end}", False, open_start or open_end)


def _letter(char: str) -> bool:
    return char.isalnum() or bool(_WORDY.match(char))


def _stands(folded: str) -> bool:
    """True when a term begins with a sign that belongs to it (".net", "-Xmx"), or ends in one ("c:/", "anti-").

    Quotation marks and the punctuation that ends a sentence do not.
    """
    first, last = folded[0], folded[-1]
    begins = not _letter(first) and first not in _QUOTES and len(folded) > 1 and folded[1] != " "
    return begins or (not _letter(last) and last not in _QUOTES and last not in ".,:")


class Prepared:
    """A folded text in the reduced form, with the way back to its own offsets, made only when there is a match."""

    __slots__ = ("__dict__", "_blank", "joined", "reduced", "respelled", "text")

    def __init__(self, text: str, *, joined: bool = False, respelled: bool = False) -> None:
        """``joined``: the words of the text may have run together. ``respelled``: its double letters are single."""
        self.text = text
        self.joined = joined
        self.respelled = respelled
        self._blank = text.encode().translate(_ASCII_BLANKS).decode("ascii") if text.isascii() else None
        self.reduced = _single(f" {self._blank} ") if self._blank is not None else f" {_reduced(text)} "

    @cached_property
    def _tokens(self) -> tuple[list[int], list[int], list[int]]:
        """Where each token starts in the reduced text, and starts and ends in the folded one."""
        blank = self._blank if self._blank is not None else _same_length(self.text)
        spans = [token.span() for token in _TOKEN.finditer(blank)]
        starts, ends = [s for s, _ in spans], [e for _, e in spans]
        here = list(accumulate((e - s + 1 for s, e in spans), initial=1))[:-1]
        return here, starts, ends

    @cached_property
    def squeezed(self) -> str:
        """The reduced text without blanks."""
        return self.reduced.replace(" ", "")

    def squeezed_span(self, start: int, end: int) -> tuple[int, int]:
        """The range of the folded text behind a range of the squeezed one."""
        here, starts, _ = self._tokens
        here = [h - 1 - n for n, h in enumerate(here)]
        first, last = bisect_right(here, start) - 1, bisect_right(here, end - 1) - 1
        return starts[first] + start - here[first], starts[last] + end - here[last]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The range of the folded text behind a range of the reduced one; blanks at its ends are left out."""
        here, starts, _ = self._tokens
        start += self.reduced[start] == " "
        end -= self.reduced[end - 1] == " "
        first = bisect_right(here, start) - 1
        last = bisect_right(here, end - 1) - 1
        return starts[first] + start - here[first], starts[last] + end - here[last]


def _same_length(text: str) -> str:
    return str(_SEPARATORS.sub(lambda m: " " * (m.end() - m.start()), text))
