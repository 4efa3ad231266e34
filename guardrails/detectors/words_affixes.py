"""What some scripts glue to a word without changing it: particles, articles and prepositions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import regex

__all__ = ["affixed"]

_KOREAN = regex.compile(r"[\p{Hangul}]")
_ARABIC = regex.compile(r"[\u0620-\u064a]")
_HEBREW = regex.compile(r"[\u05d0-\u05ea]")

# Case and topic particles, plural, and the copula's commonest endings.
_PARTICLES = [
    unicodedata.normalize("NFKD", p)
    for p in [
        "은",
        "는",
        "이",
        "가",
        "을",
        "를",
        "의",
        "에",
        "에서",
        "에게",
        "에게서",
        "한테",
        "께",
        "께서",
        "와",
        "과",
        "랑",
        "이랑",
        "하고",
        "도",
        "만",
        "만이",
        "로",
        "으로",
        "로서",
        "으로서",
        "로써",
        "으로써",
        "부터",
        "까지",
        "마저",
        "조차",
        "처럼",
        "보다",
        "마다",
        "이나",
        "나",
        "라도",
        "이라도",
        "라는",
        "이라는",
        "라고",
        "이라고",
        "란",
        "이란",
        "들",
        "들이",
        "들을",
        "들은",
        "들의",
        "들도",
        "들에게",
        "에는",
        "에도",
        "에서는",
        "에서도",
        "에게는",
        "으로는",
        "로는",
        "이다",
        "입니다",
        "이에요",
        "예요",
        "인",
        "이고",
        "이며",
        "이면",
    ]
]
_ARTICLE = "ال"
# Longer words only may have a preposition of one letter glued to them; a short one would often become another word.
_CLITICS = 4
_ARABIC_BEFORE = (_ARTICLE, "وال", "فال", "بال", "كال", "لل", "ولل", "وبال")
_ARABIC_LETTERS = ("و", "ف", "ب", "ل", "ك", "وب", "ول")
_HEBREW_BEFORE = ("ה", "ו", "ב", "ל", "מ", "ש", "כ", "וה", "שה", "מה", "לה", "בה", "וב", "ול", "וש", "כש")


def affixed(core: str) -> Iterator[str]:
    """A reduced term with each affix of its script. A Latin, Cyrillic or Greek term has none."""
    if _KOREAN.match(core[-1]):
        yield from (core + particle for particle in _PARTICLES)
    elif _ARABIC.match(core[0]):
        rest = core.removeprefix(_ARTICLE)
        if len(rest) >= 2:
            # The definite form of every word of a phrase too: an adjective agrees with its noun.
            every = " ".join(word if word.startswith(_ARTICLE) else _ARTICLE + word for word in rest.split(" "))
            for before in _ARABIC_BEFORE:
                yield before + rest
                if " " in rest:
                    yield before + every.removeprefix(_ARTICLE)
        if len(core.split(" ", maxsplit=1)[0]) >= _CLITICS:
            yield from (letter + core for letter in _ARABIC_LETTERS)
    elif _HEBREW.match(core[0]) and len(core.split(" ", maxsplit=1)[0]) >= _CLITICS:
        yield from (before + core for before in _HEBREW_BEFORE)
