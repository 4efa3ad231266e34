"""A worker's side of the link to the process that writes the log: records go there, and each is acknowledged once it is on the disk."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import orjson

from guardrails.errors import GuardrailsError
from guardrails.evidence.writer import Counts, Entry, EvidenceLost, Pending
from guardrails.service.processes.frames import HEAD, framed, length_of

__all__ = ["Link"]

# Seconds between tries to reach a writer that is gone, for the first one, and for what is sent at the end.
_RETRY_S, _FIRST_S, _LAST_S = 0.1, 30.0, 10.0
# Messages that are sent together at most.
_TOGETHER = 256

_log = logging.getLogger("guardrails.evidence")


class Link:
    """Takes the place of a :class:`~guardrails.evidence.writer.Writer` in a process that does not write. Thread-safe.

    A record that its caller waits for fails when the writer is gone; one that ``stays`` is sent again, so it may be in the log twice.
    """

    def __init__(self, path: Path, queue: int) -> None:
        """``path``: the writer's socket; ``queue``: records that may be on their way. Raises GuardrailsError when nobody is there."""
        self.counts = Counts()
        self._path = path
        self._queue = queue
        self._wake = threading.Condition()
        self._waiting: deque[tuple[int, Pending]] = deque()
        self._unanswered: dict[int, Pending] = {}
        self._asked: dict[int, tuple[Any, Future[Any]]] = {}
        self._questions: deque[int] = deque()
        self._number = 0
        self._gone = self._broken = self._closing = False
        self._reported = (0, 0)
        self._socket = self._connected(_FIRST_S)
        if self._socket is None:
            raise GuardrailsError("the process that writes the evidence log cannot be reached")
        self._thread = threading.Thread(target=self._run, name="guardrails-link", daemon=True)
        self._thread.start()

    def put(self, *records: Pending) -> bool:
        """As the writer's: records, in this order; False when they cannot be taken."""
        with self._wake:
            full = len(self._waiting) + len(self._unanswered) + len(records) > self._queue
            if self._closing or full or (self._gone and not all(r.stays for r in records)):
                return False
            for record in records:
                self._number += 1
                self._waiting.append((self._number, record))
            self._wake.notify()
        return True

    def ask(self, question: Any) -> Future[Any]:
        """An answer of the other process. The future raises EvidenceLost when that is gone."""
        asked: Future[Any] = Future()
        asked.set_running_or_notify_cancel()
        with self._wake:
            if self._gone or self._closing:
                asked.set_exception(EvidenceLost("the other process is gone"))
                return asked
            self._number += 1
            self._asked[self._number] = question, asked
            self._questions.append(self._number)
            self._wake.notify()
        return asked

    def missed(self, *, lost: bool) -> None:
        """Count a decision without a record; the log says so as soon as the writer is there."""
        with self._wake:
            self.counts.miss(lost=lost)
            self._wake.notify()

    @property
    def size(self) -> int:
        """How many records went over the link."""
        return self._number - len(self._waiting) - len(self._unanswered)

    def close(self) -> None:
        """Send what waits, and let go. Raises EvidenceLost when something was not acknowledged."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(_LAST_S)
        with self._wake:
            left = len(self._waiting) + len(self._unanswered)
        if left:
            raise EvidenceLost(f"{left} records could not be handed over")

    # -- the threads -------------------------------------------------------------------------------------------------

    def _connected(self, seconds: float) -> socket.socket | None:
        until = time.monotonic() + seconds
        while True:
            made = socket.socket(socket.AF_UNIX)
            try:
                made.connect(str(self._path))
            except OSError:
                made.close()
                if time.monotonic() >= until:
                    return None
                time.sleep(_RETRY_S)
            else:
                return made

    def _run(self) -> None:
        connection = self._socket
        while True:
            if connection is not None:
                reader = threading.Thread(target=self._read, args=(connection,), name="guardrails-link-in", daemon=True)
                reader.start()
                self._pump(connection)
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                reader.join()
                connection.close()
            with self._wake:
                done = self._closing and not self._waiting and not self._unanswered
            if done:
                return
            self._lost()
            connection = self._connected(_RETRY_S)
            if connection is not None:
                with self._wake:
                    self._broken = self._gone = self.counts.down = False
                _log.warning("the process that writes the evidence log is there again")
            elif self._closing:
                return

    def _pump(self, connection: socket.socket) -> None:
        """Send what comes, until the connection breaks, or all is sent and answered after the close."""
        while True:
            with self._wake:
                self._wake.wait_for(self._due)
                if self._broken or (self._closing and not self._waiting and not self._unanswered):
                    return
                messages = self._messages()
            try:
                connection.sendall(b"".join(messages))
            except OSError:
                return

    def _due(self) -> bool:
        ended = self._closing and not self._unanswered
        return bool(self._broken or self._waiting or self._questions or self._gap() or ended)

    def _gap(self) -> bool:
        return self._reported != (self.counts.lost, self.counts.refused)

    def _messages(self) -> list[bytes]:
        found: list[bytes] = []
        if self._gap():
            self._reported = self.counts.lost, self.counts.refused
            found.append(framed({"gap": self._reported}))
        while self._questions:
            number = self._questions.popleft()
            found.append(framed({"ask": number, "what": self._asked[number][0]}))
        group = [self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting)))]
        self._unanswered.update(group)
        found += [
            framed({"record": number, "kind": p.kind, "body": p.body.decode(), "id": p.id, "salt": p.salt.hex(), "stays": p.stays})
            for number, p in group
        ]  # fmt: skip
        return found

    def _read(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as stream:
                while len(head := stream.read(HEAD.size)) == HEAD.size:
                    self._answered(orjson.loads(stream.read(length_of(head))))
        except (OSError, ValueError):
            pass
        with self._wake:
            self._broken = True
            self._wake.notify()

    def _answered(self, message: dict[str, Any]) -> None:
        done: list[tuple[Pending, Entry | None]] = []
        with self._wake:
            for number, seq, leaf in message.get("written", ()):
                if (pending := self._unanswered.pop(number, None)) is not None:
                    done.append((pending, Entry(seq, bytes.fromhex(leaf))))
            for number in message.get("lost", ()):
                if (pending := self._unanswered.pop(number, None)) is not None:
                    done.append((pending, None))
            if "down" in message:
                self.counts.down = bool(message["down"])
            asked = self._asked.pop(message.get("answer", 0), None)
            self._wake.notify()
        for pending, entry in done:
            if entry is None:
                pending.done.set_exception(EvidenceLost("the record could not be written"))
            else:
                pending.done.set_result(entry)
        if asked is not None:
            asked[1].set_result(message["told"])

    def _lost(self) -> None:
        """The writer is gone: who waits is told, and the other records are sent to the next one."""
        with self._wake:
            if not self._gone:
                self.counts.failures += 1
                _log.error("the process that writes the evidence log is gone")
            self._gone = self.counts.down = True
            everything = [*sorted(self._unanswered.items()), *self._waiting]
            self._unanswered.clear()
            self._waiting = deque((n, p) for n, p in everything if p.stays)
            gone = [p for _, p in everything if not p.stays]
            asked = [one for _, one in self._asked.values()]
            self._asked.clear()
            self._questions.clear()
        for pending in gone:
            pending.done.set_exception(EvidenceLost("the process that writes the evidence log is gone"))
        for one in asked:
            one.set_exception(EvidenceLost("the other process is gone"))
