"""Fetching a bundle and putting it live: all of it, or nothing."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guardrails.bundles.note import NOTE, NOTE_BYTES, Bundle
from guardrails.bundles.sources import Read, opened
from guardrails.errors import GuardrailsError, PolicyError, Problem
from guardrails.evidence.note import Verifier
from guardrails.policy import load
from guardrails.tenants.folder import policy_files
from guardrails.whole_files import link_whole

__all__ = ["Pulled", "pull"]

# The link to the version that is live, as in a ConfigMap's volume, and the folders of versions.
_LIVE = "..data"
_VERSION = re.compile(r"\.\.[1-9][0-9]{0,14}-[0-9a-f]{12}")
_DRAFT = ".pulling."


@dataclass(frozen=True, slots=True)
class Pulled:
    """What is live now. ``changed`` is False when it was so before; ``policies`` is how many loaded."""

    serial: int
    files: int
    policies: int
    changed: bool


def pull(address: str, into: str | Path, verifiers: Sequence[Verifier], *, least: int = 1) -> Pulled:
    """Fetch the bundle of a source into the folder ``into``, where servers read it, and put it live by one rename of a link.

    What was live stays live unless one of ``verifiers`` signed the new note, its serial number is neither below ``least`` nor below that of what is
    live, every file has the size and the sha256 of the note, and every policy loads. Raises GuardrailsError and PolicyError otherwise.
    One process at a time should pull into a folder.
    """
    if not verifiers:
        raise GuardrailsError("name the key that is trusted: guardrails bundle sign prints it")
    folder = Path(into)
    folder.mkdir(parents=True, exist_ok=True)
    _own(folder)
    live = _live(folder)
    with opened(address) as read:
        raw = read(NOTE, NOTE_BYTES)
        try:
            note = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise GuardrailsError(f"{NOTE}: it is not UTF-8") from None
        bundle = Bundle.trusted(note, verifiers)
        if live is not None and note == live:
            return Pulled(bundle.serial, len(bundle.files), len(policy_files(folder / _LIVE)), changed=False)
        _newer(bundle, live, least)
        return _put(folder, bundle, raw, read)


def _newer(bundle: Bundle, live: str | None, least: int) -> None:
    """Raises GuardrailsError for a version that is older than what is live, or another one of the same number."""
    known = Bundle.parse(live) if live is not None else None
    if known is not None and known.serial == bundle.serial and known.files == bundle.files:
        return  # signed again, by another key
    floor = max(least, known.serial + 1 if known is not None else 1)
    if bundle.serial < floor:
        raise GuardrailsError(
            f"{NOTE}: the serial number is {bundle.serial}, and {floor} is the lowest that is taken: an old version was put back, or two were signed"
            " with one number. To go back on purpose, sign the old files again; what was live stays live"
        )


def _put(folder: Path, bundle: Bundle, note: bytes, read: Read) -> Pulled:
    draft = folder / f"{_DRAFT}{secrets.token_hex(6)}"
    try:
        draft.mkdir()
        for file in bundle.files:
            data = read(file.path, file.size)
            if len(data) != file.size or hashlib.sha256(data).hexdigest() != file.sha256:
                raise GuardrailsError(f"{file.path}: this is not what was signed; what was live stays live")
            _write(draft / file.path, data)
        _write(draft / NOTE, note)
        policies = policy_files(draft)
        _load(draft, policies)
        version = folder / f"..{bundle.serial}-{hashlib.sha256(note).hexdigest()[:12]}"
        if version.exists():  # left by a pull that was cut off, or by hand
            shutil.rmtree(version)
        draft.replace(version)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    before = _target(folder)
    link_whole(folder / _LIVE, version.name)
    _links(folder, version)
    _tidy(folder, {version.name, before})
    return Pulled(bundle.serial, len(bundle.files), len(policies), changed=True)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o444)


def _load(root: Path, policies: Sequence[str]) -> None:
    """Raises PolicyError with the problems of all policies that do not load."""
    problems: list[Problem] = []
    for name in policies:
        try:
            load(root / name, root=root)
        except PolicyError as error:
            problems += error.problems
    if problems:
        raise PolicyError(problems)


def _target(folder: Path) -> str:
    link = folder / _LIVE
    return link.readlink().name if link.is_symlink() else ""


def _live(folder: Path) -> str | None:
    """The note of what is live."""
    path = folder / _LIVE / NOTE
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _own(folder: Path) -> None:
    """Raises GuardrailsError when something lies there that no pull has put there."""
    for path in folder.iterdir():
        if path.is_symlink():
            first = path.readlink().parts[0]
            ours = first == _LIVE or _VERSION.fullmatch(first) is not None
        else:
            ours = _VERSION.fullmatch(path.name) is not None or path.name.startswith(_DRAFT)
        if not ours:
            raise GuardrailsError(f"{path}: this folder holds something else; pull into a folder of its own")


def _links(folder: Path, version: Path) -> None:
    """One link a file and a folder of the version; links to what is gone go."""
    names = {p.name for p in version.iterdir()}
    for name in sorted(names):
        if not (folder / name).is_symlink():
            link_whole(folder / name, f"{_LIVE}/{name}")
    for path in folder.iterdir():
        if path.is_symlink() and path.name != _LIVE and path.name not in names:
            path.unlink()


def _tidy(folder: Path, kept: set[str]) -> None:
    """Remove versions but the one that is live and the one before, and what a pull that was cut off left."""
    for path in folder.iterdir():
        if (_VERSION.fullmatch(path.name) and path.name not in kept) or path.name.startswith(_DRAFT):
            shutil.rmtree(path, ignore_errors=True)
