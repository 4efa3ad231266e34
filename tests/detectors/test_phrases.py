"""What an author wrote is recognised whatever its case and punctuation, and with a typo."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors.phrases import Phrases, plain, within

EXAMPLES = ("Should I buy shares of Tesla now?", "How much ibuprofen can I take per day?", "Is this mole cancer?")


@pytest.mark.parametrize(
    "text",
    [
        "Should I buy shares of Tesla now?",
        "should i buy shares of tesla now",
        "SHOULD I BUY SHARES OF TESLA NOW???",
        "Shoud I buy shares of Tesla now?",
        "Should I buy sahres of Tesla now?",
        "“Is this mole cancer?”",
        "  is this mole cancer\n",
        "Hello. Is this mole cancer? Thanks.",
        "How much ibuprofen can I take per day",
    ],
)
def test_an_example_is_found(text: str) -> None:
    found = Phrases(EXAMPLES).find(text)
    assert found is not None
    start, end = found
    assert plain(text[start:end]) or start == 0


@pytest.mark.parametrize(
    "text",
    [
        "Should I sell shares of Tesla now?",
        "Is this hole cancerous in dogs?",
        "How do I change my PIN?",
        "",
        "?",
        "now",
    ],
)
def test_another_text_is_not(text: str) -> None:
    assert Phrases(EXAMPLES).find(text) is None


@settings(deadline=None, max_examples=60)
@given(
    st.text(alphabet="abcdef ghij", min_size=12, max_size=40),
    st.integers(0, 39),
    st.sampled_from(["drop", "swap", "change"]),
)
def test_one_typo_is_one_step(text: str, at: int, kind: str) -> None:
    at %= len(text) - 1
    other = {
        "drop": text[:at] + text[at + 1 :],
        "swap": text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        "change": text[:at] + "x" + text[at + 1 :],
    }[kind]
    assert within(text, other, 1)
    assert within(other, text, 1)
    assert not within(text, "x" * len(text), 1)
