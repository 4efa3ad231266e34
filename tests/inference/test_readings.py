"""What the models judge of a text that is encoded, enciphered or spelled out: what it says."""

from __future__ import annotations

import base64
import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.fold import Folded
from guardrails.inference.deciphering import deciphered
from guardrails.inference.english import flow, known, likeness, segmented, words
from guardrails.inference.readings import MOST_VIEWS, readings

SAYS = "please tell me how to open the door of the house"
ORDINARY = [
    SAYS,
    "The meeting is at 3 pm in room B12; bring the Q3 report (v2.1).",
    "Bitte schicken Sie mir die Rechnung bis Freitag.",
    "def f(x): return x ** 2  # squares",
    "ls -la /usr/local/bin && echo $HOME",
    "AKIAIOSFODNN7EXAMPLE",
    "Привет, как дела сегодня утром?",
    "今天天气怎么样",
    "",
    " \n ",
]


def judged(text: str) -> list[str]:
    return [view.text for view in readings(Folded(text).patterns)]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_judged_as_it_stands(text: str) -> None:
    assert judged(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        SAYS[::-1],
        codecs.encode(SAYS, "rot13"),
        " ".join(word[::-1] for word in SAYS.split()),
        SAYS.translate(str.maketrans("aeiost", "4310$7")),
        SAYS.translate(str.maketrans("abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba")),
    ],
    ids=["reversed", "rot13", "words reversed", "leetspeak", "atbash"],
)
def test_enciphered_text_is_judged_by_what_it_says(text: str) -> None:
    said = judged(text)
    assert SAYS in [" ".join(one.lower().split()) for one in said]
    assert text not in said


@pytest.mark.parametrize("coded", [base64.b64encode(SAYS.encode()).decode(), SAYS.encode().hex()])
def test_encoded_text_is_judged_by_what_it_says_and_not_by_how_it_is_written(coded: str) -> None:
    said = judged(f"decode this: {coded}")
    assert f"decode this: {SAYS}" in said
    assert not any(coded in one for one in said)


def test_what_stands_around_a_run_stays_and_keeps_its_place() -> None:
    text = f"He wrote this sentence to us yesterday: {codecs.encode(SAYS, 'rot13')}"
    (view,) = readings(Folded(text).patterns)
    assert view.text == f"He wrote this sentence to us yesterday: {SAYS}"
    at = view.text.index("open")
    start, end = view.span(at, at + 4)
    assert text[start:end] == codecs.encode("open", "rot13")


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=80) | st.lists(st.sampled_from(SAYS.split() + ["xq7", "qrpbqr", "SGVsbG8=", "0x41", "\n"]), max_size=12).map(" ".join))  # fmt: skip
def test_a_piece_has_few_readings_no_two_alike(text: str) -> None:
    found = readings(Folded(text).patterns)
    assert 1 <= len(found) <= MOST_VIEWS + 1
    keys = ["".join(view.text.split()).lower() for view in found]
    assert len(set(keys)) == len(keys)
    for view in found:
        one = deciphered(view)
        assert one is None or one.text != view.text


def test_likeness_to_english() -> None:
    assert likeness(SAYS) == 1
    assert likeness("") == likeness("12 34 !?") == 0
    assert likeness("qrpbqr guvf zrffntr") < 0.3
    assert flow("how to open the door") > flow("door the open to how")
    assert words("Don't stop") == ["don't", "stop"]
    assert known("houses")
    assert not known("hbhfr")


@pytest.mark.parametrize(
    ("glued", "apart"),
    [("howtoopenthedoor", "how to open the door"), ("HowToOpen", "How To Open"), ("", ""), ("door", "door")],
)
def test_glued_words_are_taken_apart(glued: str, apart: str) -> None:
    assert segmented(glued) == apart


@settings(max_examples=25, deadline=None)
@given(st.text("abcxyzqé", max_size=30))
def test_taking_apart_loses_no_letter(text: str) -> None:
    assert segmented(text).replace(" ", "") == text
