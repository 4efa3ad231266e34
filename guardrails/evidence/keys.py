"""The secrets of a log: the key that signs checkpoints, the key that stands between values and their hashes, and salts.

Equal values have equal hashes within a tenant, so that whoever holds the key can find every decision about a value that he
knows; without the key a hash says nothing, and between tenants it cannot be compared.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path

from guardrails.errors import GuardrailsError
from guardrails.evidence.files import Disk
from guardrails.evidence.note import Signer
from guardrails.evidence.segments import SALT, Place

__all__ = ["Hashing", "Text", "commitment", "load_hashing", "load_signer", "new_salt", "save_signer"]

# A text as it is committed to: who wrote it, and what.
Text = tuple[str, str]
_PRIVATE = 0o600


def new_salt() -> bytes:
    """32 random bytes, never all zero: zeros are what an erased salt is."""
    while not any(salt := secrets.token_bytes(SALT)):
        pass
    return salt


def commitment(salt: bytes, texts: Iterable[Text]) -> str:
    """SHA-256 over the salt and, for each text, its role and itself, each after its length in eight bytes (big-endian)."""
    digest = hashlib.sha256(salt)
    for pair in texts:
        for part in pair:
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


class Hashing:
    """HMAC-SHA-256 with a key a tenant, which is derived from the log's."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def value(self, tenant: str, kind: str, value: str | bytes) -> str:
        """The hash of a value: 32 hex digits. ``kind`` keeps apart what must not be compared (a caller, a found value)."""
        own = hmac.digest(self._key, f"{kind}\n{tenant}".encode("utf-8", "backslashreplace"), "sha256")
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        return hmac.digest(own, data, "sha256")[:16].hex()

    def __repr__(self) -> str:
        return "Hashing(...)"


def load_signer(place: Place, disk: Disk, name: str) -> Signer:
    """The log's signing key, made on first use. Raises OSError or GuardrailsError."""
    path = place.private / "signing.key"
    if path.exists():
        signer = Signer.parse(path.read_text(encoding="utf-8"))
        if not place.checkpoints.exists():  # a crash came between the key and its public half
            _publish(place, disk, signer)
        return signer
    if place.checkpoints.exists():
        raise GuardrailsError(
            f"{path}: the key of this log is missing; restore it, or start a new log in another directory"
        )
    signer = Signer.new(name)
    save_signer(place, disk, signer)
    return signer


def save_signer(place: Place, disk: Disk, signer: Signer) -> None:
    """Keep the signing key, and publish its public half if it is the first. Raises OSError."""
    disk.replace(place.private / "signing.key", signer.dump().encode(), mode=_PRIVATE)
    _publish(place, disk, signer)


def _publish(place: Place, disk: Disk, signer: Signer) -> None:
    """The first key of a log is where trust in it begins; later ones are told by the log itself."""
    if not place.verifier.exists():
        disk.replace(place.verifier, f"{signer.verifier}\n".encode())


def load_hashing(place: Place, disk: Disk) -> Hashing:
    """The key of the hashes, made on first use. Raises OSError or GuardrailsError."""
    path: Path = place.private / "values.key"
    if not path.exists():
        disk.replace(path, secrets.token_bytes(32), mode=_PRIVATE)
    key = path.read_bytes()
    if len(key) != 32:
        raise GuardrailsError(f"{path}: the key has 32 bytes; restore it, or take it away and a new one is made")
    return Hashing(key)
