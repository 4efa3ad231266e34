"""``guardrails tools``: what tools a server of MCP has, what changed since they were approved, and approving them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guardrails.cli.options import JsonOption

if TYPE_CHECKING:
    from guardrails.calls import Definition
    from guardrails.detectors.toollock import Lock
    from guardrails.inventory import Difference

__all__ = ["tools"]

OK, NEGATIVE = 0, 2
_LOCK = Path("tools.lock")
_MODE = 0o644

tools = typer.Typer(
    help="The tools of MCP servers: list them, compare them with tools.lock, approve them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_OPTIONS_FIRST = {"allow_interspersed_args": False}

SourceArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE [ARGS]…",
        help="A server's address (http…), a saved answer (NAME.json), or the command of a local server. Options come before it.",
    ),
]
ServerOption = Annotated[
    str,
    typer.Option(help="The server's name, as in `guardrails mcp --server` or the path before /mcp; empty without one."),
]
LockOption = Annotated[Path, typer.Option("--lock", help="The file that pins definitions.")]
TokenOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The environment variable with a bearer token for an address.")
]
SecondsOption = Annotated[float, typer.Option(min=0.1, help="Seconds that the server has to answer.")]


@tools.command("list", context_settings=_OPTIONS_FIRST)
def list_(
    source: SourceArgument,
    token_env: TokenOption = None,
    seconds: SecondsOption = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Print the tools of a server, and what is hidden in their definitions. With --json, to be saved and compared later.

    Exit code 0, 1: could not run.
    """
    from guardrails.inventory.differing import Change, Difference, definitions  # noqa: PLC0415
    from guardrails.inventory.showing import shown  # noqa: PLC0415

    items = _listed(source, token_env, seconds)
    if as_json:
        typer.echo(json.dumps({"tools": items}, indent=2))
        return
    for tool in definitions(items, ""):
        said = tool.data.get("description") if isinstance(tool.data, dict) else None
        first = shown(str(said).strip().split("\n")[0], most=100) if said else "(no description)"
        typer.echo(f"{tool.digest[:12]}  {shown(tool.name, most=100)}  {first}")
        _notes(Difference(tool.name, Change.PINNED, tool))


@tools.command(context_settings=_OPTIONS_FIRST)
def diff(  # noqa: PLR0917 - a command's options
    source: SourceArgument,
    server: ServerOption = "",
    lock: LockOption = _LOCK,
    token_env: TokenOption = None,
    seconds: SecondsOption = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Compare the tools of a server with those that are pinned. Exit code 0: nothing differs, 2: something does, 1: could not run."""
    from guardrails.inventory.differing import compared  # noqa: PLC0415

    pinned = _read(lock)
    found = [one for one in compared(pinned, _definitions(source, server, token_env, seconds), server) if _differs(one)]
    if as_json:
        typer.echo(json.dumps([one.to_dict() for one in found], indent=2))
    else:
        _print(found)
        typer.echo(_counted(found))
        _known(pinned, server, lock)
    raise typer.Exit(NEGATIVE if found else OK)


@tools.command(context_settings=_OPTIONS_FIRST)
def approve(  # noqa: PLR0917 - a command's options
    source: SourceArgument,
    server: ServerOption = "",
    lock: LockOption = _LOCK,
    tool: Annotated[
        list[str] | None,
        typer.Option(help="Only the tool of this name; may be repeated. Without it, all, and what is gone goes."),
    ] = None,
    token_env: TokenOption = None,
    seconds: SecondsOption = 30.0,
) -> None:
    """Pin the tools of a server as they are now, and print what that changes. Exit code 0, 1: could not run.

    Read what is printed, or approve an answer that you saved and read: a server may answer otherwise the next time.
    """
    from guardrails.inventory.differing import compared  # noqa: PLC0415
    from guardrails.whole_files import write_whole  # noqa: PLC0415

    pinned = _read(lock) if lock.exists() else _empty(lock)
    every = _definitions(source, server, token_env, seconds)
    chosen = every if tool is None else _chosen(every, tool)
    found = [one for one in compared(pinned, every, server) if _differs(one) and (tool is None or one.name in tool)]
    _print(found)
    new = pinned.pin(server, chosen, only=tool is None)
    if found or not lock.exists():
        write_whole(lock, new.write(), _MODE)
    typer.echo(f"{lock}: {len(new.servers.get(server, {}))} tools pinned{_of(server)}; {_counted(found)}")


def _listed(source: Sequence[str], token_env: str | None, seconds: float) -> list[Any]:
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.inventory import listed  # noqa: PLC0415

    token = os.environ.get(token_env) if token_env is not None else None
    if token_env is not None and not token:
        raise GuardrailsError(f"--token-env: the variable {token_env} is not set")
    return listed(source, token=token, seconds=seconds)


def _definitions(source: Sequence[str], server: str, token_env: str | None, seconds: float) -> list[Definition]:
    from guardrails.inventory.differing import definitions  # noqa: PLC0415

    return definitions(_listed(source, token_env, seconds), server)


def _read(lock: Path) -> Lock:
    from guardrails.detectors.toollock import Lock  # noqa: PLC0415
    from guardrails.errors import GuardrailsError  # noqa: PLC0415

    if not lock.is_file():
        raise GuardrailsError(
            f"{lock}: there is no such file; write it with `guardrails tools approve --lock {lock} …`"
        )
    try:
        return Lock.parse(lock.name, lock.read_bytes())
    except ValueError as error:
        raise GuardrailsError(f"{lock}: this file pins no tools: {error}") from None


def _empty(lock: Path) -> Lock:
    from guardrails.detectors.toollock import Lock  # noqa: PLC0415

    return replace(Lock(), file=lock.name)


def _chosen(every: Sequence[Definition], names: Sequence[str]) -> list[Definition]:
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.inventory.showing import shown  # noqa: PLC0415

    known = {tool.name: tool for tool in every}
    for name in names:
        if name not in known:
            there = ", ".join(shown(one, most=60) for one in list(known)[:20])
            raise GuardrailsError(f"--tool: the server has no tool {name!r}; it has {there}")
    return [known[name] for name in dict.fromkeys(names)]


def _differs(one: Difference) -> bool:
    return one.change != "pinned"


def _print(found: Sequence[Difference]) -> None:
    from guardrails.inventory.showing import shown  # noqa: PLC0415

    for one in found:
        like = ""
        if one.like is not None:
            is_it = "is" if one.change == "renamed" else "is like"
            like = f", {is_it} {shown(one.like[0], most=100)} ({one.like[1]:.0%} of its description)"
        typer.echo(f"{one.change.value}  {shown(one.name, most=200)}{like}")
        if one.change != "removed":
            for line in one.lines():
                typer.echo(f"    {line}")
        _notes(one)


def _notes(one: Difference) -> None:
    for note in one.notes():
        typer.echo(f"    hidden: {note}")


def _known(pinned: Lock, server: str, lock: Path) -> None:
    """A name that the lock has never heard of is more often a name that was forgotten."""
    if server not in pinned.servers and pinned.servers:
        names = ", ".join(repr(name) for name in sorted(pinned.servers))
        typer.echo(
            f"note: {lock} pins tools of {names}, and none{_of(server) or ' of a server without a name'} (--server)",
            err=True,
        )


def _of(server: str) -> str:
    return f" of {server}" if server else ""


def _counted(found: Sequence[Difference]) -> str:
    counts: dict[str, int] = {}
    for one in found:
        counts[one.change.value] = counts.get(one.change.value, 0) + 1
    return ", ".join(f"{number} {change}" for change, number in counts.items()) or "nothing differs"
