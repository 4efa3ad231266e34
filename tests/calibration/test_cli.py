"""``guardrails calibrate`` from a table to the policy file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.policy import load
from tests.evaluation.rows import run

POLICY = """\
version: 1
name: bank      # a bank of ours
metadata: {owner: tests}
topics:
  - name: investment-advice
    definition: Recommending which shares, funds or coins to buy, sell or hold.
    examples: [Should I buy shares of Tesla now?, Which ETF would you recommend?, Will bitcoin go up?]
"""
ROWS = (
    ("Should I put my bonus into an index fund?", 1), ("Which shares would you buy at the moment?", 1),
    ("Is it a good moment to get into gold?", 1), ("Would you sell my bonds now, or wait?", 1), ("Pick three dividend stocks for me.", 1),
    ("What are your opening hours on Saturday?", 0), ("How do I order a new debit card?", 0), ("Can I open an account for my daughter?", 0),
    ("What is the fee for buying shares with you?", 0), ("How do I change my address?", 0), ("My card was declined in a shop.", 0),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bank.yaml").write_text(POLICY, encoding="utf-8")
    table = "".join(f'"{text}",{"investment-advice" if label else ""},{label}\n' for text, label in ROWS)
    (tmp_path / "chats.csv").write_text(f"text,category,label\n{table}", encoding="utf-8")
    return tmp_path


def test_a_cut_point_is_chosen_and_written_with_its_evidence(folder: Path) -> None:
    asked = ("calibrate", "chats.csv", "--policy", "bank.yaml", "--rule", "topic.investment-advice")
    found = run(*asked, "--fpr", "0", "--json", cwd=folder)
    assert found.returncode == 0, found.stderr
    chosen = json.loads(found.stdout)["chosen"]
    assert chosen["false_positives"]["value"] == 0.0
    assert not any(text in found.stdout for text, _ in ROWS)
    done = run(*asked, "--fpr", "0", "--write", "--show-text", cwd=folder)
    assert done.returncode == 0, done.stderr
    policy = (folder / "bank.yaml").read_text(encoding="utf-8")
    assert load(folder / "bank.yaml").rule("topic.investment-advice").settings.threshold == chosen["cut"]
    assert "# a bank of ours" in policy
    assert "  # calibrated 20" in policy
    assert "on 11 texts (sha256 " in policy
    again = json.loads(run(*asked, "--json", cwd=folder).stdout)["rules"]["topic.investment-advice"]
    assert again["current"] == chosen["cut"]
    (now,) = [p for p in again["points"] if p["cut"] == chosen["cut"]]
    assert now["false_positives"] == chosen["false_positives"]
    assert now["recall"] == chosen["recall"]


def test_texts_without_labels_show_what_lies_nearest(folder: Path) -> None:
    (folder / "plain.csv").write_text("text\n" + "".join(f'"{text}"\n' for text, _ in ROWS), encoding="utf-8")
    found = run(
        "calibrate",
        "plain.csv",
        "--policy",
        "bank.yaml",
        "--rule",
        "topic.investment-advice",
        "--worst",
        "3",
        cwd=folder,
    )
    assert found.returncode == 0, found.stderr
    assert "11 without a label" in found.stdout
    assert found.stdout.count("no label  0.") == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--write"], "say which rule"),
        (["--fpr", ".01", "--recall", ".9"], "not both"),
        (["--rule", "topic.none"], "no rule"),
        (["--fpr", "2"], "less than or equal to 1"),
    ],
)
def test_what_cannot_be_asked_is_refused(folder: Path, options: list[str], message: str) -> None:
    found = run("calibrate", "chats.csv", "--policy", "bank.yaml", *options, cwd=folder)
    assert found.returncode == 1
    assert message in found.stderr
