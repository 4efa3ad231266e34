"""Where agents keep their hooks, and what is written there. What else stands in a file is kept as it is."""

from __future__ import annotations

import copy
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.hooks.agents import AGENTS, Agent
from guardrails.hooks.command import KEY
from guardrails.hooks.events import Moment

__all__ = ["Hook", "command", "http", "installed", "merged", "place"]

# Seconds that an agent waits. It goes on without an answer then, so that this must be more than any check takes.
_SECONDS = 60
_OURS = re.compile(r"\bhook (?:claude-code|codex|copilot) |/v1/hooks/(?:claude-code|codex|copilot)\b")
# The files of a project, and of a user, below their folders.
_FILES = {
    "claude-code": (".claude/settings.json", ".claude/settings.json"),
    "codex": (".codex/hooks.json", ".codex/hooks.json"),
    "copilot": (".github/hooks/guardrails.json", ".copilot/hooks/guardrails.json"),
}
_HOMES = {"codex": "CODEX_HOME", "copilot": "COPILOT_HOME", "claude-code": "CLAUDE_CONFIG_DIR"}


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook of a settings file: the event, and its own entry there."""

    event: str
    entry: Mapping[str, Any]

    @property
    def line(self) -> str | None:
        """The command that is run; None for one over HTTP."""
        return self.entry.get("command") or self.entry.get("bash")


def place(agent: str, *, user: bool, folder: Path) -> Path:
    """The settings file of a project in ``folder``, or of the user."""
    if not user:
        return folder / _FILES[agent][0]
    home = os.environ.get(_HOMES[agent])
    if home:
        return Path(home).joinpath(*Path(_FILES[agent][1]).parts[1:])
    return Path.home() / _FILES[agent][1]


def command(agent: str, *, policy: str | None = None, server: str | None = None, guardrail: str | None = None) -> str:
    """The command line of a hook. Agents go on after any exit code but 2, so whatever ends the program becomes 2."""
    script = shutil.which("guardrails", path=str(Path(sys.executable).parent))
    words = [script] if script else [sys.executable, "-m", "onepolicy_guardrails"]
    words += ["hook", agent]
    if server is not None:
        words += ["--server", server, *(["--guardrail", guardrail] if guardrail else [])]
    else:
        found = Path(policy or "").expanduser()
        words += ["--policy", str(found.resolve()) if found.exists() else str(policy)]
    return f"{shlex.join(words)} || exit 2"


def http(agent: str, server: str, guardrail: str | None = None) -> dict[str, Any]:
    """The entry of a hook that the agent sends itself."""
    headers = {"authorization": f"Bearer ${KEY}", **({"x-guardrails-policy": guardrail} if guardrail else {})}
    return {
        "type": "http",
        "url": f"{server.rstrip('/')}/v1/hooks/{agent}",
        "headers": headers,
        "allowedEnvVars": [KEY],
        "timeout": _SECONDS,
    }


def merged(
    agent: str, settings: Mapping[str, Any], line: str, over_http: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The settings with our hook at every event, once. Raises GuardrailsError, naming the place, for settings of another shape."""
    made = copy.deepcopy(dict(settings))
    if agent == "copilot":
        made.setdefault("version", 1)
    hooks = made.setdefault("hooks", {})
    if not isinstance(hooks, dict):
        raise GuardrailsError("hooks: must be an object; nothing was written")
    for event, moment in AGENTS[agent].events.items():
        kept = _without(hooks.get(event, []), event)
        # A session begins before any server is asked: agents start only commands there.
        web = None if moment is Moment.START else over_http
        hooks[event] = [*kept, _entry(AGENTS[agent], moment, line, web)]
    return made


def _entry(agent: Agent, moment: Moment, line: str, web: Mapping[str, Any] | None) -> dict[str, Any]:
    if agent.name == "copilot":
        return {"type": "command", "bash": line, "timeoutSec": _SECONDS}
    one = dict(web) if web is not None else {"type": "command", "command": line, "timeout": _SECONDS}
    tools = moment in (Moment.CALL, Moment.RESULT)
    return {**({"matcher": "*"} if tools else {}), "hooks": [one]}


def _without(entries: Any, event: str) -> list[Any]:
    """What others wrote for an event."""
    if not isinstance(entries, list):
        raise GuardrailsError(f"hooks.{event}: must be a list; nothing was written")
    kept: list[Any] = []
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise GuardrailsError(f"hooks.{event}[{number}]: must be an object; nothing was written")
        inner = entry.get("hooks")
        if not isinstance(inner, list):
            if not _ours(entry):
                kept.append(entry)
            continue
        others = [one for one in inner if not _ours(one)]
        if others or not inner:
            kept.append(entry if len(others) == len(inner) else {**entry, "hooks": others})
    return kept


def _ours(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    return any(isinstance(v, str) and _OURS.search(v) for v in map(entry.get, ("command", "bash", "url")))


def installed(settings: Mapping[str, Any]) -> Iterator[Hook]:
    """Our hooks in a settings file."""
    hooks = settings.get("hooks")
    for event, entries in (hooks if isinstance(hooks, dict) else {}).items():
        for entry in entries if isinstance(entries, list) else ():
            for one in entry.get("hooks", [entry]) if isinstance(entry, dict) else ():
                if _ours(one):
                    yield Hook(event, one)
