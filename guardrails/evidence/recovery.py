"""Opening a log: what a crash left half-written is cut off, and everything that can be derived is made again where it is missing.

A record counts once it was acknowledged, and it is acknowledged once it is on the disk. What stands behind the last sound record of
the last segment was never acknowledged. A log that holds less than a signed checkpoint says, or something else, is not opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

from guardrails.errors import GuardrailsError
from guardrails.evidence import filters
from guardrails.evidence.files import Disk
from guardrails.evidence.index import Building, Index
from guardrails.evidence.nodes import NodeFiles
from guardrails.evidence.note import Checkpoint
from guardrails.evidence.reader import Reader
from guardrails.evidence.segments import SALT, Place, Segment, frames, names
from guardrails.evidence.tree import Frontier, leaf_hash

__all__ = ["Opened", "recover", "write_index"]


@dataclass(slots=True)
class Opened:
    """A log that can be written: its last segment, its tree, and what was found. ``cut``: bytes that a crash left over."""

    segment: Segment
    nodes: NodeFiles
    frontier: Frontier
    index: Building
    last_time: str = ""
    begun: datetime | None = None  # when the last segment's first record was written
    cut: int = 0
    notes: list[str] = field(default_factory=list)  # the last checkpoint, if there is one


def recover(place: Place, disk: Disk) -> Opened:
    """Open the log of that place, or begin one. Raises OSError, and GuardrailsError for one that is damaged or was changed."""
    for folder in (place.root, place.segments, place.tree, place.index):
        disk.make(folder)
    for folder in (place.private, place.salts):
        disk.make(folder, mode=0o700)
    segments = names(place.segments)
    first = segments[-1][0] if segments else 0
    _begins(place, segments)
    data = segments[-1][1].read_bytes() if segments else b""
    records, end = [], 0
    for end, record in frames(data):  # noqa: B007 - the last one counts
        records.append(record)
    note, kept = _latest(place.checkpoints)
    if place.checkpoints.exists() and kept != place.checkpoints.stat().st_size:
        log = disk.open(place.checkpoints)
        log.truncate(kept)
        log.close()
    size = first + len(records)
    checkpoint = Checkpoint.parse(note) if note else None
    if checkpoint is not None and checkpoint.size > size:
        raise GuardrailsError(
            f"{place.root}: the log holds {size} records, and its last checkpoint says {checkpoint.size}: records are missing;"
            " restore them from a copy, and look into how they were lost (guardrails audit verify)"
        )
    segment = Segment(disk, place, first)
    if end != len(data) or len(data) != segment.size or place.salts_of(first).stat().st_size != len(records) * SALT:
        segment.cut(end, len(records))
    segment.count = len(records)
    nodes = NodeFiles(disk, place.tree)
    frontier = _tree(place, nodes, segments[:-1], first)
    index = Building()
    for record in records:
        index.add(record)
        for level, node in frontier.append(leaf_hash(record)):
            nodes.add(level, node)
    nodes.flush()
    if checkpoint is not None and Frontier.read(nodes.node, checkpoint.size).root() != checkpoint.root:
        raise GuardrailsError(
            f"{place.root}: the first {checkpoint.size} records are not those that its last checkpoint was signed for: they were"
            " changed; keep the directory for an investigation, and start a new log (guardrails audit verify)"
        )
    for begin, path in segments[:-1]:
        with Index(place.index_of(begin), path) as found:
            covered = found.end
        if covered != path.stat().st_size:
            write_index(place, disk, begin, path)
    closed = {begin: (path, place.index_of(begin)) for begin, path in segments[:-1]}
    filters.mend(place.filters, disk, closed)
    last = orjson.loads(records[-1])["ts"] if records else _last_time(segments[:-1])
    begun = datetime.fromisoformat(orjson.loads(records[0])["ts"]) if records else None
    return Opened(segment, nodes, frontier, index, last, begun, len(data) - end, [note] if note else [])


def write_index(place: Place, disk: Disk, first: int, path: Path) -> None:
    """Make the index of a closed segment. Raises OSError."""
    index = Building()
    for _, record in frames(path.read_bytes()):
        index.add(record)
    disk.replace(place.index_of(first), index.dump(path.stem))


def _begins(place: Place, segments: list[tuple[int, Path]]) -> None:
    """Records at the beginning are only missing where the log says that they were removed."""
    if segments and segments[0][0] > Reader(place.root).removed_before():
        raise GuardrailsError(
            f"{place.segments}: the first segment is missing, and no record says that it was removed: restore it from a copy"
        )


def _tree(place: Place, nodes: NodeFiles, closed: list[tuple[int, Path]], first: int) -> Frontier:
    """The tree over the closed segments, from its files or, where these are damaged, from the records."""
    if nodes.cut(first) == first:
        return Frontier.read(nodes.node, first)
    if closed and closed[0][0]:
        raise GuardrailsError(
            f"{place.tree}: hashes are missing or damaged, and cannot be made again, since the first records were removed: restore the"
            " folder from a copy"
        )
    frontier = Frontier()
    for begin, path in closed:
        if begin != frontier.size:
            raise GuardrailsError(f"{place.segments}: a segment that begins with record {frontier.size} is missing")
        for _, record in frames(path.read_bytes()):
            for level, node in frontier.append(leaf_hash(record)):
                nodes.add(level, node)
    if frontier.size != first:
        raise GuardrailsError(f"{place.segments}: records {frontier.size} to {first - 1} are missing or damaged")
    nodes.sync()
    return frontier


def _latest(path: Path) -> tuple[str, int]:
    """The last checkpoint that is whole, and how many bytes of the file are."""
    if not path.exists():
        return "", 0
    note, end = b"", 0
    for end, note in frames(path.read_bytes()):  # noqa: B007 - the last one counts
        pass
    return note.decode(), end


def _last_time(closed: list[tuple[int, Path]]) -> str:
    last = b""
    for last in _records(closed[-1:]):  # noqa: B007 - the last one counts
        pass
    return str(orjson.loads(last)["ts"]) if last else ""


def _records(segments: list[tuple[int, Path]]) -> Iterator[bytes]:
    for _, path in segments:
        for _, record in frames(path.read_bytes()):
            yield record
