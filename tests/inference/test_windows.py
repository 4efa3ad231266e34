"""Laws: every token of a text is in some window, windows overlap, and nothing is read that is not there."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.inference.tokens import CASE_MIXED, Tokeniser, Tokens, cases, spoken
from guardrails.inference.windows import frame, pair, shared, starts
from guardrails.resources import models_dir


@pytest.fixture(scope="module")
def tokeniser() -> Tokeniser:
    return Tokeniser(models_dir("text") / "tokenizer.json")


@given(st.integers(0, 5000), st.integers(1, 600), st.integers(1, 600))
def test_windows_cover_everything_and_overlap(tokens: int, room: int, stride: int) -> None:
    stride = min(stride, room)
    at = starts(tokens, room, stride)
    seen = np.zeros(max(tokens, 1), bool)
    for a in at:
        seen[a : a + room] = True
    assert seen[:tokens].all()
    assert at == sorted(at)
    assert all(b - a <= stride for a, b in itertools.pairwise(at))
    assert at[-1] + room >= tokens


def test_a_sentence_no_longer_than_the_overlap_is_whole_in_some_window() -> None:
    room, stride = 254, 127
    for length in (1, 50, 127):
        at = starts(5000, room, stride)
        for place in range(0, 5000 - length, 13):
            assert any(a <= place and place + length <= a + room for a in at)


@given(st.text(max_size=300))
def test_offsets_point_into_the_text(tokeniser: Tokeniser, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    (tokens,) = tokeniser([text])
    assert len(tokens.ids) == len(tokens.offsets) == len(tokens.cases)
    for a, b in tokens.offsets.tolist():
        assert 0 <= a <= b <= len(text)


SYMBOLS = st.text(st.sampled_from("ab é🐀🙂👍🏿❤️★→☠ℌ𝐛𓀀你привет\u200b\ufe0f"), max_size=60)


@given(SYMBOLS)
def test_offsets_point_into_a_text_of_emoji(tokeniser: Tokeniser, text: str) -> None:
    (tokens,) = tokeniser([text])
    assert len(tokens.ids) == len(tokens.offsets) == len(tokens.cases)
    at = tokens.offsets
    assert (at[:, 0] < at[:, 1]).all()
    assert (at >= 0).all()
    assert (at <= len(text)).all()
    assert (np.diff(at[:, 0]) >= 0).all()


@given(st.sampled_from(["bomb", "kill", "library"]), st.text(st.sampled_from("🐀🙂❤☠𝐛𓀀🅱♻️👩"), min_size=1, max_size=4))
def test_no_symbol_hides_the_word_beside_it(tokeniser: Tokeniser, word: str, symbols: str) -> None:
    (alone,) = tokeniser([word])
    for text in (word + symbols, symbols + word):
        (tokens,) = tokeniser([text])
        place = text.index(word)
        mine = [i for i, (a, b) in zip(tokens.ids.tolist(), tokens.offsets.tolist(), strict=True) if place <= a and b <= place + len(word)]  # fmt: skip
        assert mine == alone.ids.tolist()


def test_emoji_are_read_by_name(tokeniser: Tokeniser) -> None:
    said, written = tokeniser(["they are 🐀🏿!", "they are rat!"])
    assert said.ids.tolist() == written.ids.tolist()
    assert spoken("🏿") == ""
    assert spoken("🅱") == "b"
    assert spoken("\ue000") is None


TOKEN_LISTS = st.lists(st.integers(1, 6), max_size=12).map(lambda x: np.array(x, np.int32))


@given(TOKEN_LISTS, TOKEN_LISTS)
def test_what_two_texts_share(left: np.ndarray, right: np.ndarray) -> None:
    a, b = shared(left, right)
    for here, there, marks in ((left, right, a), (right, left, b)):
        pairs = set(itertools.pairwise(there.tolist()))
        for i, token in enumerate(here.tolist()):
            beside = {(here[j], here[j + 1]) for j in (i - 1, i) if 0 <= j < len(here) - 1}
            assert marks[i] == (2 if beside & pairs else 1 if token in there else 0)


def test_a_pair_says_which_tokens_agree(tokeniser: Tokeniser) -> None:
    premise, claim = tokeniser(["It opened in 1923.", "It opened in 1932."])
    window = pair(tokeniser, premise, 0, len(premise), claim)
    marks = window.cases[len(premise) + 2 : -1] // (CASE_MIXED + 1)
    assert marks.tolist() == [2, 2, 2, 0, 1]


def test_cases_tell_how_a_word_is_written() -> None:
    text = "hello World NASA iPhone 42"
    offsets = np.array([(0, 5), (6, 11), (12, 16), (17, 23), (24, 26)], dtype=np.int32)
    assert cases(text, offsets).tolist() == [1, 2, 3, 5, 4]


def test_a_text_is_framed_and_its_own_tokens_are_marked(tokeniser: Tokeniser) -> None:
    text, query = tokeniser(["the answer is yes", "what is the question"])
    (alone,) = frame(tokeniser, text, None, 256, 128)
    assert alone.ids[0] == tokeniser.first
    assert alone.ids[-1] == tokeniser.separator
    assert alone.ids[alone.own_from : alone.own_to].tolist() == text.ids.tolist()
    (asked,) = frame(tokeniser, text, query, 256, 128)
    assert asked.ids[asked.own_from : asked.own_to].tolist() == text.ids.tolist()
    assert set(asked.types[asked.own_from :].tolist()) == {1}
    assert set(asked.types[: asked.own_from].tolist()) == {0}


def test_a_long_query_leaves_room_for_the_text(tokeniser: Tokeniser) -> None:
    text, query = tokeniser(["word " * 1000, "why " * 1000])
    windows = frame(tokeniser, text, query, 256, 128)
    assert all(len(w) <= 256 for w in windows)
    assert windows[0].first == 0
    assert windows[-1].last == len(text)
    assert windows[0].own_from <= 256 // 3 + 2


def test_an_empty_text_is_one_window_of_nothing(tokeniser: Tokeniser) -> None:
    (text,) = tokeniser([""])
    (window,) = frame(tokeniser, text, None, 256, 128)
    assert window.own_from == window.own_to


def test_a_pair_holds_both_texts(tokeniser: Tokeniser) -> None:
    premise, claim = tokeniser(["The sky is blue today.", "It is blue."])
    window = pair(tokeniser, premise, 0, len(premise), claim)
    assert isinstance(premise, Tokens)
    assert window.ids.tolist().count(tokeniser.separator) == 2
    assert window.types.tolist() == [0] * (len(premise) + 2) + [1] * (len(claim) + 1)
