"""Policies of words and regexes load nothing that they do not use: no model, no table of names, no numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "presidio_analyzer",
    "presidio_anonymizer",
    "spacy",
    "torch",
    "transformers",
    "numpy",
    "tokenizers",
    "openvino",
    "sklearn",
    "pandas",
)
POLICY = (
    "version: 1\nname: light\nmetadata: {owner: me}\nwords: {terms: [kingfisher, {term: heron, action: mask}]}\n"
    "pii: {regexes: [{name: account, pattern: 'ACC-\\d{8}', action: mask}]}\n"
)
CHECK = "from guardrails import Guard\nassert Guard.from_file(path).check('a heron, ACC-12345678', 'INPUT').text == 'a {WORD}, {account}'\n"
STREAM = "from guardrails import Guard\ns = Guard.from_file(path).stream()\nassert s.feed('a heron') + s.finish() == 'a {WORD}'\n"
LINT = "from guardrails.policy import lint\nassert lint(path) == []\n"
MIDDLEWARE = """
import asyncio, json
from guardrails import Guard
from guardrails.asgi import GuardrailsMiddleware
async def app(scope, receive, send): raise AssertionError
async def receive(): return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}
sent = []
async def send(message): sent.append(message)
body = {"model": "m", "messages": [{"role": "user", "content": "a kingfisher"}]}
scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "raw_path": b"/v1/chat/completions", "query_string": b"",
         "headers": [(b"content-type", b"application/json")], "client": None}
asyncio.run(GuardrailsMiddleware(app, policies=Guard.from_file(path), reload=False)(scope, receive, send))
assert sent[0]["status"] == 200, sent
"""


@pytest.mark.parametrize("what", [CHECK, STREAM, LINT, MIDDLEWARE], ids=["check", "stream", "lint", "middleware"])
def test_nothing_heavy_is_imported(what: str, tmp_path: Path) -> None:
    path = tmp_path / "light.yaml"
    path.write_text(POLICY, encoding="utf-8")
    code = f"import sys\npath = {str(path)!r}\n{what}\nprint(sorted(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
