"""One place in a text, several types that claim it: who keeps it.

Only hits that the policy asked for take part, each already above its own threshold, so a type that is off, or too
unsure of itself, claims nothing. A hit gives way to a better one that covers all of its letters and digits; of two that
only overlap both stay, because dropping one would uncover text. Hits of an enforced rule give way to enforced ones
only that do as much: what a parent policy enforces must not depend on what its child, or another parent, adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["Candidate", "resolve"]


_LONGER = ("PHONE", "CREDIT_DEBIT_CARD_NUMBER", "INTERNATIONAL_BANK_ACCOUNT_NUMBER")
_NONE: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A match of a type: original span, final score, whether a checksum held, and how context spoke.

    ``distance`` is the number of words to the nearest context word, 99 without one.
    """

    type: str
    start: int
    end: int
    score: float
    valid: bool = False
    distance: int = 99

    @property
    def rank(self) -> tuple[float, float, int, int, str]:
        """Better candidates sort first; a total order, so that nothing depends on the order of rules."""
        proofs = self.valid + (self.distance < 99)
        return (-proofs, -self.score, self.distance, self.start - self.end, self.type)


def resolve(text: str, candidates: Iterable[Candidate], protected: Mapping[str, int] = _NONE) -> list[Candidate]:
    """The candidates that stay, by place. Types in ``protected`` give way to those of them only that are as strong."""
    best: dict[tuple[str, int, int], Candidate] = {}
    for c in candidates:
        key = (c.type, c.start, c.end)
        if key not in best or c.rank < best[key].rank:
            best[key] = c
    kept: list[Candidate] = []
    reach: dict[int, list[Candidate]] = {}
    for c in sorted(best.values(), key=lambda c: (c.rank, c.start)):
        near = {id(k): k for cell in range(c.start >> 7, ((c.end - 1) >> 7) + 1) for k in reach.get(cell, ())}
        if any(_yields(text, c, k, protected) for k in near.values()):
            continue
        kept.append(c)
        for cell in range(c.start >> 7, ((c.end - 1) >> 7) + 1):
            reach.setdefault(cell, []).append(c)
    kept = [c for c in kept if not any(_same_inside(c, k) for k in reach.get(c.start >> 7, ()))]
    kept = [c for c in kept if not any(_part(text, c, k, protected) for k in reach.get(c.start >> 7, ()))]
    return sorted(kept, key=lambda c: (c.start, c.end, c.type))


def _same_inside(c: Candidate, k: Candidate) -> bool:
    return k.type == c.type and k is not c and k.start <= c.start and c.end <= k.end


def _part(text: str, c: Candidate, k: Candidate, protected: Mapping[str, int]) -> bool:
    """True for a number that only its length makes one, inside a longer number with a form of its own."""
    if (
        c.type not in ("US_BANK_ACCOUNT_NUMBER", "PIN")
        or k.type not in _LONGER
        or not k.start <= c.start <= c.end <= k.end
    ):
        return False
    if c.type in protected and protected.get(k.type, -1) < protected[c.type]:
        return False
    return any(ch.isalnum() for ch in text[k.start : c.start] + text[c.end : k.end])


def _yields(text: str, c: Candidate, better: Candidate, protected: Mapping[str, int]) -> bool:
    if c.type == better.type:
        return better.start <= c.start and c.end <= better.end
    if c.type in protected and protected.get(better.type, -1) < protected[c.type]:
        return False
    if c.start < better.start and any(ch.isalnum() for ch in text[c.start : min(c.end, better.start)]):
        return False
    if c.end > better.end and any(ch.isalnum() for ch in text[max(c.start, better.end) : c.end]):
        return False
    return c.start < better.end and better.start < c.end
