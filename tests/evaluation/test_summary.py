"""Scores that can be compared, and figures per set, category and span."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from guardrails.evaluation import Evaluation, evaluate, predictions, read
from guardrails.evaluation.scoring import evidence, normal
from guardrails.types import Role, RuleAction, Source
from tests.core.policies import guard, pii_rule, words_rule
from tests.evaluation.rows import Scripted, row, rule, write

SHARE = st.floats(0, 1)
INNER = st.floats(0.001, 0.999)


def measured(folder: Path, guard_: Any, rows: list[dict[str, Any]], resamples: int = 0) -> Evaluation:
    data = read(write(folder / "d.jsonl", rows))
    return evaluate(guard_, data, predictions(guard_, data), resamples=resamples)


def scores(result: Evaluation) -> list[float | None]:
    return [j.score for j in result.judged]


@given(SHARE, SHARE, INNER)
def test_evidence_rises(a: float, b: float, threshold: float) -> None:
    assume(a < b)
    assert 0 <= evidence(a, threshold) <= evidence(b, threshold) <= 1


@given(INNER)
def test_the_threshold_is_a_half(threshold: float) -> None:
    assert evidence(threshold, threshold) == pytest.approx(0.5)
    assert (evidence(0, threshold), evidence(1, threshold)) == (0, 1)


@given(SHARE, INNER)
def test_acting_is_a_half_or_more(score: float, threshold: float) -> None:
    assume(abs(score - threshold) > 1e-9)
    assert (evidence(score, threshold) >= 0.5) == (score >= threshold)


@given(SHARE)
def test_evidence_without_a_threshold_is_the_score(score: float) -> None:
    assert evidence(score, None) == score
    assert evidence(score, 0.5) == pytest.approx(score)


def test_thresholds_at_the_ends() -> None:
    assert evidence(0.5, 0) > 0.999
    assert evidence(0.5, 1) < 0.001


def test_scores_of_several_categories_are_put_on_one_scale(tmp_path: Path) -> None:
    said = {"a": {"content.HATE": 0.85, "content.INSULTS": 0.1}, "b": {"content.HATE": 0.2, "content.INSULTS": 0.35}}
    rules = [rule("content.HATE"), rule("content.INSULTS")]
    rows = [row("a"), row("b", 1)]
    raw = measured(tmp_path, Scripted(rules, lambda t: {"scores": said[t]}), rows)
    assert scores(raw) == [0.85, 0.35]
    assert raw.overall.figures["auc"].value == 0
    limits = {"content.HATE": 0.9, "content.INSULTS": 0.3}
    scaled = measured(tmp_path, Scripted(rules, lambda t: {"scores": said[t]}, limits), rows)
    below, above = scores(scaled)
    assert below is not None
    assert above is not None
    assert below < 0.5 < above
    assert scaled.overall.figures["auc"].value == 1
    assert scaled.thresholded
    assert not raw.thresholded


def test_thresholds_by_direction_and_role(tmp_path: Path) -> None:
    limits = {(Source.INPUT, Role.USER): 0.2, (Source.INPUT, Role.TOOL): 0.6, (Source.OUTPUT, Role.USER): 0.8}
    scripted = Scripted(
        [rule("content.PROMPT_ATTACK")],
        lambda _: {"scores": {"prompt_attack.JAILBREAK": 0.5}},
        lambda source, role: {"prompt_attack.JAILBREAK": limits[source, role]},
    )
    result = measured(tmp_path, scripted, [row("a"), row("a", role="tool"), row("a", source="OUTPUT")])
    assert scores(result) == pytest.approx([0.8, 0.4, 0.2])


def test_grounding_counts_the_other_way_round(tmp_path: Path) -> None:
    settings = SimpleNamespace(threshold=0.7)
    scripted = Scripted(
        [rule("grounding", settings=settings)],
        lambda t: {"scores": {"grounding": float(t)}},
    )
    result = measured(tmp_path, scripted, [row("0.7"), row("0.9"), row("0.2", 1)])
    assert scores(result)[0] == pytest.approx(0.5)
    assert scores(result)[1] < 0.5 < scores(result)[2]  # type: ignore[operator]


def test_only_rules_that_are_on_and_block_make_the_score(tmp_path: Path) -> None:
    rules = [
        rule("content.HATE"),
        rule("content.SEXUAL", None),
        rule("content.INSULTS", RuleAction.DETECT),
        rule("topic.stocks", detector="topics", type="stocks"),
        rule("words.a", RuleAction.DETECT),
    ]
    given_scores = {"content.HATE": 0.1, "content.SEXUAL": 0.9, "content.INSULTS": 0.9, "topic.stocks": 0.2, "x": 1.0}
    scripted = Scripted(rules, lambda _: {"scores": given_scores, "findings": [("words.a", "A", 0, 1, "NONE")]})
    assert scores(measured(tmp_path, scripted, [row("t")])) == [0.2]
    # Where none blocks, those that report or mask count: the figures of such a policy are then not empty.
    only = Scripted([rules[2], rules[4]], lambda _: {"scores": {"content.INSULTS": 0.9}})
    assert scores(measured(tmp_path, only, [row("t")])) == [0.9]


def test_string_rules_say_one_or_nothing(tmp_path: Path) -> None:
    rows = [row("kingfisher", 1), row("heron", 1), row("heron"), row("a@example.org")]
    result = measured(tmp_path, guard(words_rule("terms", "kingfisher"), pii_rule("EMAIL")), rows)
    assert scores(result) == [1, 0, 0, 0]
    values = {k: e.value for k, e in result.overall.figures.items()}
    assert (values["precision"], values["recall"], values["fpr"], values["auc"]) == (1, 0.5, 0, 0.75)
    assert result.overall.actions == {"NONE": 2, "MASKED": 1, "BLOCKED": 1}


def test_a_finding_of_a_scored_rule_does_not_hide_its_score(tmp_path: Path) -> None:
    scripted = Scripted(
        [rule("content.HATE")],
        lambda _: {"scores": {"content.HATE": 0.6}, "findings": [("content.HATE", "HATE", None, None, "BLOCKED")]},
    )
    assert scores(measured(tmp_path, scripted, [row("t", 1)])) == [0.6]


def test_sets(tmp_path: Path) -> None:
    rows = [
        row("kingfisher", 1, set="x"), row("heron", 0, set="x"), row("kingfisher", 0, set="y"), row("heron", 1),
        row("heron", None, set="y"),
    ]  # fmt: skip
    result = measured(tmp_path, guard(words_rule("terms", "kingfisher")), rows)
    assert [(g.name, g.rows, g.positives, g.negatives) for g in result.sets] == [
        ("x", 2, 1, 1),
        ("y", 2, 0, 1),
        ("(no set)", 1, 1, 0),
    ]
    x, y, none = (g.figures for g in result.sets)
    assert (x["f1"].value, y["fpr"].value, y["recall"].value, none["recall"].value) == (1, 1, None, 0)
    assert result.overall.figures["precision"].value == 0.5
    assert result.to_dict()["sets"]["y"]["unlabelled"] == 1
    assert result.to_dict()["overall"]["recall_at_1_fpr"]["negatives"] == 2
    assert not measured(tmp_path, guard(words_rule("terms", "kingfisher")), [row("heron")]).sets


def test_rows_that_could_not_be_checked_count_nowhere(tmp_path: Path) -> None:
    scripted = Scripted([rule("words.a")], lambda t: ValueError() if t == "bad" else {})
    result = measured(tmp_path, scripted, [row("bad", 1), row("good", 1), row("good")])
    assert (result.overall.errors, result.overall.positives, result.overall.rows) == (1, 1, 3)
    assert scores(result) == [None, 0, 0]


def test_categories(tmp_path: Path) -> None:
    rules = [rule("content.HATE"), rule("content.SELF_HARM"), rule("content.PROMPT_ATTACK")]

    def says(text: str) -> dict[str, Any]:
        p = float(text)
        fired = [("content.HATE", "HATE", None, None, "BLOCKED")] if p > 0.5 else []
        return {
            "scores": {"content.HATE": p, "content.SELF_HARM": 0.1, "prompt_attack.JAILBREAK": p},
            "findings": fired,
        }

    rows = [
        row("0.9", 1, set="lists", categories=["hate"]),
        row("0.2", 1, set="lists", categories=["self-harm"]),
        row("0.1", 0, set="lists", categories=[]),
        row("0.8", 0, set="known", categories={"HATE": 0}),
        row("0.7", 1, set="known", categories={"JAILBREAK": 1, "Bicycles": 1}),
    ]
    result = measured(tmp_path, Scripted(rules, says), rows)
    found = result.overall.categories
    assert {n: (c.rows, c.positives) for n, c in found.items()} == {
        "HATE": (4, 1),  # the last row does not say
        "SELF_HARM": (3, 1),  # an object denies only what it names; a list denies what else its own set knows
        "JAILBREAK": (1, 1),
    }
    assert {k: found["HATE"].figures[k].value for k in ("precision", "recall", "fpr")} == {
        "precision": 0.5,
        "recall": 1,
        "fpr": pytest.approx(1 / 3),
    }
    assert found["SELF_HARM"].figures["recall"].value == 0
    assert found["JAILBREAK"].figures["recall"].value == 1  # no rule is called so: its score decides
    assert result.overall.unjudged == ("BICYCLES",)


@given(st.sampled_from(["self-harm", "Self Harm", " SELF_HARM"]))
def test_names_of_categories(name: str) -> None:
    assert normal(name) == "SELF_HARM"


def test_spans(tmp_path: Path) -> None:
    text = "write to anna@example.org or Anna"
    rows = [
        row(text, spans=[[9, 25, "EMAIL"], [29, 33, "NAME"]]),
        row("b@example.org", spans=[[2, 13, "URL"]]),
        row("c@example.org", spans=[]),
        row("nothing", spans=[]),
        row("d@example.org"),
    ]
    spans = measured(tmp_path, guard(pii_rule("EMAIL"), words_rule("terms", "write")), rows).overall.spans
    assert spans is not None
    assert (spans.rows, spans.spans, spans.unjudged) == (4, 3, ("NAME", "URL"))
    values = {k: e.value for k, e in spans.figures.items()}
    assert values == {
        "masked": pytest.approx(2 / 3),
        "masked_by_rules": 1,
        "character_precision": pytest.approx((16 + 11) / (16 + 13 + 13)),
        "character_recall": pytest.approx((16 + 11) / (16 + 4 + 11)),
    }
    assert {t: e.value for t, e in spans.types.items()} == {"EMAIL": 1, "NAME": 0, "URL": 1}


def test_one_missing_character_is_no_masked_span(tmp_path: Path) -> None:
    rows = [row("abcdef", spans=[[0, 4, "NAME"]])]
    for start, end, expected in ((0, 4, 1), (0, 3, 0), (1, 6, 0), (0, 6, 1)):
        scripted = Scripted(
            [rule("pii.NAME", RuleAction.MASK)],
            lambda _, s=start, e=end: {"findings": [("pii.NAME", "NAME", s, e, "MASKED")]},
        )
        spans = measured(tmp_path, scripted, rows).overall.spans
        assert spans is not None
        assert spans.figures["masked"].value == expected
    reported = Scripted([rule("pii.NAME")], lambda _: {"findings": [("pii.NAME", "NAME", 0, 4, "NONE")]})
    spans = measured(tmp_path, reported, rows).overall.spans
    assert spans is not None
    assert spans.figures["masked"].value == 0  # what is only reported stays in the text


def test_intervals_are_there(tmp_path: Path) -> None:
    rows = [row("kingfisher" if i % 3 else "heron", int(i % 2), spans=[[0, 1, "NAME"]]) for i in range(40)]
    result = measured(tmp_path, guard(words_rule("terms", "kingfisher")), rows, resamples=200)
    recall = result.overall.figures["recall"]
    assert recall.low is not None
    assert recall.high is not None
    assert recall.low < recall.value < recall.high  # type: ignore[operator]
    assert result.overall.spans is not None
    assert result.overall.spans.figures["masked"].high is not None
