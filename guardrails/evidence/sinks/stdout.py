"""``stdout``: every record is a line of standard output, at least once."""

from __future__ import annotations

import sys

from guardrails.errors import GuardrailsError
from guardrails.evidence.segments import Place
from guardrails.evidence.sinks import SinkDown
from guardrails.evidence.tail import Cursor, Tail

__all__ = ["open_sink"]


class _Stdout:
    name = "stdout"
    whole_segments = False

    def __init__(self, place: Place) -> None:
        self._tail = Tail(place)
        self._cursor = Cursor(place, self.name, "")

    def open(self, begun: int, size: int) -> int:
        """Where the last process stopped; a log that never had this sink begins with what this process writes."""
        known = self._cursor.load()
        return begun if known is None else min(known, size)

    def send(self, first: int, upto: int) -> int:
        try:
            found = self._tail.read(first, upto)
            sys.stdout.buffer.write(b"\n".join((*found, b"")))
            sys.stdout.buffer.flush()
            self._cursor.save(first + len(found))
        except (OSError, ValueError) as error:
            raise SinkDown(f"standard output takes no records: {type(error).__name__}") from None
        return first + len(found)

    def close(self) -> None:
        self._tail.close()


def open_sink(address: str, place: Place, log: str) -> _Stdout:  # noqa: ARG001 - what every sink is given
    """Raises GuardrailsError for an address that says more."""
    if address != "stdout":
        raise GuardrailsError("evidence.sinks: write stdout, and nothing behind it")
    return _Stdout(place)
