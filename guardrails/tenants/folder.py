"""The folder that policies are read from: its real root, whether it changed, and the bytes of its files."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from guardrails import resources
from guardrails.errors import GuardrailsError, PolicyError, Problem
from guardrails.policy.files import MAX_LIST_BYTES, SHIPPED, Files, Loaded
from guardrails.rules import Position

__all__ = ["Changed", "Origin", "Reading", "identity", "links", "locate", "policy_files", "real_root", "scan"]

_ENDINGS = (".yaml", ".yml", ".json")
# A volume that Kubernetes fills from a ConfigMap holds this link to the folder with the files; a new version is a new
# folder, and one rename of the link.
_DATA = "..data"
TENANTS = "tenants"
# Files that lie beside policies: who is under which, and the keys of callers.
_NO_POLICY = frozenset((TENANTS, "keys"))
_NAMED = re.compile(rb"""^name[ \t]*:|"name"[ \t\r\n]*:""", re.MULTILINE)


class Changed(Exception):
    """A file is no longer what it was a moment ago."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where everything comes from: a folder and a tenants file in it, one policy (``shipped:NAME``, or a file of the
    folder) for everybody, or with neither every policy of the folder."""

    folder: Path
    tenants_file: str | None
    policy: str | None


def locate(source: str | Path, known: Origin | None = None, *, every: bool = False) -> Origin:
    """What ``source`` means. ``known`` is what it meant before, used when its files are gone. ``every``: a folder without
    tenants.yaml means all policies in it.

    Raises GuardrailsError or PolicyError with the remedy.
    """
    path = Path(source)
    if path.is_dir():
        return _folder(path, known, every=every)
    if path.is_file():
        folder = path.absolute().parent
        return Origin(folder, path.name, None) if path.stem == TENANTS else Origin(folder, None, path.name)
    if known is not None:
        return known
    name = str(source).removeprefix(SHIPPED)
    if name in resources.shipped_policies():
        return Origin(resources.policies_dir(), None, SHIPPED + name)
    raise PolicyError(
        [
            Problem(
                "not-found", "there is no such file or folder, and no shipped policy of this name", str(source),
                written=str(source), allowed=f"a path, or one of {', '.join(resources.shipped_policies())}",
            )
        ]
    )  # fmt: skip


def _folder(path: Path, known: Origin | None, *, every: bool) -> Origin:
    folder = path.absolute()
    for ending in _ENDINGS:
        if (folder / f"{TENANTS}{ending}").exists():
            return Origin(folder, f"{TENANTS}{ending}", None)
    if every:
        return Origin(folder, None, None)
    if known is not None:
        return known
    found = sorted(p.name for p in folder.iterdir() if p.suffix in _ENDINGS and not p.stem.endswith(".test"))
    if len(found) == 1:
        return Origin(folder, None, found[0])
    what = f"{len(found)} policies" if found else "no policy"
    raise GuardrailsError(
        f"{path}: a folder with {what} and without tenants.yaml does not say who is under which policy. "
        "Add a tenants.yaml (docs/tenants.md has one to start from), or name one policy file instead of the folder"
    )


def real_root(folder: Path) -> Path:
    """The folder that files are read from: the one itself, or the present version in a ConfigMap's volume.

    Raises PolicyError when ``..data`` leads out of the folder.
    """
    root = Path(os.path.realpath(folder))
    data = root / _DATA
    if not data.is_symlink():
        return root
    real = Path(os.path.realpath(data))
    if not real.is_relative_to(root):
        raise PolicyError([Problem("outside-root", "this link leads out of the folder", _DATA, written=_DATA)])
    return real


def policy_files(root: Path) -> list[str]:
    """The policies below a folder, as paths from there: files that end like one and name themselves."""
    found = [Path(e.path) for e in _below(root) if Path(e.name).suffix in _ENDINGS and not e.name.startswith(".")]
    return [p.relative_to(root).as_posix() for p in found if not p.stem.endswith(".test") and _names_itself(p)]


def _names_itself(path: Path) -> bool:
    try:
        if path.stem in _NO_POLICY:
            return False
        data = path.read_bytes()  # nothing in it: somebody is about to write it
        return not data.strip() or _NAMED.search(data) is not None
    except OSError:
        return False


def scan(folder: Path) -> bytes:
    """A digest over names, inodes, sizes and times of everything below the folder: another one means that something
    may have changed. No file is opened."""
    digest = hashlib.sha256()
    for entry in _below(folder):
        try:
            info = entry.stat(follow_symlinks=False)
            link = str(Path(entry.path).readlink()) if entry.is_symlink() else ""
        except OSError:
            continue  # gone since it was listed, and so not part of what is here
        state = (entry.path, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_mode, link)
        digest.update(repr(state).encode("utf-8", "surrogateescape"))
    return digest.digest()


def links(root: Path) -> tuple[tuple[str, str], ...]:
    """Every symbolic link below the root and where it points. Which file a reference means depends on them."""
    found: list[tuple[str, str]] = []
    for entry in _below(root):
        if entry.is_symlink():
            try:
                found.append((entry.path, str(Path(entry.path).readlink())))
            except OSError:
                continue
    return tuple(found)


def _below(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """Files and links in this folder and its own folders, in order; no link is followed."""
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda e: e.name)
    except OSError:
        return
    for entry in ordered:
        if not entry.is_dir(follow_symlinks=False):
            yield entry
        elif entry.name != ".git":  # a checkout's history is large, and no policy
            yield from _below(entry.path)


class Reading:
    """The bytes of files by the names they have in a policy's identity. Each file is hashed once."""

    def __init__(self, root: Path) -> None:
        self._files = Files(root)
        self._known: dict[str, str] = {}

    @property
    def root(self) -> Path:
        """The real folder."""
        return self._files.root

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises Changed when they cannot be had from under exactly this name."""
        files, relative = self._files, name
        if name.startswith(SHIPPED):
            files, relative = Files(self._files.shipped), name.removeprefix(SHIPPED)
        at = Position(name, 1)
        try:
            path = files.resolve(relative, files.root, at, "")
            if path != files.root / relative:
                raise Changed
            return files.read(path, at, "", name, MAX_LIST_BYTES)
        except PolicyError:
            raise Changed from None

    def exactly(self, file: Loaded) -> bytes | None:
        """The bytes of a file, None when they are no longer those."""
        try:
            data = self.read(file.name)
        except Changed:
            return None
        return data if hashlib.sha256(data).hexdigest() == file.sha256 else None

    def sha256(self, name: str) -> str:
        """The sha256 of a file, hexadecimal. Raises Changed."""
        if name not in self._known:
            self._known[name] = hashlib.sha256(self.read(name)).hexdigest()
        return self._known[name]

    def holds(self, files: Sequence[Loaded]) -> bool:
        """True when all these files hold what they held."""
        try:
            return all(self.sha256(file.name) == file.sha256 for file in files)
        except Changed:
            return False

    def files(self, names: Iterable[str]) -> tuple[Loaded, ...]:
        """Names with the sha256 of what they hold now. Raises Changed."""
        return tuple(Loaded(name, self.sha256(name)) for name in names)


def identity(files: Iterable[Loaded]) -> str:
    """The sha256 that a policy loaded from these files has (``Policy.identity``, docs/policy-files.md)."""
    digest = hashlib.sha256(b"guardrails policy v1\0")
    for file in files:
        name = file.name.encode()
        digest.update(len(name).to_bytes(8, "big") + name + bytes.fromhex(file.sha256))
    return digest.hexdigest()
