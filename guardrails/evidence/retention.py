"""Removing old records: whole segments, once they are older than they have to be kept, and only what a witness has cosigned.

The hashes of removed records stay (``tree/``), so that everything after them still verifies, and a removed record that somebody kept can
still be proved. That they were removed is a record itself, which comes before the removal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from guardrails.errors import GuardrailsError
from guardrails.evidence import filters
from guardrails.evidence.files import Disk
from guardrails.evidence.note import Checkpoint, Witness
from guardrails.evidence.reader import Reader
from guardrails.evidence.tree import Frontier

__all__ = ["Removal", "removable", "remove"]


@dataclass(frozen=True, slots=True)
class Removal:
    """The segments that go, as (first record, file), and the number of the first record that stays."""

    segments: tuple[tuple[int, Path], ...]
    before: int
    witnessed: int

    def told(self) -> dict[str, Any]:
        """What a record says of it."""
        ends = [*(first for first, _ in self.segments[1:]), self.before]
        return {
            "before": self.before,
            "witnessed": self.witnessed,
            "segments": [
                {"first": first, "records": end - first, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
                for (first, path), end in zip(self.segments, ends, strict=True)
            ],
        }


def removable(
    reader: Reader, keep_days: float, witnesses: Iterable[Witness], sent: int, now: datetime
) -> Removal | None:
    """What may be removed now: closed segments whose last record is older than ``keep_days``, that lie below the last checkpoint which one
    of the ``witnesses`` cosigned, and that every sink has (``sent`` records). Raises OSError or GuardrailsError."""
    segments = reader.segments()
    witnessed = _witnessed(reader, list(witnesses))
    limit = min(witnessed, sent)
    since = (now - timedelta(days=keep_days)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    gone: list[tuple[int, Path]] = []
    for (first, path), (after, _) in pairwise(segments):
        if after > limit or orjson.loads(reader.record(after - 1))["ts"] >= since:
            break
        gone.append((first, path))
    return Removal(tuple(gone), segments[len(gone)][0], witnessed) if gone else None


def remove(reader: Reader, removal: Removal, disk: Disk) -> None:
    """Remove it; that it is done is recorded already. What a crash leaves is removed the next time. Raises OSError."""
    disk.replace(reader.place.keys, orjson.dumps(reader.key_changes(removal.before)))
    for first, path in removal.segments:
        reader.place.salts_of(first).unlink(missing_ok=True)
        reader.place.index_of(first).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    filters.drop(reader.place.filters, disk, removal.before)
    for folder in (reader.place.salts, reader.place.index, reader.place.segments):
        disk.sync_directory(folder)


def _witnessed(reader: Reader, witnesses: list[Witness]) -> int:
    """Of how many records the last checkpoint is that a witness cosigned and that is this log's."""
    for _, note in reversed(reader.witnessed()):
        try:
            checkpoint = Checkpoint.parse(note)
            if not any(witness.cosigned(note) is not None for witness in witnesses):
                continue
            if Frontier.read(reader.node, checkpoint.size).root() == checkpoint.root:
                return checkpoint.size
        except GuardrailsError:
            continue
    return 0
