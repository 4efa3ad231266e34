"""``guardrails check`` on many texts: rows in, one report a line out."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from guardrails.tables import is_table, read_table

if TYPE_CHECKING:
    from guardrails.guard import Guard

__all__ = ["Kind", "check", "kind"]

OK, COULD_NOT_RUN, NEGATIVE = 0, 1, 2


class Kind(StrEnum):
    """What the rows are written in."""

    JSONL = "jsonl"
    TABLE = "csv"


def kind(file: Path | None, *, jsonl: bool, as_csv: bool) -> Kind | None:
    """What was asked for, or what the file's name says; None for a single text."""
    if as_csv or (file is not None and is_table(file)):
        return Kind.TABLE
    if jsonl or (file is not None and file.suffix.lower() in (".jsonl", ".ndjson")):
        return Kind.JSONL
    return None


def check(  # noqa: PLR0917 - what a run over rows is made of
    guard: Guard, data: bytes, source: str, what: Kind, name: str, text_column: str | None
) -> int:
    """Print a report for each row, in order; the exit code. Raises GuardrailsError for a table that cannot be read."""
    worst = OK
    rows = _table(data, name, text_column) if what is Kind.TABLE else _json(data, text_column)
    for number, row in rows:
        try:
            if isinstance(row, str):
                raise _BadRowError(row)  # noqa: TRY301 - reported like any other
            report = guard.check(row["text"], source=row.get("source") or str(source))
        except (_BadRowError, TypeError, ValueError) as error:
            # The row may hold anything; only what is wrong with it is repeated.
            typer.echo(json.dumps({"line": number, "error": _why(error)}))
            worst = COULD_NOT_RUN
            continue
        typer.echo(report.to_json(include_text=True))
        if report.blocked and worst == OK:
            worst = NEGATIVE
    return worst


class _BadRowError(Exception):
    pass


def _why(error: Exception) -> str:
    if isinstance(error, _BadRowError):
        return str(error)
    return f"{type(error).__name__}: a row is {{text or pieces, source?}}"


def _json(data: bytes, text_column: str | None) -> list[tuple[int, Any]]:
    """Each row, or what is wrong with it."""
    out: list[tuple[int, Any]] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError) as error:
            out.append((number, f"{type(error).__name__}: this is not JSON; a table is read with --csv"))
            continue
        if not isinstance(row, dict):
            out.append((number, "TypeError: a row is an object {text or pieces, source?}"))
            continue
        key = "pieces" if "pieces" in row and text_column is None else text_column or "text"
        if key not in row:
            out.append((number, f"KeyError: a row is {{{key}{'' if text_column else ' or pieces'}, source?}}"))
            continue
        out.append((number, {"text": row[key], "source": row.get("source")}))
    return out


def _table(data: bytes, name: str, text_column: str | None) -> list[tuple[int, Any]]:
    table = read_table(data, name, text_column=text_column)
    return [(n, {"text": row[table.text], "source": table.cell(row, "source")}) for n, row in table.rows]
