"""Values at rest: AES-256-GCM under a key from configuration, bound to the place where they lie."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any, NoReturn

from guardrails.errors import GuardrailsError

__all__ = ["KEY_BYTES", "Seal", "Unreadable", "key_of"]

KEY_BYTES = 32
_NONCE = 12  # bytes, as NIST SP 800-38D recommends for GCM


class Unreadable(GuardrailsError):
    """Sealed bytes that this key does not open at this place."""


class Seal:
    """Seals and opens bytes. Each place has its own key, derived from the one of the configuration."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """``key``: 32 bytes. Raises GuardrailsError for another length."""
        if not isinstance(key, bytes) or len(key) != KEY_BYTES:
            has = f"it has {len(key)}" if isinstance(key, bytes) else f"this is {type(key).__name__}"
            raise GuardrailsError(
                f"a key for values at rest must be {KEY_BYTES} bytes; {has}. `openssl rand 32` makes one"
            )
        self._key = key

    def name(self, where: bytes) -> str:
        """What is filed under a place: 64 hexadecimal digits from which nothing of it can be read."""
        return hmac.new(self._key, b"name\0" + where, hashlib.sha256).hexdigest()

    def seal(self, where: bytes, data: bytes) -> bytes:
        """The bytes, sealed for this place."""
        nonce = os.urandom(_NONCE)
        return nonce + bytes(self._cipher(where).encrypt(nonce, data, where))

    def open(self, where: bytes, blob: bytes) -> bytes:
        """The bytes that were sealed for this place. Raises Unreadable."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as below

        try:
            return bytes(self._cipher(where).decrypt(blob[:_NONCE], blob[_NONCE:], where))
        except (InvalidTag, ValueError):
            raise Unreadable("sealed with another key, for another conversation, or changed since") from None

    def _cipher(self, where: bytes) -> Any:
        # Only who keeps values for longer than an exchange needs cryptography.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=b"seal\0" + where).derive(self._key))

    def __repr__(self) -> str:
        return "Seal()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Seal holds a key: it is neither pickled nor copied")


def key_of(variable: str) -> bytes | None:
    """The key that a variable of the environment holds as 64 hexadecimal digits; None where it is not set. Raises GuardrailsError."""
    written = os.environ.get(variable, "")
    if not written:
        return None
    try:
        key = bytes.fromhex(written)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise GuardrailsError(
            f"{variable}: this is no key of {2 * KEY_BYTES} hexadecimal digits; `openssl rand -hex 32` makes one"
        )
    return key
