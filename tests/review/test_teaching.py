"""What reviewed texts teach a topic: phrases of one half, figures of the other, and a policy file that keeps its comments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from guardrails import inference
from guardrails.errors import GuardrailsError
from guardrails.inference.topics import fit
from guardrails.policy import load, loads
from guardrails.review import Review, taught, with_phrases
from tests.evaluation.rows import run
from tests.review.taught import NO, POLICY, YES, decided


def test_a_topic_learns_from_one_half_and_is_measured_on_the_other(tmp_path: Path) -> None:
    policy = loads(POLICY).unhurried()
    lesson = taught(decided(Review()), policy)
    assert (lesson.learned, lesson.held_out) == (8, 8)
    assert lesson.examples
    assert set(lesson.examples) <= set(YES)
    assert set(lesson.not_examples) <= set(NO)
    assert lesson.before.point.recall.of == lesson.after.point.recall.of == 4
    assert (lesson.after.auc.value or 0) >= (lesson.before.auc.value or 0)
    assert (lesson.after.point.recall.value or 0) >= (lesson.before.point.recall.value or 0)
    # The order in which texts were labelled changes nothing: which half a text is in is its own.
    again = taught(decided(Review(), YES[::-1], NO[::-1]), policy)
    assert (again.examples, again.not_examples, again.after) == (lesson.examples, lesson.not_examples, lesson.after)
    # A phrase always fires, or never does: it must not be among the texts that the figures are of.
    held = {*YES, *NO} - {*lesson.examples, *lesson.not_examples}
    assert len(held) >= lesson.held_out

    path = tmp_path / "bank.yaml"
    path.write_text(POLICY)
    text = with_phrases(path, POLICY, lesson)
    assert "# What the assistant does not talk about." in text
    assert "# more to come" in text
    path.write_text(text)
    settings = load(path).rule("topic.advice").settings
    assert settings.examples == ("Should I buy shares of Tesla now?", *lesson.examples)
    assert settings.not_examples == lesson.not_examples
    assert with_phrases(path, text, lesson).count(lesson.examples[0]) == 1


def test_scores_of_many_are_those_of_each() -> None:
    engine = inference.text_engine()
    vectors = engine.embed([YES[0], NO[0], NO[3]])
    for examples, others in (((), ()), (YES[1:3], ()), (YES[1:3], NO[1:3]), ((), NO[1:2])):
        topic = fit(engine, "advice", "What to buy or sell.", examples, others)
        assert topic.scores(vectors) == pytest.approx(np.array([topic.score(v) for v in vectors]), abs=1e-3)


def test_what_cannot_be_learned_is_said() -> None:
    policy = loads(POLICY).unhurried()
    with pytest.raises(GuardrailsError, match="3 texts are decided as yes, and 4 are needed"):
        taught(decided(Review(), yes=YES[:3]), policy)
    with pytest.raises(GuardrailsError, match="which is no topic of bank"):
        taught(decided(Review(), rule="topic.gone"), policy)
    allowed = loads(POLICY.replace("    threshold: 0.5\n", "    allow: true\n"))
    with pytest.raises(GuardrailsError, match="is no denied topic"):
        taught(decided(Review()), allowed)


def test_the_command_writes_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "bank.yaml").write_text(POLICY)
    decided(Review(tmp_path / "r.jsonl"))
    shown = run("review", "topic", "r.jsonl", "--policy", "bank.yaml", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "learned from 8 texts, measured on 8 others" in shown.stdout
    assert not any(text in shown.stdout for text in (*YES, *NO))
    assert (tmp_path / "bank.yaml").read_text() == POLICY
    done = run(
        "review", "topic", "r.jsonl", "--policy", "bank.yaml", "--most", "1", "--write", "--show-text", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    settings = load(tmp_path / "bank.yaml").rule("topic.advice").settings
    assert len(settings.examples) + len(settings.not_examples) == 2
