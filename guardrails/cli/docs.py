"""docs/cli.md, made from the commands' own help: ``python -m guardrails.cli.docs docs/cli.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.testing import CliRunner

from guardrails.cli.app import app

__all__ = ["render"]


# Every command of the application, in the order of its help; a group is followed by its own commands.
def _commands() -> Iterator[tuple[str, ...]]:
    root = typer.main.get_command(app)
    for name, command in getattr(root, "commands", {}).items():
        yield (name,)
        for inner in getattr(command, "commands", {}):
            yield (name, inner)


_HEAD = """# Command line

`guardrails` and `onepolicy` are the same command. A policy is a path or a shipped policy's name (`baseline`, `retail-bank`,
`hospital`, `childrens-tutor`).

| exit code | |
|---|---|
| 0 | allowed or masked; nothing wrong; all passed; nothing changed |
| 1 | could not run, usage errors included; `export`: something cannot be said in Bedrock; `diff`: a text could not be compared |
| 2 | blocked; errors found; a case failed or none was found; something changed |

`guardrails --install-completion` sets up completion in your shell.
"""


def render() -> str:
    """The page."""
    runner = CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"})
    parts = [_HEAD]
    for command in _commands():
        text = runner.invoke(app, [*command, "--help"], prog_name="guardrails").output
        parts.append(f"## {' '.join(command)}\n\n```text\n{text.strip()}\n```\n".replace(" \n", "\n"))
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
