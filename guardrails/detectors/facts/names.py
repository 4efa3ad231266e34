"""Proper names as English writes them: with a capital inside a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Name", "known", "names"]

_NAME = re.compile(
    r"(?<![\w'’-])(?:(?:Mr|Mrs|Ms|Dr|St|Prof|Gov|Sen|Gen|Capt|Rev)\.?\s+)?[A-Z][\w’'&-]*(?:[ ]+(?:(?:of|the|de|van|von|der|del|la|bin|al|da|di|du|le)[ ]+){0,2}(?:[A-Z]\.(?=[ ]+[A-Z])|[A-Z][\w’'&-]*|\d{1,4}(?![\w.,:]\w)))*"
)
_COMMON = frozenset(
    "the a an in on at it he she they we i you this that these those there here his her its their our my your some many most all any each every no not one two three four five"
    " six seven eight nine ten both few several another other such after before during while when if as for from by with without under over about between among through and but or so yet"
    " nor however although though because since until unless despite according also additionally furthermore then now today later what who whom whose where why how which is are was were"
    " do does did can could may might will would should has have had let please more less first second third last next people yes sure based often usually only even just like than to of"
    " out off up down into within including following thanks thank hello hi great good happy sorry unfortunately certainly course absolutely step note total monday tuesday wednesday thursday"
    " friday saturday sunday january february march april june july august september october november december mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep sept oct nov dec"
    " am pm ok faq id nb ps usd eur gbp kg km".split()
)
_WEEK = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "weekend"})
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "st", "sir", "lady", "lord", "miss", "professor", "doctor", "judge", "captain"})  # fmt: skip
_FIRST = re.compile(r"(?:^|[.!?:;]\s|\n|[-*•]\s|[\"“'‘(]|\|\s?|\d[.)]\s)$")


@dataclass(frozen=True, slots=True)
class Name:
    """``parts``: its words in lower case, without titles. ``sure``: it stands inside a sentence or has several words."""

    start: int
    end: int
    parts: tuple[str, ...]
    sure: bool


def names(text: str) -> list[Name]:
    """What looks like a name, by place. A single word that opens a sentence is kept, and not ``sure``."""
    out = []
    for m in _NAME.finditer(text):
        start = m.start()
        first = bool(_FIRST.search(text, max(0, start - 3), start)) or start == 0
        pieces = [(m.start() + p.start(), p[0]) for p in re.finditer(r"\S+", m[0])]
        while pieces and (_bare(pieces[0][1]) in _COMMON or _bare(pieces[0][1]).removesuffix("s") in _WEEK):
            pieces, first = pieces[1:], False
        while pieces and (_bare(pieces[-1][1]) in _COMMON or pieces[-1][1].islower()):
            pieces.pop()
        while pieces and pieces[0][1].islower():
            pieces = pieces[1:]
        parts = tuple(
            b
            for _, p in pieces
            if (b := _bare(p)) and b not in _TITLES and (len(b) > 1 or b.isdigit()) and not p.islower()
        )
        if not parts or all(p.isdigit() for p in parts):
            continue
        words = [p for p in parts if not p.isdigit()]
        at, last = pieces[0][0], pieces[-1]
        end = last[0] + len(last[1].rstrip(".,’'"))
        if end > at:
            out.append(Name(at, end, parts, sure=not first or len(words) > 1 or len(parts) > 1))
    return out


def _bare(word: str) -> str:
    return re.sub(r"['’]s?$", "", word).strip(".,'’&-").casefold()


def known(name: Name, text: str, stems: frozenset[str]) -> bool:
    """True where a part of the name stands in the text, in some form: a shorter one, an abbreviation, or part of a word."""
    plain = text.casefold()
    for part in name.parts:
        if part.isdigit():
            continue
        if re.search(rf"(?<![^\W_]){re.escape(part[: max(4, len(part) - 2)])}", plain):
            return True
    # An abbreviation: its letters begin words that stand side by side.
    whole = "".join(name.parts)
    if 2 <= len(whole) <= 5 and len(name.parts) == 1:
        initials = "".join(w[0] for w in re.findall(r"[a-z0-9]+", plain))
        if whole in initials:
            return True
    # And the other way round: "United Nations" for "UN".
    short = "".join(p[0] for p in name.parts)
    return (len(short) > 1 and bool(re.search(rf"(?<!\w){re.escape(short)}(?!\w)", plain))) or bool(
        stems & set(name.parts)
    )
