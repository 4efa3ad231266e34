"""The process that writes: it opens the log of evidence, takes the records of all workers, and keeps what they share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, generate_latest

from guardrails.asgi.recording import EvidenceFigures
from guardrails.evidence import EvidenceLog, EvidenceLost
from guardrails.evidence.writer import Pending
from guardrails.service.processes.frames import HEAD, framed, length_of
from guardrails.service.processes.handed import answered
from guardrails.service.processes.plan import Plan
from guardrails.stores import Memory

__all__ = ["Hub", "run"]

# Seconds between looks at whether the log can be written, and that workers have after the supervisor is gone.
_LOOK_S, _LEFT_S = 0.25, 60.0

_log = logging.getLogger("guardrails.evidence")


class Hub:
    """The log, when there is one, and what the workers share. ``log`` is closed by whoever opened it."""

    def __init__(self, log: EvidenceLog | None) -> None:
        self._log = log
        self._store = Memory()
        self._registry = CollectorRegistry()
        if log is not None:
            self._registry.register(EvidenceFigures(log))
        self._workers: set[_Worker] = set()
        self._number = 0

    async def serve(self, path: Path, pages: Path, ended: asyncio.Event) -> None:
        """Serve workers on one socket, and figures on the other, until ``ended``, and then until the last worker has gone."""
        path.unlink(missing_ok=True)
        pages.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, path, limit=1 << 20)
        told = await asyncio.start_unix_server(self._page, pages)
        looking = asyncio.create_task(self._look())
        try:
            await ended.wait()
            server.close()
            for _ in range(round(_LEFT_S / _LOOK_S)):
                if not self._workers:
                    break
                await asyncio.sleep(_LOOK_S)
        finally:
            server.close()
            told.close()
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look(self) -> None:
        """Workers know whether a decision can be recorded, so that their pages say it."""
        while True:
            for worker in tuple(self._workers):
                worker.told_down(self._log is not None and (self._log.counts.down or self._log.refuses))
            await asyncio.sleep(_LOOK_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._number += 1
        worker = _Worker(self, writer, self._number)
        self._workers.add(worker)
        try:
            while True:
                length = length_of(await reader.readexactly(HEAD.size))
                await worker.take(orjson.loads(await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, OSError):
            pass
        except (ValueError, KeyError, TypeError) as error:  # not a message of ours
            _log.error("a worker sent what cannot be read: %s", type(error).__name__)
        finally:
            self._workers.discard(worker)
            worker.gone = True
            writer.close()

    async def _page(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """``/metrics``, and ``/readyz`` for whoever waits for us. Only the supervisor and the workers can ask."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            figures = head.startswith(b"GET /metrics ")
            body = generate_latest(self._registry) if figures else b'{"status":"ready"}'
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()

    def put(self, *records: Pending) -> bool:
        """Hand records to the log."""
        return self._log is not None and self._log.take(*records)

    def answer(self, question: Mapping[str, Any]) -> Any:
        """What a worker asks the store."""
        return answered(self._store, question)


class _Worker:
    """One worker's connection."""

    def __init__(self, hub: Hub, writer: asyncio.StreamWriter, number: int) -> None:
        self._hub = hub
        self._writer = writer
        self._number = number
        self._loop = asyncio.get_running_loop()
        self._written: list[tuple[int, int, str]] = []
        self._lost: list[int] = []
        self._down = False
        self.gone = False

    async def take(self, message: dict[str, Any]) -> None:
        """One message of the worker."""
        if "record" in message:
            self._record(message)
        elif "ask" in message:
            self._send({"answer": message["ask"], "told": self._hub.answer(message["what"])})
        elif "gap" in message:
            lost, refused = message["gap"]
            fields = {"worker": self._number, "lost_since_start": lost, "refused_since_start": refused}
            self._hub.put(Pending("gap", orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)))

    def told_down(self, down: bool) -> None:
        """Tell the worker whether the log can be written, when that has changed."""
        if down != self._down:
            self._down = down
            self._send({"down": down})

    def _record(self, message: Mapping[str, Any]) -> None:
        number = message["record"]
        pending = Pending(
            message["kind"], message["body"].encode(), message["id"], bytes.fromhex(message["salt"]), message["stays"]
        )
        pending.done.add_done_callback(partial(self._settled, number))
        if not self._hub.put(pending):
            pending.done.set_exception(EvidenceLost("the queue of the evidence log is full, or the log is closed"))

    def _settled(self, number: int, done: Any) -> None:
        """On the writer's thread, or on this one."""
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self._loop.call_soon_threadsafe(self._acknowledge, number, done)

    def _acknowledge(self, number: int, done: Any) -> None:
        if not self._written and not self._lost:
            self._loop.call_soon(self._flush)
        if done.exception() is not None:
            self._lost.append(number)
        else:
            entry = done.result()
            self._written.append((number, entry.seq, entry.leaf.hex()))

    def _flush(self) -> None:
        message = {"written": self._written, "lost": self._lost}
        self._written, self._lost = [], []
        self._send(message)

    def _send(self, message: Any) -> None:
        if not self.gone and not self._writer.is_closing():
            self._writer.write(framed(message))


def run(plan: Plan, ending: Callable[[asyncio.Event], None]) -> None:
    """Write until ``ending`` sets the event it is given. Raises GuardrailsError or OSError when the log cannot be opened, EvidenceLost
    when something was not written at the end."""
    log = EvidenceLog.open(plan.settings.evidence) if plan.settings.evidence is not None else None
    try:
        asyncio.run(_served(Hub(log), plan, ending))
    finally:
        if log is not None:
            log.close()


async def _served(hub: Hub, plan: Plan, ending: Callable[[asyncio.Event], None]) -> None:
    ended = asyncio.Event()
    ending(ended)
    await hub.serve(plan.hub, plan.hub_pages, ended)
