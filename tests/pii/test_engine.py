"""Context, overlaps, long and hostile texts, budgets, views."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any
from unittest import mock

import pytest

from guardrails.content import Content, Deadline
from guardrails.detectors import Detector, pii
from guardrails.detectors.pii import engine as engine_module
from guardrails.detectors.pii.context import FLOOR, LOWER, RAISE, evidence, scored
from guardrails.detectors.pii.engine import Engine
from guardrails.detectors.pii.matching import OVERLAP, WINDOW, BudgetExceededError, Pattern, Text
from guardrails.detectors.pii.needs import Need, need
from guardrails.detectors.pii.plausible import _referenced
from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.resolve import Candidate, resolve
from guardrails.errors import DeadlineExceeded, GuardrailsError
from guardrails.types import FailureKind, Piece, Source
from tests.pii.finding import ALL, detector, found, hits, marked, rule

EVERYTHING = detector()


def spec(pattern: str, score: float = 0.6, **more: object) -> Spec:
    return Spec("EMAIL", ((pattern, score),), **more)  # type: ignore[arg-type]


def engine(*specs: Spec, min_score: float = 0.5) -> Engine:
    return Engine([rule("EMAIL", min_score=min_score)], specs)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("my account is 12", 1),
        ("ACCOUNTS: 12", 1),
        ("12 is my account", 1),
        ("bank_account=12", 1),
        ("accountNumber 12", 1),
        ("no word at all 12", 0),
        ("an accounting one two three four five six seven eight 12", 0),
        ("account, order 12", -1),
        ("order for account 12", 1),
        ("12 account 34", 0),
        ("12. My account is closed", 0),
        ("account 77 open. Room 12", 0),
        ("my account. It is 12", 1),
        ("accounts 77 and 12", 1),
        ("ida 12", 0),
        ("id 12", 1),
        ("ids: 12", 1),
    ],
)
def test_words_around(text: str, sign: int) -> None:
    start = text.index("12")
    assert evidence(text, start, start + 2, ("account", "id"), ("order",)).sign == sign


def test_scores() -> None:
    text = "account 12"
    good = evidence(text, 8, 10, ("account",), ())
    bad = evidence(text, 8, 10, (), ("account",))
    assert scored(0.3, good) == pytest.approx(0.3 + RAISE)
    assert scored(0.05, good) == FLOOR
    assert scored(0.9, good) == 1.0
    assert scored(0.6, bad) == pytest.approx(0.6 - LOWER)
    assert scored(0.1, bad) == 0.0


def test_a_group_named_value_is_the_finding() -> None:
    for pattern in (r"key (?P<value>\d+)", r"(?<=a )key (?P<value>\d+)"):
        assert [(h.start, h.end) for h in hits(engine(spec(pattern)), "a key 123")] == [(6, 9)]


def test_validation() -> None:
    checked = spec(r"\d+", 0.2, validate=lambda v: True if v == "11" else None if v == "22" else False)
    assert [(h.start, h.score) for h in hits(engine(checked, min_score=0.1), "11 22 33")] == [(0, 1.0), (3, 0.2)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\d{3}-\d{2}", Need(None, 5, 6)),
        (r"pass(?:word|code)\s*:", Need(frozenset({"password", "passcode"}), 0, 0)),
        (r"(?i)E-?MAIL \d", Need(frozenset({"e-mail ", "email "}), 1, 8)),
        (r"\w+@\w+", Need(frozenset({"@"}), 0, 0)),
        (r"\p{Lu}+", Need()),
        (r"(?:foo|\d)", Need(None, 0, 3)),
        (r"(?:foo)?\d?", Need(None, 0, 4)),
        (r"(?!abc)(?<=xyz)[a-z]", Need(None, 0, 1)),
        (r"(?:(?:ab|cd)[0-9]){2,3}", Need(frozenset({"ab", "cd"}), 2, 9)),
    ],
)
def test_needs(pattern: str, expected: Need) -> None:
    assert need(pattern) == expected


def test_the_better_type_keeps_the_place() -> None:
    card = Candidate("CREDIT_DEBIT_CARD_NUMBER", 5, 24, 1.0, valid=True)
    phone = Candidate("PHONE", 10, 24, 0.7)
    wider = Candidate("PHONE", 0, 24, 0.7)
    text = "+123 4111 1111 1111 1111"
    assert resolve(text, [phone, card]) == [card]
    assert resolve(text, [wider, card]) == [wider, card]  # dropping the wider one would uncover +123
    assert resolve(text, [phone]) == [phone]  # a type that is off claims nothing
    assert resolve(text, [phone, card], {"PHONE": 1}) == [card, phone]
    assert resolve(text, [phone, card], {"PHONE": 1, card.type: 1}) == [card]
    assert resolve(text, [phone, card], {"PHONE": 1, card.type: 0}) == [card, phone]  # it would only be reported


def test_a_disabled_type_claims_nothing() -> None:
    text = "call 4111 1111 1111 1111"
    assert marked(EVERYTHING, text) == "call [CREDIT_DEBIT_CARD_NUMBER:4111 1111 1111 1111]"
    assert "PHONE" not in {h.type for h in hits(EVERYTHING, text)}
    nine = "ssn or account 536904399"
    alone = {t for t in ALL if hits(detector([t]), nine)}
    together = hits(EVERYTHING, nine)
    assert {h.type for h in together} <= alone
    assert together


def test_an_enforced_type_does_not_give_way() -> None:
    text = "call 4012345678917 now"  # thirteen digits that are a Visa too
    card = rule("CREDIT_DEBIT_CARD_NUMBER")
    assert [h.type for h in hits(pii.build([rule("PHONE")]), text)] == ["PHONE"]
    assert [h.type for h in hits(pii.build([rule("PHONE"), card]), text)] == ["CREDIT_DEBIT_CARD_NUMBER"]
    both = hits(pii.build([rule("PHONE", enforced=True), card]), text)
    assert [h.type for h in both] == ["CREDIT_DEBIT_CARD_NUMBER", "PHONE"]


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(GuardrailsError, match="did you mean EMAIL"):
        pii.build([rule("EMAILS")])


@pytest.mark.parametrize("at", [WINDOW - 9, WINDOW - 1, WINDOW, WINDOW + OVERLAP - 9, 2 * WINDOW - 5, 3 * WINDOW])
@pytest.mark.parametrize("filler", ["a ", "é "])
def test_nothing_is_lost_between_windows(at: int, filler: str) -> None:
    text = (filler * at)[:at] + " bob@example.com 4111 1111 1111 1111 " + filler * WINDOW
    values = [text[h.start : h.end] for h in hits(detector(["EMAIL", "CREDIT_DEBIT_CARD_NUMBER"]), text)]
    assert values == ["bob@example.com", "4111 1111 1111 1111"]


def test_a_value_longer_than_a_window() -> None:
    text = "see https://example.com/" + "a" * (3 * WINDOW) + " end"
    assert [(h.start, h.end) for h in hits(detector(["URL"]), text)] == [(4, len(text) - 4)]


HOSTILE = {
    "dots": "." * 4_000,
    "a": "a " * 10_000,
    "digits": "1" * 100_000,
    "at": "@" * 50_000,
    "a@": "a@" * 30_000,
    "1-": "1-" * 30_000,
    "1 ": "1 " * 30_000,
    "a.a@": "a.a@" * 15_000,
    "colons": "ab:" * 20_000,
    "words": "12 Aa " * 10_000,
    "labels": "Name: password: " * 4_000,
    "passwords": "password: x1y2 " * 4_000,
    "mails": "bob@example.com " * 4_000,
    "cards": "4111 1111 1111 1111 " * 2_000,
    "plus": "+1" * 30_000,
    "brackets": "(" * 60_000,
    "blanks": " " * 60_000,
    "letters": "A" * 60_000,
    "base64": "Ab1+/" * 12_000,
    "urls": "http://" * 9_000,
    "keys": "-----BEGIN " * 6_000,
    "tokens": "eyJhbGci." * 7_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts_stay_within_their_budgets(text: str) -> None:
    """The budgets of patterns: the tagger has its windows and batches, and tests of its own."""
    assert not found(_patterns(), text).failures


def test_a_pattern_that_explodes_is_given_up() -> None:
    with pytest.raises(BudgetExceededError):
        list(Pattern(r"(?:a|aa)+(?=b)", False).spans(Text("a" * 100)))


def test_what_other_threads_do_costs_a_pattern_nothing() -> None:
    """The limit of the engine counts the processor time of all threads: a search that is cut off for that goes on."""
    pattern = Pattern(r"\d{4}(?= )", False)
    cut: list[int] = []

    class Hurried:
        def __init__(self, engine: Any) -> None:
            self.engine = engine

        def finditer(self, text: str, start: int, end: int, timeout: float) -> Iterator[Any]:
            for n, match in enumerate(self.engine.finditer(text, start, end, timeout=timeout)):
                if n == 3:
                    cut.append(start)
                    raise TimeoutError
                yield match

    pattern._engine = Hurried(pattern._engine)
    text = "1234 " * 20
    assert list(pattern.spans(Text(text))) == [(5 * i, 5 * i + 4) for i in range(20)]
    assert len(cut) == 6


@cache
def _patterns() -> Detector:
    with mock.patch.object(engine_module, "TAGGED", ()):
        return detector()


def test_a_pattern_that_runs_out_of_time_is_a_failure() -> None:
    slow = engine(spec(r"(?=(a|aa)+$)(a|aa)+b"))
    outcome = found(slow, "a" * 64 + "!")
    assert [(f.rule, f.kind, f.piece) for f in outcome.failures] == [("pii.EMAIL", FailureKind.TIMEOUT, 0)]
    assert "aaa" not in repr(outcome.failures)


def test_the_deadline_holds() -> None:
    with pytest.raises(DeadlineExceeded):
        found(EVERYTHING, "SSN 536-90-4399 " * 60_000, milliseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        "username: {USERNAME} of the bank, BIC {SWIFT_CODE}",
        "password: {PASSWORD}",
        "password: {PASSWORD_2}",
        "mail {EMAIL:abcdefghijklmnop}",
        "password: ********",
        "password: ****cret",
        "*******e.com",
    ],
)
def test_placeholders_are_not_found(text: str) -> None:
    assert marked(EVERYTHING, text) == text


def test_what_only_looks_like_a_placeholder_is_found() -> None:
    assert marked(EVERYTHING, "password: {hunter-2}") == "password: [PASSWORD:{hunter-2}]"
    assert marked(EVERYTHING, "{bob@example.com}") == "{[EMAIL:bob@example.com]}"
    assert marked(EVERYTHING, "**bob@example.com**") == "**[EMAIL:bob@example.com]**"
    assert marked(EVERYTHING, "**bob@example.com") == "**[EMAIL:bob@example.com]"
    assert marked(EVERYTHING, "**** 536-90-4399") == "**** [US_SOCIAL_SECURITY_NUMBER:536-90-4399]"


def test_several_pieces() -> None:
    content = Content([Piece("nothing"), Piece("bob@example.com"), Piece("")], Source.OUTPUT)
    assert [(h.piece, h.start, h.end) for h in EVERYTHING.find(content, Deadline(10_000)).hits] == [(1, 0, 15)]


def test_raw_specs_stay_off_derived_views(monkeypatch: pytest.MonkeyPatch) -> None:
    from guardrails.fold import Folded, View

    views = (View("none"), View("secret 12345", "normal"))
    monkeypatch.setattr(Folded, "patterns", property(lambda self: views))
    monkeypatch.setattr(View, "span", lambda self, start, end: (0, 4))
    pattern = r"\d{5}"
    assert not hits(engine(spec(pattern, scope="raw")), "none")
    assert [(h.start, h.end) for h in hits(engine(spec(pattern)), "none")] == [(0, 4)]


class _Tagger:
    """What a trained tagger looks like to us: Presidio's recogniser interface."""

    supported_entities = ("NAME", "PLANET")

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken

    def analyze(self, text: str, entities: list[str], nlp_artifacts: object) -> Iterator[object]:
        from presidio_analyzer import RecognizerResult

        if self.broken:
            raise RuntimeError(text)
        assert nlp_artifacts is not None
        for entity, word in (("NAME", "Zora"), ("PLANET", "Mars")):
            if entity in entities and word in text:
                at = text.index(word)
                yield RecognizerResult(entity, at, at + len(word), 0.9)


