"""Where sealed ledgers lie: in the memory of one process, in a folder that several share, or on a server."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from guardrails.stores import Store as SharedStore

__all__ = ["Folder", "Memory", "Shared", "Store"]

_GROUP = "vaults"


class Store(Protocol):
    """Sealed bytes by name, for a time. The caller holds ``locked`` from reading to writing."""

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Nobody else writes meanwhile."""

    def get(self, name: str) -> bytes | None:
        """The bytes of that name, None when there are none or their time is over."""

    def put(self, name: str, blob: bytes) -> bool:
        """Keep these bytes; the oldest go when there are too many. False: others came between, read again."""
        ...

    def drop(self, name: str) -> None:
        """Keep nothing of that name."""

    def __len__(self) -> int:
        """How many names there are."""


class Memory:
    """In this process. Times are those of the monotonic clock; the least recently saved go first."""

    def __init__(self, ttl_s: float, max_entries: int, clock: Callable[[], float]) -> None:
        self._ttl, self._max, self._clock = ttl_s, max_entries, clock
        self._blobs: OrderedDict[str, tuple[float, bytes]] = OrderedDict()  # in order of their end

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The caller's own lock is enough: nobody else sees this memory."""
        yield

    def get(self, name: str) -> bytes | None:
        """See :class:`Store`."""
        self._expire()
        entry = self._blobs.get(name)
        return entry[1] if entry else None

    def put(self, name: str, blob: bytes) -> bool:
        """See :class:`Store`."""
        self._blobs.pop(name, None)
        self._blobs[name] = (self._clock() + self._ttl, blob)
        self._expire()
        while len(self._blobs) > self._max:
            self._blobs.popitem(last=False)
        return True

    def drop(self, name: str) -> None:
        """See :class:`Store`."""
        self._blobs.pop(name, None)

    def _expire(self) -> None:
        now = self._clock()
        while self._blobs and next(iter(self._blobs.values()))[0] <= now:
            self._blobs.popitem(last=False)

    def __len__(self) -> int:
        self._expire()
        return len(self._blobs)


class Folder:
    """In files of a folder that only this user can read; processes of one machine may share it.

    A file's age is that of its last change, by the time of day; the sealed bytes tell their age too, and the reader
    believes those.
    """

    _SUFFIX = ".vault"

    def __init__(self, path: Path, ttl_s: float, max_entries: int) -> None:
        self._path, self._ttl, self._max = path, ttl_s, max_entries
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._swept = 0.0
        self._sweep()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A lock on the folder, for the other processes."""
        import fcntl  # noqa: PLC0415 - not on Windows, where vaults live in memory

        handle = os.open(self._path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def get(self, name: str) -> bytes | None:
        """See :class:`Store`."""
        file = self._file(name)
        try:
            if time.time() - file.stat().st_mtime > self._ttl:
                self.drop(name)
                return None
            return file.read_bytes()
        except FileNotFoundError:
            return None

    def put(self, name: str, blob: bytes) -> bool:
        """See :class:`Store`. A reader sees the old bytes or the new ones."""
        new = self._path / f"{name}.{secrets.token_hex(8)}.new"
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(blob)
        new.replace(self._file(name))
        # Looking through the folder costs as much as it holds: once in a while.
        if time.monotonic() - self._swept > min(self._ttl, 60):
            self._sweep()
        return True

    def drop(self, name: str) -> None:
        """See :class:`Store`."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._path / f"{name}{self._SUFFIX}"

    def _sweep(self) -> None:
        self._swept = time.monotonic()
        aged: list[tuple[float, Path]] = []
        for file in self._path.iterdir():
            if file.suffix in (self._SUFFIX, ".new"):
                with contextlib.suppress(FileNotFoundError):
                    aged.append((file.stat().st_mtime, file))
        aged.sort(reverse=True)
        for place, (changed, file) in enumerate(aged):
            if place >= self._max or time.time() - changed > self._ttl:
                file.unlink(missing_ok=True)

    def __len__(self) -> int:
        return sum(1 for file in self._path.iterdir() if file.suffix == self._SUFFIX)


class Shared:
    """In state that several machines share. Nobody is locked out: who writes says which version was read, and reads again when
    another came between. Raises Unreachable."""

    def __init__(self, store: SharedStore, ttl_s: float, max_entries: int) -> None:
        self._store, self._ttl, self._max = store, ttl_s, max_entries
        self._read: dict[str, int] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Forgets afterwards which versions were read."""
        try:
            yield
        finally:
            self._read.clear()

    def get(self, name: str) -> bytes | None:
        """See :class:`Store`."""
        held = self._store.load(_GROUP, name)
        self._read[name] = held.version if held is not None else 0
        return held.chunks[-1] if held is not None and held.chunks else None

    def put(self, name: str, blob: bytes) -> bool:
        """See :class:`Store`."""
        version = self._read.get(name, 0)
        return self._store.keep(_GROUP, name, blob, version=version, ttl_s=self._ttl, most=self._max)

    def drop(self, name: str) -> None:
        """See :class:`Store`."""
        self._store.drop(_GROUP, name)
        self._read.pop(name, None)

    def __len__(self) -> int:
        return self._store.count(_GROUP)
