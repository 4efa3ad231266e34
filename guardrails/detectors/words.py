"""Word lists: Aho-Corasick over folded text.

Text and terms are reduced to the same form: folded (case, width, diacritics, look-alikes), everything that is no letter,
digit or mark turned into a blank, runs of blanks into one. A whole word is then a term between two blanks, a phrase
matches across line breaks and punctuation, and word boundaries cost nothing: they are part of the automaton. Scripts
written without blanks (Han, Kana, Thai …) have no such boundary; a term that begins or ends in one matches inside a run.
Terms with symbols of their own ("c++", an emoji) go through a second automaton over the folded text as it is.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated

from guardrails.catalog import MANAGED_LISTS
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.settings import Choice, Items, Order, Remark, Section, Setting, Shape, Text, Word
from guardrails.detectors.traits import DetectorSpec, Reach
from guardrails.detectors.words_affixes import affixed
from guardrails.detectors.words_automaton import Automaton, TokenIndex, shared_automaton
from guardrails.detectors.words_terms import Pattern, Prepared, compile_term, variants
from guardrails.fold import View, value_key
from guardrails.resources import data_dir
from guardrails.rules import Rule
from guardrails.spans import inside, union
from guardrails.types import Found, Hit

__all__ = ["SECTIONS", "SPEC", "Settings", "TermList", "build", "lint", "managed_terms", "reach", "unfinished"]

# A list of this size gets an automaton of its own, built once per process; smaller ones are compiled with the policy.
_SHARED_FROM = 10_000
# Every rotation of every term multiplies a list by 25, and a larger automaton leaves the cache; a longer list gets
# ROT13 and the other ciphers only.
_ROTATED_UP_TO = 500
# So many hits of one rule in one piece are joined where they touch: the masked characters stay the same.
_JOIN_FROM = 1_000


@dataclass(frozen=True, slots=True)
class TermList:
    """The content of a word list file, shared by every policy that loads the same bytes."""

    path: str
    sha256: str
    terms: tuple[str, ...] = field(repr=False)


def _ordered(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(words)))


def _files(lists: tuple[TermList, ...]) -> tuple[TermList, ...]:
    return tuple(sorted(lists, key=lambda t: (t.path, t.sha256)))


def _shown(lists: tuple[TermList, ...]) -> list[str]:
    return [f"{t.path} ({len(t.terms):,} terms, sha256 {t.sha256[:12]})" for t in lists]


@dataclass(frozen=True, slots=True)
class Settings:
    """Terms in the small syntax ``term``, ``prefix*``, ``*suffix``, ``*substring*`` (``\\*`` is a star); lists; managed lists."""

    terms: Annotated[
        tuple[str, ...],
        Setting(
            about="words and phrases; `prefix*`, `*suffix`, `*substring*`",
            member="wordsConfig",
            kind=Items(Word()),
            order=Order.GROWS,
            canonical=_ordered,
        ),
    ] = ()
    lists: Annotated[
        tuple[TermList, ...],
        Setting(
            about="files with one term a line", kind=Items(Text()), order=Order.GROWS, canonical=_files, shown=_shown,
            written=lambda lists: [t.path for t in lists], lost="Bedrock has no word list files",
        ),
    ] = ()  # fmt: skip
    managed: Annotated[
        tuple[str, ...],
        Setting(
            about="lists that are part of the package",
            member="managedWordListsConfig",
            kind=Items(Choice(MANAGED_LISTS)),
            order=Order.GROWS,
            canonical=_ordered,
        ),
    ] = ()


SECTIONS = (Section(key="words", shape=Shape.WORDS, lost=None),)


def lint(rules: Sequence[Rule]) -> Iterator[Remark]:
    """Terms that say nothing new or too much, lists without a term, and exceptions of nothing."""
    for rule in rules:
        settings, seen = rule.settings, dict[Pattern, str]()
        for term in settings.terms:
            pattern = compile_term(term)
            if pattern in seen:
                yield Remark(
                    "duplicate-term", f"two terms of {rule.id} are the same after folding", rule.id, "terms",
                    written=f"{seen[pattern]}, {term}", remedy="keep one of them",
                )  # fmt: skip
            seen[pattern] = term
            if len(pattern.text.strip()) < 2:
                yield Remark("short-term", f"a term of {rule.id} is a single character", rule.id, "terms", term)
        for value in () if settings.lists or settings.managed else rule.exceptions:
            if not any(value_key(t.strip("*")) in value_key(value) for t in settings.terms):
                message = f"no term of {rule.id} can be found in this exception"
                yield Remark("unused-exception", message, rule.id, "exceptions", value, remedy="remove it")
        for listed in settings.lists:
            if not listed.terms:
                message = f"the word list {listed.path} has no term"
                yield Remark("empty-list", message, rule.id, "lists", remedy="add terms")


# sha256 of a list → its longest term: a list may be loaded by thousands of policies.
_LONGEST: dict[str, int] = {}
_LONGEST_AT_MOST = 256
# What is longer than this is no word: a stream waits for no more of it.
_LONGEST_WORD = 1_024
# In an id: letters of a word that counts alone, and of one with a digit or another word of the same letters grown to it.
_SHORT = 4
_SHORT_GLUED = 6
_LETTERS = re.compile(r"[A-Za-z]+(?:[^A-Za-z0-9]+[A-Za-z]+)*")


@lru_cache(maxsize=8)
def managed_terms(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The terms of a managed list and the false friends it never means. Raises KeyError for an unknown name."""
    path = data_dir() / f"{name.lower()}.txt"
    if not path.is_file():
        raise KeyError(name)
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    return tuple(x for x in lines if not x.startswith("!")), tuple(x[1:].strip() for x in lines if x.startswith("!"))


