"""The supervisor: it holds the listener, starts the other processes and starts them again, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn

from guardrails.errors import GuardrailsError
from guardrails.proxy.halfopen import HalfOpenProtocol
from guardrails.service.processes.pages import Together, reached
from guardrails.service.processes.plan import Plan

__all__ = ["Supervisor"]

# Seconds: between looks at a process that starts, the longest wait before one is started again, how long one must have run to be
# started again at once, and what processes have beyond their own grace before they are killed.
_LOOK_S, _LONGEST_S, _STEADY_S, _BEYOND_S = 0.1, 30.0, 10.0, 15.0

_log = logging.getLogger("guardrails.service")


class Supervisor:
    """Runs a plan. ``command``: what starts a process of ours, before its name and arguments."""

    def __init__(
        self, plan: Plan, command: Sequence[str], listener: socket.socket, admin: socket.socket | None
    ) -> None:
        self._plan = plan
        self._command = tuple(command)
        self._listener = listener
        self._admin = admin
        self._stopping = asyncio.Event()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._up: set[str] = set()  # what has come up once
        self._error: str | None = None
        # Each worker's models take their share of the processors, and no more.
        self._threads = max(1, len(os.sched_getaffinity(0)) // plan.workers) if hasattr(os, "sched_getaffinity") else 1

    async def run(self, on_start: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT. Raises GuardrailsError when a process could not start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number.name)
        self._plan.write()
        pages, beside = self._own_pages()
        hub = asyncio.create_task(self._keep("hub", ("hub",)))
        workers: list[asyncio.Task[None]] = []
        try:
            if await self._started("hub", hub, lambda: reached(self._plan.hub_pages)):
                workers = await self._start_workers()
            if workers and not self._stopping.is_set():
                on_start()
            await self._stopping.wait()
        finally:
            await self._end(hub, workers)
            if pages is not None and beside is not None:
                pages.should_exit = True
                await beside
        if self._error is not None:
            raise GuardrailsError(self._error)

    async def _start_workers(self) -> list[asyncio.Task[None]]:
        """The first alone: what stands against it stands against all of them, and is said once."""
        workers = []
        for number in range(self._plan.workers):
            task = asyncio.create_task(self._keep(f"worker {number}", ("worker", str(number))))
            workers.append(task)
            if number == 0 and not await self._worker_started(0, task):
                return workers
        await asyncio.gather(*(self._worker_started(n, task) for n, task in enumerate(workers)))
        return workers

    async def _worker_started(self, number: int, task: asyncio.Task[None]) -> bool:
        return await self._started(f"worker {number}", task, lambda: reached(self._plan.pages(number)))

    async def _started(self, name: str, task: asyncio.Task[None], there: Callable[[], Any]) -> bool:
        """Whether a process came up; if it ended instead, everything ends."""
        while not self._stopping.is_set():
            if await there():
                self._up.add(name)
                return True
            if task.done() or self._error is not None:
                break
            await asyncio.sleep(_LOOK_S)
        else:
            return False
        self._fail(name)
        return False

    def _fail(self, name: str) -> None:
        self._error = self._error or f"the {name} could not start: the log says why"
        self._stopping.set()

    async def _keep(self, name: str, arguments: Sequence[str]) -> None:
        """Start a process, and start it again whenever it ends, until the service does. One that never came up is not tried again."""
        wait = 0.0
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._one(name, arguments)
            if self._stopping.is_set():
                return
            if name not in self._up:
                self._fail(name)
                return
            wait = 0.0 if time.monotonic() - began > _STEADY_S else min(_LONGEST_S, max(0.2, wait * 2))
            _log.error("the %s ended with %d; it is started again", name, code)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)

    async def _one(self, name: str, arguments: Sequence[str]) -> int:
        """One process, from its start to its end. Its standard input is open for as long as we live."""
        worker = arguments[0] == "worker"
        process = await asyncio.create_subprocess_exec(
            *self._command,
            arguments[0],
            str(self._plan.folder),
            *arguments[1:],
            *((str(self._listener.fileno()),) if worker else ()),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=(self._listener.fileno(),) if worker else (),
            start_new_session=True,  # Ctrl+C is for us
            env={"OMP_NUM_THREADS": str(self._threads), **os.environ},
        )
        self._processes[name] = process
        try:
            return await process.wait()
        finally:
            self._processes.pop(name, None)

    def _stop(self, name: str) -> None:
        """The first signal drains; the second one is passed on, and cuts off what is in work."""
        if self._stopping.is_set():
            self._signal("worker")
            return
        _log.info("%s: draining", name)
        self._stopping.set()

    def _signal(self, which: str) -> None:
        for name, process in list(self._processes.items()):
            if name.startswith(which):
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)

    async def _end(self, hub: asyncio.Task[None], workers: Sequence[asyncio.Task[None]]) -> None:
        """First the workers, with the time that answers in work have; then the process that writes what they decided."""
        self._stopping.set()
        self._listener.close()
        self._signal("worker")
        await self._gone("worker", workers, self._plan.drain_delay + self._plan.grace + _BEYOND_S)
        self._signal("hub")
        await self._gone("hub", [hub], _BEYOND_S)

    async def _gone(self, which: str, tasks: Sequence[asyncio.Task[None]], seconds: float) -> None:
        if not tasks:
            return
        _, left = await asyncio.wait(tasks, timeout=seconds)
        if left:
            _log.error("a %s did not end in %.0f s and is killed", which, seconds)
            for name, process in list(self._processes.items()):
                if name.startswith(which):
                    process.kill()
            await asyncio.wait(left)

    def _own_pages(self) -> tuple[uvicorn.Server | None, asyncio.Task[None] | None]:
        """The pages of all on a port of their own."""
        if self._admin is None:
            return None, None
        app = Together([self._plan.pages(n) for n in range(self._plan.workers)], [self._plan.hub_pages])
        config = uvicorn.Config(app, http=HalfOpenProtocol, ws="none", access_log=False, log_config=None,
                                proxy_headers=False, server_header=False, lifespan="off",
                                timeout_graceful_shutdown=1)  # fmt: skip
        server = _Quiet(config)
        return server, asyncio.create_task(server.serve(sockets=[self._admin]))


class _Quiet(uvicorn.Server):
    """A server that leaves signals to the supervisor."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield
