"""Complete subtrees on disk: a file a level, 32 bytes a node. They can always be made again from the records."""

from __future__ import annotations

from pathlib import Path

from guardrails.errors import GuardrailsError
from guardrails.evidence.files import Disk, Growing

__all__ = ["NodeFiles", "read_node"]

_HASH = 32
_LEVELS = 54  # a log of more records than 2^53 is none


def _path(folder: Path, level: int) -> Path:
    return folder / f"level-{level:02}"


def read_node(folder: Path, level: int, index: int) -> bytes:
    """One node. Raises GuardrailsError when the file has it not."""
    try:
        with _path(folder, level).open("rb") as file:
            file.seek(index * _HASH)
            found = file.read(_HASH)
    except FileNotFoundError:
        found = b""
    if len(found) != _HASH:
        raise GuardrailsError(
            f"{folder}: node {index} of level {level} is missing; open the log once, and it is made again"
        )
    return found


class NodeFiles:
    """The files of a log that is written."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._folder = folder
        self._files: dict[int, Growing] = {}
        self._dirty: set[int] = set()
        self._new: dict[int, list[bytes]] = {}

    def cut(self, size: int) -> int:
        """Keep what belongs to the first ``size`` records. Returns of how many of them all nodes are there. Raises OSError."""
        for level in range(_LEVELS):
            if not _path(self._folder, level).exists():
                continue
            file = self._open(level)
            whole = min(file.size // _HASH, size >> level)
            file.truncate(whole * _HASH)
        for level in range(size.bit_length()):
            if self._open(level).size != (size >> level) * _HASH:
                for other in self._files.values():
                    other.truncate(0)
                return 0
        return size

    def add(self, level: int, node: bytes) -> None:
        """A node, written with the next :meth:`flush`."""
        self._new.setdefault(level, []).append(node)

    def flush(self) -> None:
        """Write what was added, for readers of the same machine. Raises OSError; what was not written is written next time."""
        for level in list(self._new):
            file = self._open(level)
            before = file.size
            try:
                file.write(b"".join(self._new[level]))
            except OSError:
                file.truncate(before)
                raise
            del self._new[level]
            self._dirty.add(level)

    def sync(self) -> None:
        """Everything on the disk. Raises OSError."""
        self.flush()
        for level in sorted(self._dirty):
            self._open(level).sync()
        self._dirty.clear()

    def node(self, level: int, index: int) -> bytes:
        """One node that was flushed."""
        return read_node(self._folder, level, index)

    def _open(self, level: int) -> Growing:
        if level not in self._files:
            self._files[level] = self._disk.open(_path(self._folder, level))
        return self._files[level]
