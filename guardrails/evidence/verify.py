"""Verifying a whole log: every record, every checkpoint, every change of the key.

What this finds without help: an edited, removed, reordered or inserted record that a checkpoint covers; a log that was cut behind
its last checkpoint; damage. What it finds only against a checkpoint that somebody kept elsewhere: a log that was cut together with
its checkpoints, or rewritten or forked by whoever has the signing key.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import orjson
from cryptography.x509 import Certificate

from guardrails.errors import GuardrailsError
from guardrails.evidence.ends import Told
from guardrails.evidence.note import Checkpoint, Verifier, Witness
from guardrails.evidence.reader import Reader
from guardrails.evidence.scan import SPAN, Part, parts
from guardrails.evidence.timestamps import stamped_at
from guardrails.evidence.tree import Frontier, leaf_hash, subtrees

__all__ = ["Verified", "verify"]


@dataclass(slots=True)
class Verified:
    """What was found. ``size``: records; ``removed``: how many of the first were removed, and the log says so; ``signed``: how many of them checkpoints cover; ``kinds``: records of each kind; ``confirmed``: of
    how many records witnesses and time stamp authorities say that they were there, and when (UTC)."""

    size: int = 0
    removed: int = 0
    signed: int = 0
    checkpoints: int = 0
    root: bytes = b""
    first: str = ""
    last: str = ""
    kinds: Counter[str] = field(default_factory=Counter)
    confirmed: dict[str, tuple[int, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(slots=True)
class _Claim:
    """A checkpoint, and where it was found."""

    checkpoint: Checkpoint
    note: str
    where: str


def verify(
    reader: Reader,
    verifier: Verifier,
    against: Iterable[tuple[str, str]] = (),
    *,
    witnesses: Iterable[Witness] = (),
    authorities: Sequence[Certificate] = (),
    jobs: int = 1,
) -> Verified:
    """Verify a log under its first public key. ``against``: (name, note) of checkpoints that were kept elsewhere. ``witnesses`` have to have
    cosigned it, and where there are ``authorities`` (certificates), one of them has to have stamped it. ``jobs``: so many processes read
    the segments; what is found is the same. With more than one, a script has to guard its start (``if __name__ == "__main__"``).

    What is wrong is told in ``problems``, each with its place; what cannot be read at all raises OSError, and a process that ends
    GuardrailsError.
    """
    out = Verified()
    claims = _claims(reader, against, out)
    kept = _Walk(out, claims, verifier)
    segments = reader.segments()
    expected = kept.removed(reader, segments[0][0]) if segments and segments[0][0] else 0
    starts = [(first if at else out.size, path) for at, (first, path) in enumerate(segments)]
    with closing(parts(starts, kept.marks, jobs)) as read:
        for first, path in segments:
            if first != expected:
                out.problems.append(
                    f"{path.name}: record {expected} should come next, and this segment begins with {first}"
                )
                break
            expected = kept.take(next(read))
            if expected < 0:
                break
    kept.finish()
    _witnesses(reader, witnesses, out)
    if authorities:
        _stamps(reader, authorities, out)
    return out


def _witnesses(reader: Reader, witnesses: Iterable[Witness], out: Verified) -> None:
    """How far each witness cosigned. That their checkpoints are the log's was found before."""
    notes = reader.witnessed()
    for witness in witnesses:
        for where, note in notes:
            try:
                at, size = witness.cosigned(note), Checkpoint.parse(note).size
            except GuardrailsError:  # told already
                continue
            if at is not None:
                out.confirmed[witness.name] = (size, _utc(datetime.fromtimestamp(at, UTC)))
            elif where.endswith(f".{witness.id.hex()}"):
                out.problems.append(f"{where}: the cosignature of {witness.name} is wrong")
        if witness.name not in out.confirmed:
            out.problems.append(f"no checkpoint is cosigned by {witness.name}")


def _stamps(reader: Reader, authorities: Sequence[Certificate], out: Verified) -> None:
    """How far the log was stamped."""
    notes = {}
    for note in reader.checkpoints():
        with suppress(GuardrailsError):  # told already
            notes[Checkpoint.parse(note).size] = note
    for where, size, token in reader.stamps():
        try:
            at = stamped_at(notes.get(size, ""), token, authorities)
        except GuardrailsError as error:
            out.problems.append(f"{where}: {error}")
        else:
            out.confirmed["time stamp"] = (size, _utc(at))
    if "time stamp" not in out.confirmed:
        out.problems.append("no checkpoint has a time stamp of an authority that is trusted")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _claims(reader: Reader, against: Iterable[tuple[str, str]], out: Verified) -> list[_Claim]:
    """All checkpoints in the order of their sizes. Those that cannot be read are problems."""
    notes: list[tuple[str, str]] = [(f"checkpoint {i}", note) for i, note in enumerate(reader.checkpoints())]
    if not notes:
        out.problems.append(
            "there is no signed checkpoint: nothing says that these records are the ones that were written"
        )
    if reader.place.checkpoint.exists():
        notes.append(("checkpoint", reader.place.checkpoint.read_text("utf-8", "replace")))
    claims = []
    for where, note in (*notes, *reader.witnessed(), *against):
        try:
            claims.append(_Claim(Checkpoint.parse(note), note, where))
        except GuardrailsError as error:
            out.problems.append(f"{where}: {error}")
    out.checkpoints = len(claims)
    return sorted(claims, key=lambda c: c.checkpoint.size)


