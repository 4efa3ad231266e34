"""What a caller gets for a decision that is recorded, or will be."""

from __future__ import annotations

from guardrails.evidence.writer import Entry, EvidenceLost, Pending

__all__ = ["Receipt", "unrecorded"]


class Receipt:
    """That a decision is recorded, or will be. ``id`` is the decision's."""

    def __init__(self, id: str, pending: Pending) -> None:
        self.id = id
        self._pending = pending

    @property
    def durable(self) -> bool:
        """Whether the record is on the disk."""
        done = self._pending.done
        return done.done() and done.exception() is None

    def wait(self, timeout: float | None = None) -> Entry:
        """Where the record stands, once it is on the disk. Raises EvidenceLost, or TimeoutError after ``timeout`` seconds."""
        return self._pending.done.result(timeout)

    def __repr__(self) -> str:
        return f"Receipt({self.id!r}, durable={self.durable})"


def unrecorded(id_: str) -> Receipt:
    """For a decision that counts without a record."""
    pending = Pending("decision", b"{}")
    pending.done.set_exception(EvidenceLost("this decision was not recorded"))
    return Receipt(id_, pending)
