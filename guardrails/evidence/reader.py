"""Reading a log, also while it is written: records, whose they are, checkpoints and proofs. Needs nothing of ``private/``."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.evidence.filters import absent
from guardrails.evidence.index import KEYS, REMOVALS, Index, id_of, key_of, looked_up
from guardrails.evidence.nodes import read_node
from guardrails.evidence.note import Checkpoint, Verifier
from guardrails.evidence.segments import Place, frames, names
from guardrails.evidence.tree import consistency_path, inclusion_path

__all__ = ["Reader"]

# What stands in the records that are found by their kind.
_WITHIN = {KEYS: b'"kind":"key"', REMOVALS: b'"kind":"retention"'}


class Reader:
    """A log as it lies in its directory."""

    def __init__(self, root: str | Path) -> None:
        """Raises GuardrailsError for a directory that holds no log."""
        self.place = Place(Path(root))
        if not self.place.segments.is_dir():
            raise GuardrailsError(f"{root}: there is no evidence log; name its directory with --log")
        self.node = partial(read_node, self.place.tree)

    # -- records -----------------------------------------------------------------------------------------------------

    def segments(self) -> list[tuple[int, Path]]:
        """(first record, file) of each segment, in order."""
        return names(self.place.segments)

    def records(self) -> Iterator[tuple[int, bytes]]:
        """(number, record) of all sound records, in order."""
        for first, path in self.segments():
            for number, (_, record) in enumerate(frames(path.read_bytes())):
                yield first + number, record

    def record(self, seq: int) -> bytes:
        """One record. Raises GuardrailsError when there is none."""
        segments = self.segments()
        at = bisect_right([first for first, _ in segments], seq) - 1
        found = self._record(*segments[at], seq) if at >= 0 else None
        if found is not None:
            return found
        removed = segments and seq < segments[0][0]
        raise GuardrailsError(
            f"record {seq} was removed (evidence.keep_days)" if removed else f"the log has no record {seq}"
        )

    def find(self, decision_id: str) -> list[int]:
        """The numbers of the records of a decision: one for each direction of an exchange that was decided."""
        segments = self.segments()
        without = absent(self.place.filters, segments, key_of(decision_id))
        rest = [(first, path) for first, path in segments if first not in without]
        found = self._found_in(rest, decision_id)
        # That nobody has it is said by the indexes themselves. Most logs have no change of the key, which is looked for with every proof.
        return found if found or decision_id in _WITHIN else self._found_in(segments, decision_id)

    def _found_in(self, segments: list[tuple[int, Path]], decision_id: str) -> list[int]:
        return [first + number for first, path in segments for number in self._found(first, path, decision_id)]

    def _record(self, first: int, path: Path, seq: int) -> bytes | None:
        def look(index: Index) -> bytes | None:
            number = seq - first
            if number < index.records:
                return index.record(number)
            rest = islice(frames(index.rest()), number - index.records, None)
            return next((record for _, record in rest), None)

        return looked_up(self.place.index_for(first), path, look)

    def _found(self, first: int, path: Path, decision_id: str) -> list[int]:
        """The numbers, inside a segment, of the records of a decision."""
        within = _WITHIN.get(decision_id, decision_id.encode())

        def look(index: Index) -> list[int]:
            found = index.numbers(key_of(decision_id))
            if any(id_of(index.record(number)) != decision_id for number in found):
                raise ValueError("the index says what the records do not say")
            rest = index.rest()
            behind = enumerate(frames(rest), index.records) if within in rest else ()
            return [*found, *(n for n, (_, record) in behind if within in record and id_of(record) == decision_id)]

        return looked_up(self.place.index_for(first), path, look)

    # -- checkpoints -------------------------------------------------------------------------------------------------

    def verifier(self) -> Verifier:
        """The first public key of the log, as the log itself gives it: who audits takes it from elsewhere."""
        return Verifier.parse(self.place.verifier.read_text(encoding="utf-8"))

    def checkpoints(self) -> list[str]:
        """All signed checkpoints, oldest first."""
        if not self.place.checkpoints.exists():
            return []
        return [note.decode("utf-8", "replace") for _, note in frames(self.place.checkpoints.read_bytes())]

    def checkpoint(self) -> str:
        """The latest checkpoint. Raises GuardrailsError when there is none yet."""
        if not self.place.checkpoint.exists():
            raise GuardrailsError(
                f"{self.place.root}: there is no checkpoint yet; one comes within evidence.checkpoint_seconds"
            )
        return self.place.checkpoint.read_text(encoding="utf-8")

    def witnessed(self) -> list[tuple[str, str]]:
        """(name, note) of the checkpoints that witnesses cosigned, oldest first."""
        return [
            (f"witnessed/{path.name}", path.read_text("utf-8", "replace"))
            for path in sorted(self.place.witnessed.glob("*"))
            if path.suffix != ".new"
        ]

    def stamps(self) -> list[tuple[str, int, bytes]]:
        """(name, size of the checkpoint, token) of each time stamp, oldest first."""
        return [
            (f"stamped/{path.name}", int(path.name[:20]), path.read_bytes())
            for path in sorted(self.place.stamped.glob("*.tsr"))
            if path.name[:20].isascii() and path.name[:20].isdigit()
        ]

    # -- proofs ------------------------------------------------------------------------------------------------------

    def prove(self, decision_id: str) -> dict[str, Any]:
        """A proof that the records of a decision stand in the log: JSON for whoever has the public key.

        ``checkpoint`` is the signed note, ``records`` has ``index``, ``record`` (the exact bytes as text) and ``path`` of each, and
        ``keys`` the same for each change of the key before it. Raises GuardrailsError when there is no such decision, or no
        checkpoint over it yet.
        """
        found = self.find(decision_id)
        if not found:
            raise GuardrailsError(
                f"the log has no decision {decision_id[:64]!r}: ids stand in x-guardrails-decision-id"
            )
        note = self.checkpoint()
        size = Checkpoint.parse(note).size
        if found[-1] >= size:
            raise GuardrailsError(
                f"the decision is record {found[-1]}, and the last checkpoint covers {size}: try again after the next one"
                " (evidence.checkpoint_seconds)"
            )
        return {
            "checkpoint": note,
            "keys": self.key_changes(size),
            "records": [self._inclusion(seq, size) for seq in found],
        }

    def consistency(self, old: str, new: str) -> dict[str, Any]:
        """A proof that the log of one checkpoint goes on in that of another: ``old``, ``new``, ``keys`` and ``path``. Raises GuardrailsError
        when they are not of this log."""
        one, two = Checkpoint.parse(old), Checkpoint.parse(new)
        if one.origin != two.origin:
            raise GuardrailsError("the checkpoints are of two logs: their first lines differ")
        if one.size > two.size:
            raise GuardrailsError(
                f"the second checkpoint is the older one: {two.size} records, and the first has {one.size}"
            )
        path = _base64(self.consistency_path(one.size, two.size))
        return {"old": old, "new": new, "keys": self.key_changes(two.size), "path": path}

    def consistency_path(self, old: int, new: int) -> list[bytes]:
        """The hashes of such a proof. Raises GuardrailsError when the log is shorter."""
        return consistency_path(self.node, old, new)

    def _inclusion(self, seq: int, size: int) -> dict[str, Any]:
        path = inclusion_path(self.node, seq, size)
        return {"index": seq, "record": self.record(seq).decode(), "path": _base64(path)}

    def key_changes(self, size: int) -> list[dict[str, Any]]:
        """Proofs of the changes of the key in the first ``size`` records, oldest first."""
        kept = json.loads(self.place.keys.read_bytes()) if self.place.keys.exists() else []
        begin = self.segments()[0][0]
        removed = [change for change in kept if change["index"] < min(begin, size)]
        return [*removed, *(self._key_proof(seq) for seq in self.find(KEYS) if seq < size)]

    def removed_before(self) -> int:
        """The number before which records were removed, as the log itself says; 0 where it says nothing."""
        found = self.find(REMOVALS)
        return int(json.loads(self.record(found[-1]))["body"]["before"]) if found else 0

    def _key_proof(self, seq: int) -> dict[str, Any]:
        """The record that changes the key, under the first checkpoint over it, which both keys signed."""
        for note in self.checkpoints():
            size = Checkpoint.parse(note).size
            if size > seq:
                return {"checkpoint": note, **self._inclusion(seq, size)}
        raise GuardrailsError("there is no checkpoint over the change of the key")


def _base64(hashes: list[bytes]) -> list[str]:
    return [base64.b64encode(h).decode() for h in hashes]
