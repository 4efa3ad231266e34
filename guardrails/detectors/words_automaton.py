"""The matcher behind word lists: terms scanned for in bounded blocks of reduced text."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from guardrails.content import Deadline
from guardrails.detectors.words_terms import SQUASHED, SQUEEZED, UNSPACED_SCRIPTS, Pattern, Prepared, compile_term

__all__ = ["Automaton", "TokenIndex", "shared_automaton"]

_ASCII_SIGNS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_BLOCK = 32_768
# Terms nested this deeply (a, aa, aaa …) add nothing but matches; see Automaton.
_NESTING = 8


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
                texts = [patterns[i].text.lstrip(SQUEEZED + SQUASHED) for i in numbers]
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
    return {SQUEEZED: "squeezed", SQUASHED: "squashed"}.get(pattern.text[0], "words")


def _whole_word(reduced: str, start: int, end: int, word: tuple[int, int]) -> tuple[int, int]:
    """A range widened to the word that it begins and the one that it ends in. Scripts without blanks have none.

    ``word`` is the last range widened to: of many hits in one long word, the word is looked for once.
    """
    if word[0] <= start and end <= word[1] and " " not in reduced[start:end]:
        return word
    low, high = start, end
    if reduced[start] != " " and not UNSPACED_SCRIPTS.match(reduced[start]):
        low = reduced.rfind(" ", 0, start) + 1
        for other in UNSPACED_SCRIPTS.finditer(reduced, low, start):
            low = other.end()
    if reduced[end - 1] != " " and not UNSPACED_SCRIPTS.match(reduced[end - 1]):
        high = reduced.find(" ", end)
        other = UNSPACED_SCRIPTS.search(reduced, end, high)
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
        mark = pattern.text[:1] if pattern.text[:1] in (SQUEEZED, SQUASHED) else ""
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
