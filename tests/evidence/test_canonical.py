"""Records are canonical JSON: an independent implementation of RFC 8785 writes the same bytes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from guardrails.evidence.canonical import EXACT, canonical, clean

KEYS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ_0123456789", min_size=1, max_size=8)
TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-EXACT, EXACT) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_it_is_what_rfc8785_writes(record: dict[str, Any]) -> None:
    assert canonical(record) == rfc8785.dumps(record)
    assert canonical(orjson.loads(canonical(record))) == canonical(record)


@pytest.mark.parametrize(
    "value", [0.5, float("nan"), EXACT + 1, -EXACT - 1, b"x", {"ä": 1}, {1: 2}, [[{"a": [1.0]}]], object()]
)
def test_what_the_schema_has_no_place_for_is_an_error(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical({"a": value})


@given(st.text())
def test_any_text_can_be_made_clean(text: str) -> None:
    assert orjson.loads(canonical({"a": clean(text)})) == {"a": clean(text)}
    assert clean(clean(text)) == clean(text)