class _Walk:
    """From part to part, with the tree so far."""

    def __init__(self, out: Verified, claims: Sequence[_Claim], verifier: Verifier) -> None:
        self._out = out
        self._claims = list(reversed(claims))
        self._keys = [verifier]
        self._edge = Frontier()
        self._name = verifier.name

    @property
    def marks(self) -> list[int]:
        """The sizes at which there are checkpoints to compare, ascending."""
        return sorted({claim.checkpoint.size for claim in self._claims})

    def removed(self, reader: Reader, number: int) -> int:
        """Go over the hashes of the first ``number`` records, which are not there any more. Returns ``number``."""
        out = self._out
        changes = {change["index"]: change["record"].encode() for change in reader.key_changes(number)}
        hashes = (reader.place.tree / "level-00").read_bytes()[: number * 32]
        if len(hashes) != number * 32:
            out.problems.append(f"tree/level-00: hashes of the first {number} records are missing")
        end = len(hashes) // 32
        part = Part(0, end)
        for seq, record in sorted(changes.items()):
            if 0 <= seq < end and leaf_hash(record) == hashes[seq * 32 : seq * 32 + 32]:
                part.told.append(Told(seq, key=record))
        for begin, stop in pairwise(sorted({end, *range(0, end, SPAN), *(mark for mark in self.marks if mark < end)})):
            leaves = [hashes[at : at + 32] for at in range(begin * 32, stop * 32, 32)]
            part.spans.append((stop, subtrees(leaves, begin)))
        self.take(part)
        said = reader.removed_before()
        out.removed = number
        if said < number:
            out.problems.append(
                f"the first {number} records are missing, and the log does not say that they were removed"
            )
        return number

    def take(self, part: Part) -> int:
        """The next records. Returns the number of the record after them, -1 when it is damaged."""
        out, told, due = self._out, deque(part.told), self._check(0) if self._out.size == 0 else self._due()
        if part.end > part.start and part.first < out.last:
            # Behind what its first record says of its number, as for every other record.
            at = 1 if told and told[0].seq == part.start and told[0].problem else 0
            said = f"record {part.start} is of {part.first}, before the one that stands before it"
            told.insert(at, Told(part.start, said))
        for size, nodes in part.spans:
            while told and told[0].seq < size:
                self._heed(told.popleft())
            self._edge.extend(nodes, size)
            out.size = size
            if size >= due:
                due = self._check(size)
        for kind, number in part.kinds.items():
            out.kinds[kind.decode("ascii", "replace")] += number
        if part.end > part.start:
            out.first, out.last = out.first or part.first, part.last
        if part.damage:
            out.problems.append(part.damage)
            return -1
        return out.size

    def _heed(self, told: Told) -> None:
        if told.problem:
            self._out.problems.append(told.problem)
        else:
            self._key(told.key, told.seq)

    def finish(self) -> None:
        """What checkpoints say of records that are not there."""
        self._check(self._out.size)
        for claim in reversed(self._claims):
            self._out.problems.append(
                f"{claim.where}: it was signed for {claim.checkpoint.size} records, and the log has {self._out.size}: records were"
                " removed"
            )
        self._out.root = self._edge.root()

    def _key(self, record: bytes, seq: int) -> None:
        """The key from now on, where the record is about one."""
        try:
            read = orjson.loads(record)
            if read["kind"] == "key":
                self._keys.append(Verifier.parse(read["body"]["verifier"]))
        except (GuardrailsError, KeyError, TypeError, ValueError, AttributeError):
            self._out.problems.append(f"record {seq}: the new key cannot be read")

    def _due(self) -> int:
        """The size at which the next checkpoint can be compared."""
        return self._claims[-1].checkpoint.size if self._claims else 1 << 62

    def _check(self, size: int) -> int:
        """Compare the checkpoints of this size with the tree."""
        root = self._edge.root()
        while self._claims and self._claims[-1].checkpoint.size <= size:
            claim = self._claims.pop()
            self._compare(claim, size, root)
        return self._due()

    def _compare(self, claim: _Claim, size: int, root: bytes) -> None:
        out = self._out
        try:
            signed = self._keys[-1].verifies(claim.note)
        except GuardrailsError:
            signed = False
        if claim.checkpoint.origin != self._name:
            out.problems.append(f"{claim.where}: it is of another log, {claim.checkpoint.origin[:100]!r}")
        elif not signed:
            out.problems.append(f"{claim.where} ({claim.checkpoint.size} records): it is not signed by the log's key")
        elif claim.checkpoint.size != size or claim.checkpoint.root != root:
            out.problems.append(
                f"{claim.where}: the first {claim.checkpoint.size} records are not those that it was signed for: they were changed"
            )
        else:
            out.signed = max(out.signed, size)
