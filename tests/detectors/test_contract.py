"""One contract for every entry of the detector table; each entry brings its cases."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from pathlib import Path

import pytest

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.marked import mark, parse
from guardrails.rules import Rule
from guardrails.spans import expand
from guardrails.types import Piece, Source
from tests.detectors import cases as case_package
from tests.detectors.case import Case

# A detector whose cases need something that a test has to make first brings them in a file of its own.
ELSEWHERE = {"classifier": "tests/inference/test_foreign.py", "remote": "tests/remote/test_detector.py"}


def _cases() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for info in pkgutil.iter_modules(case_package.__path__):
        module = importlib.import_module(f"{case_package.__name__}.{info.name}")
        found.setdefault(info.name.split("_")[0], []).extend(module.CASES)
    return found


CASES = _cases()


def rule_for(name: str, case: Case) -> Rule:
    """The rule a case describes."""
    marks = parse(case.finds).spans
    type_ = case.type or (marks[0][2] if marks else getattr(case.settings, "entity", name.upper()))
    return Rule(id=f"{name}.case", detector=name, type=type_, settings=case.settings)


def seen(name: str, case: Case) -> str:
    """The case's text with what the detector finds marked in it."""
    text = parse(case.finds).text
    found = detectors.build(name, [rule_for(name, case)]).find(
        Content([Piece(text), *case.context], Source(case.source)), Deadline(30_000)
    )
    assert not found.failures
    # The guard widens every span so that no half character stays behind; what a case shows is what a user sees.
    return mark(
        text,
        [
            (*expand(text, h.start, h.end), h.type)
            for h in found.hits
            if h.piece == 0 and h.start is not None and h.end is not None
        ],
    )


@pytest.mark.parametrize("name", sorted(detectors.DETECTORS))
def test_floor_plan(name: str) -> None:
    module = detectors.module(name)
    assert isinstance(detectors.spec(name).spans, bool)
    assert dataclasses.is_dataclass(module.Settings)
    assert module.Settings.__dataclass_params__.frozen
    assert module.__doc__


@pytest.mark.parametrize("name", sorted(detectors.DETECTORS))
def test_every_detector_brings_cases(name: str) -> None:
    if name in ELSEWHERE:
        assert Path(ELSEWHERE[name]).is_file()
    else:
        assert CASES.get(name), f"tests/detectors/cases/{name}.py must define CASES"


@pytest.mark.parametrize("name", sorted(set(detectors.DETECTORS) - ELSEWHERE.keys()))
def test_hits_index_the_original(name: str) -> None:
    for case in CASES[name]:
        text = parse(case.finds).text
        found = detectors.build(name, [rule_for(name, case)]).find(
            Content([Piece("first piece"), Piece(text), *case.context], Source(case.source)), Deadline(30_000)
        )
        for hit in found.hits:
            assert hit.piece in range(2 + len(case.context))
            assert hit.rule == f"{name}.case"
            assert 0 <= hit.score <= 1
            assert (hit.start is None) == (hit.end is None)
            if detectors.spec(name).spans:
                assert hit.start is not None
                assert 0 <= hit.start < hit.end <= len((["first piece", text])[hit.piece])


@pytest.mark.parametrize("name", sorted(set(detectors.DETECTORS) - ELSEWHERE.keys()))
def test_reach_is_a_length(name: str) -> None:
    traits = detectors.spec(name)
    for case in CASES[name]:
        reach = traits.reach(case.settings).characters
        assert reach is None or reach >= (1 if traits.spans else 0)


@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(name, case, id=f"{name}-{case.kind}-{case.name}") for name in sorted(CASES) for case in CASES[name]],
)
def test_case(name: str, case: Case) -> None:
    assert seen(name, case) == mark(*_pair(case.finds))


def _pair(finds: str) -> tuple[str, list[tuple[int, int, str]]]:
    marked = parse(finds)
    return marked.text, list(marked.spans)
