"""Properties of the pipeline, on the shipped weights-free policies and on texts that mix everything."""

from __future__ import annotations

import io
import logging
import re
import string
import traceback
import unicodedata
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from guardrails import Action, Guard, detectors
from guardrails.actions import Masked
from guardrails.errors import GuardrailsError
from guardrails.fold import Folded, fold_term
from guardrails.policy import load
from guardrails.resources import shipped_policies
from guardrails.rules import Limits, Policy
from guardrails.types import OnFailure, Piece, Report, RuleAction
from tests.core.policies import BLOCK, DETECT, MASK, guard, pii_rule, policy, regex_rule, styled, words_rule
from tests.patterns import patterns_only  # noqa: F401 - a fixture

VALUES = [
    "bob@example.com",
    "4111 1111 1111 1111",
    "SSN 536-90-4399",
    "DE89 3704 0044 0532 0130 00",
    "203.0.113.77",
    "password: hunter2secret",
    "ACC-12345678",
    "project kingfisher",
    "king fisher",
    "Ｋｉｎｇｆｉｓｈｅｒ",
    "k i n g f i s h e r",
    "4\u200b111 1111\u200b 1111 1111",
    "{EMAIL_1}",
    "{account}",
    "Ym9iQGV4YW1wbGUuY29t",
    "b&#111;b@example.com",
    "bob%40example.com",
    "\u2066bob@example.com\u2069",
    "cafe\u0301",
    "नमस्ते",
    "👩‍👩‍👧",
    "\r\n",
]
texts = st.lists(
    st.one_of(st.sampled_from(VALUES), st.text(max_size=12), st.sampled_from([" ", "", ", ", "\n", "-", "@"])),
    max_size=8,
).map("".join)
scalars = texts.filter(lambda t: not any(0xD800 <= ord(c) < 0xE000 for c in t))


def rules() -> list:  # type: ignore[type-arg]
    return [
        words_rule("a", "kingfisher", "king fisher", action=MASK),
        words_rule("b", "fisher*", action=DETECT),
        words_rule("c", "never-there", action=BLOCK),
        regex_rule("account", r"ACC-\d{8}"),
        regex_rule("digits", r"\d{9,}", mask=styled("constant", text="#")),
        pii_rule("EMAIL", mask=styled("numbered")),
        pii_rule("CREDIT_DEBIT_CARD_NUMBER", mask=styled("partial")),
        pii_rule("US_SOCIAL_SECURITY_NUMBER"),
        pii_rule("INTERNATIONAL_BANK_ACCOUNT_NUMBER"),
        pii_rule("IP_ADDRESS"),
        pii_rule("PASSWORD"),
    ]


@cache
def the_guard() -> Guard:
    return guard(*rules())


@cache
def shipped(name: str) -> Guard:
    """A shipped policy's words, regexes and PII: the laws are about masks. What judges whole texts judges a masked one anew."""
    loaded = load(name)
    return Guard(replace(loaded, rules=tuple(r for r in loaded.rules if detectors.spec(r.detector).spans)))


@pytest.fixture(autouse=True, scope="module")
def fresh(patterns_only: None) -> None:  # noqa: F811
    """Guards that were built while the tests were collected have the tagger."""
    the_guard.cache_clear()
    shipped.cache_clear()


SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(report: Report) -> tuple[object, ...]:
    return report.action, report.outputs, report.findings, report.failures


