"""``guardrails hook`` and ``guardrails hooks``: hooks of coding agents."""

from __future__ import annotations

import difflib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["hook", "hooks"]


class Agent(StrEnum):
    """The agents that have hooks."""

    CLAUDE_CODE = "claude-code"
    CODEX = "codex"
    COPILOT = "copilot"


hooks = typer.Typer(no_args_is_help=True, help="Install the hooks of coding agents, and prove that they work.")

AgentArgument = Annotated[Agent, typer.Argument(help="The agent.")]
UserOption = Annotated[bool, typer.Option("--user", help="The user's settings instead of those of this folder.")]
FileOption = Annotated[Path | None, typer.Option(help="The settings file, where it is another one.")]
PolicyOption = Annotated[str | None, typer.Option("--policy", "-p", help="A policy file, or a shipped policy's name.")]
ServerOption = Annotated[str | None, typer.Option(help="The address of a `guardrails serve` that decides instead.")]
GuardrailOption = Annotated[
    str | None, typer.Option(help="Which of the server's guardrails; without it, the one of the key in GUARDRAILS_KEY.")
]


def hook(
    agent: AgentArgument,
    policy: PolicyOption = None,
    server: ServerOption = None,
    guardrail: GuardrailOption = None,
) -> None:
    """Answer one event of a coding agent: JSON on standard input and output (docs/hooks.md). Agents run this.

    Exit code 2: refused, or could not be decided; 0: everything else.
    """
    from guardrails.hooks.command import main  # noqa: PLC0415

    given = {"--policy": policy, "--server": server, "--guardrail": guardrail}
    raise typer.Exit(main([agent.value, *(word for k, v in given.items() if v is not None for word in (k, v))]))


@hooks.command()
def install(  # noqa: PLR0917 - a command's options
    agent: AgentArgument,
    policy: PolicyOption = None,
    server: ServerOption = None,
    guardrail: GuardrailOption = None,
    http: Annotated[
        bool, typer.Option("--http", help="Let Claude Code ask the server itself: faster, and open when it is down.")
    ] = False,
    user: UserOption = False,
    file: FileOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")] = False,
) -> None:
    """Write our hooks into an agent's settings; everything else in there stays. Doing it again changes nothing."""
    from guardrails.hooks import files, settings  # noqa: PLC0415

    if (policy is None) == (server is None):
        raise typer.BadParameter("give one of the two: who decides", param_hint="--policy / --server")
    if http and (server is None or agent is not Agent.CLAUDE_CODE):
        raise typer.BadParameter("only Claude Code asks a --server itself", param_hint="--http")
    if policy is not None:
        from guardrails.policy import load  # noqa: PLC0415

        load(policy)
    path = file or settings.place(agent.value, user=user, folder=Path())
    line = settings.command(agent.value, policy=policy, server=server, guardrail=guardrail)
    old = files.read(path)
    web = settings.http(agent.value, server, guardrail) if http and server is not None else None
    new = settings.merged(agent.value, old, line, web)
    if new == old:
        typer.echo(f"{path}: nothing to change")
        return
    if dry_run:
        before, after = (files.written(s).splitlines() if s else [] for s in (old, new))
        typer.echo("\n".join(difflib.unified_diff(before, after, str(path), str(path), lineterm="")))
        return
    files.write(path, new)
    typer.echo(f"{path}: hooks for {', '.join(new['hooks'])}")
    if agent is Agent.CODEX:
        typer.echo("Codex runs a hook once you have reviewed it: start codex and type /hooks")


@hooks.command()
def doctor(
    agent: AgentArgument,
    user: UserOption = False,
    file: FileOption = None,
    canary: Annotated[
        str | None, typer.Option(help="A text that the policy refuses, where it does not refuse the usual ones.")
    ] = None,
) -> None:
    """Run the installed hooks as the agent does: a harmless event must pass, a canary must not.

    Exit code 0: it is so for every event, 2: it is not, 1: could not run.
    """
    from guardrails.hooks import files, settings  # noqa: PLC0415
    from guardrails.hooks.doctor import CANARY, examine  # noqa: PLC0415

    path = file or settings.place(agent.value, user=user, folder=Path())
    typer.echo(str(path))
    bad = False
    for one in examine(agent.value, files.read(path), canary or CANARY):
        bad = bad or not one.good
        typer.echo(f"  {'ok  ' if one.good else 'FAIL'}  {one.event}: {one.told}")
    raise typer.Exit(2 if bad else 0)
