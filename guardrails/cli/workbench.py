"""``guardrails workbench``: the author's web application."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any

import typer

from guardrails.cli.serving import HostOption, address, log_to_streams

__all__ = ["workbench"]


def workbench(  # noqa: PLR0917 - a command's options
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="The folder of policies.", show_default="this one")
    ] = Path(),
    host: HostOption = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on; 0 takes any free one.")] = 8090,
    keys: Annotated[
        Path | None,
        typer.Option(
            help="Who may come in: a keys.yaml (docs/service.md); a browser asks for a key with the scope author."
        ),
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(help="Keep texts and labels of the room Review in this file (.jsonl); without it, in memory."),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(
            "--log",
            help="Record in this log of evidence what is signed, promoted and rolled back, before it happens; no other process writes it then.",
        ),
    ] = None,
) -> None:
    """Write, try and calibrate policies in a browser. Runs until Ctrl+C; exit code 0 when it ended in order, 1: could not run."""
    import uvicorn  # noqa: PLC0415

    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.proxy.serving import bound  # noqa: PLC0415

    try:
        from guardrails.workbench import workbench_app  # noqa: PLC0415
        from guardrails.workbench.guarding import LOOPBACK  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise GuardrailsError(f"{error.name} is not installed: pip install 'onepolicy-guardrails[workbench]'") from None
    if keys is None and not _local(host):
        raise GuardrailsError(
            f"{host}: everybody who reaches this address could change the policies. Give --keys, or listen on 127.0.0.1"
        )
    authorize: Any = None
    if keys is not None:
        from guardrails.service.access import Access  # noqa: PLC0415
        from guardrails.service.authors import author_of  # noqa: PLC0415

        authorize = author_of(Access(keys, None))
    hosts = LOOPBACK if _local(host) else None
    app = workbench_app(folder, hosts=hosts, authorize=authorize, review=review, evidence=log)
    log_to_streams()
    listener = bound(host, port)
    typer.echo(f"guardrails workbench: {address(listener)}", err=True)
    settings = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5)
    uvicorn.Server(settings).run(sockets=[listener])


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
