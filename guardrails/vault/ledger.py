"""What a vault writes down: which number every value has, and the values themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import RLock
from typing import NoReturn

from guardrails.fold import View
from guardrails.fold.clean import clean, lookalikes, lowered
from guardrails.fold.spelling import bare

__all__ = ["MAX_NUMBER", "Kept", "Ledger", "identity", "key", "merged", "refuse_pickling"]

# Four digits, as in guardrails.actions.placeholders: a longer number is no placeholder, and nothing is behind it.
MAX_NUMBER = 9_999


def refuse_pickling(self: object) -> NoReturn:
    """For ``__reduce__``: no copy, and no clear text on a disk or in another process."""
    raise TypeError(f"a {type(self).__name__} holds values in clear: it is neither pickled nor copied")


def _folded(value: str) -> str:
    # As fold_term, without its cache: a value must not outlive its exchange there.
    if value.isascii():
        return value.lower()
    view = clean(View(value))
    alike = lookalikes(view) if any(c.isascii() and c.isalpha() for c in view.text) else None
    return lowered(bare(alike or view)).text


def key(value: str) -> str:
    """As :func:`guardrails.exceptions.value_key`: folded letters and digits, the folded value when it has none."""
    folded = _folded(value)
    return "".join(c for c in folded if c.isalnum()) or " ".join(folded.split())


def identity(value: str) -> str:
    """Which spellings share a number: case, width and blanks are nothing, and between digits neither is punctuation.

    Narrower than :func:`key`, because the value comes back: ``a.b@example.com`` is not ``ab@example.com``.
    """
    short = key(value)
    return short if short.isdigit() else " ".join(_folded(value).split())


@dataclass(frozen=True, slots=True)
class Kept:
    """A value behind a placeholder: ``key`` of the value, and the ids of the rules that masked it."""

    type: str
    number: int
    value: str = field(repr=False)
    key: str = field(repr=False)
    rules: frozenset[str]

    __reduce__ = refuse_pickling


class Ledger:
    """Numbers and values of one exchange, or of all exchanges of one conversation that are open in this process.

    ``given``: the numbers of (type, identity), more than one where an exchange had to pass one over; ``last``: the
    highest number of a type, never given twice; ``kept``: by placeholder; ``barred``: keys of values that a rule masked
    which does not restore. Hold ``lock`` while reading or writing.
    """

    __slots__ = ("__weakref__", "barred", "given", "kept", "last", "lock")

    def __init__(self) -> None:
        self.lock = RLock()
        self.given: dict[tuple[str, str], list[int]] = {}
        self.last: dict[str, int] = {}
        self.kept: dict[str, Kept] = {}
        self.barred: set[str] = set()

    def __repr__(self) -> str:
        return f"Ledger({len(self.kept)} values)"

    __reduce__ = refuse_pickling

    def next(self, type_: str, passed_over: set[int]) -> int:
        """A number of that type that nobody has."""
        number = self.last.get(type_, 0) + 1
        while number in passed_over:
            number += 1
        self.last[type_] = number
        return number


def merged(stored: Ledger, ours: Ledger) -> Ledger:
    """Both ledgers in one. Where each gave one number to another value, what was stored first keeps it."""
    out = Ledger()
    with ours.lock:
        owners: dict[tuple[str, int], str] = {}
        for ledger in (stored, ours):
            for (type_, who), numbers in ledger.given.items():
                mine = [n for n in numbers if owners.setdefault((type_, n), who) == who]
                known = out.given.setdefault((type_, who), [])
                known += [n for n in mine if n not in known]
            for type_, number in ledger.last.items():
                out.last[type_] = max(number, out.last.get(type_, 0))
            for placeholder, kept in ledger.kept.items():
                if owners.get((kept.type, kept.number)) == identity(kept.value):
                    out.kept.setdefault(placeholder, kept)
            out.barred |= ledger.barred
    return out
