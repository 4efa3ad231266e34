"""English numerals: digits with separators, number words, fractions and scales. English conventions; a comma may be a decimal sign."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["ORDINALS", "Numeral", "numerals", "ordinal"]

_SMALL = {
    w: i
    for i, w in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
    )
}
_TENS = {w: 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_SCALES = {
    "hundred": 1e2, "dozen": 12.0, "thousand": 1e3, "grand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "lakh": 1e5, "crore": 1e7,
}  # fmt: skip
_SHORT = {"k": 1e3, "m": 1e6, "mn": 1e6, "mm": 1e6, "bn": 1e9, "b": 1e9, "tn": 1e12}
_PARTS = {
    "half": 1 / 2, "halves": 1 / 2, "third": 1 / 3, "thirds": 1 / 3, "quarter": 1 / 4, "quarters": 1 / 4, "fifth": 1 / 5, "fifths": 1 / 5,
    "sixth": 1 / 6, "sixths": 1 / 6, "eighth": 1 / 8, "eighths": 1 / 8, "tenth": 1 / 10, "tenths": 1 / 10,
}  # fmt: skip
_SIGNS = {"½": 0.5, "⅓": 1 / 3, "⅔": 2 / 3, "¼": 0.25, "¾": 0.75, "⅕": 0.2, "⅛": 0.125}
ORDINALS = {
    w: i
    for i, w in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth"
        " sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        1,
    )
} | {"thirtieth": 30, "twenty-first": 21, "twenty-second": 22, "twenty-third": 23, "twenty-fourth": 24, "twenty-fifth": 25,
     "twenty-sixth": 26, "twenty-seventh": 27, "twenty-eighth": 28, "twenty-ninth": 29, "thirty-first": 31}  # fmt: skip

_WORD = "|".join(sorted([*_SMALL, *_TENS, *_SCALES], key=len, reverse=True))
_PART = "|".join(sorted(_PARTS, key=len, reverse=True))
_SIGN = "".join(_SIGNS)
_DIGITS = re.compile(
    rf"(?<![\w.])(?:(?P<top>\d)/(?P<bottom>[2-9]|10)(?![\d/])|(?P<whole>\d{{1,3}}(?:[,'’\u00a0\u202f ]\d{{3}})+(?:\.\d+)?|\d{{1,3}}(?:\.\d{{3}})+,\d{{1,2}}(?!\d)|\d{{1,15}},\d{{1,2}}(?![\d,])|\d{{1,15}}(?:\.\d{{1,9}})?|(?=\.\d)\.\d{{1,9}})"
    rf"(?:(?P<sign>[{_SIGN}])|[ \u00a0]?(?P<short>k|mn|bn|tn|[mb](?=illion\b))(?:illion)?\b)?(?![.,]\d)|(?P<only>[{_SIGN}]))",
    re.IGNORECASE,
)
_SCALE_AFTER = re.compile(r"[ \u00a0-](hundred|thousand|million|billion|trillion|dozen|lakh|crore)s?\b", re.IGNORECASE)
_AND_PART = re.compile(rf" and (?:a |an |one )?({_PART})\b|[ -](\d)/([2-9])(?!\d)|[ ]?([{_SIGN}])", re.IGNORECASE)
_WORDS = re.compile(
    rf"(?<![\w-])(?:(?P<article>an?) (?=(?:hundred|thousand|million|billion|dozen|{_PART})\b)|(?P<half>half an? (?=dozen\b|million\b|hundred\b)))?"
    rf"(?P<words>(?:{_WORD})s?(?:(?:[ -]| and (?=(?:{_WORD})\b))(?:{_WORD})\b)*)?(?:(?:(?<=[a-z])[ -])?(?P<part>{_PART}))?(?![\w])",
    re.IGNORECASE,
)
_TIMES = re.compile(r"\b(once|twice|thrice)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number at ``start`` to ``end``; ``part`` for a fraction in words; ``weak`` for "one", "a half", "once"."""

    start: int
    end: int
    value: float
    weak: bool = False
    part: bool = False


def numerals(text: str) -> Iterator[Numeral]:
    """The numbers of a text, digits and words, in no order; none overlap."""
    taken: list[tuple[int, int]] = []
    for m in _DIGITS.finditer(text):
        found = _digits(m, text)
        if found is not None:
            taken.append((found.start, found.end))
            yield found
    ends = {e for _, e in taken}
    starts = sorted(taken)
    for m in _WORDS.finditer(text):
        if m.end() == m.start() or m.end() in ends or any(a < m.end() and m.start() < b for a, b in starts):
            continue
        yield from _said(m, text)
    for m in _TIMES.finditer(text):
        yield Numeral(*m.span(), {"once": 1.0, "twice": 2.0, "thrice": 3.0}[m[1].casefold()], weak=True)


