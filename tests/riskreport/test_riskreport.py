"""The page for a risk officer: what it says, and that it quotes nothing it should not."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from guardrails.evidence import EvidenceLog
from guardrails.policy import load
from guardrails.release import Releases
from guardrails.riskreport import gather, page
from guardrails.riskreport.coverage import bedrock, owasp
from tests.evaluation.rows import row, run, write

OWNER = "risk@bank.example"
POLICY = f"""\
version: 1
name: bank
description: "<script>alert(1)</script>"
metadata: {{owner: {OWNER}}}
words:
  terms: [kingfisher]
  managed: {{PROFANITY: {{input: detect, output: block}}}}
pii:
  entities: {{EMAIL: mask, PIN: {{action: block, on_failure: allow}}}}
  regexes:
    - {{name: account, pattern: 'ACC-\\d{{8}}', action: mask}}
enforced: [pii.PIN]
"""
TESTS = "cases:\n  - {text: a kingfisher, expect: BLOCKED}\n  - {text: hello, expect: NONE}\n"


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not {"src", "href", "onload"} & {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "bank.yaml").write_text(POLICY)
    (tmp_path / "bank.test.yaml").write_text(TESTS)
    return tmp_path / "bank.yaml"


def test_it_says_what_the_policy_does_and_runs_nothing(policy: Path) -> None:
    shown = _Page(page(gather(policy)))
    assert "script" not in shown.tags
    assert {"<script>alert(1)</script>" in shown.text, OWNER in shown.text, "2 of 2 cases passed" in shown.text} == {
        True
    }
    assert "fail-open" not in shown.text
    assert "lets the text pass when it cannot be evaluated" in shown.text  # the linter's warning is a known limit
    for words in (
        "Personal data and secrets",
        "when it cannot be evaluated, the text is let pass",
        "no policy that extends this one may weaken it",
    ):
        assert words in shown.text


def test_coverage_follows_the_rules(policy: Path) -> None:
    found = {item.name: item.state for item in bedrock(load(policy))}
    assert found["Profanity list"] == found["Word filters"] == found["Regexes"] == "covered"
    assert found["Sensitive information"] == "partly"
    assert (
        found["Denied topics"] == found["Content filter HATE"] == found["Automated reasoning checks"] == "not covered"
    )
    risks = {item.name[:5]: item.state for item in owasp(load(policy))}
    assert len(risks) == 10
    assert (risks["LLM01"], risks["LLM02"], risks["LLM03"], risks["LLM09"]) == (
        "not covered",
        "partly",
        "not covered",
        "not covered",
    )
    every = {item.name: item.state for item in bedrock(load("retail-bank"))}
    assert every["Content filter PROMPT_ATTACK"] == every["Denied topics"] == "covered"


def test_figures_changes_versions_and_the_log(policy: Path, tmp_path: Path) -> None:
    releases = Releases(tmp_path / "releases")
    with EvidenceLog.open(tmp_path / "log") as log:
        releases.sign(policy, by=OWNER, reason="the first one", record=log.event)
        policy.write_text(policy.read_text().replace("kingfisher", "kingfisher, osprey"))
        releases.sign(policy, by=OWNER, reason="ospreys <b>too</b>", record=log.event)
    rows = write(
        tmp_path / "d.jsonl", [row("a secret kingfisher", 1), row("an eagle", 1), row("hello", 0), row("good day", 0)]
    )
    found = gather(policy, data=rows, releases=releases.folder, log=tmp_path / "log")
    assert found.version == 2
    shown = _Page(page(found))
    for words in (
        "version 2",
        "recall",
        "0.500",
        "words.terms.terms",
        "ospreys <b>too</b>",
        "Verified",
        "releases recorded",
        "secret kingfisher",
    ):
        assert (words in shown.text) is (words != "secret kingfisher"), words
    assert "b" not in shown.tags


def test_the_command_says_when_a_test_fails(policy: Path, tmp_path: Path) -> None:
    assert run("report", "bank.yaml", "-o", "report.html", cwd=tmp_path).returncode == 0
    policy.with_name("bank.test.yaml").write_text(TESTS + "  - {text: hello again, expect: BLOCKED}\n")
    assert run("report", "bank.yaml", "-o", "report.html", cwd=tmp_path).returncode == 2
    assert "2 of 3 cases passed" in _Page((tmp_path / "report.html").read_text()).text
