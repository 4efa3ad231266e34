from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from guardrails.spans import expand, inside, union


@given(st.text(max_size=40), st.data())
def test_expand_only_widens_and_leaves_no_half_character(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, max(len(text) - 1, 0)))
    end = data.draw(st.integers(start, len(text)))
    wide = expand(text, start, end)
    assert wide[0] <= start
    assert end <= wide[1] <= len(text)
    assert wide[1] == len(text) or unicodedata.category(text[wide[1]]) not in ("Mn", "Me") or text.isascii()
    assert expand(text, *wide) == wide


def test_invisible_neighbours_are_swallowed() -> None:
    text = "a\u2066" + "4111" + "\u2069b"
    assert expand(text, 2, 6) == (1, 7)
    assert expand("cafe\u0301 x", 0, 4) == (0, 5)
    assert expand("plain text", 2, 4) == (2, 4)


def test_union_merges_overlaps_only() -> None:
    assert union([(5, 7), (0, 3), (2, 4), (7, 9)]) == [(0, 4), (5, 7), (7, 9)]
    assert inside(1, 2, [(0, 2)])
    assert not inside(1, 3, [(0, 2), (2, 4)])
