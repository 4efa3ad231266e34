"""Every type of the catalogue has recognisers and cases; every spec is well made."""

from __future__ import annotations

from collections import Counter

import pytest

from guardrails import catalog
from guardrails.detectors import pii
from guardrails.detectors.pii.matching import compiled
from guardrails.detectors.pii.recognizer import Spec
from guardrails.marked import parse
from tests.detectors.test_contract import CASES

SPECS = pii.specs()
IDS = [f"{n}-{s.type}" for n, s in enumerate(SPECS)]


@pytest.mark.parametrize("type_", catalog.PII)
def test_every_type_has_a_recogniser(type_: str) -> None:
    assert any(spec.type == type_ for spec in SPECS)


@pytest.mark.parametrize("type_", catalog.PII)
def test_every_type_has_cases_of_each_kind(type_: str) -> None:
    kinds = Counter(case.kind for case in CASES["pii"] if case.settings.entity == type_)
    assert {"positive", "negative", "near-miss"} <= kinds.keys()


def test_cases_mark_what_their_kind_says() -> None:
    for case in CASES["pii"]:
        assert bool(parse(case.finds).spans) == (case.kind == "positive"), case.name


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_spec(spec: Spec) -> None:
    assert spec.type in catalog.PII
    assert spec.patterns
    assert spec.scope in ("all", "raw")
    assert not spec.requires_context or spec.context
    for pattern, score in spec.patterns:
        assert 0 < score <= 1
        assert compiled(pattern, spec.ignore_case)
    for word in (*spec.context, *spec.against):
        assert word == word.lower()
        assert word.strip()


def test_most_patterns_wait_for_a_trigger() -> None:
    from guardrails.detectors.pii.triggers import Triggers

    triggers = Triggers(SPECS)
    always = len(triggers._always)
    assert always * 20 <= sum(len(s.patterns) for s in SPECS)
