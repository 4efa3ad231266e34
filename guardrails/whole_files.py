"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["link_whole", "write_whole"]


def write_whole(path: Path, data: bytes, mode: int) -> None:
    """Write a file in one step: who reads it sees the old bytes or the new ones, also after a crash, and the power going once its
    folder is synced. ``mode``: permissions, less the process's umask. Raises OSError, and leaves nothing behind then."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def link_whole(path: Path, target: str) -> None:
    """Make ``path`` a symbolic link to ``target`` in one step, also where a link or a file stands. Raises OSError."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    beside.symlink_to(target)
    beside.replace(path)
