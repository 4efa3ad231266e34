"""Calls as people write them at first: what is clear works, and what is not is answered with what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard, Piece, check
from guardrails.content import Deadline
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.policy import loads
from guardrails.types import Action, Qualifier, Role, Source

POLICY = "version: 1\nname: x\nwords: {terms: [kingfisher]}\n"


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard(loads(POLICY))


@pytest.mark.parametrize(
    "given",
    [
        {"role": "user", "content": "a kingfisher"},
        [{"role": "user", "content": "a kingfisher"}],
        [{"role": "developer", "content": "be kind"}, {"role": "user", "content": "a kingfisher", "name": None}],
        [{"role": "user", "content": [{"type": "text", "text": "a kingfisher"}]}],
        [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "hello"}, {"type": "input_text", "text": "a kingfisher"}],
            }
        ],
        {"text": "a kingfisher", "role": "assistant"},
        ["hello", Piece("a kingfisher")],
    ],
)
def test_messages_of_a_chat_are_pieces(guard: Guard, given: Any) -> None:
    assert guard.check(given, "INPUT").action is Action.BLOCKED


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"txt": "hi"}, TypeError, "did you mean 'text'"),
        ([{"body": "hi"}], TypeError, "piece[0] has no field 'body' (did you mean 'text'?)"),
        ({"role": "user"}, TypeError, "has no text"),
        ({"text": "hi", "content": "there"}, TypeError, "'content'"),
        ({"text": 1}, TypeError, "text must be str"),
        ([{"role": "user", "content": None}], TypeError, "message[0]"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], TypeError, "nobody would look"),
        ([{"role": "assistant", "content": "x", "tool_calls": [{}]}], TypeError, "tool_calls"),
        ([{"role": "customer", "content": "hi"}], ValueError, "did you mean 'user'"),
        ({"text": "hi", "qualifier": "source"}, ValueError, "did you mean 'grounding_source'"),
        ([], ValueError, "nothing to check"),
        ((), ValueError, "nothing to check"),
        (None, TypeError, "check() takes"),
        (b"hi", TypeError, "bytes"),
        ([1], TypeError, "piece[0]"),
    ],
)
def test_what_is_no_piece(guard: Guard, given: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind) as error:
        guard.check(given, "INPUT")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("names", "written", "near"),
    [
        (Source, "input", "INPUT"), (Source, "Output", "OUTPUT"), (Source, "user", "INPUT"), (Source, "response", "OUTPUT"),
        (Role, "User", "user"), (Role, "customer", "user"), (Role, "asistant", "assistant"), (Role, "bot", "assistant"),
        (Qualifier, "source", "grounding_source"), (Qualifier, "grounding-source", "grounding_source"), (Qualifier, "question", "query"),
    ],
)  # fmt: skip
def test_a_name_that_is_nearly_one(names: Any, written: str, near: str) -> None:
    with pytest.raises(ValueError, match="is not a") as error:
        names(written)
    assert f"did you mean {near!r}?" in str(error.value)
    assert all(n.value in str(error.value) for n in names)


def test_a_text_in_the_wrong_place_is_not_repeated(guard: Guard) -> None:
    with pytest.raises(ValueError, match="INPUT, OUTPUT") as error:
        guard.check("INPUT", "my card is 4111 1111 1111 1111 and my mail bob@example.com")
    assert "4111" not in str(error.value)
    with pytest.raises(TypeError, match="INPUT, OUTPUT"):
        guard.check("x", None)  # type: ignore[arg-type]


def test_guards_of_something_else(tmp_path: Path) -> None:
    for wrong in ("x.yaml", tmp_path, None, {}):
        with pytest.raises(TypeError, match="from_file"):
            Guard(wrong)  # type: ignore[arg-type]
    (tmp_path / "bank.yaml").write_text(POLICY)
    (tmp_path / "bank.test.yaml").write_text("cases: []\n")
    with pytest.raises(PolicyError, match="folder") as error:
        Guard.from_file(tmp_path)
    assert "bank.yaml" in str(error.value)
    assert "bank.test.yaml" not in str(error.value)
    with pytest.raises(TypeError, match="path"):
        Guard.from_file(loads(POLICY))  # type: ignore[arg-type]


def test_deadlines_and_lists(guard: Guard) -> None:
    for wrong in (5, 0, 0.0, "5s", True):
        with pytest.raises(TypeError, match=r"Deadline\(milliseconds\)"):
            guard.check("x", "INPUT", deadline=wrong)  # type: ignore[arg-type]
    assert guard.check("x", "INPUT", deadline=Deadline(10_000)).action is Action.NONE
    for one in ("hi there", b"hi", {"text": "hi"}, Piece("hi")):
        with pytest.raises(TypeError, match="check_many"):
            guard.check_many(one, "INPUT")  # type: ignore[arg-type]
    assert guard.check_many([], "INPUT") == []


def test_a_report_is_neither_true_nor_false(guard: Guard) -> None:
    report = guard.check("a kingfisher", "INPUT")
    with pytest.raises(TypeError, match=r"report\.blocked"):
        bool(report)
    assert report.blocked


def test_ground_says_what_it_needs(guard: Guard) -> None:
    with pytest.raises(GuardrailsError, match="grounding"):
        guard.ground("You have 14 days.", "You have 14 days to file a claim.")
    with pytest.raises(ValueError, match="sources"):
        guard.ground("You have 14 days.", [])


def test_ground_is_the_check_with_sources() -> None:
    guard = Guard(loads(POLICY + "grounding: {threshold: 0.5}\n"))
    source = "You have 14 days to file a claim. The deductible is 200 EUR."
    report = guard.ground("You have 14 days to file a claim.", [source], "How long do I have?")
    same = guard.check(
        [
            Piece("You have 14 days to file a claim.", "assistant"),  # type: ignore[arg-type]
            Piece(source, "document", "grounding_source"),  # type: ignore[arg-type]
            Piece("How long do I have?", "user", "query"),  # type: ignore[arg-type]
        ],
        "OUTPUT",
    )
    assert (report.action, report.scores.keys()) == (same.action, same.scores.keys())
    assert guard.ground("It is a kingfisher.", source).blocked


def test_one_call(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    assert check([{"role": "user", "content": "a kingfisher"}], policy=tmp_path / "p.yaml", source="INPUT").blocked
