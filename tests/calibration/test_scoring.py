"""Scores of rules on rows: whose label counts, and which setting holds the cut point."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.calibration import dials, scored
from guardrails.errors import GuardrailsError
from guardrails.evaluation import read
from guardrails.policy import loads
from tests.evaluation.rows import row, write

POLICY = """\
version: 1
name: dialled
metadata: {owner: tests}
content:
  HATE: {input: MEDIUM, output: HIGH}
topics:
  - {name: investment-advice, definition: What to buy or sell., examples: [Should I buy gold?], threshold: 0.7}
  - {name: weather, definition: What the weather will be., examples: [Will it rain?], input: block, output: detect}
words: {terms: [kingfisher]}
grounding: 0.6
"""


def line(**scores: float) -> dict[str, object]:
    return {"action": "NONE", "findings": [], "scores": scores}


def test_every_setting_with_a_cut_point_is_a_dial() -> None:
    found = {d.label: d for d in dials(loads(POLICY))}
    assert list(found) == [
        "content.HATE (INPUT)", "content.HATE (OUTPUT)", "topic.investment-advice", "topic.weather", "grounding"
    ]  # fmt: skip
    assert [d.current() for d in found.values()][:3] == ["MEDIUM", "HIGH", 0.7]
    assert 0.1 < float(found["topic.weather"].current()) < 1  # the model's own
    assert [found["grounding"].falls, found["topic.weather"].falls] == [True, False]


def test_an_allowed_topic_has_no_cut_point_of_its_own() -> None:
    allowed = POLICY.replace("threshold: 0.7}", "allow: true}")
    assert "topic.investment-advice" not in {d.label for d in dials(loads(allowed))}


def test_a_category_goes_before_the_row_s_label(tmp_path: Path) -> None:
    rows = [
        row("a", 1, categories=["Investment advice"]), row("b", 1, categories=["weather"]), row("c", 1), row("d", 0),
        row("e", None, categories={"topic.weather": 0}), row("f", 1, source="OUTPUT"),
    ]  # fmt: skip
    data = read(write(tmp_path / "d.jsonl", rows))
    lines = [line(**{"topic.investment-advice": 0.7, "topic.weather": 0.2, "content.HATE": 0.1}) for _ in rows]
    lines[3] = line()  # not judged
    found = scored(loads(POLICY), data, lines)
    _, own = found.of("topic.investment-advice")
    assert dict(zip(own.lines.tolist(), own.labels.tolist(), strict=True)) == {1: 1, 2: 0, 3: 1, 5: -1, 6: 1}
    assert found.unjudged["topic.investment-advice"] == 1
    assert found.of("topic.weather")[1].labels.tolist() == [0, 1, 1, 0, 1]
    assert own.at(own.current).recall.value == 1.0  # a score at the cut point fires
    assert found.of("content.HATE (OUTPUT)")[1].lines.tolist() == [6]
    assert [p.rule for p in found.plain] == ["words.terms"]
    assert "kingfisher" not in str(found.to_dict())


def test_what_is_asked_for_must_be_there(tmp_path: Path) -> None:
    data = read(write(tmp_path / "d.jsonl", [row("a")]))
    found = scored(loads(POLICY), data, [line()])
    for name, message in (
        ("topic.wether", r"nearest: topic\.weather"),
        ("words.terms", "nothing to choose"),
        ("content.HATE", "for each direction"),
    ):
        with pytest.raises(GuardrailsError, match=message):
            found.of(name)
