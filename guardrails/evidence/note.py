"""Signed notes and checkpoints, as C2SP writes them (signed-note and tlog-checkpoint), with Ed25519.

A checkpoint is three lines: the log's origin, how many records it has, and the root of its tree. Below, after an empty line, stand
the signatures. Anybody who keeps a checkpoint can later prove that a log was cut, rewritten or forked. A witness does, and says so with a
cosignature (tlog-cosignature): a signature with a time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from guardrails.errors import GuardrailsError

__all__ = ["Checkpoint", "Cosigner", "Signer", "Verifier", "Witness", "signatures", "signed"]

# What a key signs: notes, or notes with a time.
_ED25519, _COSIGNATURE = b"\x01", b"\x04"
_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/=]+)")
_NAME = re.compile(r"[^\s+]{1,100}")


def _id(name: str, algorithm: bytes, key: bytes) -> bytes:
    """Four bytes by which signatures name a key."""
    return hashlib.sha256(name.encode() + b"\n" + algorithm + key).digest()[:4]


def _read(text: str, algorithm: bytes) -> tuple[str, bytes] | None:
    """(name, key) of ``name+id+key``, None where it is no such key."""
    try:
        name, id_, data = text.strip().split("+", 2)
        raw = base64.b64decode(data, validate=True)
    except ValueError:
        return None
    sound = raw[:1] == algorithm and len(raw) == 33 and _id(name, algorithm, raw[1:]).hex() == id_
    return (name, raw[1:]) if sound and _NAME.fullmatch(name) else None


def _written(name: str, algorithm: bytes, key: bytes) -> str:
    return f"{name}+{_id(name, algorithm, key).hex()}+{base64.b64encode(algorithm + key).decode()}"


def _private(text: str, algorithm: bytes) -> tuple[str, Ed25519PrivateKey] | None:
    """(name, key) of what :func:`_dumped` wrote, None where it is something else."""
    try:
        *head, id_, data = text.strip().split("+", 4)
        raw = base64.b64decode(data, validate=True)
        name, key = head[2], Ed25519PrivateKey.from_private_bytes(raw[1:])
    except (ValueError, IndexError):
        return None
    known = _id(name, algorithm, key.public_key().public_bytes_raw()).hex() == id_
    return (name, key) if raw[:1] == algorithm and known else None


def _dumped(name: str, algorithm: bytes, key: Ed25519PrivateKey) -> str:
    """The key as Go's note tools write it: ``PRIVATE+KEY+name+id+key``."""
    raw = base64.b64encode(algorithm + key.private_bytes_raw()).decode()
    return f"PRIVATE+KEY+{name}+{_id(name, algorithm, key.public_key().public_bytes_raw()).hex()}+{raw}\n"


def _sound(key: bytes, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except InvalidSignature:
        return False
    return True


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise GuardrailsError(
            "a log's name has 1 to 100 characters, none a blank or a plus: guardrails.example.com/log"
        )
    return name


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with the name of its log; written ``name+id+key`` (a C2SP verifier key)."""

    name: str
    key: bytes

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Raises GuardrailsError for what is no verifier key of Ed25519."""
        found = _read(text, _ED25519)
        if found is None:
            raise GuardrailsError(
                "this is no verifier key of Ed25519, or a character of it is wrong: it is written name+id+key, as in the file log.vkey"
            )
        return cls(*found)

    @property
    def id(self) -> bytes:
        """Four bytes by which signatures name the key."""
        return _id(self.name, _ED25519, self.key)

    def __str__(self) -> str:
        return _written(self.name, _ED25519, self.key)

    def verifies(self, note: str) -> bool:
        """Whether the note carries a signature of this key over its text. Raises GuardrailsError when it is no note."""
        text, found = signatures(note)
        for name, data in found:
            if name == self.name and data[:4] == self.id:
                return _sound(self.key, data[4:], text.encode())
        return False


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with the name of its log."""

    name: str
    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def new(cls, name: str) -> Signer:
        """A new key. Raises GuardrailsError for a name with blanks or a plus."""
        return cls(_checked(name), Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> Signer:
        """What :meth:`dump` wrote. Raises GuardrailsError, and repeats nothing of it."""
        found = _private(text, _ED25519)
        if found is None:
            raise GuardrailsError("the signing key cannot be read: restore the file from a backup, or start a new log")
        return cls(*found)

    def dump(self) -> str:
        """The key as Go's note tools write it: ``PRIVATE+KEY+name+id+key``."""
        return _dumped(self.name, _ED25519, self.key)

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.key.public_key().public_bytes_raw())

    def signature(self, text: str) -> str:
        """The line of a note that carries this key's signature."""
        data = self.verifier.id + self.key.sign(text.encode())
        return f"— {self.name} {base64.b64encode(data).decode()}\n"


