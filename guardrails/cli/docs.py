"""docs/cli.md and docs/service-settings.md, made from the commands' own help: ``python -m guardrails.cli.docs docs``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from guardrails.cli.app import app
from guardrails.cli.service import ENVIRONMENT, settings

__all__ = ["render", "render_settings"]


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


_SETTINGS = """# Settings of the service

Every setting of [`guardrails serve`](service.md) is an option, a variable of the environment, and a line of the file that `--config`
(`GUARDRAILS_SERVE_CONFIG`) names. An option counts before the variable, the variable before the file, the file before the default. Paths are those of the directory that the
command is run in.

```yaml title="serve.yaml"
policies: retail-bank
port: 8443
contract: [check, bedrock, openai]
requests-per-second: 50
```

```console
$ guardrails serve --config serve.yaml --check
```

`--check` looks at everything and serves nothing: the settings, every policy, the file of keys and the guardrails that it names, the trained
weights by their hash, whether the directory of the evidence log can be written, and the certificates. What is wrong goes to standard error, a
problem a line; the exit code is 0 when there is none, else 1.

| setting | variable | default | |
|---|---|---|---|
"""


def render_settings() -> str:
    """The page of the service's settings."""
    root: Any = typer.main.get_command(app)
    lines = []
    for name, option in settings(root.commands["serve"]).items():
        own = [option.envvar] if isinstance(option.envvar, str) else list(option.envvar or ())
        variables = ", ".join(f"`{v}`" for v in [*own, f"{ENVIRONMENT}_{option.name.upper()}"])
        default = "required" if option.required else "" if option.default is None else f"`{option.default}`".lower()
        lines.append(f"| `{name}` | {variables} | {default} | {option.help.replace('|', chr(92) + '|')} |\n")
    return _SETTINGS + "".join(lines)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "cli.md").write_text(render(), encoding="utf-8")
    (folder / "service-settings.md").write_text(render_settings(), encoding="utf-8")
