"""Numbers with and without a unit, in digits and words, and what the words before them say (at least, up to, about)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from guardrails.detectors.facts.numerals import Numeral, numerals, ordinal
from guardrails.detectors.facts.units import BEFORE, UNIT, sized
from guardrails.detectors.facts.values import Value

__all__ = ["quantities"]

_ABOUT = {
    "near": r"about|around|roughly|approximately|approx\.?|nearly|almost|some|close to|circa|ca\.?|~|≈|just (?:over|under)",
    "below": r"up to|at most|no more than|not more than|(?:a )?maximum(?: of)?|max\.?|less than|fewer than|under|below|within|no later than|not exceed(?:ing)?|≤|<|by",
    "above": r"at least|no less than|no fewer than|(?:a )?minimum(?: of)?|min\.?|more than|over|above|exceed(?:s|ing)?|from|upwards of|≥|>|after",
}
_BEFORE = {k: re.compile(rf"(?:(?<![\w])(?:{v}))\W{{0,3}}$", re.IGNORECASE) for k, v in _ABOUT.items()}
_AFTER = {
    "above": re.compile(r"\s?(?:\+(?!\d)|(?:\w+ )?or (?:more|over|older|longer|higher|later|above|better)\b)", re.IGNORECASE),
    "below": re.compile(r"\s?(?:(?:\w+ )?or (?:less|fewer|under|younger|below|sooner|earlier|shorter)\b|(?:\w+ )?(?:at most|max(?:imum)?)\b)", re.IGNORECASE),
}  # fmt: skip
_ORDINAL = re.compile(
    r"(?<![\w.-])(?:\d{1,4}(?:st|nd|rd|th)|(?:twenty|thirty)[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
    r"|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth)(?![\w-])",
    re.IGNORECASE,
)
_PER = re.compile(r"(?:\b(?:an?|per|each|every|a single)|/)\s?$", re.IGNORECASE)
# "3 to 5 days", "24–32 kg", "between 3 and 5 days", "5 or 6 hours": what stands between two numbers of one unit.
_TO = re.compile(r"\s?(?:-|–|—|to|or|till|until|through)\s?", re.IGNORECASE)
_AND = re.compile(r"\s?(?:and|&)\s?", re.IGNORECASE)
_BETWEEN = re.compile(r"\bbetween\s(?:\S{1,4}\s?)?$", re.IGNORECASE)
# A unit without a number: "an hour", "a fortnight" (weak), and "a quarter of an hour".
_ONE = re.compile(
    r"(?<![\w])(?P<half>half )?(?P<of>(?:a )?quarter of )?(?:an?|one|per|every|each) (?P<unit>second|minute|hour|day|week|fortnight|month|year|decade|century)(?P<more> and a half)?(?![\w'’])",
    re.IGNORECASE,
)
_OF = re.compile(r" (?:of an?|an?) (second|minute|hour|day|week|month|year)(?![\w'’])", re.IGNORECASE)
_AND_SMALL = re.compile(r" ?(?:and )?", re.IGNORECASE)
_MINUS = re.compile(r"(?:^|[\s(])[-−]$")


def quantities(text: str) -> list[Value]:
    """Every number and ordinal of a text, by its place; spans may touch and do not overlap."""
    found = [*_bare_units(text), *_ordinals(text), *(_valued(text, n) for n in numerals(text))]
    out: list[Value] = []
    # The longer one of two that begin together: "an hour and a half", "twenty-first".
    for value in sorted(found, key=lambda v: (v.start, -v.end)):
        if not out or value.start >= out[-1].end:
            out.append(value)
    return _compound(text, _ranges(text, out))


def _valued(text: str, n: Numeral) -> Value:
    start, end, number = n.start, n.end, n.value
    about = next((k for k, p in _BEFORE.items() if p.search(text, max(0, start - 24), start)), "")
    weak = n.weak
    dimension, low, high = "", number, number
    front = BEFORE.search(text, max(0, start - 5), start)
    unit = UNIT.match(text, end)
    # "half an hour", "a quarter of a year"
    part = _OF.match(text, end) if n.part else None
    sign = -1.0 if _MINUS.search(text, max(0, start - 2), start) else 1.0
    measured = sized(front["unit"], number) if front else None
    if front and measured:
        start, (dimension, low, high) = front.start(), measured
        if re.match(r"m(?!\w)", text[end : end + 2], re.IGNORECASE):  # "€3m"
            end, low, high, number, unit = end + 1, low * 1e6, high * 1e6, number * 1e6, None
        about = next((k for k, p in _BEFORE.items() if p.search(text, max(0, start - 24), start)), about)
        # "$5 million", "$12 USD"
        if unit and (own := sized(unit["unit"], number, apart=bool(unit["gap"]))) and own[0].startswith("money"):
            end, (dimension, low, high) = unit.end(), own
        weak = False
    elif part:
        measured = sized(part[1], number)
        if measured:
            end, (dimension, low, high) = part.end(), measured
    elif unit:
        measured = sized(unit["unit"], sign * number, apart=bool(unit["gap"].strip() or unit["gap"]))
        if measured and not (unit["gap"] == "-" and len(unit["unit"]) < 3):
            end, (dimension, low, high) = unit.end(), measured
            weak = weak and number == 1
    elif n.part and not weak:
        dimension, low, high, number = "%", 100 * number, 100 * number, 100 * number
    if n.part and weak and not dimension:
        dimension, low, high, number = "%", 100 * number, 100 * number, 100 * number
    if sign < 0 and dimension in ("", "°C", "°"):
        start -= 1
        if not dimension:
            low = high = number = -number
    about = next((k for k, p in _AFTER.items() if p.match(text, end)), about)
    return Value(start, end, "quantity", dimension, min(low, high), max(low, high), number, about=about, weak=weak)


def _ranges(text: str, values: list[Value]) -> list[Value]:
    """The first number of a range takes the unit of the second: "3 to 5 days"."""
    out = list(values)
    for i in range(len(out) - 1):
        one, two = out[i], out[i + 1]
        if one.dimension == two.dimension or (one.dimension and two.dimension):
            continue
        between = text[one.end : two.start]
        joined = _TO.fullmatch(between) or (_AND.fullmatch(between) and _BETWEEN.search(text, 0, one.start))
        if not joined:
            continue
        if not one.dimension and two.dimension and two.number:
            # Linear units only: the same size a unit as its neighbour.
            if two.dimension == "°C":
                low = high = one.number if abs(two.low - two.number) < 1e-9 else (one.number - 32) * 5 / 9
            else:
                low, high = one.number * two.low / two.number, one.number * two.high / two.number
            out[i] = replace(one, dimension=two.dimension, low=low, high=high, weak=False)
        elif one.dimension and not two.dimension and one.number and one.dimension != "°C":
            low, high = two.number * one.low / one.number, two.number * one.high / one.number
            out[i + 1] = replace(two, dimension=one.dimension, low=low, high=high, weak=False)
    return out


def _compound(text: str, values: list[Value]) -> list[Value]:
    """One duration said in two units: "1 hour 30 minutes", "1 hour and 30 minutes"."""
    out: list[Value] = []
    for value in values:
        last = out[-1] if out else None
        if (
            last
            and last.dimension == value.dimension == "days"
            and _AND_SMALL.fullmatch(text[last.end : value.start])
            and 0 < value.high < last.high / max(last.number, 1)
        ):
            whole = replace(last, end=value.end, low=last.low + value.low, high=last.high + value.high, weak=False)
            out[-1] = whole
            continue
        out.append(value)
    return out


def _bare_units(text: str) -> Iterator[Value]:
    for m in _ONE.finditer(text):
        number = 0.5 if m["half"] else 0.25 if m["of"] else 1.5 if m["more"] else 1.0
        measured = sized(m["unit"], number)
        if measured:
            dimension, low, high = measured
            yield Value(m.start(), m.end(), "quantity", dimension, low, high, number, weak=number == 1)
    for m in re.finditer(r"(?<![\w])fortnight(?!\w)", text, re.IGNORECASE):
        yield Value(*m.span(), "quantity", "days", 14.0, 14.0, 1.0, weak=True)


def _ordinals(text: str) -> Iterator[Value]:
    for m in _ORDINAL.finditer(text):
        place = ordinal(m[0])
        if place is not None:
            weak = place <= 3 and not m[0][0].isdigit()
            yield Value(*m.span(), "ordinal", number=place, forms=frozenset({(place,)}), weak=weak)
