"""``guardrails models``: which trained models there are, and where they come from."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

__all__ = ["models"]

_FIELDS = ("name", "version", "path", "sha256", "bytes", "dtype", "device", "setting", "heads")


def models(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the trained models: version, place, sha256, and where they run. Exit code 0; 1: one of them cannot be used."""
    from guardrails.inference import inventory, setting  # noqa: PLC0415

    if setting().notice:
        typer.echo(setting().notice, err=True)
    rows = [{name: _value(getattr(info, name)) for name in _FIELDS} for info in inventory()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif not rows:
        typer.echo("no models are installed")
    else:
        typer.echo(_table(rows), nl=False)


def _value(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    return [str(v) for v in value] if isinstance(value, list | tuple | set | frozenset | dict) else str(value)


def _table(rows: list[dict[str, Any]]) -> str:
    """Plain columns, nothing cut: a hash that is copied is a whole hash."""
    cells = [_FIELDS, *(tuple(_cell(row[name]) for name in _FIELDS) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(_FIELDS))]
    return "".join("  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() + "\n" for row in cells)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "–" if value in (None, "") else f"{value:,}" if isinstance(value, int) else str(value)
