"""The Vercel AI SDK, in node: ``generateText``, ``streamText``, ``generateObject``, ``streamObject``, with a tool."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, KEY, PLAIN, ROOT, Proxied, both_ways, call, say

HERE = Path(__file__).parent
# Where `npm ci` was run for package.json; node looks for packages beside the script.
INSTALLED = Path(os.environ.get("GUARDRAILS_NODE", ROOT / ".clients/node"))

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (INSTALLED / "node_modules/ai").is_dir(), reason=f"not installed: {INSTALLED} (see tests/clients/README.md)"
    ),
]
each = pytest.mark.parametrize("provider", ["openai", "anthropic"])


@pytest.fixture(scope="module")
def outcomes(running_proxy: Proxied) -> dict[tuple[str, str, bool], dict[str, Any]]:
    """What came of every case, by provider, name and stream; with the bodies that passed the proxy, for its name."""
    person = '{"name": "Zoë", "card": 4111111111111111, "note": "a:\\nbob@example.com"}'
    messages = {
        "allowed": say(PLAIN),
        "masked": "Call +1 415 555 0134. " + say("Write to bob@example.com today."),
        "blocked request": "What is project kingfisher?",
        "blocked answer": say("One moment please. The osprey lands at noon."),
        "call": call("old"),
        "masked call": call("bob@example.com"),
        "blocked call": call("osprey"),
        "two calls": "[[two calls]]",
        "object": say(person),
        "blocked object": say(person.replace("bob@example.com", "osprey")),
    }
    cases = [
        {"provider": provider, "name": name, "stream": stream, "message": message}
        | {"kind": "object" if "object" in name else "text"}
        for name, message in messages.items()
        for provider in (["openai"] if "object" in name else ["openai", "anthropic"])
        for stream in ([True] if name == "two calls" else [False, True])
    ]
    shutil.copy(HERE / "ask.mjs", INSTALLED)
    running_proxy.forget()
    done = subprocess.run(
        ["node", "ask.mjs"],
        cwd=INSTALLED,
        input=json.dumps({"base": running_proxy.base, "key": KEY, "cases": cases}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    received = running_proxy.received()
    found = zip(cases, json.loads(done.stdout), strict=True)
    return {
        (c["provider"], c["name"], c["stream"]): got | {"received": [b for b in received if c["message"] in _texts(b)]}
        for c, got in found
    }


def _texts(body: str) -> str:
    return "\n".join(_strings(json.loads(body)))


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [s for one in inner for s in _strings(one)]


@each
@both_ways
def test_allowed(outcomes: Any, provider: str, stream: bool) -> None:
    got = outcomes[provider, "allowed", stream]
    assert (got["text"], got["finish"], got["errors"]) == (PLAIN, "stop", [])


@each
@both_ways
def test_masked(outcomes: Any, provider: str, stream: bool) -> None:
    got = outcomes[provider, "masked", stream]
    assert (got["text"], got["errors"]) == ("Write to {EMAIL} today.", [])
    assert got["received"] == []  # what was sent did not pass as it was


@each
@both_ways
def test_a_blocked_request_reaches_nobody(outcomes: Any, provider: str, stream: bool) -> None:
    got = outcomes[provider, "blocked request", stream]
    assert (got["text"], got["finish"], got["received"]) == (BLOCKED_IN, "content-filter", [])


@each
@both_ways
def test_a_blocked_answer_is_asked_for_once(outcomes: Any, provider: str, stream: bool) -> None:
    got = outcomes[provider, "blocked answer", stream]
    assert "osprey" not in got["text"]
    assert got["text"].endswith(BLOCKED_OUT)
    assert got["finish"] == "content-filter"
    assert len(got["received"]) == 4  # two providers, each asked in two ways


@each
@both_ways
def test_a_call_that_passes_is_run(outcomes: Any, provider: str, stream: bool) -> None:
    got = outcomes[provider, "call", stream]
    assert (got["deleted"], got["text"]) == (["old"], "The tool said: deleted old")
    assert outcomes[provider, "masked call", stream]["deleted"] == ["{EMAIL}"]


@each
@both_ways
def test_a_blocked_call_is_never_run(outcomes: Any, provider: str, stream: bool) -> None:
    got = outcomes[provider, "blocked call", stream]
    assert (got["text"], got["deleted"], got["finish"]) == (BLOCKED_OUT, [], "content-filter")


@each
def test_of_two_streamed_calls_the_blocked_one_is_never_run(outcomes: Any, provider: str) -> None:
    assert set(outcomes[provider, "two calls", True]["deleted"]) <= {"old"}


@both_ways
def test_a_masked_object_parses(outcomes: Any, stream: bool) -> None:
    got = outcomes["openai", "object", stream]
    assert got.get("object") == {"name": "Zoë", "card": "{CREDIT_DEBIT_CARD_NUMBER}", "note": "a:\n{EMAIL}"}, got


@both_ways
def test_a_blocked_object_is_an_error_that_is_not_asked_for_again(outcomes: Any, stream: bool) -> None:
    got = outcomes["openai", "blocked object", stream]
    assert got["thrown"] == "AI_NoObjectGeneratedError"
    assert "osprey" not in json.dumps(got["message"])
