from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard, detectors
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.words import Settings, TermList, managed_terms
from guardrails.detectors.words_automaton import shared_automaton
from guardrails.policy import loads
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
    return detectors.build("words", rules).find(Content([Piece(text)], Source.INPUT), Deadline(3_600_000))


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
    found = detector.find(Content([Piece(text)], Source.INPUT), Deadline(3_600_000))
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


# Term, text: other spellings that a reader takes for the term.
FOUND = [
    ("kingfisher", "say â€œkingfisherâ€\x9d now"), ("kingfisher", "â€œkingfisher is"), ("kingfisher", "â€˜kingfisherâ€™"), ("kingfisher", "‚Äúkingfisher‚Äù"),
    ("kingfisher", "ΓÇ£kingfisherΓÇ¥"), ("café noir", "a cafÃ© noir"), (".NET", "we use .NET here"), (".NET", "(.net)"), ("C++", "C++17 rocks"), ("C#", "I love C#."),
    ("@acme", "ask @ACME!"), ("#metoo", "the #MeToo era"), ("قنبلة", "قُنْبُلَة"), ("قنبلة", "قـنـبـلـة"), ("قنبلة", "هذه القنبلة"), ("قُنْبُلَة", "قنبلة"), ("שלום", "שָׁלוֹם"),
    ("מטבע", "המטבע"), ("ज़मीन", "जमीन"), ("비밀", "비밀을 지켜"), ("비밀 계획", "그 비밀 계획에서"), ("机密文件", "机密\n文件"), ("机密 文件", "机密文件"), ("機密文書", "機密\r\n文書"),
    ("kingfisher", "king-\nfisher"), ("kingfisher", "king-\r\n> fisher"), ("insider information", "insider<br/>information"),
    ("insider information", "<td>insider</td><td>information</td>"), ("kingfisher", "king<wbr>fisher"), ("project kingfisher", "#ProjectKingfisher"),
    ("project kingfisher", "projectkingfisher"), ("kingfisher", "#kingfisher2024"), ("project kingfisher", "myprojectkingfisherbudget"),
    ("project kingfisher", "PROJECT_KINGFISHER_2"), ("project kingfisher", "project-kingfisher-v2"), ("new york", "#newyork"), ("new york", "inNewYork"), ("kill switch", "killswitch"),
    ("bass", "b4ss"), ("bass", "ba$$"), ("transfer", "+ran$fer"), ("guest", "gues+"), ("launder", "|aunder"), ("security", "se(urity"), ("attack at dawn", "4tt4ck 47 d4wn"),
    ("project kingfisher", "tcejorp rehsifgnik"), ("project kingfisher", "rojectpay ingfisherkay"), ("kingfisher", "kiiiingfisher"), ("queen bee", "queeeen beeee"),
    ("red falcon", "the der noclaf thing"), ("red falcon", "gniht noclaf der eht"), ("bridge closure", "br!dge (|o$ure"),
    ("project kingfisher", "proje(+ k!ngfisher"), ("비밀문서", "이 비밀\n문서는"), ("비밀문서", "비밀\r\n  문서"),
    ("launder", "a\u202d\u2066\u202e\u2066a\u2069\u2066l\u2069\u202c\u2069\u202cunder"[1:]),
]  # fmt: skip
SPARED = [
    (".NET", "net profit"), (".NET", "example.net"), ("@acme", "bob@acme.com"), ("bass", "8455"), ("bass", "$8455"), ("boob", "id 8008"), ("bass", "gate B455"),
    ("bass", "1f2a-8a55-8455-b455"), ("net", ".network"), ("new york", "new yorker"), ("king", "kingdom"), ("the rapist", "therapist"), ("tit", "Xk9TitQ2"),
    ("king", "hiking-\nboots"), ("قنبلة", "قنابل"), ("비밀", "비밀번호"), ("kingfisher", "king fisher"), ("pen is", "penis"), ("so", "also"),
    ("cat", "f(@x)"), ("bass", "(8455)"), ("on top", "no pot of tea"), ("비밀문서", "비밀 문서"),
]  # fmt: skip


@pytest.mark.parametrize(("term", "text"), FOUND)
def test_other_spellings_of_a_term_are_found(term: str, text: str) -> None:
    assert find(text, rule("r", term)).hits


@pytest.mark.parametrize(("term", "text"), SPARED)
def test_what_only_looks_like_a_term_is_spared(term: str, text: str) -> None:
    assert not find(text, rule("r", term)).hits


