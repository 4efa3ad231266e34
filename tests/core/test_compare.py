"""Comparing policies: a failure of this run is no verdict of either."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guardrails import detectors
from guardrails.cli import screens
from guardrails.compare import Text, compare
from guardrails.policy import load, loads
from guardrails.policytest import Status, exit_code, run_file
from guardrails.rules import Policy
from tests.cli.test_cli import run

HEAD = "version: 1\nname: x\n"
WORDS = HEAD + "words: {terms: [kingfisher]}\n"
NEVER = "limits: {deadline_ms: 1}\n"
TEXTS = [Text("a kingfisher", "INPUT"), Text("a heron", "INPUT")]


def broken(monkeypatch: pytest.MonkeyPatch, error: type[Exception], when: str) -> None:
    """Words cannot be looked for in texts that hold ``when``."""
    build = detectors.build

    class Broken:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def find(self, content: Any, deadline: Any) -> Any:
            if any(when in p.text for p in content.pieces):
                raise error
            return self.inner.find(content, deadline)

    monkeypatch.setattr(detectors, "build", lambda name, rules: Broken(build(name, rules)))


def test_nothing_runs_out_of_time() -> None:
    tight = loads(WORDS + NEVER)
    long = [Text("a heron and " * 2_000, "INPUT")]
    assert compare(tight, tight, long).not_compared == ()
    assert compare(tight, loads(WORDS), long).verdicts == ()


@pytest.mark.parametrize("error", [TimeoutError, RuntimeError, MemoryError])
@pytest.mark.parametrize("on_failure", ["block", "allow"])
def test_a_failure_is_no_verdict(monkeypatch: pytest.MonkeyPatch, error: type[Exception], on_failure: str) -> None:
    broken(monkeypatch, error, "heron")
    old, new = loads(WORDS), loads(WORDS + f"on_failure: {on_failure}\n")
    result = compare(old, new, TEXTS)
    assert result.verdicts == ()
    assert [(n.line, len(n.old_failures), len(n.new_failures)) for n in result.not_compared] == [(2, 1, 1)]
    shown = screens.compared(result)
    assert "text 2 (INPUT): could not be compared  old words.terms: " in shown
    assert shown.endswith("1 of 2 texts could not be compared\n")
    assert json.loads(json.dumps(result.to_dict(), default=str))["not_compared"][0]["old"][0]["rule"] == "words.terms"


def test_what_a_text_is_belongs_to_the_verdict() -> None:
    short: Policy = loads(WORDS + "limits: {max_characters: 10}\n")
    result = compare(loads(WORDS), short, TEXTS[:1] + [Text("a heron is not short", "INPUT")])
    assert result.not_compared == ()
    assert [(v.line, v.new_rules) for v in result.verdicts] == [(2, ("words.terms (bad_input)",))]


def cases(folder: Path, text: str) -> Path:
    (folder / "p.yaml").write_text(WORDS + NEVER, encoding="utf-8")
    path = folder / "p.test.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_test_that_could_not_run_is_an_error_whatever_it_expects(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = cases(tmp_path, "cases:\n  - {text: a heron, expect: BLOCKED}\n  - {text: a heron, expect: NONE}\n")
    broken(monkeypatch, TimeoutError, "heron")
    outcome = run_file(path)
    assert [o.status for o in outcome.outcomes] == [Status.ERROR, Status.ERROR]
    assert "timeout" in outcome.outcomes[0].message
    assert exit_code([outcome]) == 1


def test_a_test_does_not_run_out_of_time(tmp_path: Path) -> None:
    path = cases(tmp_path, f"cases:\n  - {{text: '{'a heron and ' * 2_000}', expect: NONE}}\n")
    assert [o.status for o in run_file(path).outcomes] == [Status.PASS]


def test_exit_code_of_what_could_not_be_compared(tmp_path: Path) -> None:
    # A model that is not there: nothing is decided about any text.
    policy = load("baseline")
    assert replace(policy).unhurried().identity == policy.identity
    (tmp_path / "a.yaml").write_text(WORDS, encoding="utf-8")
    (tmp_path / "x.csv").write_text("nr,frage\n1,kingfisher\n", encoding="utf-8")
    done = run("diff", str(tmp_path / "a.yaml"), str(tmp_path / "a.yaml"), "--texts", str(tmp_path / "x.csv"))
    assert (done.returncode, "which column" in done.stderr) == (1, True)
    done = run(
        "diff",
        str(tmp_path / "a.yaml"),
        str(tmp_path / "a.yaml"),
        "--texts",
        str(tmp_path / "x.csv"),
        "--text-column",
        "frage",
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "0 settings and 0 of 1 verdicts change")
