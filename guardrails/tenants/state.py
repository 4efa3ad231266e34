"""The last good files on disk, so that a restart beside a broken file is no outage.

A folder of our own (0700) inside the one that is given: ``blobs/SHA256`` (0600) hold the bytes of files, ``last-good.json``
says which of them make up the configuration and each policy. Every file appears by one rename, and every byte is checked
against its sha256 before it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.policy.files import MAX_LIST_BYTES, SHIPPED, Loaded
from guardrails.tenants.folder import Origin
from guardrails.whole_files import write_whole

__all__ = ["Bundle", "Saved", "State"]

_FORMAT = 1
_MANIFEST = "last-good.json"
_WRITERS = 16
_MAX_MANIFEST = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """A policy as it was named, and its files."""

    reference: str
    files: tuple[Loaded, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """What was in use: the origin, the configuration's files, and each tenant's policy."""

    origin: Origin
    config: tuple[Loaded, ...]
    tenants: Mapping[str, Bundle]


class State:
    """The folder of the last good files of one source."""

    def __init__(self, folder: Path, source: str | Path) -> None:
        """Raises GuardrailsError when the folder cannot be ours alone, and on Windows, where its permissions could not be checked."""
        if sys.platform == "win32":
            raise GuardrailsError("a state folder needs the permissions of a POSIX system; leave out state on Windows")
        self._source = str(Path(source).absolute())
        self._folder = folder / "guardrails-last-good"
        self._blobs = self._folder / "blobs"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._blobs.mkdir(mode=0o700, exist_ok=True)
            for path in (self._folder, self._blobs):
                info = path.lstat()
                if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o077:
                    raise GuardrailsError(f"{path} must be a folder of this user that nobody else can enter (0700)")
        except OSError as error:
            raise GuardrailsError(f"the state folder {folder} cannot be used: {error.strerror}") from None

    def load(self) -> Saved | None:
        """What was in use last; None when there is nothing, or it is damaged, or of another source."""
        try:
            data = self._read(self._folder / _MANIFEST, _MAX_MANIFEST)
            digest, _, body = data.partition(b"\n")
            if digest.decode("ascii") != hashlib.sha256(body).hexdigest():
                return None
            return _saved(json.loads(body), self._source)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def save(self, saved: Saved, blobs: Mapping[str, bytes]) -> None:
        """Make this the last good state. ``blobs`` are new bytes by their sha256. Raises OSError.

        A policy whose bytes are neither new nor here already is left out.
        """
        with self._locked():
            new = [(self._blobs / sha256, data) for sha256, data in blobs.items() if not self._has(sha256)]
            # A disk that waits for each of many files serves many waiters at once.
            with ThreadPoolExecutor(_WRITERS, thread_name_prefix="guardrails-state") as pool:
                list(pool.map(lambda pair: write_whole(pair[0], pair[1], 0o600), new))
            _sync_folder(self._blobs)
            tenants = {id_: b for id_, b in saved.tenants.items() if all(self._has(f.sha256) for f in _own(b.files))}
            policies = {_key(b): [b.reference, [[f.name, f.sha256] for f in b.files]] for b in tenants.values()}
            document: dict[str, Any] = {
                "format": _FORMAT,
                "source": self._source,
                "origin": [str(saved.origin.folder), saved.origin.tenants_file, saved.origin.policy],
                "config": [[f.name, f.sha256] for f in saved.config],
                "policies": policies,
                "tenants": {id_: _key(b) for id_, b in tenants.items()},
            }
            body = json.dumps(document).encode()
            write_whole(self._folder / _MANIFEST, hashlib.sha256(body).hexdigest().encode() + b"\n" + body, 0o600)
            _sync_folder(self._folder)
            used = {f.sha256 for b in tenants.values() for f in b.files} | {f.sha256 for f in saved.config}
            for path in self._blobs.iterdir():
                if path.name not in used:
                    path.unlink(missing_ok=True)

    @contextmanager
    def unpacked(self, files: Iterable[Loaded]) -> Iterator[Path | None]:
        """These files in a folder of their own, for as long as the context lasts. None when a byte is not as it was."""
        folder = Path(tempfile.mkdtemp(prefix="unpacked-", dir=self._folder))
        try:
            yield folder if self._unpack(files, folder) else None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _unpack(self, files: Iterable[Loaded], folder: Path) -> bool:
        for file in _own(files):
            parts = PurePosixPath(file.name).parts
            try:
                data = self._read(self._blobs / file.sha256, MAX_LIST_BYTES)
            except OSError:
                return False
            if hashlib.sha256(data).hexdigest() != file.sha256 or ".." in parts or file.name.startswith("/"):
                return False
            path = folder.joinpath(*parts)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(data)
        return True

    def _has(self, sha256: str) -> bool:
        return (self._blobs / sha256).is_file()

    @staticmethod
    def _read(path: Path, limit: int) -> bytes:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ValueError("too large")
        return data

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, over all worker processes: what one writes, another does not tidy away."""
        import fcntl  # noqa: PLC0415 - not on Windows, where there is no such folder

        handle = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _own(files: Iterable[Loaded]) -> list[Loaded]:
    """Without what is shipped: that is installed, and checked with the installation."""
    return [f for f in files if not f.name.startswith(SHIPPED)]


def _key(bundle: Bundle) -> str:
    return hashlib.sha256(repr((bundle.reference, [(f.name, f.sha256) for f in bundle.files])).encode()).hexdigest()


def _saved(document: dict[str, Any], source: str) -> Saved | None:
    if document["format"] != _FORMAT or document["source"] != source:
        return None
    folder, tenants_file, policy = document["origin"]
    bundles = {
        key: Bundle(reference, tuple(Loaded(str(n), str(s)) for n, s in files))
        for key, (reference, files) in document["policies"].items()
    }
    return Saved(
        Origin(Path(folder), tenants_file, policy),
        tuple(Loaded(str(n), str(s)) for n, s in document["config"]),
        {str(id_): bundles[key] for id_, key in document["tenants"].items()},
    )
