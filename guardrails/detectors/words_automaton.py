"""The matcher behind word lists: terms and text in the same reduced form, scanned in bounded blocks."""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import regex

from guardrails.content import Deadline
from guardrails.detectors.words_affixes import affixed
from guardrails.fold import fold_term
from guardrails.fold.spelling import UNSPACED, squashed

__all__ = ["Automaton", "Pattern", "Prepared", "TokenIndex", "compile_term", "shared_automaton", "variants"]

# Everything that separates words: what is no letter, number or combining mark. Marks and the joiners that
# Persian and Hindi write inside words belong to the word.
_SEPARATORS = regex.compile(r"[^\p{L}\p{N}\p{M}\u200c\u200d]+")
# As bytes: translating bytes is four times as fast as translating a string.
_ASCII_BLANKS = bytes(i if chr(i).isalnum() and i < 128 else 32 for i in range(256))
_TOKEN = re.compile(r"\S+")
# Scripts written without blanks between words: a term that begins or ends in one needs no boundary there.
_UNSPACED = regex.compile(f"[{UNSPACED}]")
_BETWEEN_UNSPACED = regex.compile(f"(?<=[{UNSPACED}]) (?=[{UNSPACED}])")
_WORDY = regex.compile(r"[\p{M}\u200c\u200d]")
# What may stand between the words of a phrase, or inside a word, without being a symbol somebody means.
_JOINS = frozenset(" -_'’.,/:\"“”‘«»")
_QUOTES = frozenset("'’\"“”‘«»")
_ASCII_SIGNS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_BLOCK = 32_768
# Terms nested this deeply (a, aa, aaa …) add nothing but matches; see Automaton.
_NESTING = 8


# A term this long (letters) is looked for in ciphers too.
_LONG = 10
# Words of a phrase that are glued in a hashtag are looked for from this length on.
_TAGGED = 5
_SQUEEZED, _SQUASHED = "\x00", "\x01"
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
    out; as a hashtag. A long one: reversed, with the letters of each word reversed, ROT-N, Atbash, pig latin, and with its words run
    together. Looking for the enciphered term costs the scan nothing and finds it inside any sentence; deciphering the text would
    cost a view a cipher. Short words are left out: reversed, many are another word ("lana"). Patterns that begin with
    ``_SQUEEZED`` are for text without blanks, those with ``_SQUASHED`` for text without double letters.
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
        found.append(pattern._replace(text=f"{_SQUASHED}{start}{single}{end}"))
    if len(letters) < _LONG:
        return found
    forms = [
        core[::-1],
        " ".join(word[::-1] for word in core.split(" ")),
        core.translate(_ATBASH),
        _pig(core, "ay", "way"),
        _pig(core, "ay", "yay"),
        _pig(core, "ay", "ay"),
        " ".join(f"{word[1:]}{word[0]}ay" for word in core.split(" ")),
    ]
    forms += [core.translate(table) for table in (_ROTATIONS if rotations else _ROTATIONS[12:13])]
    found += [pattern._replace(text=f"{start}{form}{end}") for form in forms if form != core]
    if " " in core:
        found += [Pattern(_SQUEEZED + letters, False), Pattern(_SQUEEZED + letters[::-1], False)]
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
    start = "" if open_start or _UNSPACED.match(body[0]) else " "
    end = "" if open_end or _UNSPACED.match(body[-1]) else " "
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


