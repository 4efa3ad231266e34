"""Running the proxy: uvicorn in this process, and an orderly end on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from guardrails.errors import GuardrailsError
from guardrails.proxy.app import ProxyApp
from guardrails.proxy.halfopen import HalfOpenProtocol

__all__ = ["bound", "serve"]

_log = logging.getLogger("guardrails.proxy")


class _Server(uvicorn.Server):
    """A server that leaves signals to :func:`serve`: uvicorn would raise them again after it has drained, and exit with 143."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises GuardrailsError naming the address that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(2048)
    except OSError as error:
        made.close()
        raise GuardrailsError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    made.setblocking(False)
    return made


def serve(
    app: ProxyApp,
    *,
    listener: socket.socket,
    admin: socket.socket | None = None,
    grace_s: float = 30.0,
    drain_delay_s: float = 0.0,
    keep_alive_s: int = 75,
    tls: tuple[str, str] | None = None,
    on_start: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then end in order; returns when all is done.

    The order: ``/readyz`` says "draining"; after ``drain_delay_s`` no new connection is accepted; answers in work, streams
    included, have ``grace_s`` seconds to end, and are cut off after that. A second signal cuts them off at once.
    ``admin``: a second listener for the operator's pages; it answers until the end. ``keep_alive_s``: how long an idle
    connection stays, longer than the 60 s of most load balancers, so that it is they who close it. ``tls``: the files of a
    certificate chain and its key, for https (boto3 sends bearer keys over nothing else); the operator's pages stay plain.

    Raises GuardrailsError when the application does not start, or the certificate cannot be read.
    """
    shared: dict[str, Any] = {
        "http": HalfOpenProtocol,  # on httptools, which refuses what h11 lets pass: two lengths, bare line feeds
        "ws": "none",
        "access_log": False,  # it would write queries, and some APIs take keys in them
        "log_config": None,
        "proxy_headers": False,  # who called is decided by the tenants' file alone
        "server_header": False,
        "date_header": False,  # the upstream's own is passed on
        "timeout_keep_alive": keep_alive_s,
    }
    secured: dict[str, Any] = {"ssl_certfile": tls[0], "ssl_keyfile": tls[1]} if tls is not None else {}
    main = _Server(
        uvicorn.Config(app, **shared, **secured, lifespan="on", timeout_graceful_shutdown=max(1, round(grace_s)))
    )
    try:
        main.config.load()
    except OSError as error:  # ssl.SSLError is one too
        raise GuardrailsError(f"the certificate or its key cannot be used: {type(error).__name__}") from None
    pages = _Server(uvicorn.Config(app.operations, **shared, lifespan="off", timeout_graceful_shutdown=1))
    with asyncio.Runner(loop_factory=main.config.get_loop_factory()) as runner:
        runner.run(
            _run(
                app,
                main,
                listener,
                pages=pages if admin is not None else None,
                admin=admin,
                drain_delay_s=drain_delay_s,
                on_start=on_start,
            )
        )


def _settle() -> None:
    """What is here now stays: the garbage collector need not look at it again. Looking takes 30 to 50 ms, for which every
    stream stands still."""
    gc.collect()
    gc.freeze()


async def _run(
    app: ProxyApp,
    main: _Server,
    listener: socket.socket,
    *,
    pages: _Server | None,
    admin: socket.socket | None,
    drain_delay_s: float,
    on_start: Callable[[], None] | None,
) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def stop(name: str) -> None:
        if told.is_set():
            _log.warning("%s again: answers in work are cut off", name)
            main.should_exit = main.force_exit = True
            return
        _log.info("%s: draining", name)
        app.operations.drain()
        told.set()

    async def drain() -> None:
        await told.wait()
        await asyncio.sleep(drain_delay_s)
        main.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number.name)
    others = [asyncio.create_task(drain()), asyncio.create_task(_when_started(main, _settle))]
    if on_start is not None:
        others.append(asyncio.create_task(_when_started(main, on_start)))
    beside = asyncio.create_task(pages.serve(sockets=[admin])) if pages is not None and admin is not None else None
    try:
        await main.serve(sockets=[listener])
    except SystemExit:  # uvicorn's way to say that the application did not start; the reason is in the log
        raise GuardrailsError("the proxy could not start: the log says why") from None
    finally:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if pages is not None and beside is not None:
            pages.should_exit = True
            await beside


async def _when_started(server: _Server, tell: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    tell()
