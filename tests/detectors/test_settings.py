"""What detectors declare about their settings: orders, sections, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails import detectors
from guardrails.detectors.settings import (
    RULES,
    Choice,
    Flag,
    Number,
    Order,
    Section,
    Setting,
    Shape,
    remarks,
    section_of,
    sections_of,
    settings_of,
)
from guardrails.policy.loading import examine

NAMES = Choice(("NONE", "LOW", "HIGH"))


@pytest.mark.parametrize(
    ("setting", "milder", "stricter"),
    [
        (Setting(kind=Number(0, 1), order=Order.RISES), 0.1, 0.2),
        (Setting(kind=Number(0, 1), order=Order.FALLS), 0.2, 0.1),
        (Setting(kind=NAMES, order=Order.RISES), "LOW", "HIGH"),
        (Setting(kind=Flag(), order=Order.RISES), False, True),
        (Setting(kind=NAMES, order=Order.RISES, rank=lambda name: -len(name)), "NONE", "LOW"),
    ],
)
def test_a_milder_value_is_weaker_than_a_stricter_one_and_no_value_than_itself(
    setting: Setting, milder: object, stricter: object
) -> None:
    assert setting.weaker(milder, stricter)
    assert not setting.weaker(stricter, milder)
    assert not setting.weaker(milder, milder)


def test_the_flag_of_a_topic_turns_the_order_of_its_other_settings_round() -> None:
    declared = settings_of("topics")
    denied, allowed = ({k: s.ordered({"allow": flag}.get) for k, s in declared.items()} for flag in (False, True))
    assert (denied["threshold"], allowed["threshold"]) == (Order.FALLS, Order.RISES)
    assert (denied["examples"], allowed["examples"]) == (Order.GROWS, Order.SHRINKS)
    assert denied["definition"] is allowed["definition"] is Order.FIXED


@pytest.mark.parametrize(
    ("section", "id_"),
    [
        (Section(key="odd"), "odd.x"),
        (Section(key="odd", shape=Shape.ONE), "odd"),
        (Section(key="odd.ones", id="o.{name}"), "o.x"),
    ],
)
def test_a_rule_is_called_after_its_section_and_name(section: Section, id_: str) -> None:
    assert section.rule_id("x") == id_


def test_every_section_of_the_table_is_declared_by_its_detectors() -> None:
    declared = {s.key.partition(".")[0]: name for name in detectors.DETECTORS for s in sections_of(name)}
    assert declared.keys() == detectors.SECTIONS.keys() - {RULES.key}
    for key, names in detectors.SECTIONS.items():
        assert all(key in {s.key.partition(".")[0] for s in sections_of(name)} for name in names)
    assert section_of("grounding", "RELEVANCE").key == "relevance"
    assert section_of("classifier", "X") is RULES


def test_a_section_has_one_owner() -> None:
    with pytest.raises(ValueError, match="there is a section 'words' already, of words"):
        detectors.register("mine", "tests.policy.demo_detector", sections=("words",))
    assert "mine" not in detectors.DETECTORS


def test_a_detector_without_remarks_has_none() -> None:
    assert list(remarks("classifier", ())) == []


TOPIC = "version: 1\nname: x\n{}topics: [{{name: t, definition: Tea., threshold: {}{}}}]\n"


@pytest.mark.parametrize(
    ("allow", "threshold", "weaker"),
    [("", 0.9, True), ("", 0.1, False), (", allow: true", 0.9, False), (", allow: true", 0.1, True)],
)
def test_a_topic_that_reaches_less_than_its_parent_is_warned_of(
    tmp_path: Path, allow: str, threshold: float, weaker: bool
) -> None:
    (tmp_path / "parent.yaml").write_text(TOPIC.format("", 0.5, allow), encoding="utf-8")
    (tmp_path / "child.yaml").write_text(TOPIC.format("extends: parent.yaml\n", threshold, allow), encoding="utf-8")
    _, reader = examine(tmp_path / "child.yaml")
    assert [p.code for p in reader.problems] == (["weaker-than-parent"] if weaker else [])
