"""``guardrails shadow``: what another policy would change on a corpus, by rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guardrails.cli.options import Direction, JsonOption, TextColumn
from guardrails.cli.screens import aligned

if TYPE_CHECKING:
    from guardrails.evaluation.metrics import Estimate
    from guardrails.shadow import Summary

__all__ = ["shadow"]

OK, COULD_NOT_RUN, NEGATIVE = 0, 1, 2


def shadow(  # noqa: PLR0917 - a command's options
    live: Annotated[str, typer.Argument(help="The policy that decides.")],
    other: Annotated[str, typer.Argument(help="The one that would decide.")],
    data: Annotated[Path, typer.Argument(help="Texts: one a line, a table (.csv, .tsv), or rows of JSON (.jsonl).")],
    source: Annotated[Direction, typer.Option(help="The direction of texts that name none.")] = Direction.INPUT,
    text_column: TextColumn = None,
    as_json: JsonOption = False,
) -> None:
    """Show what another policy would change on your texts, by rule, with counts and intervals. No text is shown.

    Exit code 0: nothing changes, 2: some verdicts do, 1: could not run, or a text could not be compared.
    """
    from guardrails.compare import read_texts  # noqa: PLC0415
    from guardrails.policy import load  # noqa: PLC0415
    from guardrails.shadow import against  # noqa: PLC0415

    old, new = load(live), load(other)
    found = against(old, new, read_texts(data, source.value, text_column=text_column))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
    else:
        names = [f"{p.name} ({p.identity.sha256[:12]})" for p in (old, new)]
        typer.echo(f"{names[1]} beside {names[0]}, {found.texts} texts")
        typer.echo(_shown(found), nl=False)
    if found.not_compared:
        raise typer.Exit(COULD_NOT_RUN)
    raise typer.Exit(NEGATIVE if found.changed.value else OK)


def _shown(found: Summary) -> str:
    rows = [(name, _rate(getattr(found, name))) for name in ("changed", "stricter", "milder")]
    out = aligned(rows)
    if found.rules:
        rules = [
            (
                r.rule,
                _rate(r.acts),
                _rate(r.rests),
                ", ".join(map(str, r.lines[:8])) + (" …" if len(r.lines) > 8 else ""),
            )
            for r in found.rules
        ]
        out += ["", *aligned([("rule", "finds newly", "finds no longer", "texts"), *rules])]
    if found.not_compared:
        out += ["", f"{found.not_compared} texts could not be judged by both"]
    return "".join(f"{line}\n" for line in out)


def _rate(estimate: Estimate) -> str:
    if estimate.value is None or estimate.of is None or estimate.low is None or estimate.high is None:
        return "–"
    return f"{round(estimate.value * estimate.of)}  {estimate.value:.1%} ({estimate.low:.1%}–{estimate.high:.1%})"
