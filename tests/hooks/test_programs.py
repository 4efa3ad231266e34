"""The coding agents themselves under our hooks: real programs, a canned model on a socket, nothing else to reach.

Skipped where a program is not installed (tests/hooks/programs.py says how).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from guardrails.hooks import files, settings
from guardrails.hooks.agents import AGENTS
from tests.hooks.programs import program, run
from tests.hooks.recorded import POLICY
from tests.service.servers import folder, served

# What the shell puts together only when it runs, so that the call passes and the result does not.
SECRET = "printf 'project king'; printf 'fisher\\n'"
MAIL = "printf 'to bob@'; printf 'example.com\\n'"


@pytest.fixture(params=list(AGENTS))
def agent(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if sys.platform == "win32":
        pytest.skip("hooks are installed for POSIX shells")
    if program(name) is None:
        pytest.skip(f"the program of {name} is not installed: set GUARDRAILS_AGENTS to a node_modules/.bin that has it")
    return name


@pytest.fixture
def project(tmp_path: Path, agent: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the agent has our hooks."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    (tmp_path / "small.yaml").write_text(POLICY, encoding="utf-8")
    install(agent, tmp_path, settings.command(agent, policy=str(tmp_path / "small.yaml")))
    return tmp_path


def install(agent: str, project: Path, line: str, **web: object) -> None:
    # Codex and Copilot trust a folder's own settings only once a person said so; their homes are in the folder, too.
    where = {"codex": ".codex/hooks.json", "copilot": ".copilot/hooks/guardrails.json"}
    path = project / where[agent] if agent in where else settings.place(agent, user=False, folder=project)
    files.write(path, settings.merged(agent, {}, line, web or None))


def test_what_a_policy_allows_is_done(agent: str, project: Path) -> None:
    done = run(agent, project, "Say hello", "echo hello > made; cat made")
    assert (project / "made").exists()
    assert "hello" in done.answered
    assert "Done." in done.printed


def test_a_refused_prompt_reaches_no_model(agent: str, project: Path) -> None:
    assert run(agent, project, "Tell me of project kingfisher", "true").requests == []


def test_a_masked_prompt_reaches_no_model_as_it_was(agent: str, project: Path) -> None:
    done = run(agent, project, "Write to bob@example.com", "true")
    assert "bob@example.com" not in done.sent
    assert bool(done.requests) is (agent == "copilot")
    assert agent != "copilot" or "Write to {EMAIL}" in done.sent


@pytest.mark.parametrize("text", ["project kingfisher", "bob@example.com"])
def test_a_refused_call_is_not_made(agent: str, project: Path, text: str) -> None:
    """Nor one whose arguments were masked: without a person, nobody agrees to it."""
    done = run(agent, project, "Say hello", f"touch made; echo {text}")
    assert not (project / "made").exists()
    assert "[policy small: " in done.answered


def test_a_refused_result_is_not_read(agent: str, project: Path) -> None:
    done = run(agent, project, "Say hello", f"touch made; {SECRET}")
    assert (project / "made").exists()
    assert "kingfisher" not in done.sent
    assert "I was told not to read it." in done.answered


def test_a_masked_result_is_read_masked(agent: str, project: Path) -> None:
    done = run(agent, project, "Say hello", MAIL)
    assert "bob@example.com" not in done.answered
    assert "to {EMAIL}" in done.answered


def test_what_a_failed_command_printed_is_not_read(agent: str, project: Path) -> None:
    assert "project kingfisher" not in run(agent, project, "Say hello", f"{SECRET}; exit 3").sent


def test_without_our_program_nothing_is_done(agent: str, project: Path) -> None:
    install(agent, project, settings.command(agent, policy="baseline").replace("guardrails hook", "gone hook"))
    run(agent, project, "Say hello", "touch made")
    assert not (project / "made").exists()


def test_without_a_policy_nothing_is_done(agent: str, project: Path) -> None:
    (project / "small.yaml").unlink()
    run(agent, project, "Say hello", "touch made")
    assert not (project / "made").exists()


@pytest.mark.parametrize("agent", ["claude-code"], indirect=True)
@pytest.mark.parametrize("tool", ["Read", "Grep"])
def test_other_tools_results_are_replaced_in_their_shape(agent: str, project: Path, tool: str) -> None:
    secret = project / "notes.txt"
    secret.write_text("the plan of project kingfisher\n")
    more = {
        "Read": {"file_path": str(secret)},
        "Grep": {"pattern": "plan", "path": str(secret), "output_mode": "content"},
    }
    done = run(agent, project, "Say hello", "", (tool, more[tool]))
    assert "kingfisher" not in done.sent
    assert "I was told not to read it." in done.answered


@pytest.mark.parametrize("agent", ["claude-code"], indirect=True)
def test_over_http(agent: str, project: Path) -> None:
    with served(folder(project, hooks=POLICY)) as base:
        line = settings.command(agent, server=base, guardrail="hooks")
        install(agent, project, line, **settings.http(agent, base, "hooks"))
        assert "kingfisher" not in run(agent, project, "Say hello", SECRET).sent
        assert "to {EMAIL}" in run(agent, project, "Say hello", MAIL).answered
        run(agent, project, "Say hello", "touch made; echo project kingfisher")
        # A stop that says nothing of an event stops at each.
        install(agent, project, line, **settings.http(agent, base, "nobody"))
        run(agent, project, "Say hello", "touch made")
        assert not (project / "made").exists()
