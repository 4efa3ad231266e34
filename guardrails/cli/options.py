"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["Direction", "JsonOption", "PolicyOption", "TextColumn"]


class Direction(StrEnum):
    """Which way the text travels."""

    INPUT = "INPUT"
    OUTPUT = "OUTPUT"


PolicyOption = Annotated[str, typer.Option("--policy", "-p", help="A policy file, or a shipped policy's name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TextColumn = Annotated[
    str | None,
    typer.Option("--text-column", help="The column that holds the text: a name, or in a table a number from 1."),
]
