"""The coding agents themselves, run once with a canned model, offline.

They are found in the folder that GUARDRAILS_AGENTS names (``node_modules/.bin`` of an ``npm install @anthropic-ai/claude-code
@openai/codex @github/copilot``), else on the PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hooks.canned import CannedModel

__all__ = ["PROGRAMS", "Run", "program", "run"]

PROGRAMS = {"claude-code": "claude", "codex": "codex", "copilot": "copilot"}
SHELL = {"claude-code": "Bash", "codex": "exec_command", "copilot": "bash"}


def program(agent: str) -> str | None:
    """Where an agent's program is, None when it is not installed."""
    folder = os.environ.get("GUARDRAILS_AGENTS")
    return shutil.which(PROGRAMS[agent], path=folder) if folder else shutil.which(PROGRAMS[agent])


@dataclass(frozen=True)
class Run:
    """What came of it: exit code, what was printed, and what the model was sent, request by request."""

    code: int
    printed: str
    requests: list[dict[str, Any]]

    @property
    def sent(self) -> str:
        """All that the model was sent."""
        return json.dumps(self.requests, ensure_ascii=False)

    @property
    def answered(self) -> str:
        """The result of the tool, as the model was sent it; nothing when it was sent none."""
        last = self.requests[-1] if self.requests else {}
        items = [i for i in last.get("input", ()) if str(i.get("type")).endswith("_output")]
        for message in last.get("messages", ()):
            content = message.get("content")
            items += [b for b in content if b.get("type") == "tool_result"] if isinstance(content, list) else []
        return json.dumps([i.get("output", i.get("content")) for i in items], ensure_ascii=False) if items else ""


def run(agent: str, folder: Path, prompt: str, shell: str, tool: tuple[str, Mapping[str, Any]] | None = None) -> Run:
    """The agent in ``folder`` with ``prompt``; the model has it run ``shell``, or call ``tool``."""
    found = program(agent)
    assert found is not None
    key = "cmd" if agent == "codex" else "command"
    name, arguments = tool or (SHELL[agent], {key: shell, "description": "a step"})
    with CannedModel(name, dict(arguments)) as model:
        home = folder / ".home"
        home.mkdir(exist_ok=True)
        environment = {
            **{
                k: v
                for k, v in os.environ.items()
                if k in ("PATH", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "LANG", "TMPDIR")
            },
            "HOME": str(home),
        }
        command = [found, *_started(agent, model, folder, environment), prompt]
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180
        )
        return Run(done.returncode, done.stdout + done.stderr, model.received)


def _started(agent: str, model: CannedModel, folder: Path, environment: dict[str, str]) -> list[str]:
    """The arguments of a run without a person, and what the environment has to say."""
    if agent == "claude-code":
        environment |= {
            "ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "any", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }  # fmt: skip
        return ["--model", "claude-sonnet-4-5", "--allowedTools", "Bash,Read,Grep,Glob,Write,Edit", "-p"]
    if agent == "copilot":
        environment |= {
            "COPILOT_HOME": str(folder / ".copilot"), "COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_TYPE": "anthropic",
            "COPILOT_PROVIDER_BASE_URL": model.url, "COPILOT_PROVIDER_API_KEY": "any", "COPILOT_MODEL": "claude-sonnet-4.5",
            "COPILOT_ALLOW_ALL": "true",
        }  # fmt: skip
        return ["-p"]
    home = folder / ".codex"
    home.mkdir(exist_ok=True)
    environment["CODEX_HOME"] = str(home)
    (home / "config.toml").write_text(
        'model = "canned"\nmodel_provider = "canned"\napproval_policy = "never"\nsandbox_mode = "danger-full-access"\n'
        f'[model_providers.canned]\nname = "canned"\nbase_url = "{model.url}/v1"\nwire_api = "responses"\n'
        "requires_openai_auth = false\nsupports_websockets = false\n"
    )
    return ["exec", "--skip-git-repo-check", "--dangerously-bypass-hook-trust"]
