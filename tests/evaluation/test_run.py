"""Running the guard over rows: order, batches, errors, and going on after a stop."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError
from guardrails.evaluation import Data, predictions, prepared, read, run
from guardrails.guard import Guard
from guardrails.types import Failure, FailureKind, RuleAction, Source
from tests.core.policies import guard, pii_rule, policy, words_rule
from tests.evaluation.rows import Scripted, row, rule, write


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHUNK", 4)
    monkeypatch.setattr(run, "BLOCK", 8)


def data(folder: Path, count: int = 30) -> Data:
    texts = ["kingfisher " * (i % 7) + f"row {i}" for i in range(count)]
    return read(
        write(folder / "d.jsonl", [row(t, i % 2, source=("INPUT", "OUTPUT")[i % 3 == 0]) for i, t in enumerate(texts)])
    )


def small() -> Guard:
    return guard(words_rule("terms", "kingfisher"))


def test_input_order_and_like_lengths_together(tmp_path: Path) -> None:
    scripted = Scripted([rule("content.HATE")], lambda text: {"scores": {"content.HATE": float(text.split()[-1])}})
    rows = data(tmp_path)
    lines = predictions(scripted, rows)
    assert [line["scores"]["content.HATE"] for line in lines] == list(range(30))
    assert max(map(len, scripted.batches)) == 4
    assert all(batch == sorted(batch, key=len) for batch in scripted.batches)


def test_a_line_says_what_the_report_says(tmp_path: Path) -> None:
    rows = read(
        write(
            tmp_path / "d.jsonl",
            [row("a kingfisher", query="my kingfisher?"), row("b@example.org", source="OUTPUT"), row("c")],
        )
    )
    first, second, third = predictions(guard(words_rule("terms", "kingfisher"), pii_rule("EMAIL")), rows)
    found = {"rule": "words.terms", "type": "WORD", "score": 1.0, "level": None, "action": "BLOCKED"}
    assert first == {
        "action": "BLOCKED",
        "findings": [{**found, "start": 2, "end": 12}],
        "scores": {},
        "other_findings": [{**found, "start": 3, "end": 13, "piece": 1}],
    }
    assert (second["action"], second["findings"][0]["start"], second["findings"][0]["end"]) == ("MASKED", 0, 13)
    assert third == {"action": "NONE", "findings": [], "scores": {}}


def test_what_breaks_costs_one_row(tmp_path: Path) -> None:
    broken = {"3": MemoryError("secret"), "5": TimeoutError(), "6": ValueError("secret")}
    scripted = Scripted([rule("content.HATE")], lambda text: broken.get(text.split()[-1], {}))
    out = tmp_path / "p.jsonl"
    lines = predictions(scripted, data(tmp_path, 10), out)
    assert {i: line["error"] for i, line in enumerate(lines) if "error" in line} == {
        3: "out_of_memory",
        5: "timeout",
        6: "internal",
    }
    assert len(out.read_text(encoding="utf-8").splitlines()) == 10
    assert "secret" not in out.read_text(encoding="utf-8")


def test_a_block_that_only_a_failure_made_is_named(tmp_path: Path) -> None:
    rows = read(write(tmp_path / "d.jsonl", [row("fine"), row("a\ud800b")]))
    fine, failed = predictions(small(), rows)
    assert "failures" not in fine
    assert (failed["action"], failed["error"]) == ("BLOCKED", "bad_input")
    assert failed["failures"] == [{"rule": "words.terms", "kind": "bad_input"}]
    assert failed["unseen"] == ["lone surrogate"]
    told = Scripted(
        [rule("words.a")],
        lambda _: {
            "failures": (Failure("words.a", FailureKind.TIMEOUT),),
            "findings": [("words.a", "A", 0, 1, "BLOCKED")],
        },
    )
    assert "error" not in predictions(told, rows)[0]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(choose: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        rows = data(Path(name))
        whole, out = Path(name) / "whole.jsonl", Path(name) / "p.jsonl"
        first = predictions(small(), rows, whole)
        predictions(small(), rows, out)
        content = whole.read_bytes()
        out.write_bytes(content[: choose.draw(st.integers(0, len(content)))])
        lines = out.read_bytes().count(b"\n")
        told: list[int] = []
        again = predictions(small(), rows, out, progress=told.append)
        assert again == first
        assert out.read_bytes() == content
        assert told[0] == (30 if lines == 30 else lines // run.BLOCK * run.BLOCK)
        assert sum(told) == 30


def test_only_what_is_missing_is_checked(tmp_path: Path) -> None:
    out, rows = tmp_path / "p.jsonl", data(tmp_path)
    scripted = Scripted([rule("words.a")], lambda _: {})
    predictions(scripted, rows, out)
    scripted.batches.clear()
    predictions(scripted, rows, out)
    assert not scripted.batches
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:17]) + b'{"action": "NO')
    predictions(scripted, rows, out)
    assert sorted(t for b in scripted.batches for t in b) == sorted(r.text for r in rows.rows[16:])
    scripted.batches.clear()
    predictions(scripted, rows, out, overwrite=True)
    assert sum(map(len, scripted.batches)) == 30


def test_another_policy_data_or_choice_of_rules_is_no_resume(tmp_path: Path) -> None:
    out, rows = tmp_path / "p.jsonl", data(tmp_path)
    predictions(small(), rows, out)
    before = out.read_bytes()
    other = read(write(tmp_path / "e.jsonl", [row("x")]))
    with pytest.raises(
        GuardrailsError, match=rf"was made with data {rows.sha256}, this is {other.sha256}; .*--overwrite"
    ):
        predictions(small(), other, out)
    with pytest.raises(GuardrailsError, match=r'made with rules \[\], this is \["words\.\*"\]'):
        predictions(small(), rows, out, globs=["words.*"])
    meta = run.meta_path(out)
    content = json.loads(meta.read_text(encoding="utf-8"))
    meta.write_text(json.dumps({**content, "policy": "f" * 64}), encoding="utf-8")
    with pytest.raises(GuardrailsError, match=f"made with policy {'f' * 64}, this is {'0' * 64}"):
        predictions(small(), rows, out)
    for nothing in ("[]", "no json"):
        meta.write_text(nothing, encoding="utf-8")
        with pytest.raises(GuardrailsError, match="made with"):
            predictions(small(), rows, out)
    assert out.read_bytes() == before


def test_somebody_elses_file_is_not_touched(tmp_path: Path) -> None:
    out = tmp_path / "thesis.txt"
    out.write_text("years of work\n", encoding="utf-8")
    with pytest.raises(GuardrailsError, match=r"there is no thesis\.txt\.meta"):
        predictions(small(), data(tmp_path), out)
    assert out.read_text(encoding="utf-8") == "years of work\n"


def test_models_are_part_of_what_predictions_depend_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, rows = tmp_path / "p.jsonl", data(tmp_path)
    monkeypatch.setattr(run, "PINNED", {"text": "a"})
    predictions(small(), rows, out)
    monkeypatch.setattr(run, "PINNED", {"text": "b"})
    with pytest.raises(GuardrailsError, match=r'made with models \{"text": "a"\}, this is \{"text": "b"\}'):
        predictions(small(), rows, out)


def test_rules_by_glob() -> None:
    both = policy(words_rule("a", "x1"), words_rule("b", "x2"), pii_rule("EMAIL"))
    chosen = prepared(both, ["words.b", "pii.*"])
    assert [r.id for r in chosen.rules if r.action(Source.INPUT) or r.action(Source.OUTPUT)] == ["words.b", "pii.EMAIL"]
    assert chosen.rule("pii.EMAIL").input is RuleAction.MASK
    assert prepared(both).rules == both.rules
    assert prepared(both).limits.deadline_ms > both.limits.deadline_ms
    with pytest.raises(GuardrailsError, match=r"--rules word\.a: no rule of test matches; nearest: words\.a"):
        prepared(both, ["words.*", "word.a"])


def test_switched_off_rules_find_nothing(tmp_path: Path) -> None:
    rows: Any = read(write(tmp_path / "d.jsonl", [row("kingfisher a@example.org")]))
    both = policy(words_rule("terms", "kingfisher"), pii_rule("EMAIL"))
    (line,) = predictions(Guard(prepared(both, ["pii.*"])), rows)
    assert (line["action"], [f["rule"] for f in line["findings"]]) == ("MASKED", ["pii.EMAIL"])