def reach(settings: Settings) -> int | None:
    """The longest term, as its longest cipher writes it, or the longest false friend; separators between words count one."""
    longest = [_longest(settings.terms)]
    for term_list in settings.lists:
        known = _LONGEST.get(term_list.sha256)
        if known is None:
            known = (
                _longest(term_list.terms) if len(term_list.terms) < _SHARED_FROM else _longest_of_many(term_list.terms)
            )
            if len(_LONGEST) >= _LONGEST_AT_MOST:
                _LONGEST.clear()
            _LONGEST[term_list.sha256] = known
        longest.append(known)
    for name in settings.managed:
        longest += map(_longest, managed_terms(name))
    return max(longest)


_LAST_WORD = re.compile(r"\S+\Z")
_HYPHENS = ("-", "\u2010", "\u00ac")


def unfinished(settings: Settings) -> Callable[[str], int | None] | None:
    """For terms that may begin inside a word, whose hits begin with the word: where an unfinished last word begins."""
    terms = (*settings.terms, *(t for one in settings.lists for t in one.terms))
    if not any(t.lstrip().startswith("*") for t in terms):
        return None

    def find(text: str) -> int | None:
        base = max(0, len(text) - _LONGEST_WORD)
        start, end = None, len(text)
        while True:
            last = _LAST_WORD.search(text, base, end)
            if last is not None:
                start = last.start()
            before = text[base : end if start is None else start].rstrip()
            if not before.endswith(_HYPHENS):
                return start
            end = base + len(before)  # a word that is divided at the end of a line is one word

    return find


def _meant(text: str, hit: Hit, credential: bool) -> bool:  # noqa: ARG001 - as a trait
    """Whether a word in an id is one that somebody wrote. Among random letters and digits some word of three letters is
    always found; one in letters of any case is chance too."""
    word = text[hit.start : hit.end]
    if word.lower() != word and word.upper() != word and not word.istitle():
        return False
    if text[max(0, (hit.start or 0) - 1) : hit.start].isalnum() or text[hit.end : (hit.end or 0) + 1].isalnum():
        return len(word) >= _SHORT_GLUED
    return len(word) >= _SHORT or _LETTERS.fullmatch(text) is not None


SPEC = DetectorSpec(
    spans=True,
    words=True,
    lookahead=lambda settings: Reach(reach(settings), unfinished=unfinished(settings)),
    blocking=lambda _: False,
    local=lambda _: True,
    in_ids=lambda _: _meant,
)


def _longest(terms: Iterable[str]) -> int:
    """The longest of the terms in the reduced form; pig latin adds up to three letters to a word, an affix a few in all."""
    cores = (compile_term(t).text.strip() for t in terms)
    return max((max(len(core) + 3 * (core.count(" ") + 1), *map(len, _affixed(core))) for core in cores), default=0)


def _affixed(core: str) -> list[str]:
    return ["", *(affixed(core) if core and not core.isascii() else ())]


