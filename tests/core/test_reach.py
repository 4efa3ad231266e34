"""What a stream holds back is enough: whatever comes later, hits before the settled point stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from guardrails import catalog, detectors
from guardrails.content import Content, Deadline
from guardrails.detectors import pii, regex, widths, words
from guardrails.detectors.pii import engine, reaching
from guardrails.detectors.widths import pattern_reach
from guardrails.detectors.words_terms import compile_term
from guardrails.marked import parse
from guardrails.policy import load, loads
from guardrails.rules import Rule
from guardrails.streaming import lookahead as lookahead_module
from guardrails.streaming.lookahead import Lookahead, lookahead, reach, settled
from guardrails.types import Piece, Source
from tests.core.policies import BLOCK, DETECT, MASK, pii_rule, policy, regex_rule, styled, words_rule
from tests.detectors.test_contract import CASES, rule_for
from tests.policy.problems import HEAD

Found = set[tuple[str, int, int]]
PROPERTY = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
OUT = Source.OUTPUT


def finder(*rules: Rule) -> Callable[[str], Found]:
    built = [detectors.build(n, [r for r in rules if r.detector == n]) for n in {r.detector for r in rules}]

    def find(text: str) -> Found:
        content = Content([Piece(text)], OUT)
        hits = [h for d in built for h in d.find(content, Deadline(30_000)).hits]
        return {(h.rule, h.start or 0, h.end or 0) for h in hits}

    return find


def check_law(
    find: Callable[[str], Found], held: Lookahead, text: str, cuts: Iterator[int] | range | None = None
) -> None:
    """For every prefix: the hits before what is settled there are those of the whole text."""
    everything = find(text)
    for cut in range(len(text) + 1) if cuts is None else cuts:
        seen = find(text[:cut])
        point = held.settled(text[:cut])
        assert 0 <= point <= cut
        final = min([point, *(start for _, start, end in seen if start < point < end)])
        assert {h for h in seen if h[1] < final} == {h for h in everything if h[1] < final}, (text, cut, point, final)


@pytest.fixture(autouse=True, scope="module")
def patterns_only() -> Iterator[None]:
    """Without the trained tagger, whose spans have no form."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "TAGGED", ())
        yield


# -- regexes ---------------------------------------------------------------------------------------------------------

