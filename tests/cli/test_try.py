"""``guardrails try``: what each rule saw, of texts, conversations and bodies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evaluation.rows import run

POLICY = (
    "version: 1\nname: small\nmetadata: {owner: us}\nwords: {terms: [kingfisher]}\npii: {entities: {EMAIL: mask}}\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.yaml").write_text(POLICY)
    return tmp_path


def test_a_text_is_marked_and_its_rules_are_explained(folder: Path) -> None:
    found = run("try", "-p", "p.yaml", "Write to bob@example.com", cwd=folder)
    assert found.returncode == 0, found.stderr
    for words in ("user | Write to [1:bob@example.com]", "MASKED EMAIL  rule pii.EMAIL  score 0.95, acts from 0.50  p.yaml:5",
                  "goes on as\n  Write to {EMAIL}", "times\n"):  # fmt: skip
        assert words in found.stdout


def test_a_conversation_blocks_where_one_message_does(folder: Path) -> None:
    (folder / "said.txt").write_text("user: hello\nassistant: good day\nuser: a kingfisher\n")
    found = run("try", "-p", "p.yaml", "--conversation", "--file", "said.txt", cwd=folder)
    assert found.returncode == 2, found.stderr
    assert "user 3 | a [1:kingfisher]" in found.stdout


def test_a_body_shows_what_goes_on_and_what_nobody_inspected(folder: Path) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    content = [{"type": "text", "text": "bob@example.com\u202e"}, image]
    (folder / "p.yaml").write_text(POLICY + "uninspected: allow\n")
    (folder / "b.json").write_text(json.dumps({"model": "m", "messages": [{"role": "user", "content": content}]}))
    found = run("try", "-p", "p.yaml", "--body", "openai.chat", "--file", "b.json", "--json", cwd=folder)
    assert found.returncode == 0, found.stderr
    (shown,) = json.loads(found.stdout)
    assert "{EMAIL}" in shown["forwarded"]
    assert any("messages[0].content[1]" in line for line in shown["uninspected"])
    plain = run("try", "-p", "p.yaml", "--body", "openai.chat", "--file", "b.json", cwd=folder)
    assert "nobody inspected" in plain.stdout
    assert "\u202e" not in plain.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--body", "nothing"], "openai.chat"), (["--answer"], "--body"), (["--body", "openai.chat"], "cannot be read")],
)
def test_what_cannot_be_tried_is_refused(folder: Path, options: list[str], message: str) -> None:
    found = run("try", "-p", "p.yaml", "no body", *options, cwd=folder)
    assert found.returncode == 1
    assert message in found.stderr