@pytest.mark.parametrize(
    ("term", "text", "masked"),
    [
        ("confiden*", "strictly confidential data", "confidential"),
        ("*leaks", "the wikileaks stuff", "wikileaks"),
        ("*fish*", "a catfishing king", "catfishing"),
        ("机密*", "x机密文件", "机密"),
        ("insider info*", "some insider information here", "insider information"),
    ],
)
def test_a_part_of_a_word_is_masked_with_the_word(term: str, text: str, masked: str) -> None:
    assert [text[h.start : h.end] for h in find(text, rule("r", term)).hits] == [masked]


@pytest.mark.parametrize(
    ("term", "exception", "text", "excused"),
    [
        ("kill*", "kill switch", "press the kill-switch", True),
        ("kill*", "kill-switch", "press the KILL  switch", True),
        ("fucking", "Fucking, Austria", "we drove to Fucking Austria", True),
        ("fucking", "Fucking Austria", "we drove to Ｆｕｃｋｉｎｇ, Austria", True),
        ("kill", "kill switch", "kill the switch", False),
        ("kill", "C++", "kill c", False),
    ],
)
def test_exceptions_fold_as_terms_do(term: str, exception: str, text: str, excused: bool) -> None:
    policy = loads(f"version: 1\nname: p\nwords:\n  terms:\n    - {{term: {term!r}, id: t, except: [{exception!r}]}}\n")
    assert Guard(policy).check(text, source="INPUT").blocked is not excused


PROFANE = [
    "shitting",
    "titties",
    "blow jobs",
    "fuk you",
    "pissed",
    "pissing off",
    "jackass",
    "smartasses",
    "goddammit",
    "bitching",
    "wankers",
    "dipshit",
    "batshit",
    "fuuuuck",
    "f**k",
    "sh*t",
    "f*ck",
    "a$$hole",
    "shitshow",
    "bullshitting",
    "b*tch",
    "b!tch",
    "f**king",
    "f***ing",
    "c*nt",
    "motherf***er",
    "motherfucker1",
    "#fuckyou",
    "shiiiit",
    "FUUUCK",
    "f@ck",
    "f#ck",
    "f-ck",
    "sh1t",
    "asssshooole",
    "tw@t",
    "n*gger",
    "f.u.c.k",
    "whores",
    "absofuckinglutely",
    "a**hole",
    "f★ck",
    "fuckery",
]
DECENT = [
    "Phuc Nguyen",
    "Phúc",
    "slag heap",
    "FAG bearing",
    "Twatt",
    "Dick Cheney",
    "shiitake",
    "cum laude",
    "tit bird",
    "flight SH17",
    "PO 5H17",
    "Fugger family",
    "Gaylord Opryland",
    "trop tard",
    "spick and span",
    "faggots and peas",
    "Fucking, Austria",
    "Wankel engine",
    "Shih Tzu",
    "snigger",
    "homo sapiens",
    "s*t is a product",
    "garden hoes",
    "push it",
    "wash it up",
    "2**4",
    "push\nit",
    "Shylock",
]


@pytest.fixture(scope="module")
def profanity() -> Detector:
    return detectors.build("words", [Rule("p", "words", "PROFANITY", Settings(managed=("PROFANITY",)))])


def test_profanity_knows_inflections_and_disguises(profanity: Detector) -> None:
    found = profanity.find(Content([Piece(f"so {text} then") for text in PROFANE], Source.INPUT), Deadline(3_600_000))
    assert [text for i, text in enumerate(PROFANE) if i not in {h.piece for h in found.hits}] == []


def test_profanity_spares_names_and_ordinary_words(profanity: Detector) -> None:
    found = profanity.find(Content([Piece(text) for text in DECENT], Source.INPUT), Deadline(3_600_000))
    assert sorted({DECENT[h.piece] for h in found.hits}) == []


BENIGN = """Hello and welcome. The class will assess the passage on grass. Scunthorpe, Penistone, Clitheroe, Essex, Sussex.
Please analyse the cumulative document. Cockatoos, cockpits and cocktails. A Dickens novel. Moby Dick. Uranus is a planet.
Therapist, title, constitution, shuttlecock, Arsenal, Hancock, Cummings, Matsushita, Fukuoka. Breast cancer screening.
Der Straßenname. Zażółć gęślą jaźń. Tiếng Việt có dấu. नमस्ते दुनिया. می‌خواهم بروم. مرحبا بالعالم. สวัสดีชาวโลก. Привет, мир.
Καλημέρα κόσμε. 👩‍👩‍👧‍👦 🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️. for (int i = 0; i < n; i++) { sum += a[i]; } 3f786850e387550fdab836ed7e6dc881de23001b"""


def test_profanity_has_no_false_alarm_here() -> None:
    assert find(BENIGN, Rule("p", "words", "PROFANITY", Settings(managed=("PROFANITY",)))).hits == []
