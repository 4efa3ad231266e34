"""Dates, times of day and days of the week. What is ambiguous (03/04/2026, 8 o'clock) keeps all its readings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.detectors.facts.numerals import ORDINALS
from guardrails.detectors.facts.values import Value

__all__ = ["dates"]

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
_PLACE = "|".join(sorted((w.replace("-", "[- ]") for w in ORDINALS), key=len, reverse=True))
_DAY = rf"(?P<day>\d{{1,2}}(?:st|nd|rd|th)?|{_PLACE})"
_YEAR = r"(?P<year>(?:1[0-9]|20)\d\d|['’]\d\d)(?!\d)"
_DATES = (
    re.compile(r"(?<![\w/-])(?P<year>(?:1[0-9]|20)\d\d)-(?P<m>0?[1-9]|1[0-2])-(?P<d>0?[1-9]|[12]\d|3[01])(?![\d-])"),
    re.compile(r"(?<![\w/.-])(?P<a>\d{1,2})(?P<sep>[/.-])(?P<b>\d{1,2})(?P=sep)(?P<year>(?:1[0-9]|20)?\d\d)(?![\w/])"),
    re.compile(rf"(?<!\w)(?:the )?{_DAY}(?: day)?(?: of)? {_MONTH}(?:,? (?:in )?{_YEAR})?", re.IGNORECASE),
    re.compile(rf"(?<!\w){_MONTH} (?:the )?{_DAY}(?![\w:.]|\s?[ap]\.?m\b|,\d)(?:,? {_YEAR})?", re.IGNORECASE),
    re.compile(rf"(?<!\w){_MONTH},? (?:of )?{_YEAR}", re.IGNORECASE),
    re.compile(r"(?<![\w/.-])(?P<m>0[1-9]|1[0-2])/(?P<year>(?:19|20)\d\d)(?![\w/])"),
    re.compile(r"(?<![\w/.-])(?P<a>\d{1,2})/(?P<b>\d{1,2})(?![\w/])"),
)
# A month alone is written with a capital; "May" and "March" open sentences as other words.
_LONE = re.compile(rf"(?<!\w){_MONTH}(?!\w)")
_TIMED = re.compile(r"\b(?:in|of|since|from|until|till|to|by|and|or|every|each|early|late|mid|last|next|this|before|after|during|through|for|between|–|-)[\s-]$|[–—,(/-]\s?$", re.IGNORECASE)  # fmt: skip
_CLOCK = re.compile(
    r"(?<![\w:.,])(?:(?P<h>[01]?\d|2[0-4])(?:(?P<colon>[:.h])(?P<min>[0-5]\d))?(?::[0-5]\d)?\s?(?P<half>[ap])\.?\s?m\b\.?"
    r"|(?P<h2>[01]?\d|2[0-4])(?::|h)(?P<min2>[0-5]\d)(?![\d:])(?:\s?(?:hrs|hours|h|o['’]clock)\b)?"
    r"|(?P<h3>[01]?\d|2[0-4]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) (?P<clock>o['’]clock)(?: in the (?P<part>morning|afternoon|evening))?"
    r"|(?P<h4>[1-9]|1[0-2]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) in the (?P<part4>morning|afternoon|evening)\b"
    r"|(?P<word>noon|midday|midnight)(?!\w))",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(
    r"(?<!\w)(Mon|Tues?|Wed(?:nes)?|Thu(?:rs?)?|Fri|Sat(?:ur)?|Sun)(?:days?)?(?!\w)\.?", re.IGNORECASE
)
_TO = re.compile(r"\s?(?:-|–|—|to|until|till|through|and)\s?", re.IGNORECASE)
# "Eight in the morning" is a time behind these; "two in the morning" may be tablets.
_AT = re.compile(r"\b(?:at|from|to|until|till|by|and|between|before|after|since)\s$", re.IGNORECASE)
_NUMBERS = {w: i for i, w in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)}


def dates(text: str) -> list[Value]:
    """Dates, times of day and weekdays of a text, by place; none overlap."""
    out: list[Value] = []

    def add(found: Iterator[Value]) -> None:
        for v in found:
            if not any(o.start < v.end and v.start < o.end for o in out):
                out.append(v)

    for pattern in _DATES:
        add(v for m in pattern.finditer(text) if (v := _dated(m)) is not None)
    add(_clocks(text))
    add(_weekdays(text))
    add(_months(text))
    out += _first_days(text, out)
    return sorted(out, key=lambda v: v.start)


def _dated(m: re.Match[str]) -> Value | None:
    parts = m.groupdict()
    year = _year(parts.get("year"))
    if parts.get("a"):
        one, two = int(parts["a"]), int(parts["b"])
        if m["b"] and "sep" not in parts and (two <= 10 and one < two):
            return None  # 1/2, 3/4: a fraction
        forms: set[tuple[int | None, ...]] = {
            (year, b, a) for a, b in ((one, two), (two, one)) if 1 <= b <= 12 and 1 <= a <= 31
        }
    else:
        month = _month(parts["month"]) if parts.get("month") else int(parts["m"])
        day = _day(parts.get("day") or parts.get("d"))
        if day is not None and not 1 <= day <= 31:
            return None
        forms = {(year, month, day)}
    return Value(*m.span(), "date", forms=frozenset(forms)) if forms else None


def _year(written: str | None) -> int | None:
    if not written:
        return None
    digits = written.lstrip("'’")
    year = int(digits)
    return year if len(digits) == 4 else 2000 + year if year < 50 else 1900 + year


def _month(written: str) -> int:
    key = written.casefold()[:3]
    return next(i for i, name in enumerate(_MONTHS, 1) if name.startswith(key))


def _day(written: str | None) -> int | None:
    if not written:
        return None
    digits = re.match(r"\d+", written)
    return int(digits[0]) if digits else ORDINALS[written.casefold().replace(" ", "-")]


def _months(text: str) -> Iterator[Value]:
    for m in _LONE.finditer(text):
        name = m["month"]
        if name in ("May", "March", "Mar", "Jan", "Dec", "Sun") and not _TIMED.search(
            text, max(0, m.start() - 10), m.start()
        ):
            continue
        yield Value(m.start(), m.start() + len(name), "date", forms=frozenset({(None, _month(name), None)}))


def _clocks(text: str) -> Iterator[Value]:
    for m in _CLOCK.finditer(text):
        if m["word"]:
            noon = m["word"].casefold() != "midnight"
            forms = {(12 * 60,)} if noon else {(0,), (24 * 60,)}
            yield Value(*m.span(), "clock", forms=frozenset(forms))
            continue
        if m["h4"] and not _AT.search(text, max(0, m.start() - 9), m.start()):
            continue
        said = m["h"] or m["h2"] or m["h3"] or m["h4"]
        part = m["part"] or m["part4"]
        hour = _NUMBERS.get(said.casefold()) or int(said) if not said.isdigit() else int(said)
        minute = int(m["min"] or m["min2"] or 0)
        if m["half"] or part:
            if not 1 <= hour <= 12:
                if hour > 24 or hour == 0:
                    continue
                forms = {(hour * 60 + minute,)}
            else:
                late = (m["half"] or "p").casefold() == "p" if not part else part.casefold() != "morning"
                forms = {((hour % 12 + 12 * late) * 60 + minute,)}
        elif m["clock"] and hour <= 12:
            forms = {(hour % 12 * 60 + minute,), ((hour % 12 + 12) * 60 + minute,)}
        else:
            # Written like this it is the 24-hour clock, unless it is the 12-hour one without saying so.
            forms = {(hour * 60 + minute,)}
            if 1 <= hour < 12 and not said.startswith("0"):
                forms.add(((hour + 12) * 60 + minute,))
        yield Value(*m.span(), "clock", forms=frozenset(forms))


def _weekdays(text: str) -> Iterator[Value]:
    for m in _WEEKDAY.finditer(text):
        short = m[1].casefold()[:3]
        whole = m[0].rstrip(".").casefold().rstrip("s").endswith("day")
        if not whole and (not m[0][0].isupper() or short in ("sat", "sun")):
            continue
        number = next(i for i, d in enumerate(_DAYS) if d.startswith(short))
        yield Value(m.start(), m.start() + len(m[0].rstrip(".")), "weekday", forms=frozenset({(number,)}))
    for m in re.finditer(r"(?<!\w)weekends?(?!\w)", text, re.IGNORECASE):
        yield Value(*m.span(), "weekday", forms=frozenset({(5,), (6,)}), weak=True)


def _first_days(text: str, found: list[Value]) -> list[Value]:
    """The first day of "15 to 20 March", and the first hour of "9–11:30" and "2 to 4 pm"."""
    out: list[Value] = []
    for v in found:
        m = re.search(
            r"(?<![\w.,:/])(\d{1,2})(?:st|nd|rd|th)?(\s?(?:-|–|—|to|until|till|through|and|or)\s?)(?:the )?$",
            text[max(0, v.start - 16) : v.start],
        )
        if m is None:
            continue
        number, at = int(m[1]), max(0, v.start - 16) + m.start(1)
        if any(o.start <= at < o.end for o in found):
            continue
        forms: set[tuple[int | None, ...]]
        if v.kind == "date":
            forms = {(y, mo, number) for y, mo, d in v.forms if d is not None and 1 <= number <= 31}
        elif v.kind == "clock" and number <= 24:
            forms = {(number * 60,)} | ({((number + 12) * 60,)} if number < 12 else set())
        else:
            continue
        if forms:
            out.append(Value(at, at + len(m[1]), v.kind, forms=frozenset(forms)))
    return out
