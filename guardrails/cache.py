"""Verdicts of texts that were checked before, so that a long conversation costs one new message.

A key is a keyed hash (BLAKE2b, RFC 7693) under the tenant's own secret over everything a verdict depends on: text, role, direction, the policy's
bytes and the models' weights. Nothing of the text is kept, and no tenant can hit another's entry.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from guardrails.types import Action, Finding, Report, Role, Source

__all__ = ["Outcome", "Verdicts"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check said about one text, without the text."""

    action: Action
    findings: tuple[Finding, ...]
    scores: Mapping[str, float] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, report: Report) -> Outcome:
        """The lasting part of a report."""
        if not (report.findings or report.scores or report.models or report.action is not Action.NONE):
            return _NOTHING  # of most texts, and there is no need to keep it thousands of times
        return cls(report.action, report.findings, dict(report.scores), dict(report.models))


def _framed(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return len(data).to_bytes(8, "big") + data


@lru_cache(maxsize=4_096)
def _head(basis: str, source: Source, role: Role) -> bytes:
    """What is the same in the keys of most texts."""
    return _framed(basis) + _framed(source.value) + _framed(role.value)


_NOTHING = Outcome(Action.NONE, ())


class Verdicts:
    """A bounded, thread-safe map from keyed hashes of texts to outcomes; the least recently used go first."""

    def __init__(self, size: int = 20_000) -> None:
        """``size`` entries at most, of some hundred bytes each."""
        self._size = size
        self._items: OrderedDict[bytes, Outcome] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    @staticmethod
    def key(secret: bytes, basis: str, source: Source, role: Role, text: str) -> bytes:
        """``basis``: the sha256 of the policy and of the weights, in a row. Every part is framed by its length."""
        head = _head(basis, source, role)
        return hashlib.blake2b(head + _framed(text), key=secret, digest_size=32).digest()

    def get(self, key: bytes) -> Outcome | None:
        """The outcome of a key, None when it is not known."""
        with self._lock:
            found = self._items.get(key)
            if found is None:
                self.misses += 1
                return None
            self.hits += 1
            self._items.move_to_end(key)
            return found

    def put(self, key: bytes, outcome: Outcome) -> None:
        """Keep an outcome. Only what was decided without any failure may be kept."""
        with self._lock:
            self._items[key] = outcome
            self._items.move_to_end(key)
            while len(self._items) > self._size:
                self._items.popitem(last=False)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Verdicts({len(self._items)} of {self._size})"
