"""Ledgers at rest: AES-256-GCM under a key from configuration, bound to one tenant and one conversation."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.vault.ledger import Kept, Ledger, refuse_pickling

__all__ = ["Sealer", "Unreadable", "address"]

KEY_BYTES = 32
_NONCE = 12  # bytes, as NIST SP 800-38D recommends for GCM
_VERSION = b"guardrails vault 1"
# A conversation that names more than this loses its oldest values; their numbers are never given again.
MAX_BYTES = 1_048_576


class Unreadable(GuardrailsError):
    """Sealed bytes that this key, tenant and conversation do not open."""


def address(tenant_id: str, conversation_id: str) -> bytes:
    """One conversation of one tenant, as bytes that no other pair has. Raises GuardrailsError for an empty or long id."""
    parts = [_VERSION]
    for name, value in (("tenant", tenant_id), ("conversation", conversation_id)):
        if not isinstance(value, str) or not 1 <= len(value) <= 1_024:
            raise GuardrailsError(f"a {name} id must be a string of 1 to 1024 characters")
        data = value.encode("utf-8", "surrogatepass")
        parts += [len(data).to_bytes(4, "big"), data]
    return b"".join(parts)


class Sealer:
    """Seals and opens ledgers. Each conversation has its own key, derived from the one of the configuration."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if not isinstance(key, bytes) or len(key) != KEY_BYTES:
            has = f"it has {len(key)}" if isinstance(key, bytes) else f"this is {type(key).__name__}"
            raise GuardrailsError(
                f"the key of the vaults must be {KEY_BYTES} bytes; {has}. `openssl rand 32` makes one"
            )
        self._key = key

    def name(self, where: bytes) -> str:
        """What a conversation is filed under: no id can be read from it."""
        return hmac.new(self._key, b"name\0" + where, hashlib.sha256).hexdigest()

    def seal(self, where: bytes, ledger: Ledger, now: float) -> bytes:
        """The ledger as bytes; ``now`` is the time of day that a reader is told."""
        nonce = os.urandom(_NONCE)
        return nonce + bytes(self._cipher(where).encrypt(nonce, _dumped(ledger, now), where))

    def open(self, where: bytes, blob: bytes) -> tuple[Ledger, float]:
        """The ledger and the time of day at which it was sealed. Raises Unreadable."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as below

        try:
            data = self._cipher(where).decrypt(blob[:_NONCE], blob[_NONCE:], where)
        except (InvalidTag, ValueError):
            raise Unreadable("sealed with another key, for another conversation, or changed since") from None
        return _loaded(data)

    def _cipher(self, where: bytes) -> Any:
        # Only who keeps vaults for longer than an exchange needs cryptography.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=b"seal\0" + where).derive(self._key))

    def __repr__(self) -> str:
        return "Sealer()"

    __reduce__ = refuse_pickling


def _dumped(ledger: Ledger, now: float) -> bytes:
    with ledger.lock:
        kept = [[p, k.type, k.number, k.value, k.key, sorted(k.rules)] for p, k in ledger.kept.items()]
        given = [[type_, who, numbers] for (type_, who), numbers in ledger.given.items()]
        rest = {"saved": now, "last": ledger.last, "barred": sorted(ledger.barred)}
    while True:
        data = json.dumps({**rest, "kept": kept, "given": given}).encode()
        if len(data) <= MAX_BYTES or not (kept or given):
            return data
        kept, given = kept[len(kept) // 2 + 1 :], given[len(given) // 2 + 1 :]


def _loaded(data: bytes) -> tuple[Ledger, float]:
    raw = json.loads(data)
    ledger = Ledger()
    ledger.last = {type_: int(number) for type_, number in raw["last"].items()}
    ledger.barred = set(raw["barred"])
    ledger.given = {(type_, who): list(numbers) for type_, who, numbers in raw["given"]}
    ledger.kept = {p: Kept(t, number, value, key, frozenset(rules)) for p, t, number, value, key, rules in raw["kept"]}
    return ledger, float(raw["saved"])
