"""Files of a policy: found inside its root, read once, shared by their content."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guardrails import resources
from guardrails.errors import PolicyError, Problem
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


_TERM_LISTS = Cache(64)


@dataclass(frozen=True)
class Loaded:
    """A file as it went into a policy's identity: its name there, and its bytes."""

    name: str
    data: bytes = field(repr=False)


class Files:
    """Reads the files of one policy and remembers them in order. Nothing outside ``root`` is opened."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.loaded: list[Loaded] = []

    def name(self, path: Path) -> str:
        """How a file is called in messages and in the identity: relative to the root, with slashes."""
        shipped = self._shipped_root()
        for root, prefix in ((self.root, ""), (shipped, SHIPPED)):
            if root is not None and path.is_relative_to(root):
                return prefix + path.relative_to(root).as_posix()
        return path.name

    def resolve(self, reference: str, base: Path, at: Position, key: str) -> Path:
        """The real path behind a reference in a file of the folder ``base``. Raises PolicyError outside the root."""
        if reference.startswith(SHIPPED):
            name = reference.removeprefix(SHIPPED)
            if name not in resources.shipped_policies():
                raise _refused(
                    "not-found", "there is no shipped policy of this name", at, key, reference,
                    allowed=", ".join(resources.shipped_policies()),
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
        roots = [self.root] + ([self._shipped_root()] if self._inside_shipped(base) else [])
        if not any(r is not None and path.is_relative_to(r) for r in roots):
            raise _refused(
                "outside-root", "this file lies outside the policy's root folder", at, key, reference,
                remedy="move it into the root, or load the policy with a root that holds both",
            )  # fmt: skip
        return path

    def read(self, path: Path, at: Position, key: str, reference: str, limit: int) -> bytes:
        """The bytes of a regular file. Raises PolicyError; never follows a link that appears after resolving."""
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
                data = file.read(limit + 1)
        except OSError as error:
            raise _refused("not-found", f"the file cannot be read: {error.strerror}", at, key, reference) from None
        self.loaded.append(Loaded(self.name(path), data))
        return data

    def term_list(self, reference: str, base: Path, at: Position, key: str) -> TermList:
        """A word list: one term a line, blank lines and lines that start with ``#`` left out. Shared by content."""
        path = self.resolve(reference, base, at, key)
        data = self.read(path, at, key, reference, MAX_LIST_BYTES)
        digest = hashlib.sha256(data).hexdigest()
        name = self.name(path)

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
            stripped = (line.strip() for line in text.split("\n"))
            return TermList(name, digest, tuple(line for line in stripped if line and not line.startswith("#")))

        made: TermList = _TERM_LISTS.get((name, digest), make)
        return made

    @staticmethod
    def _shipped_root() -> Path | None:
        return Path(os.path.realpath(resources.policies_dir()))

    def _inside_shipped(self, base: Path) -> bool:
        root = self._shipped_root()
        return root is not None and Path(os.path.realpath(base)).is_relative_to(root)


def _refused(code: str, message: str, at: Position, key: str, written: str, **more: Any) -> PolicyError:
    return PolicyError([Problem(code, message, at.file, at.line, at.column, key, written=written, **more)])