def ordinal(word: str) -> int | None:
    """The place an ordinal in words or digits ("third", "21st") stands for."""
    word = word.casefold()
    digits = re.fullmatch(r"(\d{1,4})(?:st|nd|rd|th)", word)
    return int(digits[1]) if digits else ORDINALS.get(word.replace(" ", "-"))


def _digits(m: re.Match[str], text: str) -> Numeral | None:
    end = m.end()
    if m["only"]:
        return Numeral(m.start(), end, _SIGNS[m["only"]], part=True)
    if m["top"]:
        return Numeral(m.start(), end, int(m["top"]) / int(m["bottom"]), part=True)
    number = _read(m["whole"])
    if m["short"] is None and m["sign"] is None:
        end = m.start() + len(m["whole"])
        following = _AND_PART.match(text, end)
        if following:
            number += (
                _PARTS[following[1].casefold()] if following[1]
                else int(following[2]) / int(following[3]) if following[2]
                else _SIGNS[following[4]]
            )  # fmt: skip
            end = following.end()
        scale = _SCALE_AFTER.match(text, end)
        if scale:
            number *= _SCALES[scale[1].casefold()]
            end = scale.end()
    elif m["sign"]:
        number += _SIGNS[m["sign"]]
    else:
        short = m["short"].casefold()
        # "5 k" may be the beginning of a word of its own; "5k" is not.
        if text[m.start() + len(m["whole"])] in " \u00a0" and short == "k":
            end = m.start() + len(m["whole"])
        else:
            number *= _SHORT[short]
    return Numeral(m.start(), end, number)


def _read(written: str) -> float:
    """The value of digits with separators."""
    bare = re.sub("['’\u00a0\u202f ]", "", written)
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d{1,2}", bare):
        bare = bare.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d+,\d{1,2}", bare):
        bare = bare.replace(",", ".")
    return float(bare.replace(",", ""))


def _said(m: re.Match[str], text: str) -> Iterator[Numeral]:
    words, part = m["words"], m["part"]
    if words is None and part is None:
        return
    if words is None:
        # "second" and "third" are fractions only where an article or a number stands before them.
        if not m["article"] and part.casefold() not in ("half", "halves"):
            return
        yield Numeral(m.start(), m.end(), _PARTS[part.casefold()], weak=True, part=True)
        return
    tokens = [(m.start("words") + t.start(), t[0].casefold()) for t in re.finditer(r"[A-Za-z]+", words)]
    tokens = [
        (at, w if w not in ("hundreds", "thousands", "millions", "dozens", "tens") else "")
        for at, w in tokens
        if w != "and"
    ]
    if any(not w for _, w in tokens):
        return
    groups = _grouped(tokens)
    for number, (amount, start, end) in enumerate(groups):
        at = m.start() if number == 0 else start
        weak = amount == 1
        value = amount / 2 if number == 0 and m["half"] else amount
        if number == len(groups) - 1 and part is not None:
            fraction = _PARTS[part.casefold()]
            yield Numeral(at, m.end(), value * fraction, part=True)
            return
        following = _AND_PART.match(text, end)
        if following and following[1]:
            yield Numeral(at, following.end(), value + _PARTS[following[1].casefold()])
            continue
        yield Numeral(at, end, value, weak=weak)


def _grouped(tokens: list[tuple[int, str]]) -> list[tuple[float, int, int]]:
    """Numbers said one after another, each with its place: "twelve hundred" is one, "nineteen ninety" two."""
    out: list[tuple[float, int, int]] = []
    total, current, start, end, last = 0.0, 0.0, -1, -1, ""
    for at, said in tokens:
        word = said if said in _SMALL or said in _TENS or said in _SCALES else said.removesuffix("s")
        joins = start >= 0 and (
            word in _SCALES
            or last in _SCALES
            or (last in _TENS and word in _SMALL and 0 < _SMALL[word] < 10)
        )  # fmt: skip
        if start >= 0 and not joins:
            out.append((total + current, start, end))
            total, current, start = 0.0, 0.0, -1
        if start < 0:
            start = at
        if word in _SCALES:
            if _SCALES[word] >= 1e3:
                total += (current or 1.0) * _SCALES[word]
                current = 0.0
            else:
                current = (current or 1.0) * _SCALES[word]
        else:
            current += _SMALL.get(word, 0) or _TENS.get(word, 0)
        end, last = at + len(said), word
    if start >= 0:
        out.append((total + current, start, end))
    return out
