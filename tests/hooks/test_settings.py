"""Installing hooks: what is there stays, doing it twice changes nothing, and the doctor finds out whether they work."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from guardrails.cli.app import app
from guardrails.errors import GuardrailsError
from guardrails.hooks import settings
from guardrails.hooks.agents import AGENTS
from tests.hooks.recorded import POLICY
from tests.service.servers import folder, served

each = pytest.mark.parametrize("agent", list(AGENTS))
OTHERS: dict[str, Any] = {
    "permissions": {"deny": ["Bash(rm *)"]},
    "hooks": {
        "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./lint.sh"}]}],
        "Stop": [{"hooks": [{"type": "command", "command": "say done"}]}],
    },
}


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["hooks", *args])
    if isinstance(done.exception, GuardrailsError):
        return 1, str(done.exception)
    return done.exit_code, done.output


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return str(path)


@each
def test_installed_twice_is_installed_once(tmp_path: Path, policy: str, agent: str) -> None:
    file = tmp_path / "deep" / "settings.json"
    assert run("install", agent, "--policy", policy, "--file", str(file))[0] == 0
    first = file.read_text()
    assert run("install", agent, "--policy", policy, "--file", str(file)) == (0, f"{file}: nothing to change\n")
    assert file.read_text() == first
    assert [h.event for h in settings.installed(json.loads(first))] == list(AGENTS[agent].events)


def test_what_is_there_stays_and_another_policy_takes_the_place_of_ours(tmp_path: Path, policy: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(OTHERS))
    file.chmod(0o600)
    run("install", "claude-code", "--policy", "baseline", "--file", str(file))
    run("install", "claude-code", "--policy", policy, "--file", str(file))
    now = json.loads(file.read_text())
    assert now["permissions"] == OTHERS["permissions"]
    assert now["hooks"]["Stop"] == OTHERS["hooks"]["Stop"]
    assert now["hooks"]["PreToolUse"][0] == OTHERS["hooks"]["PreToolUse"][0]
    assert len(now["hooks"]["PreToolUse"]) == 2
    assert "baseline" not in file.read_text()
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_dry_run_shows_and_writes_nothing(tmp_path: Path, policy: str) -> None:
    file = tmp_path / "settings.json"
    code, printed = run("install", "claude-code", "--policy", policy, "--file", str(file), "--dry-run")
    assert code == 0
    assert '+            "command": "' in printed
    assert not file.exists()
    assert list(tmp_path.iterdir()) == [Path(policy)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1,\n // mine\n}', "settings.json:2: is not JSON"),
        ("[]", "must be a JSON object"),
        ('{"hooks": []}', "hooks: must be an object"),
        ('{"hooks": {"PreToolUse": {}}}', "hooks.PreToolUse: must be a list"),
        ('{"hooks": {"PreToolUse": [1]}}', "hooks.PreToolUse[0]: must be an object"),
    ],
)
def test_settings_that_cannot_be_read_are_not_written(tmp_path: Path, policy: str, text: str, place: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text)
    code, printed = run("install", "claude-code", "--policy", policy, "--file", str(file))
    assert code == 1
    assert place in printed
    assert "nothing was written" in printed
    assert file.read_text() == text


def test_a_policy_that_does_not_load_is_not_installed(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    code, _ = run("install", "claude-code", "--policy", str(tmp_path / "none.yaml"), "--file", str(file))
    assert code == 1
    assert not file.exists()


@pytest.mark.parametrize(
    "args",
    [[], ["--policy", "baseline", "--server", "http://a"], ["--policy", "baseline", "--http"]],
    ids=["none", "both", "http"],
)
def test_who_decides_is_said_once(args: list[str]) -> None:
    assert run("install", "claude-code", *args)[0] != 0


def test_where_the_settings_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CODEX_HOME", "COPILOT_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    at = {a: settings.place(a, user=True, folder=Path()) for a in AGENTS}
    assert at["claude-code"] == tmp_path / ".claude/settings.json"
    assert at["codex"] == tmp_path / ".codex/hooks.json"
    assert at["copilot"] == tmp_path / ".copilot/hooks/guardrails.json"
    assert settings.place("copilot", user=False, folder=tmp_path) == tmp_path / ".github/hooks/guardrails.json"
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "elsewhere"))
    assert settings.place("codex", user=True, folder=Path()) == tmp_path / "elsewhere/hooks.json"


SCALAR = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
HANDLER = st.dictionaries(st.sampled_from(["type", "command", "url", "bash", "timeout"]), SCALAR, max_size=3)
GROUP = st.fixed_dictionaries({"hooks": st.lists(HANDLER, max_size=3)}, optional={"matcher": st.text(max_size=5)})
EVENT = st.lists(GROUP | HANDLER, max_size=3)
SETTINGS = st.dictionaries(
    st.sampled_from(["permissions", "model", "env"]), st.lists(SCALAR, max_size=2), max_size=2
).flatmap(
    lambda rest: st.dictionaries(st.sampled_from(["PreToolUse", "preToolUse", "Stop"]), EVENT, max_size=3).map(
        lambda hooks: {**rest, "hooks": hooks}
    )
)


@given(SETTINGS, st.sampled_from(list(AGENTS)))
def test_nothing_of_others_is_lost(old: dict[str, Any], agent: str) -> None:
    line = settings.command(agent, policy="baseline")
    new = settings.merged(agent, old, line)
    assert settings.merged(agent, new, line) == new
    assert {k: v for k, v in new.items() if k not in ("hooks", "version")} == {
        k: v for k, v in old.items() if k != "hooks"
    }
    for event, entries in old["hooks"].items():
        assert new["hooks"][event][: len(entries)] == entries
    assert {h.event for h in settings.installed(new)} == set(AGENTS[agent].events)


# -- the doctor ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command of this tree, whatever the shell's folder is."""
    if sys.platform == "win32":
        pytest.skip("hooks are installed for POSIX shells")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


