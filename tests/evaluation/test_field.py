"""Kinds of texts that detection has failed on, through the guard with the shipped weights and the default setting.

What must be stopped is stopped and what must pass passes, but for the known misses of ``field/known_misses.yaml``.
"""

from __future__ import annotations

import pytest

from guardrails import inference
from guardrails.inference import store
from guardrails.inference.chosen import VARIABLE, Models
from tests.evaluation.field import cases, measure

pytestmark = pytest.mark.skipif(not store.installed(store.LARGE), reason="the large model is not installed")


@pytest.fixture(scope="module")
def missed() -> dict[str, list[str]]:
    """Every case, judged once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(VARIABLE, raising=False)
        patch.setattr(inference, "_engines", {})
        cases.guard.cache_clear()
        found = measure.measured()
        assert inference.setting().models is Models.CASCADE
        cases.guard.cache_clear()
    return found


@pytest.mark.parametrize("kind", measure.KINDS)
def test_no_more_is_missed_than_is_known_and_no_less(missed: dict[str, list[str]], kind: str) -> None:
    known = measure.known().get(kind, [])
    if known is None:
        pytest.skip("not counted yet: python -m tests.evaluation.field --write")
    assert len(missed[kind]) <= len(known), f"known to be missed: {known}"
    assert len(missed[kind]) >= len(known), "better: python -m tests.evaluation.field --write lowers the number"


def test_only_kinds_that_are_there_have_known_misses() -> None:
    assert measure.known().keys() <= measure.KINDS.keys()


def test_every_row_of_the_page_has_cases_that_must_be_stopped_and_cases_that_must_pass() -> None:
    for item in "12345678":
        wanted = {case.stopped for case in cases.cases() if case.item == item}
        assert wanted == ({False} if item == "2" else {True, False}), item
    assert sum(case.item == "2" for case in cases.cases()) >= 30


def test_no_case_stands_twice() -> None:
    every = [(case.kind, case.policy, case.pieces) for case in cases.cases()]
    assert len(set(every)) == len(every)


def test_the_page_has_the_numbers_of_the_known_misses() -> None:
    page = measure.DOC.read_text(encoding="utf-8")
    begin, end = measure.MARKS
    assert page.partition(begin)[2].partition(end)[0].strip() == measure.table(measure.known())
