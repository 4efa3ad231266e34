from __future__ import annotations

import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError
from guardrails.tenants import hash_key, keys, new_key
from guardrails.tenants.keys import KeyIndex, digest_of
from tests.tenants.conftest import KEY_A, KEY_B, KEY_C

ALPHABET = string.ascii_letters + string.digits + "-._~+/"


def test_new_keys_are_different_and_can_be_hashed() -> None:
    made = {new_key() for _ in range(50)}
    assert len(made) == 50
    assert all(k.startswith("gr-") and digest_of(hash_key(k)) is not None for k in made)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        "x" * 31,
        "ab" * 30,  # long, and guessed at once
        KEY_A + " " + KEY_A,
        KEY_A + "\n",
        "ключ" * 10,
        "a" + string.digits * 60,
        "header0123456789.payload0123456789.signature0123456789",
    ],
)
def test_a_key_that_can_be_guessed_or_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(GuardrailsError) as caught:
        hash_key(key)
    assert not key or key not in str(caught.value)


@given(st.lists(st.text(ALPHABET, min_size=32, max_size=60), unique=True, min_size=1, max_size=8))
def test_each_key_finds_its_own_tenant_and_no_other(made: list[str]) -> None:
    usable = []
    for key in made:
        try:
            usable.append((key, digest_of(hash_key(key)) or b""))
        except GuardrailsError:
            continue
    index = KeyIndex((digest, f"t{i}") for i, (_, digest) in enumerate(usable))
    for i, (key, _) in enumerate(usable):
        assert index.find(key.encode()) == f"t{i}"
        assert index.find(key.encode() + b"x") is None
        assert index.find(key[:-1].encode()) is None


def test_keys_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also two digests with the same first bytes, and each candidate, hit or not."""
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def spy(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    own = digest_of(hash_key(KEY_A)) or b""
    twin = own[:8] + bytes(24)
    index = KeyIndex([(own, "alpha"), (twin, "twin")])
    monkeypatch.setattr(keys.hmac, "compare_digest", spy)
    assert index.find(KEY_A.encode()) == "alpha"
    assert [c[0] for c in compared] == [own, twin]
    assert index.find(KEY_B.encode()) is None


def test_an_index_shows_nothing() -> None:
    digest = digest_of(hash_key(KEY_C)) or b""
    assert digest.hex() not in repr(KeyIndex([(digest, "gamma")]))


@pytest.mark.parametrize(
    "written", ["", "sha256:", "sha256:" + "0" * 63, "SHA256:" + "0" * 64, "sha256:" + "A" * 64, KEY_A]
)
def test_what_is_no_hash_is_none(written: str) -> None:
    assert digest_of(written) is None