@dataclass(frozen=True, slots=True)
class Witness:
    """The public key of a witness; written like a log's, with another algorithm in it."""

    name: str
    key: bytes

    @classmethod
    def parse(cls, text: str) -> Witness:
        """Raises GuardrailsError for what is no witness's key."""
        found = _read(text, _COSIGNATURE)
        if found is None:
            raise GuardrailsError(
                "this is no key of a witness (C2SP tlog-cosignature with Ed25519), or a character of it is wrong: name+id+key, as in the"
                " file witness.vkey"
            )
        return cls(*found)

    @property
    def id(self) -> bytes:
        """Four bytes by which cosignatures name the key."""
        return _id(self.name, _COSIGNATURE, self.key)

    def __str__(self) -> str:
        return _written(self.name, _COSIGNATURE, self.key)

    def cosigned(self, note: str) -> int | None:
        """When this witness cosigned the note, in seconds since 1970; None where it did not. Raises GuardrailsError when it is no note."""
        text, found = signatures(note)
        for name, data in found:
            if name == self.name and data[:4] == self.id and len(data) == 76:
                at = int.from_bytes(data[4:12], "big")
                return at if _sound(self.key, data[12:], _timed(text, at)) else None
        return None


@dataclass(frozen=True, slots=True)
class Cosigner:
    """The private key of a witness, with its name."""

    name: str
    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def new(cls, name: str) -> Cosigner:
        """A new key. Raises GuardrailsError for a name with blanks or a plus."""
        return cls(_checked(name), Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> Cosigner:
        """What :meth:`dump` wrote. Raises GuardrailsError, and repeats nothing of it."""
        found = _private(text, _COSIGNATURE)
        if found is None:
            raise GuardrailsError("the witness's key cannot be read: restore the file from a backup")
        return cls(*found)

    def dump(self) -> str:
        """The key as text."""
        return _dumped(self.name, _COSIGNATURE, self.key)

    @property
    def witness(self) -> Witness:
        """The public half."""
        return Witness(self.name, self.key.public_key().public_bytes_raw())

    def cosign(self, note: str, at: int) -> str:
        """The note with this witness's cosignature, made ``at`` so many seconds since 1970. Raises GuardrailsError when it is no note."""
        text, _ = signatures(note)
        data = self.witness.id + at.to_bytes(8, "big") + self.key.sign(_timed(text, at))
        return f"{note}— {self.name} {base64.b64encode(data).decode()}\n"


def _timed(text: str, at: int) -> bytes:
    """What a witness signs."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def signed(text: str, signers: Iterable[Signer]) -> str:
    """``text``, which ends with a line break, as a note."""
    return text + "\n" + "".join(signer.signature(text) for signer in signers)


def signatures(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A note's text, and (name, id and signature) of each signature. Raises GuardrailsError when it is none."""
    text, border, tail = note.rpartition("\n\n")
    lines = tail.splitlines()
    found = [_SIGNATURE.fullmatch(line) for line in lines]
    if not border or not lines or not tail.endswith("\n") or not all(found):
        raise GuardrailsError("this is no signed note: a text, an empty line, and lines that begin with a dash")
    try:
        return text + "\n", [(m[1], base64.b64decode(m[2], validate=True)) for m in found if m]
    except binascii.Error:
        raise GuardrailsError("a signature of the note is no base64") from None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many records a log has, and the root of their tree."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, note: str) -> Checkpoint:
        """The checkpoint in a note; whether it is signed is another question. Raises GuardrailsError."""
        text, _ = signatures(note)
        lines = text.split("\n")
        try:
            origin, size, root = lines[0], lines[1], base64.b64decode(lines[2], validate=True)
        except (IndexError, ValueError):
            origin, size, root = "", "", b""
        if not origin or not re.fullmatch(r"0|[1-9][0-9]{0,15}", size) or len(root) != 32:
            raise GuardrailsError("this is no checkpoint: a log's name, a number of records and a root, a line each")
        return cls(origin, int(size), root)

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"
