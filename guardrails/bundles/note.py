"""``bundle.note``: which files a bundle has, and who says so.

The signed text::

    onepolicy-guardrails/bundle/v1
    serial 7
    5c17f707605d… 812 bank.yaml
    90b1e2c4aa31… 2310 lists/rivals.txt

The serial number grows with every version that is signed, so that nobody can serve an old one again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guardrails.errors import GuardrailsError
from guardrails.evidence.note import Signer, Verifier, signatures, signed

__all__ = ["NOTE", "NOTE_BYTES", "Bundle", "File", "named"]

NOTE = "bundle.note"
NOTE_BYTES = 4 * 1024 * 1024
# Bytes of all files of a bundle.
TOTAL_BYTES = 256 * 1024 * 1024

_HEAD = "onepolicy-guardrails/bundle/v1"
_SERIAL = re.compile(r"serial ([1-9][0-9]{0,14})")
_FILE = re.compile(r"([0-9a-f]{64}) (0|[1-9][0-9]{0,9}) (.+)")
# A part of a name: nothing hidden, no `..`, nothing that a shell, a URL or another system reads differently.
_PART = re.compile(r"[\w(@+][\w (),.@+=~-]{0,199}")


def named(path: str) -> bool:
    """Whether a bundle may hold a file of this name: a relative path with forward slashes, no part of which is hidden or leads upwards."""
    parts = path.split("/")
    return len(path) <= 1000 and path != NOTE and all(_PART.fullmatch(p) and not p.endswith((" ", ".")) for p in parts)


@dataclass(frozen=True, slots=True)
class File:
    """One file: its path in the bundle, its size in bytes, and its sha256 in hexadecimal digits."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of one version, in the order of their names."""

    serial: int
    files: tuple[File, ...]

    def text(self) -> str:
        """What is signed."""
        lines = [_HEAD, f"serial {self.serial}", *(f"{f.sha256} {f.size} {f.path}" for f in self.files)]
        return "\n".join(lines) + "\n"

    def note(self, signers: Iterable[Signer]) -> str:
        """The text with its signatures."""
        return signed(self.text(), signers)

    @classmethod
    def parse(cls, note: str) -> Bundle:
        """The bundle in a note, whoever signed it. Raises GuardrailsError for what is none, or names a file that may not be in one."""
        text, _ = signatures(note)
        head, *lines = text.removesuffix("\n").split("\n")
        serial = _SERIAL.fullmatch(lines[0]) if lines else None
        found = [_FILE.fullmatch(line) for line in lines[1:]]
        if head != _HEAD or serial is None or not all(found):
            raise GuardrailsError(f"{NOTE}: this is no note of a bundle; write it with guardrails bundle sign")
        files = tuple(File(m[3], int(m[2]), m[1]) for m in found if m)
        _sound(files)
        return cls(int(serial[1]), files)

    @classmethod
    def trusted(cls, note: str, verifiers: Sequence[Verifier]) -> Bundle:
        """The bundle in a note that one of these keys signed. Raises GuardrailsError."""
        if not any(v.verifies(note) for v in verifiers):
            signed_by = ", ".join(f"{name}+{data[:4].hex()}" for name, data in signatures(note)[1])
            trusted = ", ".join(f"{v.name}+{v.id.hex()}" for v in verifiers)
            raise GuardrailsError(
                f"{NOTE}: no key that is trusted here signed this text (trusted: {trusted}; it names {signed_by}); what was live stays live"
            )
        return cls.parse(note)


def _sound(files: Sequence[File]) -> None:
    wrong = next((f.path for f in files if not named(f.path)), None)
    if wrong is not None:
        raise GuardrailsError(f"{NOTE}: {wrong!r} cannot be the name of a file in a bundle")
    paths = [f.path for f in files]
    if not paths or sorted(set(paths)) != paths:
        raise GuardrailsError(f"{NOTE}: it names no file, or one twice, or not in order")
    folded = {p.casefold() for p in paths}
    if len(folded) < len(paths) or any(above in folded for p in folded for above in _above(p)):
        raise GuardrailsError(f"{NOTE}: two names differ only in case, or one is a file and a folder")
    if sum(f.size for f in files) > TOTAL_BYTES:
        raise GuardrailsError(f"{NOTE}: its files have over {TOTAL_BYTES} bytes together; split the bundle")


def _above(path: str) -> list[str]:
    """The folders above a path."""
    parts = path.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]
