"""``guardrails mcp``: a local MCP server under a policy."""

from __future__ import annotations

import json
import logging
import sys
from typing import Annotated

import typer

from guardrails.cli.options import AllowOption, PolicyOption
from guardrails.types import Action

__all__ = ["mcp"]


def mcp(
    policy: PolicyOption,
    command: Annotated[list[str], typer.Argument(metavar="COMMAND [ARGS]…", help="What starts the server.")],
    server: Annotated[str | None, typer.Option(help="What rules for calls of tools name the server by.")] = None,
    mcp_allow: AllowOption = None,
) -> None:
    """Run a local MCP server (stdio) with every message inspected. Exits with the server's status; 1: could not run.

    Messages that were masked or blocked are told on standard error, one JSON a line, beside what the server writes there.
    """
    from guardrails.decision import Decision  # noqa: PLC0415
    from guardrails.guard import Guard  # noqa: PLC0415
    from guardrails.proxy.stdio import Lines, run  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="guardrails: %(message)s", force=True)

    def decided(decision: Decision) -> None:
        if decision.action is not Action.NONE:
            sys.stderr.write(json.dumps({"event": "decision", **decision.to_dict()}) + "\n")

    guard = Guard.from_file(policy)
    lines = Lines(guard, server=server, allowed=frozenset(mcp_allow or ()), decided=decided)
    raise typer.Exit(run(command, lines))
