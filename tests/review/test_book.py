"""A review's file: lines are only added, several may write, and what is not ours is refused with its place."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError
from guardrails.evaluation import Row
from guardrails.review import Question, Review
from guardrails.types import Role, Source

ASKED = Question("topic.advice", "bank", "ab" * 32)
TEXTS = ("Should I buy gold?", "Where is my card?", "a\u2028b \u202e<b>\ud800")
ROWS = [Row(i, text, Source.INPUT) for i, text in enumerate(TEXTS, 1)]


@pytest.fixture(params=["memory", "file"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Review:
    made = Review(tmp_path / "review.jsonl" if request.param == "file" else None)
    assert made.ask(ASKED, ROWS) == 3
    return made


def test_a_text_stands_once_and_the_last_word_counts(book: Review) -> None:
    assert (
        book.ask(ASKED, [ROWS[0], Row(9, TEXTS[0], Source.OUTPUT), Row(10, TEXTS[0], Source.INPUT, role=Role.TOOL)])
        == 2
    )
    first, second, *_ = book.items
    assert [i.number for i in book.items] == [1, 2, 3, 4, 5]
    book.label(first, 1, "ann")
    book.label(first, 0, "ann")
    book.label(first, 0, " bob ")
    assert book.labels(first) == {"ann": 0, "bob": 0}
    book.label(second, None, "ann")
    assert (book.labels(second), book.unsure(second)) == ({}, ["ann"])
    assert book.next("ann") == book.items[2]
    assert book.before("ann", None) == second
    assert book.before("ann", second) == first
    assert book.before("ann", first) is None
    assert book.next("eve") == first
    assert (book.decided(first), book.decided(second)) == (0, None)


def test_decided_is_what_more_than_half_say(book: Review) -> None:
    item = book.items[0]
    for by, value, decided in (("a", 1, 1), ("b", 0, None), ("c", 1, 1), ("d", 0, None)):
        book.label(item, value, by)
        assert book.decided(item) == decided
    assert book.disagreements() == [item]


def test_another_question_is_refused(book: Review) -> None:
    with pytest.raises(GuardrailsError, match=r"asks about topic\.advice, not about the whole policy"):
        book.ask(Question(), ROWS)
    with pytest.raises(GuardrailsError, match="say who labels"):
        book.label(book.items[0], 1, " \n")
    with pytest.raises(GuardrailsError, match="yes, no, or not sure"):
        book.label(book.items[0], 2, "ann")


def test_a_file_holds_what_it_was_told(tmp_path: Path) -> None:
    path = tmp_path / "review.jsonl"
    made = Review(path)
    assert not path.exists()
    made.ask(ASKED, ROWS)
    made.label(made.items[0], 1, "ann")
    again = Review(path)
    assert again.question == ASKED
    assert [i.row.text for i in again.items] == list(TEXTS)
    assert again.labels(again.items[0]) == {"ann": 1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # What one writes, the other sees; and nothing that stands there is changed.
    before = path.read_bytes()
    again.label(again.items[1], 0, "bob")
    made.refresh()
    assert made.labels(made.items[1]) == {"bob": 0}
    assert path.read_bytes().startswith(before)


def test_many_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "review.jsonl"
    Review(path).ask(ASKED, [Row(i, f"text {i}", Source.INPUT) for i in range(40)])

    def one(name: str) -> None:
        own = Review(path)
        while (item := own.next(name)) is not None:
            own.label(item, item.number % 2, name)

    threads = [threading.Thread(target=one, args=(f"reviewer {i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = Review(path)
    assert len(path.read_bytes().splitlines()) == 1 + 40 + 6 * 40
    assert all(len(found.labels(item)) == 6 for item in found.items)
    assert not found.disagreements()


@pytest.mark.parametrize(
    ("added", "place"),
    [
        (b"{\n", ":5"), (b'{"text": 1, "source": "INPUT"}\n', ":5"), (b'{"id": "x", "label": 1, "by": "a"}\n', ":5"),
        (b'{"review": 1}\n', ":5"), (b"[]\n", ":5"),
    ],
)  # fmt: skip
def test_a_line_that_is_none_of_ours_is_named(tmp_path: Path, added: bytes, place: str) -> None:
    path = tmp_path / "review.jsonl"
    Review(path).ask(ASKED, ROWS)
    path.write_bytes(path.read_bytes() + added)
    with pytest.raises(GuardrailsError) as error:
        Review(path)
    assert place in str(error.value) or "not part of the review" in str(error.value)
    assert not any(text in str(error.value) for text in TEXTS)


def test_a_line_that_was_cut_is_not_glued_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "review.jsonl"
    made = Review(path)
    made.ask(ASKED, ROWS)
    path.write_bytes(path.read_bytes() + b'{"id": "')
    again = Review(path)
    assert len(again.items) == 3
    with pytest.raises(GuardrailsError, match="the last line is not whole"):
        again.label(again.items[0], 1, "ann")


@given(
    st.lists(st.text(max_size=30), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.sampled_from([0, 1, None]), st.sampled_from("abc")), max_size=20),
)
@settings(deadline=None, max_examples=50)
def test_a_file_and_the_memory_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], said: list[tuple[int, int | None, str]]
) -> None:
    path = tmp_path_factory.mktemp("review") / "r.jsonl"
    books = [Review(), Review(path)]
    for book in books:
        book.ask(ASKED, [Row(i, t, Source.INPUT) for i, t in enumerate(texts)])
        for at, value, by in said:
            book.label(book.items[at % len(book.items)], value, by)
    told = [[(i.id, i.row.text, book.labels(i), book.unsure(i)) for i in book.items] for book in (*books, Review(path))]
    assert told[0] == told[1] == told[2]
    assert all(json.loads(line) for line in path.read_bytes().splitlines())
