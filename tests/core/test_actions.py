from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails.actions import Masked, Masker, Numbers, load_key, placeholders
from guardrails.errors import GuardrailsError
from guardrails.rules import Mask, MaskStyle
from guardrails.types import Action, Finding
from tests.core.policies import pii_rule, styled, words_rule


def finding(rule: str, type_: str, start: int, end: int, action: Action = Action.MASKED) -> Finding:
    return Finding(rule, type_, start, end, 1.0, None, 0, action)


def masked(text: str, mask: Mask, *spans: tuple[int, int]) -> str:
    rules = {"pii.EMAIL": pii_rule("EMAIL", mask=mask)}
    return Masker(rules).apply(text, [finding("pii.EMAIL", "EMAIL", *s) for s in spans], Numbers([text])).text


def test_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASK_KEY", "k" * 16)
    text = "a@b.io, c@d.io, a@b.io"
    spans = (0, 6), (8, 14), (16, 22)
    assert masked(text, styled("type"), *spans) == "{EMAIL}, {EMAIL}, {EMAIL}"
    assert masked(text, styled("numbered"), *spans) == "{EMAIL_1}, {EMAIL_2}, {EMAIL_1}"
    assert masked(text, styled("constant", text="[mail]"), *spans) == "[mail], [mail], [mail]"
    hashed = masked(text, styled("hash", key_env="MASK_KEY"), *spans).split(", ")
    assert hashed[0] == hashed[2] != hashed[1]
    assert hashed[0].startswith("{EMAIL:")
    assert not any(c.isdigit() for c in hashed[0])


def test_partial_keeps_the_last_four() -> None:
    assert masked("4111 1111 1111 1234", styled("partial", keep=4), (0, 19)) == "***************1234"
    assert masked("x 12-34", styled("partial", keep=4), (2, 7)) == "x ***34"  # never more than half
    assert masked("x 7", styled("partial", keep=4), (2, 3)) == "x *"


def test_a_forged_placeholder_is_not_ours() -> None:
    assert masked("{EMAIL_1} a@b.io", styled("numbered"), (10, 16)) == "{EMAIL_1} {EMAIL_2}"


def test_hash_keys_come_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"0123456789abcdef\n")
    assert load_key(Mask(MaskStyle.HASH, key_file=str(path))) == b"0123456789abcdef"
    monkeypatch.setenv("MASK_KEY", "short-secret")
    with pytest.raises(GuardrailsError, match="MASK_KEY must have at least 16 bytes; it has 12") as error:
        load_key(Mask(MaskStyle.HASH, key_env="MASK_KEY"))
    assert "short-secret" not in str(error.value)
    with pytest.raises(GuardrailsError, match="cannot be read"):
        load_key(Mask(MaskStyle.HASH, key_file=str(tmp_path / "none")))


def test_overlaps_become_one_named_after_the_widest() -> None:
    rules = {"pii.EMAIL": pii_rule("EMAIL"), "pii.URL": pii_rule("URL")}
    findings = [finding("pii.URL", "URL", 6, 10), finding("pii.EMAIL", "EMAIL", 0, 8)]
    for order in (findings, findings[::-1]):
        assert Masker(rules).apply("abcdefghij!", order, Numbers([])).text == "{EMAIL}!"


@settings(deadline=None)
@given(
    st.text(max_size=60) | st.text('":, 12-.e[]\\', max_size=20),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 10)), max_size=6),
)
@example('"":1234', [(4, 1)])
@example('\\"a\\": 1.5e3, "b": 0', [(7, 2), (18, 1)])
def test_nothing_outside_the_spans_changes(text: str, raw: list[tuple[int, int]]) -> None:
    spans = [(s, min(s + n, len(text))) for s, n in raw if s < len(text)]
    rules = {"pii.EMAIL": pii_rule("EMAIL")}
    result = Masker(rules).apply(text, [finding("pii.EMAIL", "EMAIL", *s) for s in spans], Numbers([text]))
    covered = {i for s, e in spans for i in range(s, e)}
    for start, end in result.replaced:
        low, high = result.span(start, end)
        new = result.text[start:end]
        if new != "{EMAIL}":  # a JSON number that was masked in part is a string now, and the rest of it stays
            assert isinstance(json.loads(text[low:high]), int | float)
            kept = "".join(c for i, c in enumerate(text[low:high], low) if i not in covered)
            quote = new[: new.index('"') + 1]
            assert new.startswith(quote)
            assert new.endswith(quote)
            assert new[len(quote) : -len(quote)].replace("{EMAIL}", "") == kept
            covered |= set(range(low, high))
        assert set(range(low, high)) <= covered
    outside = "".join(c for i, c in enumerate(text) if i not in covered)
    rest = "".join(c for i, c in enumerate(result.text) if not any(s <= i < e for s, e in result.replaced))
    assert rest == outside


@given(st.text(alphabet="abcdefgh", max_size=30), st.data())
def test_offsets_map_back(text: str, data: st.DataObject) -> None:
    cut = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6, unique=True)))
    pairs = list(zip(cut[::2], cut[1::2], strict=False))
    result = Masked(text, [(s, e, "<<>>") for s, e in pairs])
    for i, char in enumerate(result.text):
        start, end = result.span(i, i + 1)
        if char in "<>":
            assert (start, end) in pairs
        else:
            assert text[start:end] == char


def test_placeholders_are_a_closed_set() -> None:
    pattern = placeholders([pii_rule("EMAIL"), words_rule("w", "x", mask=styled("constant", text="***"))])
    assert pattern is not None
    assert [m.group() for m in pattern.finditer("{EMAIL} {EMAIL_12} {EMAIL_12345} {PHONE} *** {EMAIL:qq}")] == [
        "{EMAIL}",
        "{EMAIL_12}",
        "***",
    ]
