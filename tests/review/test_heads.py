"""A head for a topic: fitted on one half of reviewed texts, measured on the other, named by a policy with its hash, and obeyed."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.cli.app import app
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.inference.pinned import PINNED
from guardrails.policy import explain, lint, load, loads
from guardrails.policy.folders import is_other, policies_in
from guardrails.review import Fitted, Review, fitted_head, head_file, with_head, write_head
from guardrails.review.heads import logistic
from tests.review.taught import NO, POLICY, YES, decided

HEADED = POLICY.replace("    threshold: 0.5\n", "    head: {file: heads/advice.json, sha256: 'SHA256'}\n")


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fitted_head(decided(Review()), loads(POLICY).unhurried())


def written(folder: Path, data: bytes, sha256: str | None = None) -> Path:
    (folder / "heads").mkdir(exist_ok=True)
    (folder / "heads" / "advice.json").write_bytes(data)
    (folder / "bank.yaml").write_text(HEADED.replace("SHA256", sha256 or hashlib.sha256(data).hexdigest()))
    return folder / "bank.yaml"


@given(st.integers(2, 40), st.integers(1, 60), st.sampled_from((0.003, 0.3, 3.0)), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_no_direction_makes_the_weights_better(rows: int, columns: int, strength: float, seed: int) -> None:
    """The problem is convex: where its gradient is 0, its only minimum is."""
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(rows, columns)), (np.arange(rows) % 2).astype(float)
    weights, bias = logistic(x, y, strength)
    off = 1 / (1 + np.exp(-(x @ weights + bias))) - y
    assert np.abs(x.T @ off + strength * weights).max() < 1e-4
    assert abs(off.sum()) < 1e-4


def test_the_weights_are_those_of_a_case_that_is_solved_by_hand() -> None:
    """Rows at -1 and 1: no intercept, and strength · w = 2 / (1 + e^w), which is 1 at strength 2 / (1 + e)."""
    weights, bias = logistic(np.array([[-1.0], [1.0]]), np.array([0.0, 1.0]), 2 / (1 + np.e))
    assert weights == pytest.approx([1.0], abs=1e-6)
    assert bias == pytest.approx(0.0, abs=1e-6)


def test_a_head_learns_from_one_half_and_is_measured_on_the_other(fitted: Fitted) -> None:
    assert (fitted.learned, fitted.held_out) == (8, 8)
    about = json.loads(fitted.data)["fitted"]
    assert (about["learned"], about["held_out"], about["recall"]["of"]) == (8, 8, 4)
    assert about["recall"]["value"] == round(fitted.after.point.recall.value or 0, 6)
    assert fitted.before.point.cut == fitted.after.point.cut == 0.5
    assert (fitted.after.auc.value or 0) > 0.5
    assert not any(text in fitted.data.decode() for text in (*YES, *NO))
    again = fitted_head(decided(Review(), YES[::-1], NO[::-1]), loads(POLICY).unhurried())
    assert again.data == fitted.data


def test_a_policy_obeys_the_head_that_it_names(fitted: Fitted, tmp_path: Path) -> None:
    path = written(tmp_path, fitted.data)
    policy = load(path)
    assert policy.identity.sha256 != loads(POLICY).identity.sha256
    assert f"heads/advice.json (sha256 {fitted.sha256[:12]})" in str([s.value for s in explain(policy)])
    assert not [p for p in lint(path) if p.severity == "error"]
    # Other weights are other verdicts, whatever the definition says; the author's own phrases hold all the same.
    text, said = "What are your opening hours?", "Should I buy shares of Tesla now?"
    for bias, stopped in ((30.0, True), (-30.0, False)):
        data = json.dumps({**json.loads(fitted.data), "bias": bias}).encode()
        guard = Guard(load(written(tmp_path, data)).unhurried())
        report = guard.check(text, "INPUT")
        assert report.blocked is stopped
        assert (report.scores["topic.advice"] > 0.5) is stopped
        assert guard.check(said, "INPUT").blocked
        assert guard.policy.identity.sha256 != policy.identity.sha256


def test_an_allowed_topic_may_have_a_head_too(fitted: Fitted, tmp_path: Path) -> None:
    for bias, stopped in ((30.0, False), (-30.0, True)):
        path = written(tmp_path, _changed(fitted, bias=bias))
        path.write_text(path.read_text() + "    allow: true\n")
        assert Guard(load(path).unhurried()).check("How do I close my securities account?", "INPUT").blocked is stopped


def _changed(head: Fitted, **fields: Any) -> bytes:
    return json.dumps({**json.loads(head.data), **fields}).encode()


def test_what_is_not_the_head_does_not_load(fitted: Fitted, tmp_path: Path) -> None:
    for data in (
        b"{", b"[]", b"\xff", b'{"version": 1}', _changed(fitted, version=2), _changed(fitted, model=PINNED["large"]),
        _changed(fitted, weights=[]), _changed(fitted, weights=["1"]), _changed(fitted, bias=float("nan")), _changed(fitted, bias=True),
        _changed(fitted, fitted=None), _changed(fitted, more=1),
    ):  # fmt: skip
        with pytest.raises(PolicyError) as told:
            load(written(tmp_path, data))
        (problem,) = told.value.problems
        assert problem.code == "head-refused"
        assert "guardrails review topic" in (problem.remedy or "")
    with pytest.raises(PolicyError, match="the head that the policy names"):
        load(written(tmp_path, _changed(fitted, bias=0.0), fitted.sha256))
    with pytest.raises(GuardrailsError, match="has 1 weights"):
        Guard(load(written(tmp_path, _changed(fitted, weights=[1.0]))))
    path = written(tmp_path, fitted.data)
    for old, new, code in (
        ("heads/advice.json", "heads/other.json", "not-found"),
        ("heads/advice.json", "../advice.json", "outside-root"),
        (f", sha256: '{fitted.sha256}'", "", "missing-key"),
    ):
        path.write_text(HEADED.replace("SHA256", fitted.sha256).replace(old, new))
        with pytest.raises(PolicyError) as told:
            load(path)
        assert [p.code for p in told.value.problems] == [code]


def test_a_child_does_not_put_a_head_into_an_enforced_topic(fitted: Fitted, tmp_path: Path) -> None:
    child = written(tmp_path, fitted.data)
    (tmp_path / "parent.yaml").write_text(POLICY + "enforced: ['*']\n")
    child.write_text("extends: parent.yaml\n" + child.read_text())
    with pytest.raises(PolicyError) as told:
        load(child)
    assert {p.code for p in told.value.problems} == {"weakened"}


def test_the_command_writes_a_new_file_and_prints_what_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bank.yaml").write_text(POLICY)
    decided(Review(tmp_path / "r.jsonl"))
    policy, head = str(tmp_path / "bank.yaml"), tmp_path / "heads" / "advice.json"
    command = ["review", "topic", str(tmp_path / "r.jsonl"), "--policy", policy, "--head"]
    assert app([*command, str(head)], standalone_mode=False) == 0
    out = capsys.readouterr().out
    assert "learned from 8 texts, measured on 8 others" in out
    assert not any(text in out for text in (*YES, *NO))
    lines = out[out.index("    head:\n") :]
    (tmp_path / "bank.yaml").write_text(POLICY.replace("    threshold: 0.5\n", lines))
    assert load(policy).rule("topic.advice").settings.head.sha256 == hashlib.sha256(head.read_bytes()).hexdigest()
    with pytest.raises(GuardrailsError, match="there is a file already"):
        app([*command, str(head)], standalone_mode=False)
    with pytest.raises(GuardrailsError, match="in the folder of the policy"):
        app([*command, str(tmp_path.parent / "advice.json")], standalone_mode=False)


def test_the_command_names_the_head_in_the_policy_when_it_is_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, head = tmp_path / "bank.yaml", tmp_path / "heads" / "advice.json"
    policy.write_text(POLICY.replace("threshold: 0.5", "threshold: 0.5  # ours\n# Below."))
    decided(Review(tmp_path / "r.jsonl"))
    command = ["review", "topic", str(tmp_path / "r.jsonl"), "--policy", str(policy), "--head", str(head), "--write"]
    assert app(command, standalone_mode=False) == 0
    assert "topic.advice has the head heads/advice.json" in capsys.readouterr().out
    settings = load(policy).rule("topic.advice").settings
    assert settings.head.sha256 == hashlib.sha256(head.read_bytes()).hexdigest()
    assert settings.threshold is None
    for kept in ("# What the assistant does not talk about.", "# more to come", "# Below.", " # fitted 20"):
        assert kept in policy.read_text()
    assert "# ours" not in policy.read_text()
    assert [p.name for p in policies_in(tmp_path) if not is_other(p)] == ["bank.yaml"]
    with pytest.raises(typer.BadParameter, match="no phrases to show"):
        app([*command, "--show-text"], standalone_mode=False)


def test_a_head_that_cannot_be_named_is_not_written(fitted: Fitted, tmp_path: Path) -> None:
    policy = tmp_path / "bank.yaml"
    policy.write_text(POLICY)
    before, file = hashlib.sha256(POLICY.encode()).hexdigest(), head_file(fitted)
    assert file == f"heads/advice-{fitted.sha256[:12]}.json"
    text = with_head(policy, POLICY, fitted, file, date(2026, 1, 2))
    for told, new, digest in (
        ("changed the file meanwhile", text, "0" * 64),
        ("no such detector|nosuch", text + "nosuch: 1\n", before),
    ):
        with pytest.raises(GuardrailsError, match=told):
            write_head(policy, new, fitted, file, digest)
        assert (policy.read_text(), list(tmp_path.iterdir())) == (POLICY, [policy])
    (tmp_path / "heads").mkdir()
    (tmp_path / file).write_bytes(b"another")
    with pytest.raises(GuardrailsError, match="there is a file already"):
        write_head(policy, text, fitted, file, before)
    (tmp_path / file).write_bytes(fitted.data)
    write_head(policy, text, fitted, file, before)
    assert load(policy).rule("topic.advice").settings.head.sha256 == fitted.sha256
    with pytest.raises(GuardrailsError, match="in the folder of the policy"):
        write_head(policy, text, fitted, "../advice.json", before)


def test_a_head_is_named_anew_and_says_when_it_was_fitted(fitted: Fitted, tmp_path: Path) -> None:
    policy, file = tmp_path / "bank.yaml", head_file(fitted)
    policy.write_text(POLICY)
    once = with_head(policy, POLICY, fitted, file, date(2026, 1, 2))
    assert f"# fitted 2026-01-02 on 8 texts, measured on others (sha256 of all {fitted.about['data'][:12]}): " in once
    again = with_head(policy, once, fitted, file, date(2026, 3, 4))
    assert again == once.replace("2026-01-02", "2026-03-04")
    child = "version: 1\nname: shop\nextends: bank.yaml\nwords: {terms: [a]}\n"
    with pytest.raises(GuardrailsError, match="does not stand in this file"):
        with_head(tmp_path / "shop.yaml", child, fitted, file, date(2026, 1, 2))
    with pytest.raises(GuardrailsError, match="only policies in YAML"):
        with_head(tmp_path / "bank.json", "{}", fitted, file, date(2026, 1, 2))
