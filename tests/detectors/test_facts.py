"""Facts compared by code: the same fact in other words is the same, another one is not, and no text breaks it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors.facts.compare import compare
from guardrails.detectors.facts.finding import values
from guardrails.detectors.facts.source import Sources
from guardrails.detectors.facts.values import Value, same
from guardrails.detectors.facts.weigh import AGAINST, FOR, features, shift


def only(text: str) -> Value:
    (found,) = values(text)
    return found


SAME = [
    ("two weeks", "14 days", "a fortnight"),
    ("1.5 h", "90 minutes", "an hour and a half", "one and a half hours", "1 hour 30 minutes"),
    ("$1,200", "1.2k USD", "twelve hundred dollars", "1 200 US dollars", "USD 1200"),
    ("25 %", "a quarter", "25 percent", "¼"),
    ("half an hour", "30 min", "30 minutes"),
    ("3 March 2026", "03/03/2026", "March 3, 2026", "2026-03-03", "the third of March 2026"),
    ("noon", "12:00 pm", "12:00", "midday"),
    ("5 pm", "17:00", "5:00 p.m."),
    ("twenty-one", "21"),
    ("5 km", "5,000 m", "five kilometres"),
    ("15 °C", "59 °F"),
    ("20p", "£0.20", "0.20 GBP"),
    ("one year", "12 months", "365 days"),
    ("3rd", "third"),
    ("1.5 million euros", "€1,500,000", "EUR 1.5m"),
    ("+49 30 1234567", "+49 (30) 123-4567"),
    ("Tuesday", "Tuesdays"),
    ("two dozen", "24"),
]  # fmt: skip


@pytest.mark.parametrize("said", SAME)
def test_one_fact_in_several_words(said: tuple[str, ...]) -> None:
    for one, other in itertools.permutations(said, 2):
        assert same(only(one), only(other)), (one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("14 days", "14 working days"),
        ("14 days", "14 hours"),
        ("12 USD", "12 EUR"),
        ("two weeks", "ten days"),
        ("3 March 2026", "4 March 2026"),
        ("5 pm", "6 pm"),
        ("5 am", "5 pm"),
        ("25 %", "52 %"),
        ("TF-20", "TF-30"),
        ("Monday", "Tuesday"),
        ("45 Mbit/s", "45 kbit/s"),
        ("15 °C", "15 °F"),
    ],
)
def test_two_facts(one: str, other: str) -> None:
    assert not same(only(one), only(other))


def test_day_and_month_in_either_order() -> None:
    given_ = only("04/03/2026")
    assert same(given_, only("4 March 2026"))
    assert same(given_, only("3 April 2026"))
    assert not same(given_, only("5 March 2026"))


@pytest.mark.parametrize(
    "text", ["one may apply [1]", "1. Pull the plug.", "§3 Fees", "(2) Then wait", "I may march on"]
)
def test_marks_and_common_words_prove_nothing(text: str) -> None:
    assert [v for v in values(text) if not v.weak] == []


PRICES = (
    "Team costs 12 USD per seat a month and has 5 seats. Business costs 20 USD and has 25 seats; SSO is included. "
    "Refunds take 3 to 5 days. The office is open from 9:00 to 17:00, Monday to Friday. Support is not included in Team. "
    "A discount of 20 % applies to orders over 50 USD. Call +49 30 1234567."
)


def against(claim: str, question: str = "", source: str = PRICES) -> dict[str, float]:
    return {
        k: v
        for k, v in features(compare(claim, Sources(source), question)).items()
        if v and k in AGAINST and k not in ("swapped", "apart")
    }


@pytest.mark.parametrize(
    "claim",
    [
        "Team costs 12 USD.",
        "Three seats of Team at 12 USD make 36 USD.",
        "20 % off 50 USD is 40 USD.",
        "Business costs 8 USD more than Team.",
        "Team and Business together cost 32 USD.",
        "Twelve seats of Team are 144 dollars a month.",
        "Refunds arrive within 5 days.",
        "Refunds take up to five days.",
        "A year of Team costs 144 USD per seat.",
        "The office opens at 9 am and closes at 5 pm.",
        "It is open on Wednesdays.",
        "The office is open for eight hours a day.",
        "Business has five times as many seats: 25 against 5.",
        "Business has 25 seats.",
        "SSO is included in Business.",
        "Support is not included in Team.",
        "Call 030 1234567.",
    ],
)
def test_what_is_stated_or_follows(claim: str) -> None:
    assert against(claim) == {}


@pytest.mark.parametrize(
    ("claim", "feature"),
    [
        ("Team costs 17.50 USD.", "missing"),
        ("Refunds take 90 days.", "missing"),
        ("Team costs 12 EUR.", "unit"),
        ("Call +49 30 7654321.", "missing"),
        ("The discount is 35 %.", "missing"),
        ("Business costs 12 USD.", "swap"),
        ("Team costs 20 USD.", "swap"),
        ("Team has 25 seats.", "swap"),
        ("Support is included in Team.", "negated"),
        ("Our founder Marta Olsen answers the phone.", "names"),
        ("The office is closed from 9:00 to 17:00, Monday to Friday.", "opposite"),
        ("Refunds take 4 days.", "guessed"),
        ("The discount always applies to orders.", "overstated"),
    ],
)
def test_what_speaks_against(claim: str, feature: str) -> None:
    assert feature in against(claim)


@pytest.mark.parametrize(
    "claim",
    [
        "Three seats of Team at 12 USD make 36 USD.",
        "20 % off 50 USD is 40 USD.",
        "32 USD: 12 for Team plus 20 for Business.",
        "8 hours, from 9:00 to 17:00.",
    ],
)
def test_a_sum_that_is_shown_and_right_speaks_for_a_claim(claim: str) -> None:
    found = compare(claim, Sources(PRICES))
    assert features(found)["reckoned"] == 1.0
    assert shift(found, {"reckoned": 2.0}) == pytest.approx(2.0)
    assert (
        compare(
            claim.replace("6", "7").replace("40", "41").replace("32", "33").replace("8", "7"), Sources(PRICES)
        ).reckoned
        == 0
    )


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("70 minutes, from 7:20 to 8:30.", "Leila saw the queue at 7:20; Tom removed the file at 8:30."),
        ("No, it fell from £23.9m to £21.7m.", "Pre-tax profit fell to £21.7m (2022: £23.9m). Dolls brought £61.2m."),
        ("Yes, some are strong enough to blow one away.", "Some of its 43 flares are strong enough to strip an atmosphere."),
        ("Furniture: €45 to the ground floor", "Furniture is brought for €45, to the ground floor. Delivery of rugs costs €25."),
    ],
)  # fmt: skip
def test_what_is_joined_in_a_claim_is_no_swap(claim: str, source: str) -> None:
    assert features(compare(claim, Sources(source), "What does delivery cost?"))["swapped"] < 0.1


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("All mails were delayed.", "Some mails were delayed for three hours."),
        ("Cycling grew in all age groups.", "Cycling grew in age groups except people over 60."),
    ],
)
def test_all_is_more_than_some(claim: str, source: str) -> None:
    assert compare(claim, Sources(source)).overstated > 0
    assert compare(source, Sources(source)).overstated == 0
    assert compare(claim, Sources(claim)).overstated == 0


def test_an_hour_of_the_day_in_words() -> None:
    (value,) = (v for v in values("until eight in the evening") if v.kind == "clock")
    assert same(value, only("20:00"))
    assert not [v for v in values("Take two in the morning.") if v.kind == "clock"]


def test_the_question_says_what_a_short_answer_is_about() -> None:
    assert "swap" in against("12 USD.", "What does Business cost?")
    assert against("20 USD.", "What does Business cost?") == {}
    assert against("36 USD.", "What do 3 seats of Team cost?") == {}


def test_evidence_never_speaks_for_a_claim() -> None:
    weights = dict.fromkeys(AGAINST, -1.0)
    assert shift(compare("Team costs 12 USD.", Sources(PRICES)), weights) == 0
    assert shift(compare("Team costs 17 USD.", Sources(PRICES)), weights) < 0


WORDS = st.sampled_from(
    "a the 3 12 1,200 1.5 20% $ € USD kg km days weeks May 3rd 03/04/2026 12:00 noon Mon not never Team Business costs half an hour and - – to | : ; . , \n ( ) ½ °C +49 30 1234567 é 中 🙂 E1".split(" ")  # noqa: SIM905
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=25).map(" ".join))


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_any_text_has_ordered_facts_inside_it(text: str) -> None:
    found = values(text)
    assert all(0 <= v.start < v.end <= len(text) for v in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(same(v, v) for v in found)


@settings(deadline=None, max_examples=60)
@given(TEXTS, TEXTS)
def test_sameness_is_symmetric(one: str, other: str) -> None:
    for a in values(one):
        for b in values(other):
            assert same(a, b) == same(b, a)


@settings(deadline=None, max_examples=60)
@given(TEXTS, TEXTS, TEXTS)
def test_comparing_any_texts(claim: str, source: str, question: str) -> None:
    found = features(compare(claim, Sources(source), question))
    assert set(found) == {*AGAINST, *FOR}
    assert all(x >= 0 for x in found.values())


@settings(deadline=None)
@given(
    st.integers(1, 999),
    st.sampled_from(
        [
            ("hours", 60, "minutes"),
            ("days", 24, "hours"),
            ("weeks", 7, "days"),
            ("km", 1000, "m"),
            ("kg", 1000, "g"),
            ("euros", 100, "ct"),
        ]
    ),
)
def test_another_unit_is_the_same_amount(number: int, unit: tuple[str, int, str]) -> None:
    large, factor, small = unit
    assert same(only(f"{number} {large}"), only(f"{number * factor:,} {small}"))
    assert not same(only(f"{number} {large}"), only(f"{number * factor + 1} {small}")) or number * factor > 900_000


@settings(deadline=None)
@given(st.dates(min_value=__import__("datetime").date(1950, 1, 1), max_value=__import__("datetime").date(2049, 12, 31)))
def test_a_date_in_any_notation(day: object) -> None:
    forms = ["%d %B %Y", "%B %d, %Y", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y"]
    found = [only(day.strftime(f)) for f in forms]  # type: ignore[attr-defined]
    assert all(same(found[0], f) for f in found)
