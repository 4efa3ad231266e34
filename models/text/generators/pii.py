"""Texts with marked names, addresses, ages, user names, passwords and identifiers, and look-alikes without any.

Templates live in ``tables/pii_texts.txt`` (with personal data) and ``tables/pii_plain.txt`` (without). In a template
``{slot}`` is filled (``{name2}`` is the second person), ``{~a|b}`` is a choice, ``[O:Ford]`` is a marked span, and ``\\n``
a line break.
"""

from __future__ import annotations

import hashlib
import random
import re
import string
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent / "tables"
TYPES = ("NAME", "ADDRESS", "AGE", "USERNAME", "PASSWORD", "ORGANIZATION", "LOCATION", "DATE_TIME", "ID")
_LETTERS = dict(zip("NAGUPOLDI", TYPES, strict=True))
Span = tuple[int, int, str]
Part = tuple[str, Any]


# ---------------------------------------------------------------- tables


@cache
def values(name: str) -> dict[str, tuple[str, ...]]:
    """A table of ``kind: a, b, c`` lines."""
    out: dict[str, tuple[str, ...]] = {}
    for line in (TABLES / f"pii_{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            kind, _, rest = line.partition(": ")
            out[kind] = tuple(v.strip() for v in rest.split(", ") if v.strip())
    return out


@cache
def phrases(name: str) -> dict[str, tuple[str, ...]]:
    """A table of one phrase a line under ``## section`` headings."""
    out: dict[str, list[str]] = {}
    section = ""
    for line in (TABLES / f"pii_{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line[3:].strip()
        elif line.strip() and not line.startswith("#!"):
            out.setdefault(section, []).append(line.strip().replace("\\n", "\n").replace("\\t", "\t"))
    return {k: tuple(v) for k, v in out.items()}


@cache
def _cultures() -> tuple[str, ...]:
    return tuple(sorted({k.split(".")[0] for k in values("names")}))


def form(rng: random.Random, kind: str) -> str:
    """A value made by one of the forms of a kind."""
    return pattern(rng, rng.choice(values("forms")[kind]))


# ---------------------------------------------------------------- people

# Cultures whose family name often stands first, and those where one name can be all of it.
_LAST_FIRST = {"chinese": 0.7, "korean": 0.6, "hungarian": 0.35, "vietnamese": 0.6, "japanese": 0.2}
_SINGLE = {"indonesian": 0.3, "southindian": 0.1, "ethiopian": 0.1, "thai": 0.1, "hausa": 0.08, "hindi": 0.04}
_WEIGHTS = {"anglo": 7, "spanish": 2, "hindi": 2, "chinese": 1.5, "arabic": 1.5, "german": 1.5, "french": 1.5}


@dataclass
class Person:
    """Somebody with the forms of the name that a text uses, always the same ones."""

    culture: str
    first: str
    last: str
    middle: str
    form: int
    user: str = ""
    email: str = ""


def _blend(rng: random.Random, pool: tuple[str, ...]) -> str:
    """A name nobody has: the head of one and the tail of another of the same kind."""
    for _ in range(8):
        one, two = rng.choice(pool), rng.choice(pool)
        if " " in one or " " in two or len(one) < 5 or len(two) < 5:
            continue
        made = one[: rng.randint(2, len(one) - 2)] + two[-rng.randint(2, len(two) - 2) :].lower()
        if 4 <= len(made) <= 13 and not re.search(r"(.)\1\1|[^aeiouy'\- ]{4}", ascii_of(made.lower())):
            return made
    return rng.choice(pool)


def person(rng: random.Random) -> Person:
    """A new person."""
    names = values("names")
    culture = rng.choices(_cultures(), [_WEIGHTS.get(c, 1) for c in _cultures()])[0]
    other = rng.choice(_cultures()) if rng.random() < 0.08 else culture
    firsts, lasts = names[f"{culture}.first"], names[f"{other}.last"]
    first = _blend(rng, firsts) if rng.random() < 0.1 else rng.choice(firsts)
    last = _blend(rng, lasts) if rng.random() < 0.14 else rng.choice(lasts)
    if culture == "spanish" and rng.random() < 0.3:
        last += f"{rng.choice((' ', ' ', '-', ' y '))}{rng.choice(lasts)}"
    elif culture == "portuguese" and rng.random() < 0.3:
        last = f"{rng.choice(lasts)} {last}"
    elif rng.random() < 0.04:
        last += f"-{rng.choice(lasts)}"
    elif rng.random() < 0.02:
        last += rng.choice((" Jr.", " Jr", " Sr.", " II", " III", ", Jr."))
    if culture == "southindian" and rng.random() < 0.35:
        first, last = f"{rng.choice(string.ascii_uppercase)}.", rng.choice(firsts)
    if rng.random() < 0.06:  # names that are words or places, too
        first = rng.choice(values("values")["wordname"])
    if rng.random() < 0.04:
        last = rng.choice(values("values")["wordlast"])
    nicknames = dict(v.split("=") for v in values("forms")["nick"])
    if rng.random() < 0.15:
        first = nicknames.get(first, first)
    if rng.random() < _SINGLE.get(culture, 0) and not first.endswith("."):
        last = ""
    if rng.random() < _LAST_FIRST.get(culture, 0):
        shape = 1
    else:  # middle initial, middle name, F. Last, F. M. Last, First L., First LAST
        shape = rng.choices((0, 2, 3, 4, 5, 6, 7), (77, 8, 5, 4, 1.5, 2, 2.5))[0]
    return Person(culture, first, last, rng.choice(firsts), shape)


def full(p: Person) -> str:
    """The name in the form this person goes by."""
    if not p.last:
        return p.first
    if p.first.endswith("."):
        return f"{p.first} {p.last}"
    return (
        f"{p.first} {p.last}",
        f"{p.last} {p.first}",
        f"{p.first} {p.middle[0]}. {p.last}",
        f"{p.first} {p.middle} {p.last}",
        f"{p.first[0]}. {p.last}",
        f"{p.first[0]}. {p.middle[0]}. {p.last}",
        f"{p.first} {p.last[0].upper()}.",
        f"{p.first} {p.last.upper()}",
    )[p.form]


def short(p: Person) -> str:
    """What friends say."""
    return p.last if p.first.endswith(".") else p.first


def family(p: Person) -> str:
    """What stands after a title."""
    return re.sub(r",? (?:Jr\.?|Sr\.?|II|III)$", "", p.last) or p.first


def _last_first(p: Person) -> str:
    return f"{family(p)}, {short(p)}" if p.last and not p.first.endswith(".") else full(p)


_BARE = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss", "ı": "i", "æ": "ae", "Æ": "Ae", "’": "'"}
)


def ascii_of(text: str) -> str:
    """Letters without their marks."""
    return "".join(c for c in unicodedata.normalize("NFD", text.translate(_BARE)) if not unicodedata.combining(c))


def bare(name: str) -> str:
    """A name as it stands in a login."""
    return re.sub(r"[^a-z]", "", ascii_of(name).lower()) or "x"


def mail_name(p: Person, rng: random.Random) -> str:
    """What stands before the @ of somebody."""
    first, last, n = bare(short(p)), bare(p.last or p.middle), digits(rng, rng.randint(1, 3))
    return rng.choice(
        (
            f"{first}.{last}",
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{first}{last}{n}",
            f"{first}_{last}",
            f"{first}{n}",
        )
        + (f"{last}.{first[0]}", first, f"{first}.{last}{n}", f"{last}{first}")
    )


# ---------------------------------------------------------------- values


def digits(rng: random.Random, n: int) -> str:
    """``n`` digits, the first not zero."""
    return rng.choice("123456789") + "".join(rng.choices(string.digits, k=n - 1))


_KINDS = {
    "9": string.digits,
    "A": string.ascii_uppercase,
    "a": string.ascii_lowercase,
    "h": "0123456789abcdef",
    "X": "ABCDEFGHJKLMNPRSTUVWXYZ0123456789",
}


def pattern(rng: random.Random, text: str) -> str:
    """A value by its form: 9 a digit, A a capital, a a small letter, X either, h a hex digit; a backslash keeps a letter."""
    return re.sub(r"\\(.)|[9AahX]", lambda m: m[1] or rng.choice(_KINDS[m[0]]), text)


def username(p: Person, rng: random.Random) -> str:
    """A login or handle, with the person's name in it or without."""
    forms = values("forms")
    first, last = bare(short(p)), bare(p.last or p.middle)
    year = str(rng.randint(1955, 2009))
    n = rng.choice(("", "", digits(rng, 1), digits(rng, 2), digits(rng, 2), digits(rng, 3), year))
    m = n or digits(rng, 2)
    one, two = rng.choice(forms["handlea"]), rng.choice(forms["handleb"])
    gap = rng.choice(("", "_", ".", "-"))
    if rng.random() < 0.6:
        return rng.choice(
            (
                f"{first}.{last}{n}",
                f"{first}_{last}{n}",
                f"{first[0]}{last}{n}",
                f"{first[0]}.{last}",
                f"{last}{first[0]}{n}",
            )
            + (
                f"{first}{last}{n}",
                f"{first}{m}",
                f"{last}.{first}",
                f"{first[0]}{last[:5]}{n}",
                f"{first[:3]}{last[:3]}{m}",
            )
            + (
                f"{first.capitalize()}{last.capitalize()}{n}",
                f"{first}-{last}",
                f"x{first}x{n}",
                f"its{first}{n}",
                first,
            )
            + (
                f"real_{first}{n}",
                f"{two}_{first}{n}",
                f"{one}{first}",
                f"{first}the{two}",
                f"{first}__{n}",
                f"{last}{year}",
            )
        )
    role = rng.choice(("admin", "root", "svc", "deploy", "backup", "test", "guest", "reception", "frontdesk", "it"))
    return rng.choice(
        (f"{one}{gap}{two}{n}", f"{one}{gap}{two}{n}", f"{one}_{two}", f"{one.capitalize()}{two.capitalize()}{n}")
        + (f"xX_{one}{two}_Xx", f"{two}{m}", f"{one}_{one}_{two}", f"{two}0f{two}", f"{one}{two}")
        + (f"{rng.choice(('u', 'usr', 'adm', 'svc_', 'ext-', 'cust', 'e', 'a'))}{digits(rng, rng.randint(4, 6))}",)
        + (pattern(rng, rng.choice(("aaa99", "aaaa9aa", "aa9999", "aaaaa_aa", "AA99999"))),)
        + (f"{role}{rng.choice('_-.')}{rng.choice((first, last, 'prod', 'hr', digits(rng, 2)))}",)
    )


_LEET = {"a": "@", "o": "0", "e": "3", "i": "1", "s": "$", "t": "7"}
_MARKS = "!@#$%&*?+-_=.^~"


def password(rng: random.Random) -> str:
    """A password of any kind people use."""
    pool = values("forms")["password"]
    one, two = rng.choice(pool), rng.choice(pool)
    mark, year = rng.choice(_MARKS), str(rng.randint(1960, 2026))
    n = digits(rng, rng.randint(1, 4))
    leet = "".join(_LEET.get(c, c) if rng.random() < 0.6 else c for c in one)
    any_of = string.ascii_letters + string.digits
    name = bare(rng.choice(values("names")["anglo.first"])).capitalize()
    kind = rng.choices(range(8), (18, 12, 12, 10, 22, 10, 8, 8))[0]
    if kind == 0:
        return one.capitalize() + rng.choice((year, year + mark, mark + year, n, n + mark))
    if kind == 1:
        return leet.capitalize() + rng.choice((n, mark, mark + n, year))
    if kind == 2:
        return (
            rng.choice(("", mark))
            + one.capitalize()
            + rng.choice(("", mark, "_"))
            + two.capitalize()
            + rng.choice((year, n, mark, ""))
        )
    if kind == 3:
        return rng.choice("-_.").join(rng.choices(pool, k=rng.randint(2, 4))) + rng.choice(("", "", n))
    if kind == 4:
        return "".join(rng.choices(any_of + "!@#$%^&*-_+?", k=rng.randint(8, 18)))
    if kind == 5:
        return "".join(rng.choices(any_of, k=rng.randint(8, 14)))
    if kind == 6:
        return one + rng.choice(("", "123", "1234", "12345", "1", "99", year, n, mark))
    return rng.choice(
        (
            name + year,
            name + mark + n,
            f"{one}{two}",
            pattern(rng, "Aaaa9999!"),
            pattern(rng, "aa-99-AA-aa"),
            digits(rng, rng.randint(5, 8)),
        )
    )


_ONES = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def words_of(n: int) -> str:
    """A number from one to ninety-nine in words."""
    if n < 20:
        return (_ONES + _TEENS)[n]
    return f"{_TENS[n // 10]}-{_ONES[n % 10]}" if n % 10 else _TENS[n // 10]


def _years(rng: random.Random) -> int:
    low, high = rng.choices(((1, 12), (13, 19), (20, 69), (70, 99)), (2, 2, 9, 2))[0]
    return rng.randint(low, high)


_AFTER = (
    (" years old",) * 7
    + (" years of age", " yrs old", " yrs", "yo", " y/o", " y.o.", " yr old", "y", " years")
    + ("",) * 5
)
_BEFORE = ("-year-old",) * 6 + (" year old", " year old", " year-old", "yo", " y/o", "-yr-old", " yr old", "-years-old")


def age(rng: random.Random) -> str:
    """An age as said of somebody: "I am ..."."""
    roll = rng.random()
    if roll < 0.06:
        return f"{rng.randint(2, 23)} {rng.choice(('months', 'months', 'weeks', 'mos', 'days'))} old"
    if roll < 0.16:
        return words_of(_years(rng)) + rng.choice((" years old", " years old", " years of age", " yrs old", ""))
    return f"{_years(rng)}{rng.choice(_AFTER)}"


def age_before(rng: random.Random) -> str:
    """An age that stands before a noun."""
    roll = rng.random()
    if roll < 0.06:
        return f"{rng.randint(2, 23)}{rng.choice('- ')}{rng.choice(('month', 'week'))}{rng.choice('- ')}old"
    if roll < 0.14:
        return words_of(_years(rng)) + rng.choice(("-year-old", " year old"))
    return f"{_years(rng)}{rng.choice(_BEFORE)}"


def day(rng: random.Random) -> str:
    """A date."""
    month = rng.choice(values("values")["month"])
    y, m, d = rng.randint(1940, 2027), rng.randint(1, 12), rng.randint(1, 28)
    th = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd"}.get(d, "th")
    return rng.choice(
        (
            f"{m:02}/{d:02}/{y}",
            f"{d:02}/{m:02}/{y}",
            f"{y}-{m:02}-{d:02}",
            f"{d}.{m}.{y}",
            f"{d:02}.{m:02}.{y}",
            f"{month} {d}, {y}",
        )
        + (
            f"{d} {month} {y}",
            f"{d}{th} {month} {y}",
            f"{month[:3]} {d}, {y}",
            f"{d}-{month[:3]}-{y}",
            f"{d}{th} of {month}",
        )
        + (f"{month} {d}{th}", f"{d} {month}", f"{m}/{d}/{y % 100:02}")
    )


def stamp(rng: random.Random) -> str:
    """A moment of a log."""
    date = f"{rng.randint(2015, 2027)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    clock = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
    return rng.choice((f"{date}T{clock}Z", f"{date} {clock}", f"{date} {clock},{rng.randint(0, 999):03}", clock))


def _clock(rng: random.Random) -> str:
    hour, minute = rng.randint(1, 12), rng.randint(0, 59)
    return rng.choice(
        (f"{hour}:{minute:02} am", f"{hour}:{minute:02} PM", f"{hour + 11}:{minute:02}", f"{hour}pm", f"{hour} am")
    )


def _money(rng: random.Random) -> str:
    amount = rng.choice(
        (
            f"{rng.randint(1, 999)}",
            f"{rng.randint(1, 999)}.{rng.randint(0, 99):02}",
            f"{rng.randint(1, 99)},{rng.randint(0, 999):03}",
        )
        + (f"{rng.randint(1, 9)}{rng.choice(('k', 'm', ' million', ' thousand'))}",)
    )
    return (
        rng.choice(("$", "£", "€", "USD ", "₹", "Rs. ", "KES ", ""))
        + amount
        + rng.choice(("", "", "", " EUR", " dollars", " zł"))
    )


# ---------------------------------------------------------------- places


def _place(rng: random.Random, key: str) -> str:
    return rng.choice(values("places")[key])


def city(rng: random.Random) -> str:
    """A city alone, some with their region; now and then a country or a place with somebody's name."""
    roll = rng.random()
    if roll < 0.2:
        return _place(rng, "world.country" if roll < 0.1 else "world.named")
    name, _, region = _place(rng, rng.choice([k for k in values("places") if k.endswith(".city")])).partition("|")
    name = re.sub(r" - [A-Z]{2}$|-?\d+$| \d+$|/.*", "", name)
    return f"{name}, {region}" if region and rng.random() < 0.4 else name


_LANDS = {"us": 8, "uk": 5, "in": 3}


def _line(rng: random.Random, text: str, land: str, kept: dict[str, str]) -> str:
    def value(m: re.Match[str]) -> str:
        if m[2]:
            return pattern(rng, m[2])
        slot = m[1]
        if slot == "n":
            return digits(rng, rng.choice((1, 2, 2, 3, 3, 4, 4, 5) if land == "us" else (1, 1, 2, 2, 3)))
        if set(slot) == {"d"}:
            return digits(rng, len(slot))
        if slot == "L":
            return rng.choice("ABCDEFGHJKMNPRTW")
        if slot in ("city", "region"):
            return kept[slot]
        made = _place(rng, f"{land}.{slot}")
        return (
            made.replace("{n}", digits(rng, rng.randint(1, 4)))
            .replace("{d}", digits(rng, 1))
            .replace("{A}", rng.choice("ABCDEF"))
        )

    return re.sub(r"\{(\w+)\}|<([^<>]+)>", value, text)


def _lines(rng: random.Random) -> list[str]:
    forms = phrases("addresses")
    land = rng.choices(list(forms), [_LANDS.get(k, 1) for k in forms])[0]
    name, _, region = _place(rng, f"{land}.city").partition("|")
    text = rng.choice(forms[land])
    out = [
        re.sub(r" ,|, $", ",", _line(rng, one, land, {"city": name, "region": region})).replace(", ,", ",")
        for one in text.split(" / ")
    ]
    return [one.strip(" ,") for one in out]


def address(rng: random.Random, lines: bool = False) -> str:
    """A full postal address, on one line unless ``lines``."""
    made = _lines(rng)
    if lines:
        return "\n".join(made)
    return (" " if rng.random() < 0.07 else ", ").join(made)


def street(rng: random.Random) -> str:
    """Street and number only."""
    made = ""
    while not re.search(r"\d", made) or len(made) < 8:
        made = _lines(rng)[0]
    return made


def organisation(rng: random.Random) -> str:
    """The name of a company or institution; some carry somebody's name."""
    table, names = values("values"), values("names")
    roll = rng.random()
    if roll < 0.45:
        return rng.choice(table["org"])
    if roll < 0.72:
        return re.sub(
            r"\{(first|last)\}",
            lambda m: rng.choice(names[f"{rng.choice(('anglo', 'anglo', rng.choice(_cultures())))}.{m[1]}"]),
            rng.choice(table["org_named"]),
        )
    made = f"{rng.choice(table['org_word'])} {rng.choice(table['org_kind'])}"
    return made + (f"{rng.choice((' ', ', '))}{rng.choice(table['org_real_suffix'])}" if rng.random() < 0.3 else "")


# ---------------------------------------------------------------- templates

_AN = re.compile(r"(?!uni|eur|one|us|ut)[aeiou]|8|11[- y]|18[- y]", re.IGNORECASE)
_SLOT = re.compile(r"\{([a-z]+)(\d?)\}")
_MARK = re.compile(r"\[([NAGUPOLDI]):")


@cache
def parse(text: str) -> list[Part]:
    """A template as parts: ("text", str), ("slot", name), ("choice", [parts]) and ("mark", (type, parts))."""
    parts, at = _parse(text, 0, "")
    if at != len(text):
        raise ValueError(text)
    return parts


def _parse(text: str, at: int, stops: str) -> tuple[list[Part], int]:
    parts: list[Part] = []
    while at < len(text) and text[at] not in stops:
        if slot := _SLOT.match(text, at):
            parts.append(("slot", (slot[1], int(slot[2] or 1))))
            at = slot.end()
        elif mark := _MARK.match(text, at):
            inner, at = _parse(text, mark.end(), "]")
            parts.append(("mark", (_LETTERS[mark[1]], inner)))
            at += 1
        elif text.startswith("{~", at):
            options = []
            at += 1
            while text[at] != "}":
                inner, at = _parse(text, at + 1, "|}")
                options.append(inner)
            parts.append(("choice", options))
            at += 1
        else:
            parts.append(("text", text[at]))
            at += 1
    return parts, at


_OF_PERSON: dict[str, Callable[[Person], str]] = {
    "name": full,
    "first": short,
    "last": family,
    "lastfirst": _last_first,
    "upper": lambda p: full(p).upper(),
    "lower": lambda p: full(p).lower(),
    "middle": lambda p: p.middle,
}
_MADE: dict[str, tuple[str | None, Callable[[random.Random], str]]] = {
    "address": ("ADDRESS", address),
    "addresslines": ("ADDRESS", lambda r: address(r, True)),
    "street": ("ADDRESS", street),
    "postcode": ("ADDRESS", lambda r: form(r, "postcode")),
    "city": ("LOCATION", city),
    "country": ("LOCATION", lambda r: _place(r, "world.country")),
    "place": ("LOCATION", lambda r: _place(r, "world.named")),
    "org": ("ORGANIZATION", organisation),
    "age": ("AGE", age),
    "ageadj": ("AGE", age_before),
    "agenum": ("AGE", lambda r: str(_years(r))),
    "pass": ("PASSWORD", password),
    "phone": ("ID", lambda r: form(r, "phone")),
    "ip": ("ID", lambda r: ".".join(str(r.randint(1, 254)) for _ in range(4))),
    "date": ("DATE_TIME", day),
    "dob": ("DATE_TIME", day),
    "stamp": ("DATE_TIME", stamp),
    "time": (None, _clock),
    "money": (None, _money),
    "num": (None, lambda r: str(r.choice((r.randint(2, 30), r.randint(10, 999), r.randint(1000, 9999))))),
    "few": (None, lambda r: str(r.randint(2, 9))),
    "year": (None, lambda r: str(r.randint(1850, 2026))),
    "ref": (None, lambda r: form(r, "ref")),
    "version": (None, lambda r: form(r, "version")),
    "hex": (None, lambda r: form(r, "hex")),
}


@dataclass
class Scene:
    """What the slots of one text are filled from, and the text so far."""

    rng: random.Random
    people: dict[int, Person] = field(default_factory=dict)
    kept: dict[tuple[str, int], str] = field(default_factory=dict)
    text: str = ""
    spans: list[Span] = field(default_factory=list)
    plain: bool = False  # names that fill a template are no person's: "the Smith effect"

    def who(self, n: int) -> Person:
        """The n-th person of the text."""
        if n not in self.people:
            p = self.people[n] = person(self.rng)
            p.user = username(p, self.rng)
            local = p.user if self.rng.random() < 0.3 else mail_name(p, self.rng)
            p.email = f"{local}@{self.rng.choice(values('forms')['mail'])}"
        return self.people[n]

    def add(self, text: str, kind: str | None = None) -> None:
        """Append, marked or not; "a" before a vowel becomes "an"."""
        if _AN.match(text) and re.search(r"(?:^|[ (])[aA] $", self.text):
            self.text = f"{self.text[:-1]}n "
        if kind and text and not (self.plain and kind == "NAME"):
            start, had = len(self.text), self.spans[-1] if self.spans else (0, 0, "")
            # A first and a last name are one name; a street and its city are one address.
            joined = self.text[had[1] :] == {"NAME": " ", "LOCATION": ", "}.get(kind)
            if joined and had[2] == {"NAME": "NAME", "LOCATION": "ADDRESS"}[kind]:
                self.spans.pop()
                start, kind = had[0], had[2]
            self.spans.append((start, len(self.text) + len(text), kind))
        self.text += text

    def gap(self, *gaps: str) -> None:
        """Append what stands between two pieces."""
        gap = self.rng.choice(gaps)
        self.text += gap if self.text[-1:].isalnum() else gap.replace(". ", " ")

    def render(self, parts: list[Part]) -> None:
        """Append a parsed template."""
        for kind, value in parts:
            if kind == "text":
                self.text += value
            elif kind == "choice":
                self.render(self.rng.choice(value))
            elif kind == "mark":
                start, had = len(self.text), len(self.spans)
                self.render(value[1])
                self.spans[had:] = [(start, len(self.text), value[0])]
            else:
                self.slot(*value)

    def slot(self, name: str, n: int) -> None:
        """Append the value of a slot; the same slot of a text has the same value everywhere."""
        rng = self.rng
        if name in _OF_PERSON:
            self.add(_OF_PERSON[name](self.who(n)), "NAME")
        elif name == "formal":
            self.add(rng.choice(values("forms")["title"]) + " ")
            self.add(family(self.who(n)) if rng.random() < 0.7 else full(self.who(n)), "NAME")
        elif name == "email":
            self.add(self.who(n).email, "ID")
        elif name == "user":
            self.add(self.who(n).user, "USERNAME")
        elif name == "handle":
            self.add("@" + self.who(n).user, "USERNAME")
        elif name == "initials":
            self.add(f"{short(self.who(n))[0]}{family(self.who(n))[0]}".upper())
        else:
            kind, make = _MADE.get(name) or (
                ("ID", lambda r: form(r, f"id.{name}"))
                if f"id.{name}" in values("forms")
                else (None, lambda r: r.choice(values("values")[name]))
            )
            if (name, n) not in self.kept:
                self.kept[name, n] = make(rng)
            self.add(self.kept[name, n], kind)


def fill(template: str, rng: random.Random, scene: Scene | None = None, plain: bool = False) -> Scene:
    """A template filled; ``scene`` carries people over from an earlier one."""
    scene = scene or Scene(rng)
    scene.plain = plain
    scene.render(parse(template))
    return scene


# ---------------------------------------------------------------- records

_NAMING = (
    ("name",) * 10
    + ("first last",) * 4
    + ("lastfirst",) * 3
    + ("upper", "user", "formal", "last first", "first middle last", "", "")
)
_NAME_SLOTS = {"name", "first", "last", "lastfirst", "upper", "formal", "middle"}
_STYLES: dict[str, Callable[[str], str]] = {
    "snake": lambda label: "_".join(re.findall(r"[a-z0-9]+", label.lower())),
    "camel": lambda label: re.sub(r"_(.)", lambda m: m[1].upper(), "_".join(re.findall(r"[a-z0-9]+", label.lower()))),
    "kebab": lambda label: "-".join(re.findall(r"[a-z0-9]+", label.lower())),
    "upper": str.upper,
    "lower": str.lower,
    "title": str,
}
_PERSONAL = ("user", "customer", "patient", "contact", "employee", "account", "record", "person", "guest", "member")
_THINGS = ("config", "item", "service", "build", "sensor", "product", "entry", "event", "order")


def _columns(rng: random.Random, personal: bool) -> list[tuple[str, str]]:
    """(label, slot) of a record's fields."""
    table = values("fields")
    plain = [k for k in table if k.startswith("plain.")]
    out: list[tuple[str, str]] = []
    if personal:
        lead = rng.choice(_NAMING).split()
        rest = [k for k in table if k not in plain and k not in _NAME_SLOTS and k not in lead]
        out = [(rng.choice(table[s]), s) for s in (*lead, *rng.sample(rest, rng.randint(1, 6)))]
    for key in rng.sample(plain, rng.randint(0, 3) if personal else rng.randint(2, 7)):
        out.insert(rng.randint(min(1, len(out)), len(out)), (rng.choice(table[key]), key))
    return out


class _Record:
    """A form, file or table of one or some people, or of things, being written."""

    def __init__(self, rng: random.Random, personal: bool) -> None:
        self.rng, self.personal, self.scene = rng, personal, Scene(rng)
        self.columns = _columns(rng, personal)
        self.head = rng.choice(_PERSONAL if personal else _THINGS)

    def put(self, i: int, n: int = 1) -> None:
        """The value of column ``i`` for person ``n``."""
        slot = self.columns[i][1]
        if slot.startswith("plain."):
            fill(self.rng.choice(phrases("fieldvalues")[slot[6:]]), self.rng, self.scene)
        else:
            self.scene.slot(slot, n)

    def labels(self, *styles: str) -> list[str]:
        """The columns' labels in one of the styles."""
        style = _STYLES[self.rng.choice(styles)]
        return [style(label) for label, _ in self.columns]

    def each(self, labels: list[str], before: str, after: str, between: str, n: int = 1) -> None:
        """All fields; ``before`` holds the label."""
        for i, label in enumerate(labels):
            self.scene.add((between if i else "") + before.replace("@", label))
            self.put(i, n)
            self.scene.add(after.replace("@", label))

    def rows(self, labels: list[str], sep: str, start: str, end: str, quote: bool) -> None:
        """A header and some people."""
        self.scene.add(start + sep.join(labels) + end)
        if start:
            self.scene.add("\n|" + "---|" * len(labels))
        for n in range(1, self.rng.randint(2, 5)):
            self.scene.kept.clear()
            self.scene.add("\n" + start)
            for i in range(len(labels)):
                mark = '"' if quote and self.rng.random() < 0.5 else ""
                self.scene.add((sep if i else "") + mark)
                self.put(i, n)
                self.scene.add(mark)
            self.scene.add(end)

    def write(self, kind: str) -> None:
        """Write it as ``kind``."""
        rng, scene = self.rng, self.scene
        if kind in ("lines", "bar", "spaced", "table") and rng.random() < 0.4:
            fill(rng.choice(phrases("fieldvalues")["heading" if self.personal else "plainheading"]) + "\n", rng, scene)
        words = self.labels("title", "title", "title", "lower", "upper")
        keys = self.labels("snake", "snake", "camel", "kebab", "lower")
        if kind == "lines":
            gap = rng.choice((": ", ": ", ": ", ": ", " : ", ":", " - ", "= ", ":\t", ":  ", ":\n  ", "\n", " "))
            mark = rng.choice(("", "", "", "- ", "* ", "• ", "> "))
            self.each(words, f"{mark}@{gap}", "", rng.choice(("\n", "\n", "\n", "\n\n")))
        elif kind == "bold":
            self.each(words, "**@:** ", "", rng.choice(("\n", "  \n", " ")))
        elif kind == "bar":
            self.each(words, f"@{rng.choice((': ', ':', '=', ' '))}", "", rng.choice((" | ", "; ", ", ", " / ", "  ")))
        elif kind == "spaced":
            width = max(map(len, words)) + 2
            self.each([w.ljust(width, rng.choice(" .")) for w in words], "@ ", "", "\n")
        elif kind == "json":
            flat, many = rng.random() < 0.5, rng.choice((1, 1, 1, 2, 3))
            scene.add("[" if many > 1 else "")
            for n in range(1, many + 1):
                scene.kept.clear()
                scene.add((", " if n > 1 else "") + ("{" if flat else "{\n"))
                self.each(keys, '"@": "' if flat else '  "@": "', '"', ", " if flat else ",\n", n)
                scene.add("}" if flat else "\n}")
            scene.add("]" if many > 1 else "")
        elif kind == "nested":
            scene.add(f'{{"{self.head}": {{')
            self.each(keys, '"@": "', '"', ", ")
            scene.add('}, "status": "ok"}')
        elif kind == "yaml":
            quote = rng.choice(("", "", '"', "'"))
            scene.add(f"{self.head}:\n")
            self.each(keys, f"  @: {quote}", quote, "\n")
        elif kind == "csv":
            self.rows(keys if rng.random() < 0.5 else words, rng.choice((",", ",", ";", "\t", ", ")), "", "", True)
        elif kind == "table":
            self.rows(words, " | ", "| ", " |", False)
        elif kind == "xml":
            scene.add(f"<{self.head}>")
            line = rng.choice(("\n  ", ""))
            self.each(keys, f"{line}<@>", "</@>", "")
            scene.add(f"{line[:1]}</{self.head}>")
        elif kind == "query":
            self.each(keys, "@=", "", rng.choice(("&", " ", "\n", "; ")))
        elif kind == "code":
            scene.add(rng.choice(("user = {", "data = {", "row = {", "const record = {", "params = {")) + "\n")
            self.each(keys, "    '@': '", "',\n", "")
            scene.add("}")
        elif kind == "call":
            scene.add(f"{self.head.capitalize()}(")
            self.each(self.labels("snake"), '@="', '"', ", ")
            scene.add(")")
        elif kind == "sql":
            scene.add(" ".join(("INSERT INTO", f"{self.head}s", f"({', '.join(self.labels('snake'))})", "VALUES (")))
            self.each(keys, "'", "'", ", ")
            scene.add(");")
        elif kind == "html":
            self.each(
                keys, f'<{rng.choice(("input name", "field id", "data key"))}="@" value="', '">', rng.choice(("\n", ""))
            )
        elif kind == "cells":
            self.each(words, "<tr><td>@</td><td>", "</td></tr>", rng.choice(("\n", "")))
        elif kind == "asked":
            self.each(
                words,
                f"{rng.choice(('Q: ', 'Bot: ', 'Agent: ', ''))}@?\n{rng.choice(('A: ', 'User: ', '> ', ''))}",
                "",
                "\n",
            )
        else:
            scene.add(rng.choice(("Details: ", "Here are the details: ", "fyi ", "", "ok so ")))
            self.each(
                self.labels("lower"),
                f"@{rng.choice((' ', ' ', ' is ', ': '))}",
                "",
                rng.choice((", ", ", ", " and ", "; ")),
            )
            scene.add(rng.choice((".", "", " thanks")))


_RECORDS: tuple[str, ...] = ("lines",) * 6 + ("json", "csv", "prose", "bar") * 2
_RECORDS += (
    "bold",
    "spaced",
    "nested",
    "yaml",
    "table",
    "xml",
    "query",
    "code",
    "call",
    "sql",
    "html",
    "cells",
    "asked",
)


def record(rng: random.Random, personal: bool = True) -> tuple[Scene, str]:
    """A form, file or table, and its kind."""
    made, kind = _Record(rng, personal), rng.choice(_RECORDS)
    made.write(kind)
    return made.scene, f"{kind}/{'-'.join(sorted({s for _, s in made.columns})[:3])}"


# ---------------------------------------------------------------- noise


def _rebuild(spans: list[Span], pieces: list[str]) -> tuple[str, list[Span]]:
    """The text with every character replaced by its piece, the spans moved along."""
    at, total = [0], 0
    for piece in pieces:
        total += len(piece)
        at.append(total)
    return "".join(pieces), [(at[s], at[e], k) for s, e, k in spans if at[e] > at[s]]


_KEYS = {
    "a": "sq",
    "e": "wr",
    "i": "uo",
    "o": "ip",
    "n": "bm",
    "t": "ry",
    "s": "ad",
    "r": "et",
    "l": "ko",
    "h": "gj",
    "d": "sf",
    "c": "xv",
}


def _typos(text: str, rng: random.Random, rate: float) -> list[str]:
    pieces = list(text)
    for i, c in enumerate(text):
        if c.isalpha() and pieces[i] == c and rng.random() < rate:
            roll = rng.random()
            if roll < 0.3:
                pieces[i] = ""
            elif roll < 0.55:
                pieces[i] = c + c
            elif roll < 0.8:
                pieces[i] = rng.choice(_KEYS.get(c.lower(), c))
            elif text[i + 1 : i + 2].isalpha():
                pieces[i], pieces[i + 1] = text[i + 1], c
    return pieces


def _cased(text: str, spans: list[Span], rng: random.Random) -> tuple[str, list[Span]]:
    """A quarter in small letters, some in capitals, some with only the names changed; secrets mostly keep their letters."""
    roll = rng.random()
    if roll >= 0.38:
        return text, spans
    pieces = list(text)
    if roll < 0.32:
        pieces = [c.lower() if roll < 0.25 else c.upper() for c in text]
        if rng.random() < 0.7:
            for s, e, k in spans:
                if k in ("PASSWORD", "USERNAME"):
                    pieces[s:e] = text[s:e]
    else:
        for s, e, k in spans:
            if k == "NAME" or (roll < 0.36 and k in ("ADDRESS", "LOCATION")):
                pieces[s:e] = [c.lower() if roll < 0.36 else c.upper() for c in text[s:e]]
    return _rebuild(spans, pieces)


def noisy(text: str, spans: list[Span], rng: random.Random) -> tuple[str, list[Span]]:
    """The text as people and programs really write it."""
    if rng.random() < 0.3:
        text, spans = _rebuild(spans, [ascii_of(c) for c in text])
    text, spans = _cased(text, spans, rng)
    if rng.random() < 0.1:
        text, spans = _rebuild(spans, _typos(text, rng, rng.choice((0.01, 0.02, 0.04))))
    if rng.random() < 0.08:
        gone = [c in ".,!?;:'" and not re.fullmatch(r"\w.\w", text[max(i - 1, 0) : i + 2]) for i, c in enumerate(text)]
        text, spans = _rebuild(spans, ["" if g and rng.random() < 0.8 else c for c, g in zip(text, gone, strict=True)])
    if rng.random() < 0.06:
        text, spans = _rebuild(spans, ["  " if c == " " and rng.random() < 0.2 else c for c in text])
    if rng.random() < 0.04:
        text, spans = _rebuild(spans, [" " if c == "\n" else c for c in text])
    if rng.random() < 0.05:
        text, spans = _rebuild(spans, [{"'": "’", '"': "”"}.get(c, c) for c in text])
    return text, spans


# ---------------------------------------------------------------- rows


def _id(template: str) -> str:
    return hashlib.sha256(template.encode()).hexdigest()[:8]


def _pick(rng: random.Random, table: str) -> tuple[str, str]:
    """(section, template) at random; long sections do not drown the short."""
    found = phrases(table)
    section = rng.choices(list(found), [len(v) ** 0.8 for v in found.values()])[0]
    return section, rng.choice(found[section])


def _sentences(rng: random.Random, table: str, count: int, scene: Scene, *sections: str) -> str:
    """Some sentences after one another; returns the first template."""
    pool = [t for s in sections for t in phrases(table)[s]]
    chosen = rng.sample(pool, count)
    gaps = rng.choice(((" ",), (" ", " ", "\n"), ("\n",), ("\n\n",)))
    for i, one in enumerate(chosen):
        scene.add(rng.choice(gaps) if i else "")
        scene.kept.clear()
        fill(one, rng, scene, table == "plain")
        if scene.text[-1:].isalnum() and i + 1 < len(chosen) and gaps == (" ",):
            scene.add(rng.choice((".", ".", ",", " -", "")))
    return chosen[0]


def positive(rng: random.Random) -> tuple[Scene, str]:
    """A text with personal data, and its group."""
    roll = rng.random()
    if roll < 0.58:
        section, template = _pick(rng, "texts")
        return fill(template, rng), f"pii/{section}/{_id(template)}"
    if roll < 0.74:
        scene, kind = record(rng)
        return scene, f"pii/record/{kind}"
    scene = Scene(rng)
    if roll < 0.86:
        first = _sentences(rng, "texts", rng.randint(2, 6), scene, "sentence", "chat", "news")
        return scene, f"pii/story/{_id(first)}"
    _sentences(rng, "plain", rng.randint(1, 5), scene, "prose", "talk", "lookalike", "number")
    scene.gap(" ", "\n", "\n\n", ". ")
    scene.kept.clear()
    _, template = _pick(rng, "texts")
    fill(template, rng, scene)
    if rng.random() < 0.6:
        scene.gap(" ", "\n", "\n\n", ". ")
        _sentences(rng, "plain", rng.randint(1, 4), scene, "prose", "talk", "lookalike", "aged")
    return scene, f"pii/planted/{_id(template)}"


def negative(rng: random.Random) -> tuple[Scene, str]:
    """A text without personal data that looks like it may have some, and its group."""
    roll = rng.random()
    if roll < 0.12:
        scene, kind = record(rng, personal=False)
        return scene, f"pii/thing/{kind}"
    scene = Scene(rng)
    if roll < 0.45:
        first = _sentences(
            rng, "plain", rng.randint(2, 8), scene, "prose", "talk", "lookalike", "number", "aged", "password"
        )
        return scene, f"pii/plainstory/{_id(first)}"
    section, template = _pick(rng, "plain")
    return fill(template, rng, scene, plain=True), f"pii/plain/{section}/{_id(template)}"


def _joined(rng: random.Random) -> tuple[Scene, str]:
    """A long text of unlike parts, as in a mailbox or a report."""
    made = [positive(rng) if rng.random() < 0.55 else negative(rng) for _ in range(rng.randint(2, 5))]
    out = Scene(rng)
    for scene, _ in made:
        out.text += rng.choice(("\n", "\n\n", "\n\n---\n\n", "\n* ")) if out.text else ""
        out.spans += [(s + len(out.text), e + len(out.text), k) for s, e, k in scene.spans]
        out.text += scene.text
    return out, made[0][1]


def generate(rng: random.Random, count: int) -> Iterator[dict[str, Any]]:
    """``count`` rows, a third of them without personal data; all types are annotated completely."""
    for _ in range(count):
        roll = rng.random()
        scene, group = negative(rng) if roll < 0.34 else _joined(rng) if roll < 0.46 else positive(rng)
        text, spans = noisy(scene.text, scene.spans, rng)
        lead, end = len(text) - len(text.lstrip()), len(text.rstrip())
        marks = [[max(s, lead) - lead, min(e, end) - lead, k] for s, e, k in spans if min(e, end) > max(s, lead)]
        yield {"text": text.strip(), "spans": marks, "known": list(TYPES), "group": group}
