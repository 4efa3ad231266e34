"""docs/cli.md, made from the commands' own help: ``python -m guardrails.cli.docs docs/cli.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from typer.testing import CliRunner

from guardrails.cli.app import app

__all__ = ["render"]

_COMMANDS = ("check", "lint", "explain", "diff", "schema", "test", "eval", "models", "import", "export")
_HEAD = """# Command line

`guardrails` and `onepolicy` are the same command. A policy is a path or a shipped policy's name (`baseline`, `retail-bank`,
`hospital`, `childrens-tutor`).

| exit code | |
|---|---|
| 0 | allowed or masked; nothing wrong; all passed; nothing changed |
| 1 | could not run, usage errors included; `export`: something cannot be said in Bedrock |
| 2 | blocked; errors found; a case failed or none was found; something changed |

`guardrails --install-completion` sets up completion in your shell.
"""


def render() -> str:
    """The page."""
    runner = CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"})
    parts = [_HEAD]
    for command in _COMMANDS:
        text = runner.invoke(app, [command, "--help"], prog_name="guardrails").output
        parts.append(f"## {command}\n\n```text\n{text.strip()}\n```\n".replace(" \n", "\n"))
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