def test_a_tagger_plugs_in() -> None:
    both = detector(["NAME", "PLANET"], extra=[_Tagger()])
    assert marked(both, "Zora and Mr. Smith saw Mars") == "[NAME:Zora] and Mr. [NAME:Smith] saw [PLANET:Mars]"
    assert marked(detector(["NAME"], extra=[_Tagger()]), "Zora saw Mars") == "[NAME:Zora] saw Mars"


def test_a_tagger_that_breaks_is_a_failure() -> None:
    outcome = found(detector(["NAME", "EMAIL"], extra=[_Tagger(broken=True)]), "my name is Zora Neale")
    assert [(f.rule, f.kind, f.detail) for f in outcome.failures] == [
        ("pii.NAME", FailureKind.INTERNAL, "RuntimeError")
    ]
    assert [h.type for h in outcome.hits] == ["NAME"]


def test_settings_are_cheap_to_import() -> None:
    code = (
        "import sys; from guardrails.detectors.pii import Settings; Settings('EMAIL'); "
        "print([m for m in ('presidio_analyzer', 're2', 'regex', 'ahocorasick_rs', 'spacy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_finding_needs_no_presidio() -> None:
    code = (
        "import sys; from tests.pii.finding import detector, hits; assert hits(detector(['EMAIL']), 'mail bob@example.com'); "
        "print([m for m in ('presidio_analyzer', 'spacy', 'transformers', 'torch') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_threads_share_one_detector() -> None:
    from concurrent.futures import ThreadPoolExecutor

    fresh = detector()
    texts = [f"mail bob{n}@example.com, card 4111 1111 1111 1111, SSN 536-90-43{n:02}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: hits(fresh, text), texts))
    assert together == [hits(EVERYTHING, text) for text in texts]
    assert all(len(found) == 3 for found in together)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("b&#111;b", "#111", True),
        ("b&#111;b", "111", True),
        ("a &amp; b", "amp", True),
        ("b&#x6f;b", "#x6f", True),
        ("password: &hunter2; ok", "hunter2", False),
        ("password: hunter2; ok", "hunter2", False),
    ],
)
def test_only_what_html_knows_is_a_character_reference(text: str, value: str, expected: bool) -> None:
    start = text.index(value)
    assert _referenced(text, start, start + len(value)) is expected
