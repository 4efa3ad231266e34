"""Where records go besides the files of the log: standard output, PostgreSQL, S3.

A sink follows the log. The files have every record before a sink sees it, and they are what waits while a sink is down: nothing is
dropped, and each sink goes on where it stopped. An address says which sink is meant: ``stdout``, ``postgresql://…``, ``s3://bucket/prefix``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from guardrails.errors import GuardrailsError
from guardrails.evidence.segments import Place

__all__ = ["Sink", "SinkDown", "open_sink", "scheme_of"]

# What an address begins with → the module that has its ``Sink``.
_SCHEMES = {"stdout": "stdout", "postgresql": "postgresql", "postgres": "postgresql", "s3": "s3"}


class SinkDown(GuardrailsError):
    """A sink does not take records now. The message names no secret."""


class Sink(Protocol):
    """One place that records go to. Used by one thread.

    ``name``: how figures and records call it. ``whole_segments``: it takes closed segments, not single records.
    """

    name: str
    whole_segments: bool

    def open(self, begun: int, size: int) -> int:
        """Connect to it; the log has ``size`` records, and had ``begun`` when this process opened it. Returns the number of the first
        record that the sink has not. Raises SinkDown."""
        ...

    def send(self, first: int, upto: int) -> int:
        """Some of the records ``first`` to ``upto`` (exclusive), which are safe there when this returns. Returns the number of the first
        one that it has not now. Raises SinkDown."""
        ...

    def close(self) -> None:
        """Let go of the connection; :meth:`open` may follow."""
        ...


def scheme_of(address: object) -> str:
    """The kind of sink that an address means. Raises GuardrailsError, which does not repeat the address: it may hold a password."""
    scheme = address.partition(":")[0] if isinstance(address, str) else ""
    if scheme not in _SCHEMES:
        raise GuardrailsError(
            "evidence.sinks: a sink is written stdout, postgresql://user@host/database, or s3://bucket/prefix?endpoint=https://…"
        )
    return _SCHEMES[scheme]


def open_sink(address: str, place: Place, log: str) -> Sink:
    """The sink of an address, for the log of that name. Connects to nothing. Raises GuardrailsError for an address that cannot be read,
    or where the package that it needs is not installed."""
    made: Sink = import_module(f"guardrails.evidence.sinks.{scheme_of(address)}").open_sink(address, place, log)
    return made
