"""A fact that code can compare: a quantity, a date, a time of day, a day of the week, an ordinal or a code, with its place in a text."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["NOTHING", "Value", "contains", "near", "same"]

NOTHING: frozenset[tuple[int | None, ...]] = frozenset()
# Two numbers are the same up to this share of the larger one: rounding of a conversion, not of a statement.
_EXACT = 1e-6
# Currencies that are called alike: an amount in "$" may be meant in each of the dollars.
_KIN = {
    "money:$": frozenset({"money:USD", "money:CAD", "money:AUD", "money:NZD", "money:SGD", "money:HKD"}),
    "money:kr": frozenset({"money:SEK", "money:NOK", "money:DKK", "money:ISK"}),
    "money:¥": frozenset({"money:JPY", "money:CNY"}),
}


@dataclass(frozen=True, slots=True)
class Value:
    """One fact at ``start`` to ``end`` (half-open characters).

    ``kind`` is ``quantity``, ``date``, ``clock``, ``weekday``, ``ordinal`` or ``code``. A quantity has a ``dimension`` ("" for a plain
    number) and lies between ``low`` and ``high`` in the dimension's base unit (a month has 28 to 31 days); ``number`` is what was written
    before the unit. The other kinds have ``forms``: what is ambiguous has several (03/04 is a day in March and one in April).
    ``about``: below, above or near, as the words before it say. ``weak``: too common to prove anything by its absence ("one", "a week").
    """

    start: int
    end: int
    kind: str
    dimension: str = ""
    low: float = 0.0
    high: float = 0.0
    number: float = 0.0
    forms: frozenset[tuple[int | None, ...]] = field(default=NOTHING)
    code: str = ""
    about: str = ""
    weak: bool = False


def same(one: Value, other: Value) -> bool:
    """True where both may say the same. Symmetric; not transitive, since ambiguous forms and missing units agree with several."""
    if one.kind != other.kind:
        return _year(one, other) or _year(other, one)
    if one.kind == "code":
        return one.code == other.code or _telephone(one.code, other.code)
    if one.kind == "quantity":
        return _quantity(one, other)
    return any(_agree(a, b) for a in one.forms for b in other.forms)


def contains(low: Value, high: Value, value: Value) -> bool:
    """True where ``value`` lies in the range from ``low`` to ``high``, ends included."""
    if not (low.kind == high.kind == value.kind):
        return False
    if value.kind == "quantity":
        if value.dimension and low.dimension and not _alike(low.dimension, value.dimension):
            return False
        if value.dimension and low.dimension:
            return low.low * (1 - _EXACT) <= value.low and value.high <= high.high * (1 + _EXACT)
        return low.number <= value.number <= high.number
    if value.kind not in ("weekday", "clock", "date"):
        return False
    for a in low.forms:
        for b in high.forms:
            for c in value.forms:
                one, two, three = ([x for x in f if x is not None] for f in (a, b, c))
                if len(one) == len(two) == len(three):
                    if one <= two and one <= three <= two:
                        return True
                    # Friday to Monday, 22:00 to 6:00, November to March.
                    if one > two and (three >= one or three <= two):
                        return True
    return False


def _alike(one: str, other: str) -> bool:
    return one == other or other in _KIN.get(one, ()) or one in _KIN.get(other, ())


def near(one: float, other: float, share: float = _EXACT) -> bool:
    """True where two numbers differ by at most a share of the larger one."""
    return abs(one - other) <= share * max(abs(one), abs(other))


def _quantity(one: Value, other: Value) -> bool:
    if _alike(one.dimension, other.dimension):
        slack = _EXACT * max(abs(one.high), abs(other.high))
        return one.low <= other.high + slack and other.low <= one.high + slack
    if "%" in (one.dimension, other.dimension) and "" in (one.dimension, other.dimension):
        percent, plain = (one, other) if one.dimension == "%" else (other, one)
        # A plain number below one is a share; others may have lost their sign ("15 of the 100 %").
        return near(percent.number / 100, plain.number) or near(percent.number, plain.number)
    if not one.dimension or not other.dimension:
        return near(one.number, other.number)
    return False


def _telephone(one: str, other: str) -> bool:
    """One number with and without the code of its country."""
    a, b = one.lstrip("0"), other.lstrip("0")
    return one.isdigit() and other.isdigit() and min(len(a), len(b)) >= 7 and (a.endswith(b) or b.endswith(a))


def _year(number: Value, date: Value) -> bool:
    """A plain number and the year of a date."""
    if number.kind != "quantity" or number.dimension or date.kind != "date":
        return False
    return any(f[0] is not None and near(number.number, f[0]) for f in date.forms)


def _agree(one: tuple[int | None, ...], other: tuple[int | None, ...]) -> bool:
    """Every part that both state is the same, and there is one."""
    both = [(a, b) for a, b in zip(one, other, strict=False) if a is not None and b is not None]
    return bool(both) and all(a == b for a, b in both)
