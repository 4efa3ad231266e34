"""The processes of ``guardrails serve --workers``: ``python -m guardrails.cli.processes worker|hub …``, started by the command alone."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import typer

from guardrails.cli.serving import address, log_to_streams
from guardrails.errors import GuardrailsError

__all__ = ["main", "supervise"]


def supervise(
    settings: Any,
    host: str,
    port: int,
    admin_port: int | None,
    workers: int,
    *,
    tls: Any,
    grace: float,
    drain_delay: float,
) -> None:
    """Serve with several workers until SIGTERM. Raises GuardrailsError when that is not possible."""
    from guardrails.proxy.serving import bound  # noqa: PLC0415
    from guardrails.service.processes.plan import Plan  # noqa: PLC0415
    from guardrails.service.processes.supervisor import Supervisor  # noqa: PLC0415

    if os.name == "nt":
        raise GuardrailsError("--workers: several processes share a listener on Linux and macOS only; leave it out")
    if tls is not None:
        tls.verify()
    listener = bound(host, port)
    admin = bound(host, admin_port) if admin_port is not None else None
    where, beside = address(listener, tls=tls is not None), address(admin) if admin is not None else None

    def started() -> None:
        typer.echo(f"guardrails serve: {where} ({workers} workers)", err=True)
        if beside is not None:
            typer.echo(f"operator's pages: {beside}", err=True)

    folder = Path(tempfile.mkdtemp(prefix="guardrails-"))
    try:
        plan = Plan(
            folder,
            settings,
            workers,
            tuple(tls) if tls is not None else None,
            secrets.token_hex(32),
            grace,
            drain_delay,
        )
        command = (sys.executable, "-m", "guardrails.cli.processes")
        asyncio.run(Supervisor(plan, command, listener, admin).run(started))
    finally:
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)


def main(what: str, folder: str, *more: str) -> int:
    """Be a worker (its number, and the listener's), or the process that writes. Returns the exit code."""
    from guardrails.service.processes import hub, worker  # noqa: PLC0415
    from guardrails.service.processes.plan import Plan  # noqa: PLC0415

    log_to_streams()
    threading.Thread(target=_until_alone, name="guardrails-supervisor", daemon=True).start()
    try:
        plan = Plan.read(Path(folder))
        if what == "worker":
            worker.run(plan, int(more[0]), int(more[1]))
        else:
            hub.run(plan, _ending)
    except GuardrailsError as error:
        told = str(error)
    except OSError as error:
        told = f"{error.filename or what}: {error.strerror}"
    else:
        return 0
    logging.getLogger("guardrails.service").error("%s", told)
    return 1


def _until_alone() -> None:
    """Standard input ends when the supervisor does, however it does; then we end in order."""
    while os.read(0, 4_096):  # not sys.stdin, whose lock this thread would hold when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _ending(ended: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
