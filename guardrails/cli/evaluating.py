"""``guardrails eval``: a policy's figures on labelled texts."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guardrails.cli.options import Direction

if TYPE_CHECKING:
    from guardrails.evaluation import Data
    from guardrails.guard import Guard

__all__ = ["evaluate", "predicted"]

_BAD_DATA = 2


def evaluate(  # noqa: PLR0917 - a command's options
    data: Annotated[
        Path, typer.Argument(help="A table (.csv, .tsv), or rows of JSON; plain or gzipped. See docs/eval.md.")
    ],
    policy: Annotated[str, typer.Option("--policy", "-p", help="A policy file, or a shipped policy's name.")],
    rules: Annotated[
        list[str] | None, typer.Option(help="Switch off every rule whose id matches no such GLOB; may be repeated.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Write one line a row there; a run that was stopped goes on from it.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make all predictions again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with curves, histograms and the worst mistakes.")
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(help="The column that holds the text: a name, or in a table a number from 1.")
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(help="The column that holds the label: 1, true, yes or block is what should be blocked."),
    ] = None,
    source: Annotated[
        Direction | None, typer.Option(help="The direction of rows that name none; in a table INPUT by default.")
    ] = None,
    show_text: Annotated[bool, typer.Option("--show-text", help="Quote the texts of mistakes on that page.")] = False,
    resamples: Annotated[
        int, typer.Option(min=0, max=100_000, help="Bootstrap resamples for the intervals; 0: no intervals.")
    ] = 1000,
) -> None:
    """Measure a policy on labelled texts; positive is what it blocks. Exit code 0: it ran, 2: rows are wrong, 1: could not run."""
    from guardrails import evaluation  # noqa: PLC0415
    from guardrails.evaluation import report  # noqa: PLC0415
    from guardrails.guard import Guard  # noqa: PLC0415
    from guardrails.policy import load  # noqa: PLC0415

    if html is not None and not html.parent.is_dir():
        raise typer.BadParameter("there is no such folder", param_hint="--html")
    if show_text and html is None:
        raise typer.BadParameter("texts are shown on the page of --html only", param_hint="--show-text")
    if overwrite and predictions is None:
        raise typer.BadParameter("there is no --predictions to overwrite", param_hint="--overwrite")
    globs = rules or []
    prepared = evaluation.prepared(load(policy), globs)
    try:
        rows = evaluation.read(data, text_column=text_column, label_column=label_column, source=source)
    except evaluation.BadData as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(_BAD_DATA) from None
    guard = Guard(prepared)
    lines = predicted(guard, rows, predictions, overwrite=overwrite, globs=globs)
    result = evaluation.evaluate(guard, rows, lines, globs=globs, resamples=resamples)
    if html is not None:
        from guardrails.evaluation.html import page  # noqa: PLC0415

        html.write_text(page(result, show_text=show_text), encoding="utf-8", errors="backslashreplace")
    shown = json.dumps(result.to_dict(), indent=2, ensure_ascii=False) + "\n" if as_json else report.table(result)
    typer.echo(shown, nl=False)


def predicted(guard: Guard, data: Data, out: Path | None = None, **more: Any) -> Any:
    """The predictions, with a bar on the terminal and one line where there is none."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from guardrails import evaluation  # noqa: PLC0415

    console = Console(stderr=True)
    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("rows", total=len(data.rows))
        lines = evaluation.predictions(guard, data, out, progress=lambda n: bar.advance(task, n), **more)
    seconds = time.monotonic() - started
    sys.stderr.write(f"{len(lines)} rows in {seconds:.1f} s\n")
    return lines
