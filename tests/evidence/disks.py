"""Disks that forget, and logs made on them."""

from __future__ import annotations

import errno
import random
from pathlib import Path
from typing import Any

import orjson

from guardrails import Guard
from guardrails.decision import Decision, Located, new_id
from guardrails.evidence import EvidenceLog, EvidenceSettings
from guardrails.evidence.files import Disk, Growing
from guardrails.evidence.segments import frames, names
from guardrails.types import Action, Finding, PolicyIdentity, Source

IDENTITY = PolicyIdentity("test", "0" * 64, "tests")


class Crash(Exception):
    """The machine stops here."""


class Forgetful(Disk):
    """A disk that keeps only what was synced, plus as much of the rest as happened to reach it.

    ``crash_at``: the operation, counted from 0, that never happens. ``honest``: whether syncs are kept; a disk that lies is the
    control. ``full``: writes fail while it is true.
    """

    def __init__(self, *, crash_at: int | None = None, honest: bool = True) -> None:
        super().__init__()
        self.durable: dict[Path, int] = {}
        self.operations = 0
        self.full = False
        self.crash_at = crash_at
        self._honest = honest

    def step(self) -> None:
        if self.crash_at is not None and self.operations >= self.crash_at:
            raise Crash
        self.operations += 1
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")

    def _growing(self, path: Path) -> Growing:
        self.step()
        self.durable.setdefault(path, path.stat().st_size if path.exists() else 0)
        return _Forgotten(self, path)

    def replace(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        self.step()
        super().replace(path, data, mode=mode)

    def synced(self, path: Path, size: int) -> None:
        if self._honest:
            self.durable[path] = size

    def lose(self, chance: random.Random) -> None:
        """Take from each file what was not synced: all of it, or all but a part, which may be garbage."""
        for path, size in self.durable.items():
            if not path.exists() or path.stat().st_size <= size:
                continue
            rest = path.read_bytes()[size:]
            kept = rest[: chance.randint(0, len(rest))]
            if kept and chance.random() < 0.3:
                kept = bytes(len(kept))  # blocks that were given to the file and never written
            with path.open("r+b") as file:
                file.truncate(size)
                file.seek(size)
                file.write(kept)


class _Forgotten(Growing):
    def __init__(self, disk: Forgetful, path: Path) -> None:
        super().__init__(path)
        self._disk = disk

    def write(self, data: bytes) -> None:
        self._disk.step()
        super().write(data)

    def sync(self) -> None:
        self._disk.step()
        self._disk.synced(self.path, self.size)

    def truncate(self, size: int) -> None:
        if not self._disk.full:
            self._disk.step()
        super().truncate(size)
        self._disk.durable[self.path] = min(self._disk.durable.get(self.path, 0), size)


def opened(folder: Path, disk: Disk | None = None, **more: Any) -> EvidenceLog:
    settings = EvidenceSettings(
        folder, **{"name": "example.com/log", "checkpoint_records": 10, "checkpoint_seconds": 3600.0, **more}
    )
    return EvidenceLog.open(settings, disk=disk)


def decision(**more: Any) -> Decision:
    return Decision(**{"id": new_id(), "direction": Source.INPUT, "action": Action.NONE, "policy": IDENTITY, **more})


def found(path: str, start: int, end: int, rule: str = "words.terms", action: Action = Action.BLOCKED) -> Located:
    return Located(path, Finding(rule, "WORD", start, end, 1.0, None, 0, action))


def raw(folder: Path) -> list[bytes]:
    """The records as they stand in the segments."""
    return [record for _, path in names(folder / "segments") for _, record in frames(path.read_bytes())]


def records(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    return [r for line in raw(folder) if (r := orjson.loads(line)) and kind in (None, r["kind"])]


def bodies(folder: Path) -> list[dict[str, Any]]:
    return [r["body"] for r in records(folder, "decision")]


def everything(folder: Path) -> bytes:
    """Every byte of every file of a log."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


__all__ = [
    "Crash",
    "Forgetful",
    "Guard",
    "bodies",
    "decision",
    "everything",
    "found",
    "opened",
    "raw",
    "records",
]