ATOM = st.sampled_from(
    [
        "a",
        "b",
        "1",
        "-",
        " ",
        r"\d",
        r"\w",
        r"\s",
        r"\S",
        "[ab]",
        "[a-]",
        r"[^\s1]",
        "[^a]",
        ".",
        r"\pL",
        "[[:alpha:]-]",
    ]
)
MARK = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{1,3}", "{2,}", "+?", "*?", "??"])
PATTERN = st.recursive(
    st.tuples(ATOM, MARK).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(st.lists(inner, min_size=1, max_size=3).map("|".join), MARK).map(lambda p: f"(?:{p[0]}){p[1]}"),
        st.tuples(inner, st.sampled_from([r"\b", "$", r"\B", "^"])).map("".join),
    ),
    max_leaves=6,
)
TEXT = st.one_of(
    st.text("ab1- \n", max_size=24),
    st.lists(st.sampled_from(["a", "ab", "1", "-", "aaaaaa", "111111", "      ", " ", "a-1", "\n"]), max_size=10).map(
        "".join
    ),
)


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are measured as three and two characters at most, so that short texts have long ones."""
    for module in (widths, lookahead_module):
        monkeypatch.setattr(module, "SOLID", 3)
        monkeypatch.setattr(module, "BLANKS", 2)
    monkeypatch.setattr(regex, "pattern_reach", pattern_reach.__wrapped__)


@pytest.mark.usefixtures("short_runs")
@settings(PROPERTY, suppress_health_check=[*HealthCheck])
@given(PATTERN, TEXT)
@example(r"a\d+b", "a" + "1" * 9 + "b and")
@example(r"a[1-]*\b", "a1---1 b")
@example(r"(?:-[a-z][.])*a", "-b.-c.a b")
@example(r"a\s+b", "a      b ab")
@example(r"a(?: b){0,3}$", "a b b b b")
@example(r"(?:1)+", "11-1-1- 1-- -1")
def test_patterns(pattern: str, text: str) -> None:
    assume(regex.check_pattern(pattern) is None)
    rule = regex_rule("x", pattern)
    held = lookahead(policy(rule), OUT)
    event("whole" if held.whole else "reaches")
    check_law(finder(rule), held, text)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"ACC-\d{8}", 12),
        (r"ACC-\d+", 5),
        (r"ACC-\d{2,}", 6),
        (r"ACC-\d+\b", 5),
        (r"ACC-\d+$", 5),
        (r"ACC-[\d-]+\b", 64),  # the match may have to step back over any number of hyphens
        (r"\d+ EUR", 68),
        (r"key\s+\d{4}", 3 + 16 + 4),
        (r"(?:ab|abcd|x)y", 5),
        (r"\bhttps?://\S+", 9),
        (r"a(?:, b)*", 3),
        (r"a.*b", None),
        (r"a[^x]+b", None),
        (r"a.*", 1),
        (r"(?i)straße \d", 8),
        (r"x(?i)y", 2),
        (r"\pN{3}", 3),
        (r"\p{Greek}{2,4} \P{L}", 6),
        (r"a\PL+b", None),
        (r"[[:digit:]]{4}", 4),
        (r"[[:space:]]+x", 17),
        (r"[[:^alpha:]]+x", None),
        (r"\Qa.b*c\E\d", 6),
        (r"\x{41}\z", 1),
        (r"(?<n>a)b(?P<m>c)", 3),
        (r"[]a]{2}[^]]", 3),
        (r"[a&&b||c~~[+--]{2}", 2),
        (r"a{,2}", 5),
        (r"a(?s:.)b", 3),
        (r"(?U)a+b", 65 - 1),
    ],
)
def test_the_reach_of_a_pattern(pattern: str, expected: int | None) -> None:
    assert regex.check_pattern(pattern) is None or pattern == r"[a&&b||c~~[+--]{2}"
    assert pattern_reach(pattern) == expected


@pytest.mark.parametrize("pattern", [r"(a)\1+", "(", r"a**", r"\X"])
def test_what_cannot_be_read_needs_the_whole_text(pattern: str) -> None:
    assert pattern_reach(pattern) is None


# -- words -----------------------------------------------------------------------------------------------------------

TERMS = [
    "kingfisher",
    "king",
    "king*",
    "*fish*",
    "new york",
    "new york city hall",
    "c++",
    "f\\*\\*k",
    "confidential report",
    "straße",
    ".net",
    "机密文件",
    "قنبلة",
    "비밀",
    "bass",
    "queen bee",
]
PARTS = [
    "king",
    "kingfisher",
    "fish",
    "new",
    "york",
    "city",
    "hall",
    "c++",
    "c+",
    "f**k",
    " ",
    "  ",
    "-",
    "---",
    "\n",
    ", ",
    "er",
    "x",
    "_",
    "-\n",
    ".",
    "net",
    "机密",
    "文件",
    "قُنْ",
    "بـلـة",
    "ال",
    "비밀",
    "에서",
    "b455",
    "b4",
    "$$",
    "baaa",
    "aass",
    "Queen",
    "Bee",
    "17",
    "#",
    "<br>",
    "â€œ",
    "\u202e",
    "\u202c",
]


@settings(PROPERTY)
@given(
    st.lists(st.sampled_from(TERMS), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(PARTS), max_size=16).map("".join),
)
@example(["new york city hall"], "new" + "-" * 50 + "york city hall x")
@example(["*fish*"], "king-\nkingfisher")
def test_words(terms: list[str], text: str) -> None:
    rule = words_rule("terms", *terms)
    held = lookahead(policy(rule), OUT)
    check_law(finder(rule), held, text)


@PROPERTY
@given(
    # A hit of a part of a word is the whole word, however long.
    st.lists(st.sampled_from([t for t in TERMS if not t.startswith("*") and t[-2:] != "g*"]), min_size=1, max_size=3),
    st.lists(st.sampled_from(PARTS), max_size=16).map("".join),
)
def test_no_hit_of_a_word_is_longer_than_its_reach(terms: list[str], text: str) -> None:
    rule = words_rule("terms", *terms)
    for _, start, end in finder(rule)(text):
        reduced = " ".join("".join(c if c.isalnum() or c in "+*" else " " for c in text[start:end]).split())
        assert len(reduced) <= (reach(rule, OUT) or 0)


@given(
    st.lists(
        st.sampled_from(["Scunthorpe", "assess", "fuck", "shiitake", "cock", "pit", "a", " ", "mushroom"]), max_size=8
    ).map(" ".join)
)
@settings(PROPERTY, max_examples=60)
def test_managed_lists_see_their_false_friends(text: str) -> None:
    rule = Rule("words.PROFANITY", "words", "PROFANITY", words.Settings(managed=("PROFANITY",)), BLOCK, BLOCK)
    check_law(finder(rule), lookahead(policy(rule), OUT), text)


def test_ciphers_are_part_of_the_reach() -> None:
    rule = words_rule("terms", "project kingfisher")
    text = "see ojectpray ingfisherkay now and " + "then " * 20
    assert finder(rule)(text) != set()
    check_law(finder(rule), lookahead(policy(rule), OUT), text)


def test_a_long_list_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = tuple(f"term {i}" for i in range(20_000)) + ("ǆabcæ ﷺ",)
    settings_ = words.Settings(lists=(words.TermList("l.txt", "f" * 64, terms),))
    assert (words.reach(settings_) or 0) >= max(len(compile_term(t).text.strip()) for t in terms[-2:])
    monkeypatch.setattr(words, "_longest_of_many", lambda _: pytest.fail("looked through again"))
    assert 0 < (words.reach(settings_) or 0) < 40


# -- sensitive information -------------------------------------------------------------------------------------------

CALM = " and that is all there was to say about it on that day, as far as anybody in the house could tell by then."
PII_CASES = [c for c in CASES["pii"] if c.kind != "negative"]


@pytest.mark.parametrize("case", PII_CASES, ids=lambda c: c.name)
def test_the_cases_of_every_type(case: Any) -> None:
    rule = rule_for("pii", case)
    text = parse(case.finds).text + CALM
    if "PRIVATE KEY" in text or len(text) > 1500:
        pytest.skip("longer than any reach; see the keys below")
    check_law(finder(rule), lookahead(policy(rule), OUT), text, range(0, len(text) + 1, 3))


SCRAPS = st.sampled_from(
    ["4111 1111 1111 1111", "bob@acme.io", "+44 20 7946 0958", "219-09-9999", "ssn", "call", "card", "the", "10.1.2.3", "GB82 WEST 1234 5698 7654 32",
     "my number is", "****1111", "****", "\n", ". ", "https://x.io/a?b=c", "1990-02-03", "born", "account number"]
)  # fmt: skip


@settings(PROPERTY, max_examples=40)
@given(st.lists(SCRAPS, max_size=8).map(" ".join))
def test_types_that_compete(text: str) -> None:
    names = [
        "CREDIT_DEBIT_CARD_NUMBER",
        "EMAIL",
        "PHONE",
        "US_SOCIAL_SECURITY_NUMBER",
        "IP_ADDRESS",
        "URL",
        "DATE_OF_BIRTH",
        "US_BANK_ACCOUNT_NUMBER",
    ]
    rules = [pii_rule(n, MASK if i % 2 else DETECT) for i, n in enumerate(names)]
    check_law(finder(*rules), lookahead(policy(*rules), OUT), text + CALM, range(0, len(text) + len(CALM), 3))


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("US_BANK_ROUTING_NUMBER", "It is 021000021, they said, routing."),
        ("US_BANK_ACCOUNT_NUMBER", "So 48210077315 extraordinarily is their account"),
        ("PIN", "use 4821 as the new pin"),
    ],
)
def test_words_behind_a_value_are_waited_for(entity: str, text: str) -> None:
    rule = pii_rule(entity)
    assert finder(rule)(text) != finder(rule)(text[: text.rindex(" ")]), "the last word decides"
    check_law(finder(rule), lookahead(policy(rule), OUT), text + CALM)


def test_a_type_that_only_detects_may_take_a_place_from_one_that_masks() -> None:
    ssn, address = pii_rule("US_SOCIAL_SECURITY_NUMBER"), pii_rule("ADDRESS", DETECT)
    assert lookahead(policy(ssn, address), OUT).characters == reach(address, OUT)
    assert set(lookahead(policy(words_rule("a", "kingfisher"), address), OUT).rules) == {"words.a"}


def test_no_type_needs_the_whole_text() -> None:
    found = {entity: reaching.reach_of(entity) for entity in catalog.PII}
    assert None not in found.values()
    assert max(n for n in found.values() if n is not None) <= 256
    assert reaching.reach_of("NOBODYS_TYPE") is None
    assert set(reaching._TAGGED) == set(pii.TAGGED)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"),
        ("PuTTY-User-Key-File-2: ssh-rsa", "Private-MAC: " + "0a" * 20),
    ],
)
def test_a_private_key_is_held_until_it_ends(opening: str, closing: str) -> None:
    held = lookahead(policy(pii_rule("PRIVATE_KEY")), OUT)
    text = "see here:\n" + opening + "\n" + "what a key this is, line by line\n" * 40
    assert held.settled(text) == text.index(opening)
    assert held.settled(text + closing + CALM * 4) > len(text)
    assert held.settled(text + "x " * 20_000) > len(text)  # nobody's key is that long


# -- policies --------------------------------------------------------------------------------------------------------


def test_rules_that_only_detect_hold_nothing() -> None:
    rules = (words_rule("a", "kingfisher", action=DETECT), regex_rule("r", "a.*b", action=DETECT))
    assert lookahead(policy(*rules), OUT) == Lookahead()
    assert Lookahead().settled("anything") == len("anything")


def test_the_longest_rule_decides() -> None:
    held = lookahead(policy(words_rule("a", "kingfisher"), regex_rule("r", r"ACC-\d{30}")), OUT)
    assert held.characters == 34
    assert held.rules == {"words.a": 13, "regex.r": 34}
    assert held.phrases == 13
    assert held.whole == ()


def test_a_pattern_without_end_holds_everything() -> None:
    held = lookahead(policy(regex_rule("r", "a.*b"), words_rule("a", "kingfisher")), OUT)
    assert held.whole == ("regex.r",)
    assert held.settled("x" * 10_000) == 0


def test_exceptions_and_placeholders_count() -> None:
    rule = words_rule("a", "king", exceptions=("the lion king musical",))
    assert (reach(rule, OUT) or 0) >= len("the lion king musical")
    constant = words_rule("b", "heron", action=MASK, mask=styled("constant", text="[" + "a heron was here " * 9 + "]"))
    assert lookahead(policy(constant), OUT).characters == len("[" + "a heron was here " * 9 + "]")
    assert lookahead(policy(regex_rule("r", r"\d{2}")), OUT).characters == len("{r_1234}")


def test_models_judge_segment_by_segment_and_grounding_does_not() -> None:
    loaded = loads(
        HEAD + "content: {HATE: HIGH}\ntopics: [{name: x, definition: Some topic.}]\ngrounding: {threshold: 0.5}\n"
    )
    held = lookahead(loaded, OUT)
    assert held.rules == {"content.HATE": 0, "topic.x": 0, "grounding": None}
    assert held.whole == ("grounding",)
    assert lookahead(loaded, Source.INPUT).whole == ()


@pytest.mark.parametrize("name", ["baseline", "retail-bank", "hospital", "childrens-tutor"])
def test_shipped_policies_hold_little(name: str) -> None:
    held = lookahead(load(name), OUT)
    assert held.whole == ()
    assert held.characters <= 256


@given(st.text("ab1 -\n\u00e9", max_size=60), st.integers(0, 20), st.booleans())
def test_what_is_settled_stays_settled(text: str, characters: int, words_: bool) -> None:
    points = [settled(text[:cut], characters, words=words_) for cut in range(len(text) + 1)]
    assert points == sorted(points)
    assert all(cut - point >= min(characters, cut) for cut, point in enumerate(points))


def test_long_runs_are_found() -> None:
    text = "a b " + "x" * 100_000
    assert settled(text, 80) == 0 or text[settled(text, 80)] in "ab "
    assert settled(text, 10) == len(text) - 11
    assert settled("new york" + "-" * 10_000, 8, words=True) == 0
