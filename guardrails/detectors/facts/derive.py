"""What follows from numbers by simple arithmetic: sums, differences, products, quotients, percentages, dates and times moved by a duration."""

from __future__ import annotations

import calendar
import datetime
import itertools
from collections.abc import Iterable, Sequence

from guardrails.detectors.facts.values import Value, near, same

__all__ = ["derives", "reckoned"]

# So many values of one dimension are combined, and so many added three at a time.
_MOST = 40
_THREES = 12
_SHOWN = 7
# Two results are the same up to rounding.
_ROUNDED = 0.006
_DAY = 1440


def derives(value: Value, given: Sequence[Value], factors: Iterable[float] = ()) -> bool:
    """True where ``value`` comes from one or two (three, for sums) of the given values.

    ``factors`` are plain numbers that may multiply and divide besides those given: the count of what is asked for.
    """
    if value.kind == "quantity":
        return any(_hits(value, x) for x in _results(value, given[: 4 * _MOST], factors))
    if value.kind in ("date", "clock"):
        return _moved(value, given[:_MOST])
    return False


def reckoned(value: Value, shown: Sequence[float]) -> bool:
    """True where ``value`` comes from numbers that are shown beside it in up to two steps, whatever their units."""
    numbers = list(dict.fromkeys(n for n in shown if n and abs(n) < 1e12))[:_SHOWN]
    target = (value.number, value.low)
    if len(numbers) > 2 and _meets(target, sum(numbers)):
        return True
    first = [r for a, b in itertools.permutations(numbers, 2) for r in _steps(a, b)]
    first += [r for a in numbers for r in (2 * a, a / 2)]
    if any(_meets(target, r) for r in first):
        return True
    first = list(dict.fromkeys(round(r, 9) for r in first))[:400]
    return any(_meets(target, r) for a in first for b in numbers for r in (*_steps(a, b), b - a)) or any(
        _meets(target, a + b) for a, b in itertools.combinations(first[:200], 2)
    )


def _steps(a: float, b: float) -> Iterable[float]:
    yield a + b
    yield a - b
    yield a * b
    yield a / b
    yield a * b / 100
    yield a * (1 - b / 100)
    yield a * (1 + b / 100)


def _meets(target: Sequence[float], result: float) -> bool:
    return any(near(abs(t), abs(result), 1e-3) for t in target)


def _hits(value: Value, result: float) -> bool:
    low, high = sorted((value.low, value.high))
    slack = 0.1 if value.about else _ROUNDED
    if low - slack * abs(low) <= result <= high + slack * abs(high):
        return True
    # "32" for 31.7: whole numbers are rounded ones.
    return not value.dimension and value.number == round(result) and abs(result) >= 10


def _results(value: Value, given: Sequence[Value], factors: Iterable[float]) -> Iterable[float]:
    quantities = [v for v in given if v.kind == "quantity"]
    if value.dimension:
        own = [v.low for v in quantities if v.dimension == value.dimension or (v.dimension and same_kind(v, value))]
    else:
        own = [v.number for v in quantities]
    own = list(dict.fromkeys(own))[:_MOST]
    plain = [v.number for v in quantities if not v.dimension or v.dimension == "days"]
    plain = list(dict.fromkeys([*plain, *factors]))[:_MOST]
    percents = list(dict.fromkeys(v.number for v in quantities if v.dimension == "%"))[:_MOST]
    for a, b in itertools.combinations(own, 2):
        yield a + b
        yield abs(a - b)
    for three in itertools.combinations(own[:_THREES], 3):
        yield sum(three)
    products = [a * n for a in own for n in plain if n != 1]
    yield from products
    yield from (a / n for a in own for n in plain if n not in (0, 1))
    if value.dimension and len(own) <= _THREES and len(plain) <= _THREES:
        # A fixed part and one by the piece: "1 euro to unlock and 18 cents for each minute".
        yield from (a + p for a in own for p in products)
    for a in own:
        for p in percents:
            if value.dimension != "%":
                yield a * p / 100
                yield a * (1 - p / 100)
                yield a * (1 + p / 100)
        for n in (2.0, 0.5):
            yield a * n
    if value.dimension in ("", "%"):
        scale = 100 if value.dimension == "%" else 1
        for one, other in itertools.permutations(quantities[:_MOST], 2):
            if other.low and one.dimension == other.dimension:
                yield scale * one.low / other.low
                if scale == 100:
                    yield abs(100 * (one.low - other.low) / other.low)
        if scale == 100:
            for p in percents:
                yield 100 - p
    if value.dimension == "days":
        clocks = [f[0] for v in given if v.kind == "clock" for f in v.forms if f[0] is not None]
        for a, b in itertools.permutations(clocks[:_MOST], 2):
            yield ((b - a) % _DAY) / _DAY
        days = [d for v in given if v.kind == "date" for d in _days(v)]
        for first, second in itertools.permutations(days[:_MOST], 2):
            yield abs((second - first).days)
            yield abs((second - first).days) + 1
        for a, b in itertools.permutations([p for p in plain if 1000 < p < 2200], 2):
            yield 365.2 * abs(a - b)
    if not value.dimension:
        years = [f[0] for v in given if v.kind == "date" for f in v.forms if f[0] is not None] + [
            int(p) for p in plain if 1000 < p < 2200
        ]
        yield from (abs(a - b) for a, b in itertools.combinations(dict.fromkeys(years), 2))
        # A year after so many years.
        spans = [v.number for v in quantities if v.dimension == "days" and v.low >= 365]
        yield from (y + s * sign for y in years for s in spans for sign in (1, -1))


def same_kind(one: Value, other: Value) -> bool:
    """True for two quantities that can be added: one dimension, or two ways to name one currency."""
    if one.dimension == other.dimension:
        return True
    probe = (Value(0, 0, "quantity", one.dimension, 1, 1, 1), Value(0, 0, "quantity", other.dimension, 1, 1, 1))
    return bool(one.dimension and other.dimension) and same(*probe)


def _days(value: Value) -> list[datetime.date]:
    out = []
    for year, month, day in value.forms:
        if month is not None:
            try:
                out.append(datetime.date(year or 2025, month, day or 1))
            except ValueError:
                continue
    return out


def _moved(value: Value, given: Sequence[Value]) -> bool:
    """A date or time that lies a given duration from a given one."""
    durations = [v for v in given if v.kind == "quantity" and v.dimension == "days"]
    if value.kind == "clock":
        return any(
            f[0] is not None and t[0] is not None and (f[0] - t[0] - sign * d.low * _DAY) % _DAY in (0, 1)
            for f in value.forms
            for v in given
            if v.kind == "clock"
            for t in v.forms
            for d in durations
            for sign in (1, -1)
        )
    for start in (d for v in given if v.kind == "date" for d in _days(v)):
        for d in durations:
            for sign in (1, -1):
                moved = _plus(start, d, sign)
                if moved is not None and any(
                    (y in (None, moved.year)) and mo == moved.month and (day is None or abs(day - moved.day) <= 1)
                    for y, mo, day in value.forms
                ):
                    return True
    return False


def _plus(start: datetime.date, duration: Value, sign: int) -> datetime.date | None:
    try:
        if near(duration.low, duration.high):
            return start + datetime.timedelta(days=sign * round(duration.low))
        months = (
            start.year * 12
            + start.month
            - 1
            + sign * round(duration.low / 28 if duration.low < 365 else duration.number * 12)
        )
        year, month = divmod(months, 12)
        return datetime.date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))
    except (ValueError, OverflowError):
        return None
