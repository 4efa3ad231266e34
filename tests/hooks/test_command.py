"""``guardrails hook`` as an agent runs it: a program of its own for every event."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hooks.recorded import EVENTS, POLICY, event
from tests.service.servers import folder, keys, served

ROOT = Path(__file__).parents[2]


def hook(*args: str, given: Any, key: str = "", code: str = "") -> subprocess.CompletedProcess[str]:
    """Run it. ``code``: Python that runs in its place."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GUARDRAILS_KEY": key}
    start = ["-c", code] if code else ["-m", "onepolicy_guardrails"]
    data = given if isinstance(given, str) else json.dumps(given)
    return subprocess.run(
        [sys.executable, *start, "hook", *args], input=data, env=environment, cwd=ROOT, text=True, capture_output=True
    )


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("hooks") / "small.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return str(path)


def test_it_answers_on_standard_output_and_says_why_on_standard_error(policy: str) -> None:
    done = hook("claude-code", "--policy", policy, given=event("claude-code", "call", "rm project kingfisher"))
    told = "I was told not to do it. [policy small: words.secret]"
    assert (done.returncode, done.stderr) == (2, told + "\n")
    assert json.loads(done.stdout)["hookSpecificOutput"]["permissionDecisionReason"] == told
    done = hook("claude-code", "--policy", policy, given=event("claude-code", "call", "ls"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["claude-code"],
        ["cursor", "--policy", "baseline"],
        ["codex", "--policy", "a", "--server", "b"],
        ["codex", "--polcy", "a"],
    ],
)
def test_wrong_arguments_stop_the_agent(args: list[str]) -> None:
    """Agents go on after any exit code but 2, so a misspelled command must not end with another."""
    done = hook(*args, given=event("claude-code", "call"))
    assert done.returncode == 2
    assert "usage: guardrails hook" in done.stderr


@pytest.mark.parametrize("server", ["http://127.0.0.1:9", "ftp://a", "nowhere", "https://127.0.0.1:9"])
def test_a_server_that_does_not_answer_stops_the_agent(server: str) -> None:
    done = hook("claude-code", "--server", server, given=event("claude-code", "call"))
    assert done.returncode == 2
    assert "guardrails: " in done.stderr
    assert "Traceback" not in done.stderr


_LOADED = (
    "import sys, io, json; sys.argv[0] = 'guardrails'; import onepolicy_guardrails\n"
    "try: onepolicy_guardrails.main()\n"
    "except SystemExit as e: print(json.dumps([e.code, sorted(sys.modules)]), file=sys.stderr)\n"
)


def test_a_policy_of_words_loads_no_model_and_no_command_line(policy: str) -> None:
    done = hook("claude-code", "--policy", policy, given=event("claude-code", "call", "ls"), code=_LOADED)
    code, loaded = json.loads(done.stderr)
    assert code == 0
    assert not {"torch", "transformers", "tokenizers", "typer", "rich", "starlette", "httpx"} & set(loaded)


def test_with_a_server_nothing_of_the_engine_is_loaded() -> None:
    done = hook("claude-code", "--server", "http://127.0.0.1:9", given=event("claude-code", "call", "ls"), code=_LOADED)
    loaded = set(json.loads(done.stderr.splitlines()[-1])[1])
    assert not {"guardrails.guard", "guardrails.exchange", "numpy", "regex", "yaml", "orjson", "pydantic"} & loaded


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    root = tmp_path_factory.mktemp("hooks-service")
    file, made = keys(root, agent="guardrails: [hooks]")
    with served(folder(root, hooks=POLICY.replace("name: small", "name: hooks")), keys=file) as base:
        yield base, made["agent"]


@pytest.mark.parametrize("where", list(EVENTS), ids="-".join)
@pytest.mark.parametrize("text", ["hello", "project kingfisher", "to bob@example.com"])
def test_a_server_says_what_the_policy_says(
    service: tuple[str, str], policy: str, monkeypatch: pytest.MonkeyPatch, where: tuple[str, str], text: str
) -> None:
    from guardrails.hooks.agents import agent
    from guardrails.hooks.command import KEY, respond

    name, moment = where
    base, key = service
    monkeypatch.setenv(KEY, key)
    data = json.dumps(event(name, moment, text)).encode()
    asked = respond(agent(name), data, None, base)
    alone = respond(agent(name), data, policy)
    shown = json.dumps(alone.body).replace("policy small", "policy hooks")
    assert (asked.code, json.dumps(asked.body)) == (alone.code, shown)
    assert asked.error == alone.error.replace("policy small", "policy hooks")


def test_a_wrong_wherestops_the_agent(service: tuple[str, str]) -> None:
    done = hook("codex", "--server", service[0], given=event("codex", "call"), key="gr-wrong")
    assert done.returncode == 2
    assert "key" in done.stderr


def test_the_command_line_is_the_same_command(policy: str) -> None:
    from typer.testing import CliRunner

    from guardrails.cli.app import app

    done = CliRunner().invoke(
        app, ["hook", "claude-code", "--policy", policy], json.dumps(event("claude-code", "call", "ls"))
    )
    assert (done.exit_code, done.output) == (0, "")
    help_ = CliRunner().invoke(app, ["hook", "--help"]).output
    usage = hook("--help", given="").stdout
    for option in ("--policy", "--server", "--guardrail"):
        assert option in help_
        assert option in usage
