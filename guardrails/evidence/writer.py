"""The one thread that writes a log: records that arrive together are synced together, and signed checkpoints follow."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime

from guardrails.errors import GuardrailsError
from guardrails.evidence import filters
from guardrails.evidence.canonical import canonical
from guardrails.evidence.files import Disk
from guardrails.evidence.index import Building
from guardrails.evidence.keys import new_salt
from guardrails.evidence.note import Checkpoint, Signer, signed
from guardrails.evidence.recovery import Opened
from guardrails.evidence.segments import Place, Segment, frame
from guardrails.evidence.settings import EvidenceSettings
from guardrails.evidence.tree import leaf_hash

__all__ = ["SCHEMA", "Counts", "Entry", "EvidenceLost", "Pending", "Writer"]

SCHEMA = "guardrails.evidence/1"
# Records that are synced together at most, and seconds between tries while the disk refuses.
_GROUP = 1_024
_RETRY_S = 0.5
# Bytes of the newest segment after which its index is written anew: what a search reads of it at most.
_UNINDEXED = 4 * 1024 * 1024

_log = logging.getLogger("guardrails.evidence")


class EvidenceLost(GuardrailsError):
    """A record could not be written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a record stands, and the hash of its leaf."""

    seq: int
    leaf: bytes


def _future() -> Future[Entry]:
    """One that a caller who leaves cannot cancel: the record is written all the same."""
    made: Future[Entry] = Future()
    made.set_running_or_notify_cancel()
    return made


@dataclass(slots=True)
class Pending:
    """A record on its way. ``body`` is canonical JSON. ``stays``: it waits while the disk refuses, instead of failing.
    ``signer``: the next checkpoint is signed by this key too, and later ones by it alone."""

    kind: str
    body: bytes
    id: str | None = None
    salt: bytes = field(default_factory=new_salt, repr=False)
    stays: bool = True
    signer: Signer | None = field(default=None, repr=False)
    done: Future[Entry] = field(default_factory=_future)


@dataclass(slots=True)
class Counts:
    """What became of records: written, refused with their decision, or lost although their decision took effect."""

    written: int = 0
    refused: int = 0
    lost: int = 0
    failures: int = 0
    checkpoints: int = 0
    down: bool = False

    def miss(self, *, lost: bool) -> None:
        """Count a decision without a record."""
        if lost:
            self.lost += 1
        else:
            self.refused += 1


class Writer:
    """Takes records from any thread. ``grown`` is called when more of them are on the disk; set it before :meth:`start`."""

    def __init__(
        self,
        settings: EvidenceSettings,
        place: Place,
        disk: Disk,
        opened: Opened,
        signer: Signer,
    ) -> None:
        self.counts = Counts()
        self._settings = settings
        self._place = place
        self._disk = disk
        self._segment = opened.segment
        self._nodes = opened.nodes
        self._frontier = opened.frontier
        self._time = opened.last_time
        self._signers = [signer]
        self.grown: Callable[[], object] = lambda: None
        self._checkpoints = disk.open(place.checkpoints)
        self._signed = Checkpoint.parse(opened.notes[-1]).size if opened.notes else 0
        self._signed_with: Signer | None = None
        self._signed_at = -math.inf  # the first one is due at once
        self._index = opened.index
        self._indexed = 0  # bytes of the segment that its index on the disk covers at least
        self._begun = opened.begun  # when the segment's first record was written
        self._reported = 0  # of what was lost or refused
        self._waiting: deque[Pending] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="guardrails-evidence", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, *records: Pending) -> bool:
        """Records, in this order and with none between; False when the queue has no room for them."""
        with self._wake:
            if self._closing or len(self._waiting) + len(records) > self._settings.queue:
                return False
            self._waiting.extend(records)
            self._wake.notify()
        return True

    def missed(self, *, lost: bool) -> None:
        """Count a decision without a record; the log says so itself as soon as it can."""
        with self._wake:
            self.counts.miss(lost=lost)

    def close(self) -> None:
        """Write what waits, sign, and stop. Raises EvidenceLost when something could not be written."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        left = list(self._waiting)
        self._waiting.clear()
        for pending in left:
            pending.done.set_exception(EvidenceLost("the log was closed while its disk refused"))
        if left:
            raise EvidenceLost(f"{len(left)} records could not be written")

    def signed_by(self, signer: Signer) -> None:
        """Returns when a checkpoint carries this key's signature. Raises EvidenceLost after a minute without one."""
        with self._wake:
            if not self._wake.wait_for(lambda: self._signed_with is signer, 60.0):
                raise EvidenceLost("no checkpoint could be written")

    @property
    def size(self) -> int:
        """How many records there are."""
        return self._frontier.size

    @property
    def closed(self) -> int:
        """How many of them stand in closed segments."""
        return self._segment.first

    # -- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._waiting and not self._closing:
                    due = self._due() - time.monotonic()
                    self._wake.wait(max(0.0, min(due, _RETRY_S) if self.counts.down else due))
                group = [self._waiting.popleft() for _ in range(min(_GROUP, len(self._waiting)))]
                ending = self._closing
                closing = ending and not self._waiting
                gap = self.counts.lost + self.counts.refused - self._reported
            if gap and not self.counts.down:
                group.append(self._gap())
            try:
                self._work(group, closing=closing)
            except Exception:  # a defect: nothing is written any more, and everybody is told
                _log.exception("the evidence log stopped")
                self._stop(group)
                return
            if closing or (ending and self.counts.down):  # it was tried once more after the close
                return
            if self.counts.down:
                with self._wake:
                    self._wake.wait_for(lambda: self._closing, _RETRY_S)

    def _stop(self, group: list[Pending]) -> None:
        with self._wake:
            self._closing = self.counts.down = True
            group += self._waiting
            self._waiting.clear()
        for pending in group:
            if not pending.done.done():
                pending.done.set_exception(EvidenceLost("the evidence log stopped; the process's log says why"))

    def _work(self, group: list[Pending], *, closing: bool) -> None:
        if not group and self._frontier.size == self._signed and not closing:
            if time.monotonic() < self._due() and not self.counts.down:
                return
            group = [Pending("heartbeat", b"{}")]
        if group and not self._write(group):
            return
        unsigned = self._frontier.size - self._signed
        ending = not closing and self._ending()  # a closed segment is covered by a checkpoint
        full = unsigned >= self._settings.checkpoint_records or len(self._signers) > 1
        if unsigned and (closing or ending or full or self._due() <= time.monotonic()):
            self._sign()
        if ending and self._signed == self._frontier.size:
            self._rotate()
        elif closing or self._segment.size - self._indexed >= _UNINDEXED:
            self._save_index()

    def _ending(self) -> bool:
        """Whether the segment has the length or the age at which the next one begins."""
        age = (datetime.now(UTC) - self._begun).total_seconds() if self._begun is not None else 0.0
        return self._segment.size >= self._settings.segment_bytes or age >= self._settings.segment_seconds

    def _due(self) -> float:
        return self._signed_at + self._settings.checkpoint_seconds

    def _write(self, group: list[Pending]) -> bool:
        base = self._frontier.size
        records = [self._line(p, base + i) for i, p in enumerate(group)]
        try:
            self._segment.append(records, [p.salt for p in group])
        except (OSError, ValueError) as error:
            self._failed(group, error)
            return False
        if self.counts.down:
            _log.warning("the evidence log is written again")
        self.counts.down = False
        self.counts.written += len(group)
        entries = []
        for i, (pending, record) in enumerate(zip(group, records, strict=True)):
            leaf = leaf_hash(record)
            for level, node in self._frontier.append(leaf):
                self._nodes.add(level, node)
            self._index.add(record, pending.id)
            if pending.signer is not None:
                self._signers.insert(0, pending.signer)
            entries.append((pending, Entry(base + i, leaf)))
        for pending, entry in entries:
            pending.done.set_result(entry)
        self._flush()
        self._begun = self._begun or datetime.now(UTC)
        self.grown()
        return True

    def _flush(self) -> None:
        """The tree's files, which can be made again: what fails here is tried again later."""
        try:
            self._nodes.flush()
        except OSError:
            self.counts.failures += 1

    def _line(self, pending: Pending, seq: int) -> bytes:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        self._time = max(self._time, now)  # a clock that is set back does not take the log with it
        return b'{"body":%s,"kind":"%s","schema":"%s","seq":%d,"ts":"%s"}' % (
            pending.body, pending.kind.encode(), SCHEMA.encode(), seq, self._time.encode(),
        )  # fmt: skip

    def _failed(self, group: list[Pending], error: OSError | ValueError) -> None:
        """Nothing of the group is in the log: who waits is told, and the others wait on."""
        self.counts.failures += 1
        if not self.counts.down:
            _log.error(
                "the evidence log cannot be written: %s", getattr(error, "strerror", None) or type(error).__name__
            )
        self.counts.down = True
        kept = []
        for pending in group:
            if pending.stays:
                kept.append(pending)
            else:
                pending.done.set_exception(EvidenceLost("the record could not be written"))
        with self._wake:
            self._waiting.extendleft(reversed(kept))

    def _gap(self) -> Pending:
        """What the log says of decisions that it has no record of."""
        with self._wake:
            lost, refused = self.counts.lost, self.counts.refused
            self._reported = lost + refused
        return Pending("gap", canonical({"lost_since_start": lost, "refused_since_start": refused}))

    def _sign(self) -> None:
        """A checkpoint over everything that is on the disk. One that cannot be written is tried again with the next group."""
        size = self._frontier.size
        note = signed(Checkpoint(self._signers[0].name, size, self._frontier.root()).text(), self._signers)
        before = self._checkpoints.size
        try:
            self._nodes.flush()
            self._checkpoints.write(frame(note.encode()))
            self._checkpoints.sync()
            self._disk.replace(self._place.checkpoint, note.encode())
        except OSError as error:
            self.counts.failures += 1
            _log.error("a checkpoint of the evidence log cannot be written: %s", error.strerror)
            try:
                self._checkpoints.truncate(before)
            except OSError:
                self.counts.failures += 1
            self._signed_at = time.monotonic() + _RETRY_S - self._settings.checkpoint_seconds
            return
        self._signed = size
        self._signed_at = time.monotonic()
        del self._signers[1:]
        with self._wake:
            self.counts.checkpoints += 1
            self._signed_with = self._signers[0]
            self._wake.notify_all()

    def _save_index(self) -> None:
        """The index of what the segment has now, a cache: where it cannot be written, readers read the segment."""
        path = self._place.segment(self._segment.first)
        try:
            self._disk.replace(self._place.newest, self._index.dump(path.stem))
        except OSError:
            self.counts.failures += 1
        self._indexed = self._segment.size

    def _rotate(self) -> None:
        """Close the segment: its tree and its index are on the disk before the next one begins."""
        first = self._segment.first
        try:
            self._nodes.sync()
            self._disk.replace(self._place.index_of(first), self._index.dump(self._place.segment(first).stem))
            filters.add(
                self._place.filters, self._disk, filters.filter_of(first, self._segment.size, self._index.keys())
            )
            fresh = Segment(self._disk, self._place, self._frontier.size)
        except OSError:
            self.counts.failures += 1
            return
        self._segment.close()
        self._segment, self._index, self._begun, self._indexed = fresh, Building(), None, 0
        self.grown()
