"""``guardrails review``: from texts to labels, agreement, tests of the policy and rows for calibration."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.errors import GuardrailsError
from guardrails.evaluation import Row, predictions, read
from guardrails.policy import loads
from guardrails.policytest import Status, run_file
from guardrails.review import Question, Review, cases, labelled, picked
from guardrails.types import Source
from tests.evaluation.rows import run

TOPIC = """\
version: 1
name: bank
metadata: {owner: risk@example.com}
topics:
  - name: advice
    definition: Recommending which shares, funds or coins to buy, sell or hold.
    examples: [Should I buy shares of Tesla now?, Which ETF would you recommend?]
    threshold: 0.5
pii: {entities: {EMAIL: mask}}
"""
ADVICE = (
    "Should I buy gold now?",
    "Which fund is best for me?",
    "Is it time to sell my coins?",
    "Would you hold bonds?",
)
OTHER = (
    "Where is my card?", "How do I open an account?", "What are your opening hours?", "My transfer has not arrived.",
    "What does a share transfer cost?", "Please explain what an index fund is.", "Send it to bob@example.com, please.",
)  # fmt: skip
WORDS = "version: 1\nname: words\nmetadata: {owner: us}\nwords: {terms: [kingfisher]}\npii: {entities: {EMAIL: mask}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bank.yaml").write_text(TOPIC)
    (tmp_path / "words.yaml").write_text(WORDS)
    rows = [(t, 1) for t in ADVICE] + [(t, 0) for t in OTHER]
    with (tmp_path / "chats.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return tmp_path


def test_texts_near_the_cut_point_come_first_and_differ(folder: Path) -> None:
    policy = loads(TOPIC).unhurried()
    twice = folder / "twice.csv"
    twice.write_text("text\n" + "".join(f'"{t}"\n' for t in (*ADVICE, *OTHER, *ADVICE, *ADVICE)))
    data = read(twice, labelled=False)
    lines = predictions(Guard(policy), data)
    found = picked(policy, data, lines, "topic.advice", 6)
    assert len({row.text for row in found}) == 6
    distance = {row.text: abs(line["scores"]["topic.advice"] - 0.5) for row, line in zip(data.rows, lines, strict=True)}
    assert distance[found[0].text] == min(distance.values())
    assert picked(policy, data, lines, "topic.advice", 6) == found
    assert len(picked(policy, data, lines, None, 100)) == len({row.text for row in data.rows})
    with pytest.raises(GuardrailsError, match="label them in the order"):
        picked(loads(WORDS), data, predictions(Guard(loads(WORDS)), data), None, 5)


def test_two_reviewers_label_and_what_they_decide_becomes_tests_and_rows(folder: Path) -> None:
    made = run(
        "review",
        "queue",
        "r.jsonl",
        "chats.csv",
        "--policy",
        "bank.yaml",
        "--rule",
        "topic.advice",
        "--most",
        "5",
        cwd=folder,
    )
    assert made.returncode == 0, made.stderr
    assert "r.jsonl: 5 new texts, 5 altogether" in made.stdout
    book = Review(folder / "r.jsonl")
    said: dict[str, list[str]] = {"ann": [], "bob": []}
    for item in book.items:
        right = "y" if item.row.text in ADVICE else "n"
        said["ann"].append(right)
        said["bob"].append({"y": "n", "n": "y"}[right] if item.number == 2 else right)
    for name, keys in said.items():
        typed = ("what", *keys[:2], "b", "b", keys[0], *keys[2:])
        done = run("review", "label", "r.jsonl", "--by", name, cwd=folder, typed="\n".join(typed) + "\n")
        assert done.returncode == 0, done.stderr
        assert book.items[0].row.text in done.stdout
        assert f"0 texts are left for {name}" in done.stdout
    shown = run("review", "show", "r.jsonl", cwd=folder)
    assert shown.returncode == 2
    assert "Cohen's kappa" in shown.stdout
    assert "the same label on 80.0%" in shown.stdout
    assert "to talk about: 1" in shown.stdout
    assert not any(item.row.text in shown.stdout for item in book.items)
    figures = json.loads(run("review", "show", "r.jsonl", "--json", cwd=folder).stdout)
    assert figures["disagreements"] == [
        {"text": 2, "labels": {"ann": int(said["ann"][1] == "y"), "bob": int(said["bob"][1] == "y")}}
    ]
    assert figures["decided"] == 4

    done = run(
        "review", "export", "r.jsonl", "-o", "rows.csv", "--tests", "bank.test.yaml", "-p", "bank.yaml", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    rows = read(folder / "rows.csv").rows
    assert {r.text: r.label for r in rows} == {
        i.row.text: int(i.row.text in ADVICE) for i in book.items if i.number != 2
    }
    outcome = run_file(folder / "bank.test.yaml")
    assert outcome.error is None
    assert outcome.count(Status.PASS) + outcome.count(Status.FAIL) == 4
    again = run("review", "export", "r.jsonl", "--tests", "bank.test.yaml", "-p", "bank.yaml", cwd=folder)
    assert "0 new cases, 4 were there already" in again.stdout


def test_labels_of_a_table_are_somebody_s(folder: Path) -> None:
    for name in ("ann", "bob", "eve"):
        done = run("review", "queue", "r.jsonl", "chats.csv", "--by", name, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert f"11 labels of {name}" in done.stdout
    shown = run("review", "show", "r.jsonl", cwd=folder)
    assert shown.returncode == 0
    assert "Krippendorff's alpha 1.00" in shown.stdout
    refused = run(
        "review", "queue", "r.jsonl", "chats.csv", "--policy", "bank.yaml", "--rule", "topic.advice", cwd=folder
    )
    assert refused.returncode == 1
    assert "this review asks about the whole policy" in refused.stderr


def test_a_scan_s_rows_near_the_line_are_queued(folder: Path) -> None:
    done = run("scan", "chats.csv", "--policy", "bank.yaml", "--out", "checked", cwd=folder)
    assert done.returncode == 0, done.stderr
    done = run(
        "review",
        "queue",
        "r.jsonl",
        "--scan",
        "checked",
        "-p",
        "bank.yaml",
        "--rule",
        "topic.advice",
        "--most",
        "4",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    policy = loads(TOPIC).unhurried()
    data = read(folder / "chats.csv")
    direct = picked(policy, data, predictions(Guard(policy), data), "topic.advice", 4)
    assert [i.row.text for i in Review(folder / "r.jsonl").items] == [row.text for row in direct]
    (folder / "bank.yaml").write_text(TOPIC + "# another\n")
    done = run("review", "queue", "s.jsonl", "--scan", "checked", "-p", "bank.yaml", cwd=folder)
    assert done.returncode == 1
    assert "the scan was made under another policy" in done.stderr
    assert not (folder / "s.jsonl").exists()


def test_what_cases_expect() -> None:
    policy = loads(WORDS)
    texts = {"a kingfisher": 1, "a heron": 0, "bob@example.com saw a heron": 0, "a kingfishr": 1}
    expected: dict[str | None, list[str]] = {
        "words.terms": ["BLOCKED", "NONE", "MASKED", "BLOCKED"],
        None: ["BLOCKED", "NONE", "MASKED", "BLOCKED"],
        "pii.EMAIL": ["BLOCKED", "NONE", "NONE", "MASKED"],
    }
    for rule, wanted in expected.items():
        book = Review()
        book.ask(Question(rule), read_rows(texts))
        for item in book.items:
            book.label(item, texts[item.row.text], "ann")
        found = cases(book, policy)
        assert [c["expect"] for c in found] == wanted
        if rule is not None:
            assert [c.get("rules") for c in found] == [[rule], None, None, [rule]]
            assert found[1]["not_rules"] == [rule]
        assert "kingfishr" in labelled(book)
        assert [json.loads(line)["label"] for line in labelled(book, "jsonl").splitlines()] == [1, 0, 0, 1]
    book = Review()
    book.ask(Question("topic.gone"), [])
    with pytest.raises(GuardrailsError, match="which words does not have"):
        cases(book, policy)


def read_rows(texts: dict[str, int]) -> list[Row]:
    return [Row(i, text, Source.INPUT) for i, text in enumerate(texts, 1)]


def test_usage_is_said(folder: Path) -> None:
    for arguments, told in (
        (("queue", "r.jsonl"), "one of them"),
        (("queue", "r.jsonl", "--scan", "x"), "a scan needs --policy"),
        (("queue", "r.jsonl", "chats.csv", "--policy", "bank.yaml", "--rule", "topic.advise"), "has no rule"),
        (("show", "none.jsonl"), "there is no review"),
        (("export", "none.jsonl"), "say where to"),
        (("export", "none.jsonl", "-o", "x.txt"), "ends in .csv or .jsonl"),
        (("export", "none.jsonl", "--tests", "x"), "which policy the cases are of"),
    ):
        done = run("review", *arguments, cwd=folder)
        assert done.returncode == 1, arguments
        assert told in " ".join(done.stderr.replace("│", " ").split()), done.stderr
