"""``guardrails deploy ray``: the shipped networks on Ray Serve."""

from __future__ import annotations

import math
import os
import signal
import threading
from typing import Annotated

import typer

__all__ = ["deploy"]

deploy = typer.Typer(help="Run the shipped models somewhere else.", no_args_is_help=True)


@deploy.callback()
def _deploy() -> None:
    """Run the shipped models somewhere else."""


@deploy.command("ray")
def ray(  # noqa: PLR0917 - a command's options
    models: Annotated[str, typer.Option(help="Which: some of text, grounding, large.")] = "text,grounding,large",
    address: Annotated[
        str | None,
        typer.Option(
            "--ray-address", help="The cluster (auto, host:6379). Without: a Ray is started here, until SIGTERM or Ctrl-C."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Where Ray Serve listens; it asks nobody for a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 8_000,
    replicas: Annotated[int, typer.Option(min=1, help="Replicas of each model, at least.")] = 1,
    max_replicas: Annotated[int, typer.Option(min=0, help="Replicas of each model, at most; 0: as many as at least.")] = 0,
    calls: Annotated[int, typer.Option(min=1, help="Calls under way for each replica before there is another one.")] = 16,
    queue: Annotated[int, typer.Option(min=1, help="Calls that wait for a replica, at most; more are refused.")] = 256,
    cpus: Annotated[float, typer.Option(min=0, help="Cores of a replica.")] = 1.0,
    gpus: Annotated[float, typer.Option(min=0, help="GPUs of a replica; 0.25: four replicas share one.")] = 0.0,
) -> None:  # fmt: skip
    """Serve the networks of the shipped models on Ray Serve (extra ray), for processes with GUARDRAILS_BACKEND=ray.

    A second call with other options replaces what is there, replica by replica.
    """
    from guardrails.clusters import joined  # noqa: PLC0415
    from guardrails.inference import store  # noqa: PLC0415
    from guardrails.inference.pinned import PINNED  # noqa: PLC0415
    from guardrails.inference.replicas import Placement  # noqa: PLC0415 - torch
    from guardrails.inference.replicas import deploy as run  # noqa: PLC0415

    names = [name.strip() for name in models.split(",")]
    if wrong := [name for name in names if name not in PINNED]:
        raise typer.BadParameter(
            f"there is no model {wrong[0]!r}; there are {', '.join(PINNED)}", param_hint="--models"
        )
    if max_replicas and max_replicas < replicas:
        raise typer.BadParameter("it is less than --replicas", param_hint="--max-replicas")
    for name in names:
        store.manifest(name)  # one that is not installed is said before anything starts
    placement = Placement(replicas, max_replicas or replicas, calls, queue, cpus, gpus)
    needed = math.ceil(cpus * (max_replicas or replicas) * len(names))
    with joined(address or "", max(needed, os.cpu_count() or 1)):
        run(names, placement, host, port)
        for name in names:
            typer.echo(f"http://{host}:{port}/{name}", err=True)
        if address is None:
            ended = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: ended.set())
            try:
                ended.wait()
            except KeyboardInterrupt:
                typer.echo("", err=True)
