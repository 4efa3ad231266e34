"""A log of evidence: what was decided, and how everything that decides came and went, so that nobody can change it later.

``EvidenceLog.open("evidence/")`` gives one; :meth:`EvidenceLog.record` adds a decision; the other side is ``guardrails audit``.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from guardrails import __version__
from guardrails.decision import Decision, new_id
from guardrails.errors import GuardrailsError
from guardrails.evidence.canonical import canonical, clean, of_schema
from guardrails.evidence.files import Disk, Lock
from guardrails.evidence.following import Follower, SinkState
from guardrails.evidence.keys import load_hashing, load_signer, new_salt, save_signer
from guardrails.evidence.note import Signer, Witness
from guardrails.evidence.reader import Reader
from guardrails.evidence.receipt import Receipt, unrecorded
from guardrails.evidence.record import Context, Sealing, Texts, of_decision, of_policy, of_report, texts_of
from guardrails.evidence.recovery import recover
from guardrails.evidence.retention import removable, remove
from guardrails.evidence.samples import Samples, Sampling
from guardrails.evidence.segments import LONGEST, SALT, Place
from guardrails.evidence.settings import EvidenceFailure, EvidenceMode, EvidenceSettings
from guardrails.evidence.sinks import Sink, open_sink
from guardrails.evidence.writer import Counts, EvidenceLost, Pending, Writer
from guardrails.guard import Guard
from guardrails.pieces import Checkable
from guardrails.types import PolicyIdentity, Report

__all__ = ["EvidenceLog"]

# What was announced before is not announced again: policies of tenants and models.
_ANNOUNCED = 50_000
# Seconds that sinks have at the end.
_PATIENCE_S = 3.0
# Seconds between looks for records that are older than they have to be kept.
_PRUNING_S = 3_600.0

_log = logging.getLogger("guardrails.evidence")


class EvidenceLog:
    """One log, with one writer. Thread-safe."""

    def __init__(self, settings: EvidenceSettings, writer: Writer, place: Place, lock: Lock, disk: Disk) -> None:
        """Use :meth:`open`."""
        self.settings = settings
        self._writer = writer
        self._followers: list[Follower] = []
        self._place = place
        self._lock = lock
        self._disk = disk
        self._hashing = load_hashing(place, disk)
        self._announced: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._guarding = threading.Lock()
        self._closed = False
        self._samples: Samples | None = None
        self._sampling: Sampling | None = None
        self._ended = threading.Event()
        self._pruning = threading.Thread(target=self._prune_always, name="guardrails-evidence-retention", daemon=True)

    @classmethod
    def open(
        cls,
        settings: EvidenceSettings | Mapping[str, Any] | str | Path,
        *,
        disk: Disk | None = None,
    ) -> Self:
        """Open the log of a directory, or begin one. What a crash left half-written is cut off, which is recorded.

        Raises GuardrailsError when another process writes it, or when it is not what its last checkpoint was signed for;
        OSError when the directory cannot be written.
        """
        settings = EvidenceSettings.of(settings)
        disk = disk or Disk()
        place = Place(settings.directory)
        disk.make(place.root)
        lock = Lock(place.root / "lock")
        try:
            opened = recover(place, disk)
            signer = load_signer(place, disk, settings.name or f"guardrails.invalid/{secrets.token_hex(4)}")
            sinks = [open_sink(address, place, signer.name) for address in settings.sinks]
            log = cls(settings, Writer(settings, place, disk, opened, signer), place, lock, disk)
            log._follow(sinks)
            if settings.sample_days is not None:
                log._samples = Samples(place, make=True)
            log._start(signer, opened.cut)
        except BaseException:
            disk.close()
            lock.release()
            raise
        return log

    def _start(self, signer: Signer, cut: int) -> None:
        rotating = self._rotation() if (self._place.private / "signing.next").exists() else None
        told = {"engine": __version__, "mode": self.settings.mode.value, "on_failure": self.settings.on_failure.value,
                "owner": self.settings.owner or "", "verifier": str(signer.verifier), "recovered_bytes": cut}  # fmt: skip
        started = self.event("start", told)
        self._writer.start()
        try:
            if rotating is not None:
                self._finish_rotation(rotating)
            started.wait()
        except EvidenceLost:
            with suppress(EvidenceLost):
                self._writer.close()
            raise
        for follower in self._followers:
            follower.start()
        if self.settings.keep_days is not None:
            self._pruning.start()
        if self._samples is not None:
            self._sampling = Sampling(self._samples, self.settings.sample_days or 0.0, self.settings.sample_share)

    def _prune_always(self) -> None:
        while not self._ended.wait(_PRUNING_S):
            try:
                self.prune()
            except (OSError, GuardrailsError) as error:
                _log.error("evidence: old records could not be removed: %s", type(error).__name__)

    def _follow(self, sinks: Iterable[Sink]) -> None:
        """A follower for each sink, which begins with :meth:`_start`."""
        writer = self._writer

        def told(fields: Mapping[str, Any]) -> None:
            with suppress(EvidenceLost):  # the figures say it too
                self.event("sink", fields)

        for sink in sinks:
            size = (lambda: writer.closed) if sink.whole_segments else (lambda: writer.size)
            self._followers.append(Follower(sink, size, self.settings.spool, told))
        writer.grown = self._grown

    def _grown(self) -> None:
        for follower in self._followers:
            follower.grown()

    # -- recording ---------------------------------------------------------------------------------------------------

    def record(
        self,
        decision: Decision | Report,
        *,
        said: Texts | Checkable | None = None,
        guard: Guard | None = None,
        context: Context | None = None,
        id: str | None = None,
        tenant: str = "default",
    ) -> Receipt:
        """Record a decision; in the mode ``strict`` this returns when it is on the disk.

        ``said``: the texts that it is about, as ``check`` took them or with their places; only hashes of them are kept. ``guard``: whose
        rules decided. ``id`` and ``tenant`` are those of a report; a decision has its own. Raises EvidenceLost when it cannot be recorded and the setting says ``block``.
        """
        receipt = self._submit(decision, said, guard, context, id, tenant)
        if self.settings.mode is EvidenceMode.STRICT and receipt is not None:
            try:
                receipt.wait()
            except EvidenceLost:
                receipt = None
        return receipt or self._missed(id)

    async def arecord(
        self,
        decision: Decision | Report,
        *,
        said: Texts | Checkable | None = None,
        guard: Guard | None = None,
        context: Context | None = None,
        id: str | None = None,
        tenant: str = "default",
    ) -> Receipt:
        """As :meth:`record`, and the event loop goes on meanwhile."""
        receipt = self._submit(decision, said, guard, context, id, tenant)
        if self.settings.mode is EvidenceMode.STRICT and receipt is not None:
            try:
                await asyncio.wrap_future(receipt._pending.done)
            except EvidenceLost:
                receipt = None
        return receipt or self._missed(id)

    def event(self, kind: str, fields: Mapping[str, Any] | None = None) -> Receipt:
        """Record something else than a decision: a policy, a model, a key, a start or stop, an override. The fields are strings,
        integers, booleans and lists or mappings of them. Raises EvidenceLost when the queue is full."""
        pending = Pending(kind, canonical(dict(fields or {})))
        if not kind.isidentifier() or len(pending.body) > LONGEST // 2:
            raise GuardrailsError("an event has a name of letters, and fewer than 8 MB of fields")
        if not self._writer.put(pending):
            raise EvidenceLost("the queue of the evidence log is full, or the log is closed")
        return Receipt("", pending)

    def _submit(  # noqa: PLR0917 - what record() takes
        self, decision: Decision | Report, given: Texts | Checkable | None, guard: Guard | None, context: Context | None,
        id_: str | None, tenant: str,
    ) -> Receipt | None:  # fmt: skip
        """The decision on its way, or None when the queue has no room for it, or a sink is too far behind."""
        if self._overdue:
            return None
        said, context = texts_of(given), context or Context()
        sealing = Sealing(self._hashing, new_salt(), self.settings.owner)
        if isinstance(decision, Report):
            id_ = id_ or new_id()
            fields = of_report(decision, said, guard, context, sealing, id=id_, tenant=tenant)
            weights = decision.models
        else:
            id_, tenant = decision.id, decision.tenant
            fields = of_decision(decision, said, guard, context, sealing)
            weights = decision.weights
        stays = self.settings.mode is EvidenceMode.FAST
        pending = Pending("decision", of_schema(fields), id_, sealing.salt, stays)
        before = self._new(tenant, decision.policy, weights, guard)
        if not self._writer.put(*before, pending):
            return None
        if self._sampling is not None and said:
            self._sampling.offer(
                id_, decision.source if isinstance(decision, Report) else decision.direction, tenant, said
            )
        return Receipt(id_, pending)

    def _missed(self, id_: str | None) -> Receipt:
        """A decision without a record: the setting says what becomes of it."""
        blocks = self.settings.on_failure is EvidenceFailure.BLOCK
        self._writer.missed(lost=not blocks)
        if blocks:
            raise EvidenceLost(
                "the decision cannot be recorded, and the setting evidence.on_failure is `block`: look at the log of the process,"
                " the disk of evidence.directory, and evidence.sinks"
            )
        return unrecorded(id_ or "")

    def _new(
        self, tenant: str, policy: PolicyIdentity, weights: Mapping[str, str], guard: Guard | None
    ) -> list[Pending]:
        """Records of the policy and the models of a decision, where they decide for the first time since the start."""
        found = []
        key = ("policy", tenant, policy.sha256)
        if self._first(key):
            found.append(Pending("policy", canonical(of_policy(policy, guard, tenant))))
        for name, sha in sorted(weights.items()):
            if self._first(("model", name, sha)):
                found.append(Pending("model", canonical({"id": name, "sha256": sha})))
        return found

    def _first(self, key: tuple[str, ...]) -> bool:
        if key in self._announced:
            return False
        with self._guarding:
            if key in self._announced:
                return False
            self._announced[key] = None
            while len(self._announced) > _ANNOUNCED:
                self._announced.popitem(last=False)
            return True

    def take(self, *records: Pending) -> bool:
        """Records that were made in another process; False when the queue has no room for them, the log is closed, or a sink is too far behind."""
        return not self._overdue and self._writer.put(*records)

    # -- keys, salts, the end ----------------------------------------------------------------------------------------

    def rotate_key(self) -> None:
        """Sign with a new key from now on. The log itself says so, under a checkpoint that both keys sign; the old one is destroyed.
        Raises OSError or EvidenceLost."""
        name = load_signer(self._place, self._disk, "").name
        self._disk.replace(self._place.private / "signing.next", Signer.new(name).dump().encode(), mode=0o600)
        self._finish_rotation(self._rotation())

    def _rotation(self) -> Signer:
        """The new key on its way into the log."""
        signer = Signer.parse((self._place.private / "signing.next").read_text(encoding="utf-8"))
        if not self._writer.put(Pending("key", canonical({"verifier": str(signer.verifier)}), signer=signer)):
            raise EvidenceLost("the queue of the evidence log is full, or the log is closed")
        return signer

    def _finish_rotation(self, signer: Signer) -> None:
        """Once a checkpoint carries both signatures, the new key is the key."""
        self._writer.signed_by(signer)
        save_signer(self._place, self._disk, signer)
        (self._place.private / "signing.next").unlink()

    def erase(self, decision_id: str) -> int:
        """Erase the salts of a decision, and its kept texts: from now on nobody can show, or find out, which texts its commitments are to. The record
        stays, and its proof. Returns of how many records; that it was done is recorded. Raises OSError or EvidenceLost."""
        reader = Reader(self._place.root)
        found = reader.find(decision_id)
        starts = [first for first, _ in reader.segments()]
        for seq in found:
            first = starts[bisect_right(starts, seq) - 1]
            self._disk.overwrite(self._place.salts_of(first), (seq - first) * SALT, bytes(SALT))
        if self._place.samples_key.exists():
            self._settled().erase(decision_id)
        if found:
            self.event("erasure", {"decision_id": decision_id, "records": found}).wait()
        return len(found)

    def erase_samples(self, tenant: str) -> int:
        """Erase the kept texts of a tenant, and the key to them. Returns how many samples; that it was done is recorded. Raises OSError,
        EvidenceLost, or GuardrailsError where no samples are kept."""
        erased = self._settled().erase_tenant(tenant)
        self.event("erasure", {"tenant": clean(tenant), "samples": erased}).wait()
        return erased

    def _settled(self) -> Samples:
        """The store, once everything that waits for it is in it."""
        if self._sampling is not None:
            self._sampling.settle()
        return self._samples or Samples(self._place)

    def prune(self) -> int:
        """Remove the records that are older than ``keep_days`` says, as far as they are witnessed and every sink has them; done by itself every
        hour. Returns how many. Raises OSError or EvidenceLost."""
        if self.settings.keep_days is None:
            return 0
        reader, sent = Reader(self._place.root), min([self._writer.closed, *(f.position for f in self._followers)])
        witnesses = map(Witness.parse, self.settings.witnesses)
        found = removable(reader, self.settings.keep_days, witnesses, sent, datetime.now(UTC))
        if found is None:
            return 0
        self.event("retention", found.told()).wait()
        remove(reader, found, self._disk)
        return found.before - found.segments[0][0]

    @property
    def counts(self) -> Counts:
        """What became of records since the start."""
        return self._writer.counts

    @property
    def sinks(self) -> dict[str, SinkState]:
        """How each sink is; of two of one kind, the one that is further behind."""
        states = sorted(((f.name, f.state) for f in self._followers), key=lambda told: told[1].behind)
        return dict(states)

    @property
    def samples(self) -> tuple[int, int]:
        """How many samples were kept, and how many dropped for want of room, since the start."""
        return (self._sampling.kept, self._sampling.dropped) if self._sampling is not None else (0, 0)

    @property
    def refuses(self) -> bool:
        """Whether decisions are refused now, since the log cannot be written or a sink is too far behind."""
        return self._overdue or (self.counts.down and self.settings.on_failure is EvidenceFailure.BLOCK)

    @property
    def _overdue(self) -> bool:
        return self.settings.on_failure is EvidenceFailure.BLOCK and any(f.overdue for f in self._followers)

    @property
    def size(self) -> int:
        """How many records the log has."""
        return self._writer.size

    def close(self) -> None:
        """Record the stop, write what waits, sign a last checkpoint. Raises EvidenceLost when something could not be written."""
        if self._closed:
            return
        self._closed = True
        self._ended.set()
        self._writer.put(Pending("stop", b"{}"))
        try:
            self._writer.close()
        finally:
            for follower in self._followers:
                follower.close(_PATIENCE_S)
            if self._sampling is not None:
                self._sampling.close()
            self._disk.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"EvidenceLog({str(self.settings.directory)!r}, {self.size} records)"