def _longest_of_many(terms: Sequence[str]) -> int:
    """A bound for a list too long to compile each term for: no folded character is longer than its decomposition, but these."""
    plain = max((len(t) for t in terms if t.isascii()), default=0)
    other = "\n".join(t for t in terms if not t.isascii())
    folded = unicodedata.normalize("NFKD", other).casefold().replace("æ", "ae").replace("þ", "th").replace("œ", "oe")
    return max(plain, *map(len, folded.split("\n")))


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for all word rules of a direction."""
    return _Words(rules)


class _Words:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        own: dict[Pattern, list[int]] = {}
        friends: dict[Pattern, list[int]] = {}
        self._shared: dict[TokenIndex | Automaton, list[int]] = {}
        for index, rule in enumerate(self._rules):
            settings: Settings = rule.settings
            terms: list[str] = list(settings.terms)
            for term_list in settings.lists:
                if len(term_list.terms) >= _SHARED_FROM:
                    big = shared_automaton(term_list.sha256, term_list.terms)
                    self._shared.setdefault(big, []).append(index)
                else:
                    terms += term_list.terms
            for name in settings.managed:
                more, excused = managed_terms(name)
                terms += more
                _add(friends, excused, index)
            _add(own, terms, index, enciphered=True)
        self._automata: list[tuple[TokenIndex | Automaton, list[list[int]] | None]] = [(a, None) for a in self._shared]
        if own:
            self._automata.append((Automaton(list(own)), list(own.values())))
        self._friends = Automaton(list(friends)) if friends else None
        self._friend_owners = list(friends.values())

    def find(self, content: Content, deadline: Deadline) -> Found:
        """Every occurrence of every term, in every view."""
        found = Found()
        for index in range(len(content.pieces)):
            spans: dict[int, set[tuple[int, int]]] = {}
            for view in content.folded(index).words:
                deadline.check()
                self._scan(view, spans, deadline)
            for rule, places in spans.items():
                ordered: Iterable[tuple[int, int]] = places
                if len(places) > _JOIN_FROM:
                    ordered = _joined(places)
                id_, type_ = self._rules[rule].id, self._rules[rule].type
                found.hits += [Hit(id_, type_, start, end, 1.0, index) for start, end in sorted(ordered)]
        return found

    def _scan(self, view: View, spans: dict[int, set[tuple[int, int]]], deadline: Deadline) -> None:
        text = Prepared(view.text, joined=view.joined, respelled=view.respelled)
        friends: dict[int, list[tuple[int, int]]] | None = None
        for automaton, owners in self._automata:
            for pattern, start, end in automaton.matches(text, deadline):
                if end - start < view.min_match or not _meets(view.only, start, end):
                    continue
                if friends is None:
                    friends = self._false_friends(text, deadline)
                for rule in owners[pattern] if owners is not None else self._shared[automaton]:
                    if not inside(start, end, friends.get(rule, ())):
                        spans.setdefault(rule, set()).add(view.span(start, end))

    def _false_friends(self, text: Prepared, deadline: Deadline) -> dict[int, list[tuple[int, int]]]:
        """Where the managed lists' false friends are ("Scunthorpe"). Looked up only once there is a hit."""
        places: dict[int, list[tuple[int, int]]] = {}
        if self._friends is not None:
            for pattern, start, end in self._friends.matches(text, deadline):
                for rule in self._friend_owners[pattern]:
                    places.setdefault(rule, []).append((start, end))
        return places


def _meets(places: tuple[tuple[int, int], ...] | None, start: int, end: int) -> bool:
    """True when the range has a character of one of the sorted places, or when there are no such places to meet."""
    if places is None:
        return True
    at = bisect_right(places, (end - 1, end)) - 1
    return at >= 0 and places[at][1] > start


def _add(patterns: dict[Pattern, list[int]], terms: Sequence[str], rule: int, *, enciphered: bool = False) -> None:
    rotations = len(terms) <= _ROTATED_UP_TO
    for term in terms:
        pattern = compile_term(term)
        for form in (pattern, *(variants(pattern, rotations=rotations) if enciphered else ())):
            owners = patterns.setdefault(form, [])
            if not owners or owners[-1] != rule:
                owners.append(rule)


def _joined(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in union(places):
        if merged and start == merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged
