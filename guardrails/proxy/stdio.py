"""A local MCP server under a policy: its command runs behind us, and each line between it and its client is a message that is checked.

The stdio transport is one JSON-RPC message a line in either direction; standard error is the server's own. Nothing else may be
written to standard output.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from io import RawIOBase
from typing import IO, Any

from guardrails.cache import Verdicts
from guardrails.decision import Decision
from guardrails.errors import GuardrailsError
from guardrails.evidence import Context as RecordContext
from guardrails.evidence import EvidenceLog, EvidenceLost, Text
from guardrails.exchange import Catalogue, Kept, Messages, Tenancy
from guardrails.exchange.context import Context
from guardrails.exchange.message import withheld
from guardrails.exchange.tally import Tally
from guardrails.guard import Guard
from guardrails.wire import strict
from guardrails.wire.limits import BodyLimits, Malformed
from guardrails.wire.mcp import MCP, Sender, error

__all__ = ["Lines", "run"]

_log = logging.getLogger("guardrails.proxy")

# Bytes of one message; an image may be in it.
_LIMITS = BodyLimits(bytes=64_000_000)
_PART = 65_536
UNRECORDED = "the decision about this message cannot be recorded, and without a record nothing is passed on"
_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")
# What a shell says of a program that a signal ended: this and the signal's number.
_BY_SIGNAL = 128


class Lines:
    """The messages between one client and one server, as lines. Thread-safe."""

    def __init__(
        self,
        guard: Guard,
        *,
        server: str | None = None,
        allowed: frozenset[str] = frozenset(),
        decided: Callable[[Decision], None] = lambda _: None,
        evidence: EvidenceLog | None = None,
    ) -> None:
        """``server``: the name of the server in rules for calls. ``allowed``: methods and types of results that pass beside
        those of the protocol. ``decided`` is told of every decision. ``evidence``: where each is recorded before it takes effect."""
        self._evidence = evidence
        self._tenancy = Tenancy("default", guard, secrets.token_bytes(32))
        self._verdicts = Verdicts()
        self._messages = Messages(Catalogue(), server=server, allowed=allowed)
        self._decided = decided

    def check(self, line: bytes, sender: Sender) -> tuple[bytes | None, bytes | None]:
        """What goes on in place of a line, and what its sender is answered; None for nothing."""
        if not line.strip():
            return None, None
        try:
            message = (strict.parse if sender is Sender.CLIENT else strict.parse_answer)(line, _LIMITS)
        except Malformed as malformed:
            _log.warning("a line of the %s is no message, and goes nowhere: %s", sender.value, malformed.reason)
            back = _line(error(None, malformed.reason, "parse_error")) if sender is Sender.CLIENT else None
            return None, back
        kept = None if self._evidence is None else Kept()
        context = Context(self._tenancy, MCP.open(message), verdicts=self._verdicts, kept=kept)
        tally = Tally()
        context.clock.begin()
        try:
            passed = self._messages.check(context, message, sender, tally)
            decision = context.record(sender.source, tally)
            self._decided(decision)
            if not self._recorded(decision, kept):
                passed = withheld(message, UNRECORDED)
        finally:
            context.forget()
        return _line(passed.onward), _line(passed.back)

    def _recorded(self, decision: Decision, kept: Kept | None) -> bool:
        """Whether a decision may take effect: it is recorded, or need not be."""
        if self._evidence is None or kept is None:
            return True
        texts = kept.of(decision.direction)
        said = None if texts is None else [Text(*one) for one in texts]
        about = RecordContext(route=decision.format)
        try:
            self._evidence.record(decision, said=said, guard=self._tenancy.guard, context=about)
        except EvidenceLost:
            _log.error("a message was withheld: its decision could not be recorded")
            return False
        return True


def run(command: Sequence[str], lines: Lines) -> int:
    """Run a server's command until it ends, and pass its messages and its client's on. Returns its exit status.

    The client is at our standard input and output. Signals are passed on. Raises GuardrailsError for a command that cannot be run.
    """
    try:
        child = subprocess.Popen(  # noqa: S603 - the operator names it
            [shutil.which(command[0]) or command[0], *command[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    except OSError as failed:
        raise GuardrailsError(f"{command[0]}: cannot be run: {failed.strerror}") from None
    if child.stdin is None or child.stdout is None:  # for the type checker: both were asked for
        raise GuardrailsError(f"{command[0]}: cannot be run")
    for name in _SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: child.send_signal(number))
    client, server = _Out(sys.stdout.buffer), _Out(child.stdin)
    source: Any = sys.stdin.buffer  # read without its lock, which a thread that waits would keep at the end
    up = threading.Thread(
        target=_pump, args=(source.raw, Sender.CLIENT, lines, server, client), name="client", daemon=True
    )
    up.start()
    raw: Any = child.stdout
    _pump(raw.raw, Sender.SERVER, lines, client, server)
    status = child.wait()
    return _BY_SIGNAL - status if status < 0 else status


class _Out:
    """Where lines are written, by more than one thread. A reader that is gone is no error."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, data: bytes | None) -> bool:
        """Whether there is somebody to read it."""
        if data is None:
            return True
        with self._lock:
            try:
                self._stream.write(data)
                self._stream.flush()
            except (OSError, ValueError):  # ValueError: closed here already
                return False
        return True

    def close(self) -> None:
        """Nothing more comes."""
        with self._lock:
            try:
                self._stream.close()
            except OSError:
                return


def _pump(source: RawIOBase, sender: Sender, lines: Lines, onward: _Out, back: _Out) -> None:
    """Pass messages on until one side ends."""
    try:
        for line in _read(source):
            on, answer = lines.check(line, sender)
            if not (onward.write(on) and back.write(answer)):
                return
    except Malformed as malformed:
        _log.error("the %s is not read any more: %s", sender.value, malformed.reason)
    finally:
        onward.close()


def _read(source: RawIOBase) -> Iterator[bytes]:
    """Lines. Raises Malformed for one that is too long."""
    rest = bytearray()
    while part := source.read(_PART):
        *whole, last = part.split(b"\n")
        for line in whole:
            yield bytes(rest) + line
            rest.clear()
        rest += last
        if len(rest) > _LIMITS.bytes:
            raise Malformed(413, f"a line has more than {_LIMITS.bytes} bytes")
    if rest:
        yield bytes(rest)


def _line(message: Any) -> bytes | None:
    return None if message is None else strict.dump(message) + b"\n"
