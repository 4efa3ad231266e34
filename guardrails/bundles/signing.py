"""Writing the note of a bundle."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from guardrails.bundles.note import NOTE, Bundle, File, named
from guardrails.errors import GuardrailsError
from guardrails.evidence.note import Signer
from guardrails.whole_files import write_whole

__all__ = ["sign"]


def sign(folder: str | Path, signer: Signer, *, serial: int | None = None) -> Bundle:
    """Write ``bundle.note`` into a folder of policies, over every file below it that is not hidden.

    ``serial`` is by default one more than that of the note that is there, or 1. Raises GuardrailsError for a file that no bundle may hold (a
    link, a name with special characters), an empty folder, or a serial number that does not grow.
    """
    root = Path(folder)
    if not root.is_dir():
        raise GuardrailsError(f"{root}: there is no such folder")
    files = tuple(sorted((_file(root, path) for path in _below(root)), key=lambda f: f.path))
    if not files:
        raise GuardrailsError(f"{root}: there is no file to sign")
    there = root / NOTE
    last = Bundle.parse(there.read_text(encoding="utf-8")).serial if there.is_file() else 0
    number = last + 1 if serial is None else serial
    if number <= last:
        raise GuardrailsError(f"{there}: it has the serial number {last}, and the next one has to be higher")
    made = Bundle(number, files)
    note = made.note([signer])
    Bundle.trusted(note, [signer.verifier])
    write_whole(there, note.encode(), 0o644)
    return made


def _below(folder: Path) -> Iterator[Path]:
    """Files and links below a folder that are not hidden, and not its note."""
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda e: e.name)
    for entry in ordered:
        if entry.name.startswith(".") or entry.name == NOTE:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path))
        else:
            yield Path(entry.path)


def _file(root: Path, path: Path) -> File:
    name = path.relative_to(root).as_posix()
    if path.is_symlink() or not path.is_file():
        raise GuardrailsError(f"{path}: a bundle holds files, no links; sign the folder that it leads to")
    if not named(name):
        raise GuardrailsError(
            f"{path}: a bundle cannot hold a file of this name; use letters, digits, blanks and -_.()"
        )
    data = path.read_bytes()
    return File(name, len(data), hashlib.sha256(data).hexdigest())
