"""Files of a policy: found inside its root, read once, shared by their content."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from guardrails import resources
from guardrails.errors import PolicyError, Problem
from guardrails.policy.reader import nearest
from guardrails.policy.source import CONTROL
from guardrails.rules import Position

if TYPE_CHECKING:
    from guardrails.detectors.words import TermList

__all__ = ["SHIPPED", "Cache", "Files", "Lists", "Loaded"]

MAX_LIST_BYTES = 64 * 1024 * 1024
SHIPPED = "shipped:"

Lists = Callable[[str, Position, str], "TermList | None"]


class Cache:
    """A bounded, thread-safe map from content to what it means. Keys are hashes of bytes, so nothing goes stale."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """The value of ``key``, made on first use."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
                return self._items[key]
        value = make()
        with self._lock:
            self._items[key] = value
            while len(self._items) > self._size:
                self._items.popitem(last=False)
        return value

    def known(self, key: Any) -> Any:
        """The value of ``key``, None when it was never made or is forgotten."""
        with self._lock:
            return self._items.get(key)


_TERM_LISTS = Cache(64)
# A long list is not read again while the system says that it is the same file, unchanged: ctime moves with every write
# and no program can set it back. A file changed in the last seconds is read, for the clock behind ctime is coarse.
_DIGESTS = Cache(256)
_SETTLED_NS = 3_000_000_000


@dataclass(frozen=True)
class Loaded:
    """A file as it went into a policy's identity: its name there, and the sha256 of its bytes."""

    name: str
    sha256: str


class Files:
    """Reads the files of one policy and remembers them in order. Nothing outside ``root`` is opened."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.loaded: list[Loaded] = []
        self.shipped = Path(os.path.realpath(resources.policies_dir()))

    def name(self, path: Path) -> str:
        """How a file is called in messages and in the identity: relative to the root, with slashes."""
        for root, prefix in ((self.root, ""), (self.shipped, SHIPPED)):
            if path.is_relative_to(root):
                return prefix + path.relative_to(root).as_posix()
        return path.name

    def resolve(self, reference: str, base: Path, at: Position, key: str) -> Path:
        """The real path behind a reference in a file of the folder ``base``. Raises PolicyError outside the root."""
        if reference.startswith(SHIPPED):
            name = reference.removeprefix(SHIPPED)
            shipped = resources.shipped_policies()
            if name not in shipped:
                close = nearest(Path(name).stem, shipped)
                raise _refused(
                    "not-found", "there is no shipped policy of this name", at, key, reference,
                    allowed=", ".join(shipped), nearest=close and f"{SHIPPED}{close}",
                    remedy=f"write {SHIPPED}{close}" if close else None,
                )  # fmt: skip
            return Path(os.path.realpath(resources.policies_dir() / f"{name}.yaml"))
        if "\0" in reference or "\\" in reference or Path(reference).is_absolute():
            raise _refused(
                "outside-root",
                "a path must be relative to the policy",
                at,
                key,
                reference,
                remedy="write a relative path with /",
            )
        path = Path(os.path.realpath(base / reference))
        # A shipped policy may use what is shipped beside it; nobody else reaches there but through shipped:NAME.
        inside = path.is_relative_to(self.root) or (
            base.is_relative_to(self.shipped) and path.is_relative_to(self.shipped)
        )
        if not inside:
            raise _refused(
                "outside-root", "this file lies outside the policy's root folder", at, key, reference,
                remedy="move it into the root, or load the policy with a root that holds both",
            )  # fmt: skip
        return path

    def read(self, path: Path, at: Position, key: str, reference: str, limit: int) -> bytes:
        """The bytes of a regular file. Raises PolicyError; never follows a link that appears after resolving."""
        with self._open(path, at, key, reference, limit) as file:
            data: bytes = file.read(limit + 1)
        if len(data) > limit:
            raise _refused("too-large", "the file is too large", at, key, reference, allowed=f"at most {limit:,} bytes")
        self.loaded.append(Loaded(self.name(path), hashlib.sha256(data).hexdigest()))
        return data

    @contextmanager
    def _open(self, path: Path, at: Position, key: str, reference: str, limit: int) -> Iterator[BinaryIO]:
        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(handle, "rb") as file:
                info = os.fstat(handle)
                if not stat.S_ISREG(info.st_mode):
                    raise _refused("not-found", "this is not a regular file", at, key, reference)
                if info.st_size > limit:
                    raise _refused(
                        "too-large", "the file is too large", at, key, reference, allowed=f"at most {limit:,} bytes"
                    )
                yield file
        except OSError as error:
            beside = path.parent.iterdir() if path.parent.is_dir() else ()
            close = nearest(path.name, sorted(p.name for p in beside if ".test." not in p.name))
            if key.startswith("extends"):
                name = Path(reference).stem
                shipped = nearest(name, resources.shipped_policies())
                if name in resources.shipped_policies() or (close is None and shipped):
                    close = f"{SHIPPED}{shipped}"
            raise _refused(
                "not-found", f"the file cannot be read: {error.strerror}", at, key, reference,
                nearest=close, remedy=f"write {close}" if close else None,
            ) from None  # fmt: skip

    def term_list(self, reference: str, base: Path, at: Position, key: str) -> TermList:
        """A word list: one term a line, blank lines and lines that start with ``#`` left out. Shared by content."""
        path = self.resolve(reference, base, at, key)
        name = self.name(path)
        with self._open(path, at, key, reference, MAX_LIST_BYTES) as file:
            info = os.fstat(file.fileno())
        state = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        digest = _DIGESTS.known(state)
        known: TermList | None = _TERM_LISTS.known((name, digest))
        if known is not None:
            self.loaded.append(Loaded(name, known.sha256))
            return known
        data = self.read(path, at, key, reference, MAX_LIST_BYTES)
        digest = self.loaded[-1].sha256
        if time.time_ns() - info.st_ctime_ns > _SETTLED_NS:
            _DIGESTS.get(state, lambda: digest)

        def make() -> TermList:
            from guardrails.detectors.words import TermList  # noqa: PLC0415 - keeps `import guardrails` cheap

            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError as error:
                line = data.count(b"\n", 0, error.start) + 1
                raise PolicyError(
                    [Problem("bad-utf8", "the word list is not UTF-8", name, line, remedy="save it as UTF-8")]
                ) from None
            if text.startswith("\ufeff"):
                raise PolicyError(
                    [Problem("bom", "the word list starts with a byte order mark", name, remedy="save it without")]
                )
            control = CONTROL.search(text)
            if control is not None:
                raise PolicyError(
                    [
                        Problem(
                            "control-character", "the word list holds a control or invisible separator character", name,
                            text.count("\n", 0, control.start()) + 1, written=f"U+{ord(control.group()):04X}",
                            remedy="remove it",
                        )
                    ]
                )  # fmt: skip
            stripped = (line.strip() for line in text.split("\n"))
            return TermList(name, digest, tuple(line for line in stripped if line and not line.startswith("#")))

        made: TermList = _TERM_LISTS.get((name, digest), make)
        return made


def _refused(code: str, message: str, at: Position, key: str, written: str, **more: Any) -> PolicyError:
    return PolicyError([Problem(code, message, at.file, at.line, at.column, key, written=written, **more)])
