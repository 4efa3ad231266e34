from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.detectors.words import Settings, TermList, managed_terms
from guardrails.detectors.words_automaton import shared_automaton
from guardrails.rules import Rule
from guardrails.spans import union
from guardrails.types import Found, Piece, Source

letters = st.sampled_from("ab")
words = st.text(letters, min_size=1, max_size=3)
phrases = st.lists(words, min_size=1, max_size=3).map(" ".join)
texts = st.text(st.sampled_from("ab ab ,\n-."), max_size=60)


def rule(id_: str, *terms: str, **more: object) -> Rule:
    return Rule(id=id_, detector="words", type="WORD", settings=Settings(terms=terms, **more))  # type: ignore[arg-type]


def find(text: str, *rules: Rule) -> Found:
    return detectors.build("words", rules).find(Content([Piece(text)], Source.INPUT), Deadline(60_000))


def naive(text: str, term: str) -> set[tuple[int, int]]:
    """Every place where the words of the term follow each other, with anything but letters between them."""
    pattern = r"[^ab]+".join(map(re.escape, term.split()))
    return {(m.start(1), m.end(1)) for m in re.finditer(rf"(?=(?<![ab])({pattern})(?![ab]))", text)}


@settings(deadline=None)
@given(texts, st.lists(phrases, min_size=1, max_size=5, unique=True))
def test_every_occurrence_is_found(text: str, terms: list[str]) -> None:
    expected = set().union(*(naive(text, t) for t in terms))
    # Spaced-out letters are read as words too ("a b" as "ab"), so more may be found than stands there plainly.
    assert expected <= {(h.start, h.end) for h in find(text, rule("r", *terms)).hits}


@settings(deadline=None)
@given(texts, st.lists(phrases, min_size=2, max_size=5, unique=True), st.randoms(use_true_random=False))
def test_order_is_nothing(text: str, terms: list[str], random) -> None:  # type: ignore[no-untyped-def]
    rules = [rule(f"r{i}", t) for i, t in enumerate(terms)]
    first = {(h.rule, h.start, h.end) for h in find(text, *rules).hits}
    random.shuffle(rules)
    assert {(h.rule, h.start, h.end) for h in find(text, *rules).hits} == first


HOSTILE = {
    "whole words": ([("a" * k) for k in range(1, 1001)], "a" * 20_000 + " " + "a" * 700),
    "substrings": ([f"*{'a' * k}*" for k in range(1, 1001)], "a" * 20_000),
    "phrases": ([" ".join("a" * k) for k in range(1, 1001)], "a " * 10_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_overlap_stays_bounded(name: str) -> None:
    terms, text = HOSTILE[name]
    detector = detectors.build("words", [rule("r", *terms)])
    tracemalloc.start()
    found = detector.find(Content([Piece(text)], Source.INPUT), Deadline(60_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A million matches as tuples would take a hundred megabytes; a thousand matches a character, two thousand times that.
    assert peak < 150_000_000
    covered = union((h.start or 0, h.end or 0) for h in found.hits)
    if name == "whole words":
        assert covered == [(20_001, 20_701)]
    else:
        assert {i for s, e in covered for i in range(s, e)} >= {i for i, c in enumerate(text) if c == "a"}


def test_a_deep_nest_loses_no_character() -> None:
    terms = ["a" * k + "b" for k in range(1, 40)]
    text = "x " + "a" * 39 + "b y"
    (only,) = union((h.start or 0, h.end or 0) for h in find(text, rule("r", *terms)).hits)
    assert only == (2, 42)


def test_blocks_have_no_seams() -> None:
    text = ("x" * 997 + " new york ") * 200
    expected = [(m.start(), m.end()) for m in re.finditer("new york", text)]
    assert [(h.start, h.end) for h in find(text, rule("r", "new york")).hits] == expected


def test_big_lists_are_shared() -> None:
    terms = tuple(f"term{i}" for i in range(20_000))
    big = TermList("big.txt", "1" * 64, terms)
    first = find("a term77 b", rule("one", lists=(big,)), rule("two", lists=(big,)))
    assert [(h.rule, h.start, h.end) for h in first.hits] == [("one", 2, 8), ("two", 2, 8)]
    assert shared_automaton("1" * 64, terms) is shared_automaton("1" * 64, ())


def test_managed_list() -> None:
    terms, friends = managed_terms("PROFANITY")
    assert len(terms) > 1000
    assert "Scunthorpe" in friends
    with pytest.raises(KeyError):
        managed_terms("NOTHING")


BENIGN = """Hello and welcome. The class will assess the passage on grass. Scunthorpe, Penistone, Clitheroe, Essex, Sussex.
Please analyse the cumulative document. Cockatoos, cockpits and cocktails. A Dickens novel. Moby Dick. Uranus is a planet.
Therapist, title, constitution, shuttlecock, Arsenal, Hancock, Cummings, Matsushita, Fukuoka. Breast cancer screening.
Der Straßenname. Zażółć gęślą jaźń. Tiếng Việt có dấu. नमस्ते दुनिया. می‌خواهم بروم. مرحبا بالعالم. สวัสดีชาวโลก. Привет, мир.
Καλημέρα κόσμε. 👩‍👩‍👧‍👦 🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️. for (int i = 0; i < n; i++) { sum += a[i]; } 3f786850e387550fdab836ed7e6dc881de23001b"""


def test_profanity_has_no_false_alarm_here() -> None:
    assert find(BENIGN, Rule("p", "words", "PROFANITY", Settings(managed=("PROFANITY",)))).hits == []
