"""The file operations of a log, in one place, so that a test can be a disk that forgets, fills up or breaks."""

from __future__ import annotations

import os
from pathlib import Path
from weakref import WeakSet

from guardrails.errors import GuardrailsError

__all__ = ["Disk", "Growing", "Lock"]


class Growing:
    """A file that is written at its end only. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        """Opens or makes it. Raises OSError."""
        self.path = path
        self._file = path.open("ab", buffering=0)
        self.size = path.stat().st_size

    def write(self, data: bytes) -> None:
        """All of ``data``. Raises OSError; part of it may be written then: cut it off with :meth:`truncate`."""
        left = memoryview(data)
        while left:
            written = self._file.write(left) or 0
            self.size += written
            left = left[written:]

    def sync(self) -> None:
        """Returns when everything written is on the disk. Raises OSError."""
        os.fsync(self._file.fileno())

    def truncate(self, size: int) -> None:
        """Cut it to ``size`` bytes. Raises OSError."""
        os.truncate(self.path, size)
        self.size = size

    def close(self) -> None:
        """Close it; nothing more is written."""
        self._file.close()


class Disk:
    """Where a log lies. Directories are synced too, or a new file would be lost with its name."""

    def __init__(self) -> None:
        self._opened: WeakSet[Growing] = WeakSet()

    def close(self) -> None:
        """Close every file that was opened here and is still open."""
        for file in list(self._opened):
            file.close()

    def open(self, path: Path) -> Growing:
        """A file to be written at its end; a new one is there for good when this returns. Raises OSError."""
        new = not path.exists()
        found = self._growing(path)
        self._opened.add(found)
        if new:
            self.sync_directory(path.parent)
        return found

    def _growing(self, path: Path) -> Growing:
        return Growing(path)

    def replace(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """The file with this content, or as it was before. Raises OSError."""
        beside = path.with_name(path.name + ".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        self.sync_directory(path.parent)

    def overwrite(self, path: Path, at: int, data: bytes) -> None:
        """Bytes in the middle of a file, on the disk when this returns. Raises OSError."""
        with path.open("r+b", buffering=0) as file:
            file.seek(at)
            file.write(data)
            os.fsync(file.fileno())

    def make(self, path: Path, *, mode: int = 0o755) -> None:
        """A directory, with those above it. Raises OSError."""
        if not path.is_dir():
            path.mkdir(parents=True, mode=mode, exist_ok=True)
            self.sync_directory(path.parent)

    def sync_directory(self, path: Path) -> None:
        """The names in a directory. Windows has no such call, and needs none."""
        if os.name == "nt":
            return
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class Lock:
    """One writer for one log; the system lets go of it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Raises GuardrailsError when another process has it."""
        self._file = path.open("ab")
        try:
            if os.name == "nt":
                import msvcrt  # noqa: PLC0415

                msvcrt.locking(self._file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            else:
                import fcntl  # noqa: PLC0415

                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise GuardrailsError(
                f"{path.parent}: another process writes this evidence log; a log has one writer: give each process a directory"
                " of its own"
            ) from None

    def release(self) -> None:
        """Let go of it."""
        self._file.close()