class Automaton:
    """Finds every occurrence of its patterns, overlapping ones too.

    Time and memory stay bounded on hostile lists. A pattern whose border (a string both its head and its tail, at
    least half as long) is a pattern too is covered by occurrences of that border; chains of those are cut after
    ``_NESTING``, so that ``a`` … ``a`` × 1,000 cost eight matches a character instead of a thousand. Text is scanned in
    blocks that overlap by the longest pattern, so that the matcher's result list stays small.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        kept = _without_deep_nests(patterns)
        self._whole = [p.whole for p in patterns]
        self._parts: list[tuple[str, Any, list[int], int]] = []
        kinds = [_kind(p) for p in patterns]
        for kind in ("words", "literal", "squeezed", "squashed"):
            numbers = [i for i in kept if kinds[i] == kind]
            if numbers:
                texts = [patterns[i].text.lstrip(_SQUEEZED + _SQUASHED) for i in numbers]
                self._parts.append((kind, _aho(texts), numbers, max(map(len, texts))))

    def matches(self, text: Prepared, deadline: Deadline) -> Iterator[tuple[int, int, int]]:
        """``(pattern number, start, end)`` in the folded text."""
        for kind, automaton, numbers, longest in self._parts:
            if kind == "words" or (kind == "squashed" and text.respelled):
                word = (0, 0)
                told: set[int] = set()
                for found, start, end in _scan(automaton, text.reduced, longest, deadline):
                    if self._whole[numbers[found]]:
                        before, word = word, _whole_word(text.reduced, start, end, word)
                        if word != before:
                            told.clear()
                        if found not in told:  # however often the term is in the word
                            told.add(found)
                            yield (numbers[found], *text.span(*word))
                    else:
                        yield (numbers[found], *text.span(start, end))
            elif kind == "literal":
                for found, start, end in _scan(automaton, text.text, longest, deadline):
                    if _bounded(text.text, start, end):
                        yield numbers[found], start, end
            elif kind == "squeezed" and text.joined:
                for found, start, end in _scan(automaton, text.squeezed, longest, deadline):
                    yield (numbers[found], *text.squeezed_span(start, end))


def _kind(pattern: Pattern) -> str:
    if pattern.literal:
        return "literal"
    return {_SQUEEZED: "squeezed", _SQUASHED: "squashed"}.get(pattern.text[0], "words")


def _whole_word(reduced: str, start: int, end: int, word: tuple[int, int]) -> tuple[int, int]:
    """A range widened to the word that it begins and the one that it ends in. Scripts without blanks have none.

    ``word`` is the last range widened to: of many hits in one long word, the word is looked for once.
    """
    if word[0] <= start and end <= word[1] and " " not in reduced[start:end]:
        return word
    low, high = start, end
    if reduced[start] != " " and not _UNSPACED.match(reduced[start]):
        low = reduced.rfind(" ", 0, start) + 1
        for other in _UNSPACED.finditer(reduced, low, start):
            low = other.end()
    if reduced[end - 1] != " " and not _UNSPACED.match(reduced[end - 1]):
        high = reduced.find(" ", end)
        other = _UNSPACED.search(reduced, end, high)
        high = other.start() if other is not None else high
    return low, high


def _scan(automaton: Any, haystack: str, longest: int, deadline: Deadline) -> Iterable[tuple[int, int, int]]:
    if len(haystack) <= _BLOCK:
        found: list[tuple[int, int, int]] = automaton.find_matches_as_indexes(haystack, overlapping=True)
        return found
    return _scan_blocks(automaton, haystack, longest, deadline)


def _scan_blocks(automaton: Any, haystack: str, longest: int, deadline: Deadline) -> Iterator[tuple[int, int, int]]:
    for at in range(0, len(haystack), _BLOCK):
        deadline.check()
        for found, start, end in automaton.find_matches_as_indexes(
            haystack[at : at + _BLOCK + longest], overlapping=True
        ):
            # The overlap belongs to the next block.
            if start < _BLOCK:
                yield found, start + at, end + at


def _bounded(text: str, start: int, end: int) -> bool:
    """A literal's ends that are letters or digits must not run on; signs at its ends must stand apart from what is before them.

    ``.net`` is not in "example.net", nor ``@acme`` in "bob@acme.com"; behind a sign a number may follow ("C++17").
    """
    first, last = text[start], text[end - 1]
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() and (first.isalnum() or first in _ASCII_SIGNS):
        return False
    if last.isalnum():
        return not after.isalnum()
    return last not in _ASCII_SIGNS or not (after.isalpha() or (last == "*" and after in ("*", "@")))


def _aho(texts: list[str]) -> Any:
    import ahocorasick_rs  # noqa: PLC0415 - Settings must be importable without it

    # The DFA is the fastest to scan and the slowest to build; past some thousands of terms building it would show.
    small = sum(map(len, texts)) < 100_000
    kind = ahocorasick_rs.Implementation.DFA if small else ahocorasick_rs.Implementation.ContiguousNFA
    return ahocorasick_rs.AhoCorasick(texts, implementation=kind)


def _without_deep_nests(patterns: Sequence[Pattern]) -> list[int]:
    """The numbers of the patterns that are kept; see :class:`Automaton`."""
    depth: dict[tuple[str, bool], int] = {}
    kept = []
    for number in sorted(range(len(patterns)), key=lambda i: len(patterns[i].text)):
        pattern = patterns[number]
        mark = pattern.text[:1] if pattern.text[:1] in (_SQUEEZED, _SQUASHED) else ""
        body = pattern.text[len(mark) :]
        border = _long_border(body)
        level = depth.get((mark + body[:border], pattern.literal), 0) + 1 if border else 1
        # Covered ones are as good as there for longer ones.
        depth[pattern.text, pattern.literal] = min(level, _NESTING)
        if level > _NESTING:
            continue
        kept.append(number)
    return sorted(kept)


def _long_border(text: str) -> int:
    """The length of the longest proper border of at least half the text, 0 without one."""
    half = (len(text) + 1) // 2
    # Nearly every term fails this: its second half would have to begin like the term itself.
    head = text[: min(3, half)]
    at = text.find(head, 1)
    while 0 < at <= len(text) - half:
        if text.startswith(text[at:]):
            return len(text) - at
        at = text.find(head, at + 1)
    return 0


class TokenIndex:
    """The matcher of a big list. Whole words and phrases are looked up by their first word.

    An automaton over a million terms misses the processor's cache at every character; a hash table misses it once a word.
    Prefixes, substrings and symbols still need the automaton.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        whole = [p.text for p in patterns if not p.literal and p.text[0] == p.text[-1] == " "]
        self._whole = frozenset(whole)
        phrases: dict[str, list[str]] = {}
        for text in whole:
            if text.count(" ") > 2:
                phrases.setdefault(text[1 : text.index(" ", 1)], []).append(text)
        self._phrases = phrases
        self._first = frozenset([*(t[1:-1] for t in whole if t.count(" ") == 2), *phrases])
        rest = [p for p in patterns if p.literal or not p.text[0] == p.text[-1] == " "]
        self._rest = Automaton(rest) if rest else None

    def matches(self, text: Prepared, deadline: Deadline) -> Iterator[tuple[int, int, int]]:
        """As :meth:`Automaton.matches`; the pattern number is always 0."""
        haystack = text.reduced
        for token in self._first.intersection(haystack.split(" ")):
            deadline.check()
            single = f" {token} "
            options = [*([single] if single in self._whole else []), *self._phrases.get(token, ())]
            at = haystack.find(single)
            while at >= 0:
                for option in options:
                    if haystack.startswith(option, at):
                        yield (0, *text.span(at, at + len(option)))
                at = haystack.find(single, at + len(single) - 1)
        if self._rest is not None:
            for _, start, end in self._rest.matches(text, deadline):
                yield 0, start, end


_SHARED: OrderedDict[str, TokenIndex] = OrderedDict()
_LOCK = threading.Lock()
_SHARED_AT_MOST = 16


def shared_automaton(sha256: str, terms: Sequence[str]) -> TokenIndex:
    """The matcher of a big list, built once per process however many policies load it."""
    with _LOCK:
        found = _SHARED.get(sha256)
        if found is None:
            found = _SHARED[sha256] = TokenIndex(list(dict.fromkeys(map(compile_term, terms))))
            while len(_SHARED) > _SHARED_AT_MOST:
                _SHARED.popitem(last=False)
        _SHARED.move_to_end(sha256)
        return found
