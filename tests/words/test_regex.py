from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.detectors.regex import Settings, check_pattern
from guardrails.rules import Rule
from guardrails.types import FailureKind, Found, Piece, Source


def find(text: str, *patterns: str) -> Found:
    rules = [Rule(f"r{i}", "regex", f"T{i}", Settings(f"T{i}", p)) for i, p in enumerate(patterns)]
    return detectors.build("regex", rules).find(Content([Piece(text)], Source.INPUT), Deadline(60_000))


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(?=a)b", "look-ahead"),
        (r"(?<!a)b", "look-behind"),
        (r"(a)\1", "escape"),
        (r"a{1,1001}", "repetition counts above 1000"),
        (r"a*+b", "possessive"),
        (r"(?>a)", "atomic"),
        (r"(a", "bracket is not closed"),
        (r"a)", "never opened"),
        (r"[a", "character class is not closed"),
        (r"a*", "empty text"),
        (r"((\w{100}){50}){20}", "repetition"),
        (r"(?:[\p{L}\p{N}]{500}){2}", "memory"),
    ],
)
def test_what_re2_refuses_is_explained(pattern: str, reason: str) -> None:
    refusal = check_pattern(pattern)
    assert refusal is not None
    assert reason in refusal.reason
    assert refusal.remedy


@pytest.mark.parametrize("pattern", [r"\d{8}", r"(?i)acc-\d+", r"\bX\w{4}\b", r"(a|aa)+b", "é+"])
def test_what_re2_takes(pattern: str) -> None:
    assert check_pattern(pattern) is None


@settings(deadline=None)
@given(st.text(st.sampled_from("ab1 é😀"), max_size=40))
def test_matches_are_those_of_re(text: str) -> None:
    pattern = r"[ab]+1"
    assert {(m.start(), m.end()) for m in re.finditer(pattern, text)} <= {
        (h.start, h.end) for h in find(text, pattern).hits
    }


def test_a_quadratic_pattern_fails_loudly() -> None:
    # RE2 searches in linear time, but this pattern looks at all the rest of the digits for every single one it finds.
    found = find("1" * 200_000, r"\d+@|\d", r"never")
    assert [(f.rule, f.kind, f.piece) for f in found.failures] == [("r0", FailureKind.TIMEOUT, 0)]


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"^(\w+\s?)*x$", r"\s+$", r"(x+x+)+y"])
def test_classic_bombs_do_nothing(pattern: str) -> None:
    assert find("a" * 5_000 + "!" + " " * 5_000 + "x" * 5_000, pattern).failures == []


def test_many_patterns_see_what_one_sees() -> None:
    text = "ACC-12345678 TCK123456 room A123"
    patterns = [r"ACC-\d{8}", r"\bTCK\d{6}\b", r"room [A-Z]\d{3}", "nothing"]
    together = {(h.type[1:], h.start, h.end) for h in find(text, *patterns).hits}
    assert together == {(str(i), h.start, h.end) for i, p in enumerate(patterns) for h in find(text, p).hits}
