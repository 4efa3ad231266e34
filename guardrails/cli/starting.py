"""``guardrails init``: a policy with its tests, and what puts it in front of a model."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["init"]

# Names of files that mean something else beside a policy.
_TAKEN = {"tenants": "tenants.yaml says who is under which policy", "compose": "compose.yaml is read by docker compose"}
# What YAML or its older readers take for another value.
_NO_TEXT = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9][A-Za-z0-9.-]*")


def init(
    folder: Annotated[
        Path,
        typer.Argument(metavar="[DIR]", help="The folder; it is made if it is not there.", show_default="this one"),
    ] = Path(),
    name: Annotated[
        str, typer.Option(help="The policy's name: NAME.yaml, with its tests in NAME.test.yaml.")
    ] = "assistant",
    owner: Annotated[
        str, typer.Option(help="Who answers for the policy; stands in every report.")
    ] = "owner@example.com",
    compose: Annotated[
        bool, typer.Option("--compose", help="Also a compose.yaml that runs the proxy under it.")
    ] = False,
    fastapi: Annotated[bool, typer.Option("--fastapi", help="Also an app.py: a FastAPI application under it.")] = False,
) -> None:
    """Write a policy with its tests, and say what to run next. No file is overwritten.

    Exit code 0: written, 1: could not, and then nothing was.
    """
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.policy import loads  # noqa: PLC0415
    from guardrails.resources import data_dir  # noqa: PLC0415

    name = name.removesuffix(".yaml")
    _check_options(name, owner)
    file = f"{name}.yaml"
    wanted = {file: "policy.yaml", f"{name}.test.yaml": "policy.test.yaml"}
    if compose:
        wanted["compose.yaml"] = "compose.yaml"
    if fastapi:
        wanted["app.py"] = "app.py.txt"
    if folder.exists() and not folder.is_dir():
        raise GuardrailsError(f"{folder}: this is a file; name a folder")
    there = [n for n in wanted if (folder / n).exists() or (folder / n).is_symlink()]
    if there:
        raise GuardrailsError(
            f"{' and '.join(str(folder / n) for n in there)}: there already, and nothing was written; give another --name,"
            " another folder, or move it away"
        )
    said = owner if _PLAIN.fullmatch(owner) else json.dumps(owner, ensure_ascii=False)
    texts = {
        target: (data_dir() / "init" / source)
        .read_text(encoding="utf-8")
        .replace("@FILE@", file)
        .replace("@NAME@", name if name[0].isalpha() and name.lower() not in _NO_TEXT else f"'{name}'")
        .replace("@OWNER@", said)
        for target, source in wanted.items()
    }
    loads(texts[file])  # it is known to work before it is written
    folder.mkdir(parents=True, exist_ok=True)
    for target, text in texts.items():
        with (folder / target).open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
        typer.echo(f"wrote {folder / target}")
    typer.echo(
        "\n".join(["", "next:", *(f"  {line}" for line in _next(folder, file, compose=compose, fastapi=fastapi))])
    )


def _check_options(name: str, owner: str) -> None:
    """Raises typer.BadParameter for a name or an owner that a policy file could not hold."""
    from guardrails.policy.fields import NAME  # noqa: PLC0415

    if not NAME.fullmatch(name) or not name[0].isalnum():
        raise typer.BadParameter(
            "a name has 1 to 50 of A-Z a-z 0-9 _ -, the first a letter or digit", param_hint="--name"
        )
    if name.lower() in _TAKEN:
        raise typer.BadParameter(f"{_TAKEN[name.lower()]}; choose another name", param_hint="--name")
    if not owner.strip() or not owner.isprintable():
        raise typer.BadParameter("write a name or an address on one line", param_hint="--owner")


def _next(folder: Path, file: str, *, compose: bool, fastapi: bool) -> list[str]:
    """Commands to run, as they are typed here."""
    quoted = shlex.quote
    policy = quoted(str(folder / file))
    lines = [
        f"guardrails lint {policy}",
        f"guardrails test {policy}",
        f'guardrails check --policy {policy} "Write to bob@example.com"',
        f"guardrails proxy --upstream http://127.0.0.1:11434 --policies {policy}",
    ]
    if compose:
        lines.append(f"docker compose -f {quoted(str(folder / 'compose.yaml'))} up")
    if fastapi:
        lines.append(f"uvicorn --app-dir {quoted(str(folder))} app:app")
    return lines
