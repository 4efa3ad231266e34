"""Running the proxy: uvicorn in this process, and an orderly end on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import uvicorn

from guardrails.errors import GuardrailsError
from guardrails.proxy.halfopen import HalfOpenProtocol
from guardrails.proxy.operations import Operations

__all__ = ["Served", "Tls", "bound", "serve"]

_log = logging.getLogger("guardrails.proxy")


class Served(Protocol):
    """An ASGI application with the operator's pages beside it."""

    @property
    def operations(self) -> Operations:
        """The pages: ``/readyz`` says that it drains once :func:`serve` was told to end."""
        ...

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one scope."""
        ...


class Tls(NamedTuple):
    """Files for https: a certificate chain, its key, and the authorities by one of which each client's certificate must be issued; None:
    clients need none."""

    chain: str
    key: str
    client_ca: str | None = None

    def options(self) -> dict[str, Any]:
        """The settings of uvicorn."""
        made: dict[str, Any] = {"ssl_certfile": self.chain, "ssl_keyfile": self.key}
        if self.client_ca is not None:
            made |= {"ssl_ca_certs": self.client_ca, "ssl_cert_reqs": ssl.CERT_REQUIRED}
        return made

    def verify(self) -> None:
        """Raises GuardrailsError for files that cannot be used."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            made.load_cert_chain(self.chain, self.key)
        except OSError as error:  # ssl.SSLError is one too
            raise GuardrailsError(f"the certificate or its key cannot be used: {type(error).__name__}") from None
        try:
            if self.client_ca is not None:
                made.load_verify_locations(self.client_ca)
        except OSError as error:
            raise GuardrailsError(
                f"the certificates of --tls-client-ca cannot be used: {type(error).__name__}"
            ) from None


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
    app: Served,
    *,
    listener: socket.socket,
    admin: socket.socket | Path | None = None,
    grace_s: float = 30.0,
    drain_delay_s: float = 0.0,
    keep_alive_s: int = 75,
    tls: Tls | tuple[str, str] | None = None,
    on_start: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then end in order; returns when all is done.

    The order: ``/readyz`` says "draining"; after ``drain_delay_s`` no new connection is accepted; answers in work, streams
    included, have ``grace_s`` seconds to end, and are cut off after that. A second signal cuts them off at once.
    ``admin``: a second listener, or the path of a Unix socket, for the operator's pages; it answers until the end. ``keep_alive_s``: how long an idle
    connection stays, longer than the 60 s of most load balancers, so that it is they who close it. ``tls``: the files of a
    certificate chain and its key, for https (boto3 sends bearer keys over nothing else), and what clients' certificates are verified
    against; the operator's pages stay plain.

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
    secured = Tls(*tls) if tls is not None else None
    if secured is not None:
        secured.verify()
    main = _Server(
        uvicorn.Config(
            app,
            **shared,
            **(secured.options() if secured is not None else {}),
            lifespan="on",
            timeout_graceful_shutdown=max(1, round(grace_s)),
        )
    )
    beside: dict[str, Any] = {"uds": str(admin)} if isinstance(admin, Path) else {}
    pages = _Server(uvicorn.Config(app.operations, **shared, **beside, lifespan="off", timeout_graceful_shutdown=1))
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


def _on_signal(loop: asyncio.AbstractEventLoop, number: signal.Signals, call: Callable[[str], None]) -> None:
    """``call`` with the signal's name, on the loop, when it comes."""
    try:
        loop.add_signal_handler(number, call, number.name)
    except NotImplementedError:  # on Windows; there a handler runs between two instructions of the main thread
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(call, number.name))


async def _run(
    app: Served,
    main: _Server,
    listener: socket.socket,
    *,
    pages: _Server | None,
    admin: socket.socket | Path | None,
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
        _on_signal(loop, number, stop)
    others = [asyncio.create_task(drain()), asyncio.create_task(_when_started(main, _settle))]
    if on_start is not None:
        others.append(asyncio.create_task(_when_started(main, on_start)))
    listeners = [admin] if isinstance(admin, socket.socket) else None
    beside = asyncio.create_task(pages.serve(sockets=listeners)) if pages is not None else None
    try:
        await main.serve(sockets=[listener])
    except SystemExit:  # uvicorn's way to say that the application did not start; the reason is in the log
        raise GuardrailsError("the server could not start: the log says why") from None
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
