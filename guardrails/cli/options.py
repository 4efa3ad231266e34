"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["AllowOption", "Direction", "JsonOption", "PolicyOption", "TextColumn"]


class Direction(StrEnum):
    """Which way the text travels."""

    INPUT = "INPUT"
    OUTPUT = "OUTPUT"


PolicyOption = Annotated[str, typer.Option("--policy", "-p", help="A policy file, or a shipped policy's name.")]
AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mcp-allow",
        help="A method or type of result of MCP that passes although no revision knows it; may be repeated.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TextColumn = Annotated[
    str | None,
    typer.Option("--text-column", help="The column that holds the text: a name, or in a table a number from 1."),
]