@each
def test_the_doctor_proves_a_refusal(tmp_path: Path, policy: str, agent: str, shell: None) -> None:
    file = str(tmp_path / "settings.json")
    run("install", agent, "--policy", policy, "--file", file)
    code, printed = run("doctor", agent, "--file", file, "--canary", "project kingfisher")
    assert code == 0, printed
    assert printed.count("lets a harmless event pass, refuses the canary") == len(AGENTS[agent].events) - 1


def test_the_doctor_is_not_fooled(tmp_path: Path, policy: str, shell: None) -> None:
    """By a hook that lets everything pass, one that refuses everything, one that is missing, or one that cannot be run."""
    file = tmp_path / "settings.json"
    run("install", "codex", "--policy", policy, "--file", str(file))
    code, printed = run("doctor", "codex", "--file", str(file), "--canary", "nothing that it knows")
    assert (code, printed.count("lets the canary pass")) == (2, 3)
    assert run("doctor", "codex", "--file", str(tmp_path / "none.json"))[1].count("no hook of ours") == 4
    whole = json.loads(file.read_text())
    broken = json.loads(file.read_text().replace("--policy", "--polcy"))
    file.write_text(json.dumps(broken))
    code, printed = run("doctor", "codex", "--file", str(file))
    assert (code, printed.count("refuses a harmless event: usage")) == (2, 3)
    whole["hooks"]["PreToolUse"][0]["hooks"][0]["command"] = "true # hook codex "
    file.write_text(json.dumps(whole))
    assert "PreToolUse: lets the canary pass" in run("doctor", "codex", "--file", str(file))[1]


def test_the_doctor_asks_over_http_as_claude_code_does(
    tmp_path: Path, shell: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "settings.json")
    monkeypatch.setitem(os.environ, "GUARDRAILS_KEY", "unused")
    with served(folder(tmp_path, hooks=POLICY.replace("name: small", "name: hooks"))) as base:
        given = ["--server", base, "--guardrail", "hooks", "--http", "--file", file]
        assert run("install", "claude-code", *given)[0] == 0
        code, printed = run("doctor", "claude-code", "--file", file, "--canary", "project kingfisher")
        assert code == 0, printed
    code, printed = run("doctor", "claude-code", "--file", file)
    assert code == 2
    assert "could not be run" in printed