@SLOW
@given(texts, st.randoms(use_true_random=False))
def test_rule_order_is_nothing(text: str, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = rules()
    random.shuffle(shuffled)
    assert outcome(guard(*shuffled).check(text, source="INPUT")) == outcome(the_guard().check(text, source="INPUT"))


@pytest.mark.parametrize("name", ["test", *shipped_policies()])
@SLOW
@given(scalars)
def test_text_outside_masks_is_untouched(name: str, text: str) -> None:
    report = (the_guard() if name == "test" else shipped(name)).check(text, source="INPUT")
    for f in report.findings:
        assert f.start is not None
        assert 0 <= f.start < f.end <= len(text)  # type: ignore[operator]
    if report.action is Action.NONE:
        assert report.text == text
    if report.action is Action.MASKED:
        masked = [(f.start, f.end) for f in report.findings if f.action is Action.MASKED]
        kept = [c for i, c in enumerate(text) if not any(s <= i < e for s, e in masked)]  # type: ignore[operator]
        # What was kept is a subsequence of the output, in order, character for character.
        rest = iter(report.text)
        assert all(c in rest for c in kept)


@pytest.mark.parametrize("name", ["test", *shipped_policies()])
@SLOW
@given(scalars)
def test_masking_is_idempotent(name: str, text: str) -> None:
    g = the_guard() if name == "test" else shipped(name)
    once = g.check(text, source="INPUT")
    if once.action is Action.MASKED:
        again = g.check(once.text, source="INPUT")
        assert (again.action, again.text) == (Action.NONE, once.text)


def stands_whole(value: str, text: str) -> bool:
    """A mark goes with the letter before it, as for word lists: after one, the word has not ended."""
    places = [m.span() for m in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text)]
    return any(not unicodedata.category(text[s - 1 : s] or " ").startswith("M") for s, _ in places)


@SLOW
@given(scalars)
@example("bob%40example.compassword: hunter2secret" * 2)
@example("password: hunter2secret Hunter2Secret hunter2%73ecret hunter2&#115;ecret")
@example("नमस्तेＫｉｎｇｆｉｓｈｅｒ Ｋｉｎｇｆｉｓｈｅｒ")
def test_no_masked_value_is_left_in_any_view(text: str) -> None:
    g = the_guard()
    report = g.check(text, source="INPUT")
    if report.action is not Action.MASKED:
        return
    views = Folded(report.text)
    seen = [view.text.lower() for view in (*views.patterns, *views.words)]
    for finding in report.findings:
        if finding.action is Action.MASKED and finding.type != "CREDIT_DEBIT_CARD_NUMBER":  # that one shows four digits
            value = fold_term(text[finding.start : finding.end]).strip()
            if len(value) >= 6:
                assert not any(stands_whole(value, view) for view in seen), (finding.type, value)


_WORDS_OF_OURS = (
    repr(
        [
            the_guard().check("bob@example.com " + "x" * 8, source="INPUT"),
            Piece("x"),
            Folded("x"),
            Folded("é").words,
            Masked("x", []),
        ]
    ).lower()
    + " txt typeerror valueerror piece mapping argument unexpected keyword"
)


@SLOW
@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=8, max_size=8), scalars, st.data())
def test_no_canary_in_reprs_logs_or_errors(canary: str, text: str, data: st.DataObject) -> None:
    assume(canary.lower() not in _WORDS_OF_OURS)  # "Coverage" is the name of a class, "00000000" a hash in tests
    full = data.draw(st.sampled_from([f"{text} {canary}", f"mail {canary}@example.com", f"password: {canary} {text}"]))
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        objects: list[object] = [
            Piece(full),
            Folded(full),
            *Folded(full).patterns,
            *Folded(full).words,
            Masked(full, []),
        ]
        for source in ("INPUT", "OUTPUT"):
            report = the_guard().check(full, source=source)
            objects += [report, *report.findings, report.coverage, report.to_dict(), report.to_json()]
        for wrong in (
            lambda: the_guard().check([full, 3], source="INPUT"),
            lambda: the_guard().check({"txt": full}, source="INPUT"),
        ):  # type: ignore[list-item, dict-item]
            try:
                wrong()
            except (TypeError, ValueError, GuardrailsError):
                objects.append(traceback.format_exc())
        assert canary not in "".join(map(repr, objects))
        assert canary not in log.getvalue()
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


@SLOW
@given(texts, st.sampled_from(OnFailure), st.sampled_from(RuleAction))
def test_any_text_gets_an_answer(text: str, on_failure: OnFailure, action: RuleAction) -> None:
    p: Policy = policy(
        regex_rule("r", r"\w+@\w+", action, on_failure=on_failure),
        pii_rule("EMAIL", action),
        limits=Limits(max_characters=200),
    )
    report = Guard(p).check(text, source="OUTPUT")
    assert report.coverage.total == len(text)
    report.to_json(include_text=not report.failures)
