"""``guardrails scan``: every row of files under a policy."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from typing import Annotated

import typer

from guardrails.cli.options import Direction

__all__ = ["scan"]

_NOT_CHECKED = 2


class Engine(StrEnum):
    """Who checks the shards."""

    PROCESSES = "processes"
    RAY = "ray"


def scan(  # noqa: PLR0917 - a command's options
    source: Annotated[
        str,
        typer.Argument(help="A .jsonl, .ndjson, .csv, .tsv or .parquet file, or a folder of them; a path or a URL (s3://…)."),
    ],
    policy: Annotated[str, typer.Option("--policy", "-p", help="A policy file, or a shipped policy's name.")],
    out: Annotated[str, typer.Option("--out", "-o", help="A new folder for the results, or that of a scan that was stopped.")],
    text_column: Annotated[str, typer.Option(help="The column, or the key of a JSON row, that holds the text.")] = "text",
    direction: Annotated[Direction, typer.Option(help="Which way the texts travel.")] = Direction.INPUT,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=1_024, help="Shards that are checked at once. Without: one a core, of the machine or of the cluster."),
    ] = None,
    shard_rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows of a shard: what is done again after a stop.")] = 1_000,
    engine: Annotated[Engine, typer.Option(help="processes of this machine, or ray (extra ray): a Ray cluster.")] = Engine.PROCESSES,
    ray_address: Annotated[
        str | None,
        typer.Option(help="The cluster (auto, host:6379); its machines open the same paths. Without: a Ray is started here, and ended."),
    ] = None,
) -> None:  # fmt: skip
    """Check every row of files; one result a row, masked copies, a summary. A scan that was stopped goes on.

    Exits with 2 when rows could not be checked (they are in quarantine/), else 0.
    """
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    from guardrails.scanning import Job  # noqa: PLC0415
    from guardrails.scanning import scan as run  # noqa: PLC0415

    if ray_address is not None and engine is not Engine.RAY:
        raise typer.BadParameter("it is for --engine ray", param_hint="--ray-address")
    ray = None if engine is not Engine.RAY else ray_address or ""
    if workers is None:
        workers = 0 if ray is not None else max(1, os.cpu_count() or 1)
    job = Job(source, policy, out, text_column, str(direction), shard_rows, workers, ray)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("shards", total=None)
        summary = run(job, lambda done, of: bar.update(task, completed=done, total=of))
    typer.echo(json.dumps(summary, indent=2))
    if summary["not_a_row"] or summary["could_not_be_checked"]:
        raise typer.Exit(_NOT_CHECKED)
