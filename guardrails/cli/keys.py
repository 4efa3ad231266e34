"""``guardrails tenants``: API keys of tenants, which are stored hashed only."""

from __future__ import annotations

import sys

import typer

__all__ = ["tenants"]

tenants = typer.Typer(help="Keys of tenants.", no_args_is_help=True, rich_markup_mode=None)


@tenants.command("new-key")
def new() -> None:
    """Make a new API key: the key for the caller on the first line, what goes into tenants.yaml on the second."""
    from guardrails.tenants import hash_key, new_key  # noqa: PLC0415

    key = new_key()
    typer.echo(key)
    typer.echo(hash_key(key))


@tenants.command("hash-key")
def hashed() -> None:
    """Read an API key from standard input, so that no shell remembers it, and print what goes into tenants.yaml."""
    from guardrails.tenants import hash_key  # noqa: PLC0415

    typer.echo(hash_key(sys.stdin.readline().rstrip("\r\n")))
