"""What each process of one server counted of its candidates, in a folder that they share: together it is one report."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from guardrails.whole_files import write_whole

__all__ = ["Parts", "joined"]


class Parts:
    """The counts of the processes of one server. Linux and macOS only, as several processes are."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is made if it is not there; nothing else lies in it."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._own = folder / f"{os.getpid()}-{secrets.token_hex(4)}.json"

    @contextmanager
    def all(self, own: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """What every process counted so far, with ``own`` of this one; what a process that has ended counted stays. Nobody else is in here
        meanwhile, so that what is made of it is never older than what is there. Raises OSError."""
        import fcntl  # noqa: PLC0415 - not on Windows

        with (self._folder / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go with the file
            write_whole(self._own, json.dumps(own).encode(), 0o600)
            yield [json.loads(path.read_bytes()) for path in sorted(self._folder.glob("*.json"))]


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """States of tallies by the candidate's name and the sha256 of its policy, those of the process that began last at the end."""
    out: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for part in sorted(parts, key=lambda p: str(p["since"])):
        for name, counted in part["candidates"].items():
            versions = out.setdefault(name, {})
            states = versions.pop(counted["sha256"], [])
            versions[counted["sha256"]] = [*states, counted["state"]]
    return out
