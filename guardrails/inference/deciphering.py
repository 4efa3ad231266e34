"""Enciphered English as a reader would undo it: reversed, ROT-N, Atbash, leetspeak, pig latin, transliterated, run together.

Only runs of words that are no English are looked at, and a reading counts only when it is much more like English than what is
written. Ordinary text has no such run and pays for looking its words up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import regex

from guardrails.fold import View
from guardrails.fold.view import Builder
from guardrails.inference.english import flow, known, likeness, segmented, words

__all__ = ["deciphered"]

# A run that is worth a try, and what makes a reading one.
_LEAST_WORDS, _LEAST_LETTERS, _GLUED = 3, 10, 14
_LIKE, _GAIN = 0.65, 0.3
_MOST = 4_000  # characters of a text that are looked at
_TRIED = 400  # characters of a run that a reading is chosen by

_TOKEN = regex.compile(r"\S+")
_LETTERS = regex.compile(r"\p{L}+")
_SIGNS = regex.compile(r"[0-9@$!|+€(<£¢]")
_EDGES = "\"'“”‘’.,;:!?()[]{}<>*_~`-–—…"
_ABC = "abcdefghijklmnopqrstuvwxyz"


def _shift(key: str) -> Callable[[str], str]:
    table = str.maketrans(_ABC + _ABC.upper(), key + key.upper())
    return lambda text: text.translate(table)


_ROT = [_shift(_ABC[n:] + _ABC[:n]) for n in range(1, 26)]
_ATBASH = _shift(_ABC[::-1])

_LEET = [str.maketrans("4@8369!1|05$7+2€£(<¢", f"aabeggi{one}{bar}ossttzelccc") for one, bar in ("il", "ll", "ii")]
_CYRILLIC = {
    "а": ["a", "u"], "б": ["b"], "в": ["v", "w"], "г": ["g", "h"], "д": ["d"], "е": ["e", "ye"], "ё": ["yo", "e"], "ж": ["zh", "j"], "з": ["z", "th", "s"], "и": ["i", "ee", "y"],
    "й": ["y", "i", "j"], "к": ["k", "c", "ck", "q"], "л": ["l", "ll"], "м": ["m"], "н": ["n"], "о": ["o"], "п": ["p"], "р": ["r"], "с": ["s", "c", "ss"], "т": ["t", "th"],
    "у": ["u", "oo", "w", "ou"], "ф": ["f", "ph"], "х": ["h", "x", "kh"], "ц": ["c", "ts"], "ч": ["ch"], "ш": ["sh"], "щ": ["sch", "shch"], "ъ": ["", "'"], "ы": ["y", "i"],
    "ь": ["", "'"], "э": ["e", "a"], "ю": ["yu", "u", "ew"], "я": ["ya", "ia"], "і": ["i"], "ї": ["yi", "i"], "є": ["ye"], "ґ": ["g"], "џ": ["dz", "j"], "ј": ["j"],
}  # fmt: skip
_SPELLINGS = 48


def deciphered(view: View) -> View | None:
    """The view with enciphered runs as they read in English; None without any."""
    out = Builder(view)
    at = 0
    for start, end in _runs(view.text[:_MOST], joined=view.joined):
        said = _best(view.text[start:end], joined=view.joined)
        if said is None:
            continue
        out.copy(at, start)
        _put(out, view.text, said, start, end)
        at = end
    if not out.changed:
        return None
    out.copy(at, len(view.text))
    return out.view("deciphered")


def _put(out: Builder, text: str, said: str, start: int, end: int) -> None:
    """What a run says, word by word where the words keep their places."""
    tokens = list(_TOKEN.finditer(text, start, end))
    parts = said.split()
    if len(parts) != len(tokens) or abs(len(parts[0]) - len(tokens[0].group())) > 3:
        out.block(said, start, end)
        return
    at = start
    for token, part in zip(tokens, parts, strict=True):
        out.copy(at, token.start())
        out.block(part, token.start(), token.end())
        at = token.end()
    out.copy(at, end)


def _english(token: str) -> bool | None:
    """Whether the letters of a token are English words; None for one without letters."""
    low = token.strip(_EDGES).lower().replace("’", "'")
    if known(low):
        return True
    if "\\" in low or "://" in low:
        return None
    found = words(low)
    if not found:
        return None if not _SIGNS.search(low) else len(low) < 2
    if _SIGNS.search(low) and any(c.isalpha() for c in low):
        return False
    return all(map(known, found))


def _runs(text: str, *, joined: bool) -> Iterator[tuple[int, int]]:
    """Runs of words of which most are no English; a few short ones between may be it by chance."""
    start = end = -1
    unknown = letters = chance = 0
    for token in [*_TOKEN.finditer(text), None]:
        english = _english(token.group()) if token is not None else None
        if token is not None and english is False:
            if start < 0:
                start, unknown, letters = token.start(), 0, 0
            end, unknown, chance = token.end(), unknown + 1, 0
            letters += len(token.group())
            continue
        chance += 1 if english is not None and token is not None and len(token.group()) > 1 else 0
        if start >= 0 and (token is None or chance > 3 or (english and len(token.group()) > 6)):
            if letters >= _LEAST_LETTERS and (
                unknown >= _LEAST_WORDS or joined or (letters >= _GLUED * unknown and letters >= 0.4 * len(text))
            ):
                yield _whole(text, start, end)
            start, chance = -1, 0


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """A run with the short words beside it that are English by chance, when little else is left of the text."""
    return (0, len(text)) if end - start >= 0.7 * len(text) else (start, end)


def _best(run: str, *, joined: bool) -> str | None:
    """The reading of a run that is English, None when there is none."""
    now = likeness(run)
    sample = run if len(run) <= _TRIED else run[: run.rfind(" ", 0, _TRIED) if " " in run[:_TRIED] else _TRIED]
    best = 0.0
    steps: Ways = ()
    for ways in _ways(run, joined=joined):
        said = sample
        for way in ways:
            said = way(said)
        score = likeness(said)
        ordered = score + flow(said)  # reversed, a text and each of its words read alike but for their order
        if score >= _LIKE and ordered > best + 0.02 and _says(said):
            best, steps = ordered, ways
        if best >= 1.3:
            break
    if not steps:
        return None
    for way in steps:
        run = way(run)
    return run if likeness(run) >= max(_LIKE, now + _GAIN) else None


def _says(text: str) -> bool:
    """True for a reading with at least three words, two of them of four letters, all different."""
    found = {w for w in words(text) if known(w)}
    return len(found) >= 3 and sum(len(w) >= 4 for w in found) >= 2


Ways = tuple[Callable[[str], str], ...]


def _ways(run: str, *, joined: bool) -> Iterator[Ways]:
    """What may have been done to a run, to be undone in this order; the commonest first."""
    if _CYRILLIC_LETTER.search(run):
        yield (_latin,)
        return
    if not _ASCII_LETTER.search(run) and not _SIGNS.search(run):
        return
    parts = run.split()
    glued = joined or (len(parts) <= 3 and sum(map(len, parts)) >= _GLUED * len(parts))
    solid = "".join(parts)
    if glued and (sum(map(str.isalpha, solid)) < 0.45 * len(solid) or sum(map(str.isalnum, solid)) < 0.85 * len(solid)):
        return  # a key, an address or another encoding
    ends: tuple[Ways, ...] = ((), (_apart,)) if glued else ((),)
    reading: tuple[Ways, ...] = ((), (_unleet,)) if _SIGNS.search(run) else ((),)
    single: tuple[Ways, ...] = ((), (_backwards,), (_each_backwards,), (_ROT[12],), (_unpig,), (_ATBASH,))
    for first, then, end in itertools.product(reading, single, ends):
        if first or then or end:
            yield (*first, *then, *end)
    for end in ends:
        for rot in _ROT:
            yield (rot, *end)
        yield (_ROT[12], _backwards, *end)
        yield (_ATBASH, _backwards, *end)
        yield (_backwards, _each_backwards, *end)


_CYRILLIC_LETTER = regex.compile(r"\p{Cyrillic}")
_ASCII_LETTER = regex.compile(r"[A-Za-z]")


def _backwards(text: str) -> str:
    return text[::-1]


def _each_backwards(text: str) -> str:
    return str(_LETTERS.sub(lambda m: m.group()[::-1], text))


def _apart(text: str) -> str:
    return str(
        _LETTERS.sub(
            lambda m: segmented(m.group()) if len(m.group()) >= 6 and not known(m.group().lower()) else m.group(), text
        )
    )


def _unleet(text: str) -> str:
    """Each word as the reading of its signs that is a word; the first reading when none is."""
    return str(_TOKEN.sub(lambda m: _unleet_word(m.group()), text))


def _unleet_word(word: str) -> str:
    if not _SIGNS.search(word):
        return word
    core = word.rstrip("!.,;:?")
    options = [core.translate(table) for table in _LEET]
    # A lone digit in a sentence of leetspeak is a letter too ("h0w d0 1").
    said = next((o for o in options if known(o.lower())), options[0])
    return said + word[len(core) :]


def _unpig(text: str) -> str:
    return str(_TOKEN.sub(lambda m: _unpig_word(m.group()), text))


def _unpig_word(word: str) -> str:
    low = "".join(c for c in word if c.isalpha()).lower()
    rest = "".join(c for c in word if not c.isalpha())  # "ome?hay"
    for ending in ("way", "yay", "ay"):
        stem = low.removesuffix(ending)
        if stem == low or not stem:
            continue
        for moved in range(min(5, len(stem))):
            said = stem[-moved:] + stem[:-moved] if moved else stem
            if known(said) and (moved or ending != "ay"):
                return said + rest
    return word


def _latin(text: str) -> str:
    return str(_LETTERS.sub(lambda m: _latin_word(m.group().lower()), text))


def _latin_word(word: str) -> str:
    """A word in Cyrillic letters as the English word that it spells; letter by letter when there is none."""
    if not _CYRILLIC_LETTER.search(word):
        return word
    spelled = [_CYRILLIC.get(c, [c]) for c in word]
    for said in itertools.islice(itertools.product(*reversed(spelled)), 0, _SPELLINGS * 8):
        english = "".join(reversed(said))
        if known(english):
            return english
    return "".join(options[0] for options in spelled)
