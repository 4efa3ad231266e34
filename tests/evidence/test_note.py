"""Signed notes and checkpoints as C2SP writes them."""

from __future__ import annotations

import pytest

from guardrails.errors import GuardrailsError
from guardrails.evidence.note import Checkpoint, Signer, Verifier, signatures, signed

# The example of Go's package golang.org/x/mod/sumdb/note, which the specification was made from.
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_example_of_the_specification_verifies() -> None:
    verifier = Verifier.parse(KEY)
    assert str(verifier) == KEY
    assert verifier.verifies(NOTE)
    assert not verifier.verifies(NOTE.replace("answer", "Answer"))


def test_the_example_of_the_specification_is_signed_alike() -> None:
    signer = Signer.parse(SECRET)
    assert str(signer.verifier) == KEY
    assert signed(signatures(NOTE)[0], [signer]) == NOTE
    assert signer.dump() == SECRET + "\n"
    assert SECRET[-20:] not in repr(signer)


def test_a_note_of_two_keys_verifies_under_each_and_no_other() -> None:
    one, two, other = (Signer.new("example.com/log") for _ in range(3))
    note = signed("text\n", [one, two])
    assert one.verifier.verifies(note)
    assert two.verifier.verifies(note)
    assert not other.verifier.verifies(note)


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    checkpoint = Checkpoint("example.com/log", 12, bytes(range(32)))
    assert Checkpoint.parse(signed(checkpoint.text(), [Signer.new("example.com/log")])) == checkpoint


@pytest.mark.parametrize("text", ["", "no note", "a\n\n", "a\n\n— x", "a\n\n— x ???\n", "a\n\nx y\n", "a\n— x aaaa\n"])
def test_what_is_no_note_is_an_error(text: str) -> None:
    with pytest.raises(GuardrailsError):
        signatures(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n",
        "log\n01\n" + "A" * 43 + "=\n",
        "log\n-1\n" + "A" * 43 + "=\n",
        "log\n1\nAAAA\n",
        "\n1\n" + "A" * 43 + "=\n",
    ],
)
def test_what_is_no_checkpoint_is_an_error(text: str) -> None:
    with pytest.raises(GuardrailsError):
        Checkpoint.parse(signed(text or "\n", [Signer.new("log")]))


@pytest.mark.parametrize(
    "text", ["", "a+b", KEY.replace("c74f20a3", "c74f20a4"), KEY[:-4], "a b" + KEY, KEY.replace("+AR", "+BR")]
)
def test_what_is_no_verifier_key_is_an_error(text: str) -> None:
    with pytest.raises(GuardrailsError):
        Verifier.parse(text)


@pytest.mark.parametrize("text", ["", "PRIVATE+KEY+a", SECRET.replace("c74f20a3", "c74f20a4"), SECRET[:-8]])
def test_a_broken_signing_key_is_an_error_that_repeats_nothing_of_it(text: str) -> None:
    with pytest.raises(GuardrailsError) as caught:
        Signer.parse(text)
    assert SECRET[-30:-10] not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "x" * 101])
def test_a_log_has_a_name_that_a_note_can_carry(name: str) -> None:
    with pytest.raises(GuardrailsError, match="name"):
        Signer.new(name)
