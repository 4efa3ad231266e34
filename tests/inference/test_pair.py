"""Where the grounding model looks: the passages it compares with, and sentences gathered from far apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import inference
from guardrails.inference.comparing import Claim
from guardrails.inference.pair import _Index, _sentence_tokens
from guardrails.sentences import sentences

FILLER = " ".join(
    f"On day {i} the weather in the valley was quiet and nothing of note was written down." for i in range(90)
)
NEAR = "The bridge over the Ome was designed by Ada Lindqvist."
FAR = "Lindqvist, who was born in Turku, later taught at the polytechnic."


TOKENS = st.lists(st.integers(1, 30), min_size=1, max_size=12).map(lambda x: np.array(x, np.int32))


@given(st.lists(TOKENS, min_size=1, max_size=30), TOKENS, st.integers(0, 60))
def test_what_is_gathered_fits_and_shares_something(parts: list[np.ndarray], claim: np.ndarray, room: int) -> None:
    chosen = _Index(parts).cover(claim, room)
    assert len(set(chosen)) == len(chosen)
    assert sum(len(parts[i]) for i in chosen) <= room
    assert all(set(parts[i].tolist()) & set(claim.tolist()) for i in chosen)


@given(st.lists(TOKENS, min_size=1, max_size=30), TOKENS)
def test_what_is_alone_in_sharing_a_token_is_gathered_first(parts: list[np.ndarray], claim: np.ndarray) -> None:
    alone = np.array([99], np.int32)
    index = _Index([*parts, alone])
    assert index.cover(np.concatenate((claim[claim > 30], alone)), 100) == [len(parts)]


@settings(deadline=None)  # the first text loads the model
@given(st.text(st.sampled_from("ab .!?\n🙂"), max_size=80))
def test_sentences_in_tokens(text: str) -> None:
    engine = inference.pair_engine()
    (tokens,) = engine.tokeniser([text])
    ranges = _sentence_tokens(text, tokens)
    assert all(0 <= a < b <= len(tokens) for a, b in ranges)
    assert all(b <= c for (_, b), (c, _) in itertools.pairwise(ranges))
    assert len(ranges) <= len(sentences(text))


@pytest.mark.parametrize("order", [(NEAR, FAR), (FAR, NEAR)])
def test_what_stands_far_apart_is_read_together(order: tuple[str, str]) -> None:
    engine = inference.pair_cascade()
    source = f"{order[0]} {FILLER} {order[1]}"
    claim = "The bridge was designed by Ada Lindqvist, who was born in Turku."
    changed = "The bridge was designed by Ada Lindqvist, who was born in Oslo."
    right, wrong = engine.support([source], [Claim(claim), Claim(changed)], (), 60)
    assert right.probability > wrong.probability
    assert source[right.start : right.end] in source
    assert right.end > right.start
