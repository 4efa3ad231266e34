"""Ledgers at rest: AES-256-GCM under a key from configuration, bound to one tenant and one conversation."""

from __future__ import annotations

import json

from guardrails.errors import GuardrailsError
from guardrails.stores.sealing import Seal, Unreadable
from guardrails.vault.ledger import Kept, Ledger, refuse_pickling

__all__ = ["Sealer", "Unreadable", "address"]

_VERSION = b"guardrails vault 1"
# A conversation that names more than this loses its oldest values; their numbers are never given again.
MAX_BYTES = 1_048_576


def address(tenant_id: str, conversation_id: str) -> bytes:
    """One conversation of one tenant, as bytes that no other pair has. Raises GuardrailsError for an empty or long id."""
    parts = [_VERSION]
    for name, value in (("tenant", tenant_id), ("conversation", conversation_id)):
        if not isinstance(value, str) or not 1 <= len(value) <= 1_024:
            raise GuardrailsError(f"a {name} id must be a string of 1 to 1024 characters")
        data = value.encode("utf-8", "surrogatepass")
        parts += [len(data).to_bytes(4, "big"), data]
    return b"".join(parts)


class Sealer(Seal):
    """Seals and opens ledgers. Each conversation has its own key, derived from the one of the configuration."""

    __slots__ = ()

    def ledger(self, where: bytes, ledger: Ledger, now: float) -> bytes:
        """The ledger as sealed bytes; ``now`` is the time of day that a reader is told."""
        return self.seal(where, _dumped(ledger, now))

    def opened(self, where: bytes, blob: bytes) -> tuple[Ledger, float]:
        """The ledger and the time of day at which it was sealed. Raises Unreadable."""
        return _loaded(self.open(where, blob))

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
