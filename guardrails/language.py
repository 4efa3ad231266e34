"""Which parts of a text are in a language the shipped models were not measured on.

English is what they were measured on. A sentence counts as foreign by its script at once. In Latin script its words decide: each has a
log-odds of being English, from a table of common words of English and some forty other languages, and for all others from
their letters (hashed n-grams, a logistic regression; made by ``tools/compile_language.py``). So two words can be enough. Names, numbers,
code and product names are nobody's language. What language it is, py3langid says; ``und`` (ISO 639-2, undetermined) where it does not know.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
import threading
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from guardrails.resources import data_dir

__all__ = ["UNDETERMINED", "log_odds", "unsupported"]

UNDETERMINED = "und"
_LIKELY = 0.5  # that it is the language it is called
_NOT_FOREIGN = ("en", "zxx", "pcm", "la")  # zxx: no language at all
_SEGMENT = 400  # characters
_TOGETHER = 24  # words of a sentence that are looked at together
# Natural log-odds of English below which words are foreign: of a message of its own, of a run of words in any text; and of one
# word that is evidence by itself. What speaks for English weighs against it.
_SHORT, _WITHIN, _WORD_SAYS = -1.2, -5.0, -0.5
_FOR_ENGLISH = 0.7
# One word of a message is enough when it is surely of another language, and little speaks for English.
_SURELY, _ALONE, _FOR_ENGLISH_ALONE = -3.4, -2.5, 0.4
_RUN = 3  # such words of a run
_LONG = 200  # characters of a longer text
_TOKEN = re.compile(r"\S+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?…:;])\s+|\n+")
_LONGEST = 24  # letters of a word
# What stands inside names.
_PARTICLES = frozenset(
    (
        "de",
        "da",
        "di",
        "do",
        "du",
        "del",
        "della",
        "der",
        "den",
        "des",
        "dos",
        "das",
        "la",
        "le",
        "el",
        "al",
        "van",
        "von",
        "zu",
        "ter",
        "bin",
        "ibn",
        "y",
        "e",
    )
)
_CODE = 5  # letters of a word in capitals; shorter ones are abbreviations
# Addresses, code and abbreviations.
_NO_WORDS = re.compile(r"[@\\\d_(){}\[\]<>=|#$%^&+~`]|://|\w[.:/]\w|^--?\w")
# Phrases that English has taken over, as they are said in English.
_LOANS = re.compile(
    r"\b(?:je ne sais quoi|d[eé]j[aà] vu|bon app[eé]tit|bon voyage|c'est la vie|vis a vis|vis-à-vis|et cetera|et al|ad hoc|ad infinitum|ad nauseam|"
    r"quid pro quo|carpe diem|status quo|vice versa|pro bono|per se|per diem|per capita|de facto|bona fide|alma mater|modus operandi|habeas corpus|"
    r"in vitro|in vivo|homo sapiens|lorem ipsum|hasta la vista|que sera|mea culpa|coup d'[eé]tat|cr[eè]me br[uû]l[eé]e|hors d'oeuvres?|"
    r"faux pas|joie de vivre|la carte|al dente|al fresco|al pastor|film noir|feng shui|hors de combat|mano a mano|persona non grata|"
    r"feliz navidad|mi casa es su casa|los angeles|las vegas|san francisco|san diego|el paso|buenos aires|rio de janeiro|sao paulo|são paulo|"
    r"costa rica|puerto rico|new york|real madrid|le mans|de la|van der|von der|leonardo da vinci)\b",
    re.IGNORECASE,
)
_SCRIPTS = (
    ("ru", re.compile(r"[Ѐ-ӿ]")),
    ("el", re.compile(r"[Ͱ-Ͽ]")),
    ("he", re.compile(r"[֐-׿]")),
    ("ar", re.compile(r"[؀-ۿݐ-ݿ]")),
    ("hi", re.compile(r"[ऀ-ॿ]")),
    ("th", re.compile(r"[฀-๿]")),
    ("ko", re.compile(r"[가-힯ᄀ-ᇿ]")),
    ("ja", re.compile(r"[぀-ヿ]")),
    ("zh", re.compile(r"[一-鿿]")),
    ("xx", re.compile(r"[ঀ-෿຀-࿿က-ჿሀ-᏿ក-៿Ⴀ-ჿ԰-֏]")),
)
_FOREIGN_LETTERS = 2  # letters of another script, and more than of Latin
_lock = threading.Lock()


class _Table(NamedTuple):
    """Tenths of a log-odds of words; 128 + sixty-fourths of a log-odds of n-grams, by the low bits of their CRC-32."""

    words: dict[str, int]
    ngrams: bytes


@lru_cache(maxsize=1)
def _table() -> _Table:
    given = json.loads(gzip.decompress((data_dir() / "language.json.gz").read_bytes()))
    words = {w: int(tenths) for tenths, line in given["words"].items() for w in line.split()}
    return _Table(words, base64.b64decode(given["ngrams"]))


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import _load_identifier  # noqa: PLC0415 - half a second, and most texts never need it

    return _load_identifier(norm_probs=True)


@lru_cache(maxsize=32_768)
def log_odds(word: str) -> float:
    """The natural log-odds that a word, in small letters, is English: -4 to 3."""
    table = _table()
    known = table.words.get(word)
    if known is not None:
        return known / 10
    framed = f"<{word}>"
    grams = [framed[i : i + n] for n in (1, 2, 3, 4) for i in range(len(framed) - n + 1)]
    mask = len(table.ngrams) - 1
    z = sum(table.ngrams[zlib.crc32(g.encode()) & mask] - 128 for g in grams) / 64 / math.sqrt(len(grams))
    return 0.8 * max(-3.0, min(2.0, z))


def unsupported(text: str) -> list[tuple[int, int, str]]:
    """(start, end, ISO 639 code) of every part that is not English, joined where parts of one language touch."""
    out: list[tuple[int, int, str]] = []
    within = len(text) > _LONG
    for start, end in _segments(text):
        code = _foreign(text[start:end], within=within)
        if code is None:
            continue
        if out and code in (out[-1][2], UNDETERMINED) and not any(c.isalnum() for c in text[out[-1][1] : start]):
            out[-1] = (out[-1][0], end, out[-1][2])
        else:
            out.append((start, end, code))
    return out


def _segments(text: str) -> Iterator[tuple[int, int]]:
    """Sentences and lines, long ones cut at a blank near :data:`_SEGMENT` characters."""
    start = 0
    for end in [*(m.end() for m in _SENTENCE.finditer(text)), len(text)]:
        while end - start > _SEGMENT:
            cut = text.rfind(" ", start + _SEGMENT // 2, start + _SEGMENT)
            cut = cut if cut > 0 else start + _SEGMENT
            yield start, cut
            start = cut
        if end > start:
            yield start, end
            start = end


def _foreign(segment: str, *, within: bool) -> str | None:
    if not segment.isascii():
        for code, pattern in _SCRIPTS:
            found = len(pattern.findall(segment))
            if found >= _FOREIGN_LETTERS and found * 2 > sum(c.isalpha() for c in segment):
                return "ja" if code == "zh" and re.search(r"[぀-ヿ]", segment) else code
    scores = [weight * log_odds(word) for word, weight in _words(_LOANS.sub(" ", segment))]
    if not any(_is_foreign(scores[at : at + _TOGETHER], within=within) for at in range(0, len(scores), _TOGETHER)):
        return None
    with _lock:
        ranked = _identifier().rank(segment)
    # Neighbours (Spanish and Galician, Czech and Slovak) share the probability; the first that is a language counts.
    code, p = next(((str(c), float(p)) for c, p in ranked if c not in _NOT_FOREIGN))
    return code if p >= _LIKELY else UNDETERMINED


def _is_foreign(scores: list[float], *, within: bool) -> bool:
    """Whether words with these log-odds are of another language, or hold a run of such words.

    In a message of its own two words say so, or a sure one, when what speaks for English does not outweigh them.
    """
    against = [s for s in scores if s < _WORD_SAYS]
    if not against:
        return False
    if not within:
        total, favour, weight = sum(scores), sum(s for s in scores if s > 0), -sum(against)
        if len(against) > 1 and total < _SHORT and favour < _FOR_ENGLISH * weight:
            return True
        if len(scores) > 1 and against[0] <= _SURELY and total < _ALONE and favour < _FOR_ENGLISH_ALONE * weight:
            return True
    run = _lowest(scores)
    against = [s for s in run if s < _WORD_SAYS]
    return len(against) >= _RUN and sum(run) < _WITHIN and sum(s for s in run if s > 0) < _FOR_ENGLISH * -sum(against)


def _lowest(scores: list[float]) -> list[float]:
    """The run of neighbours with the lowest sum."""
    best, start, at = (0.0, 0, 0), 0, 0.0
    for i, score in enumerate(scores):
        if at >= 0:
            start, at = i, 0.0
        at += score
        if at < best[0]:
            best = (at, start, i + 1)
    return scores[best[1] : best[2]]


def _words(text: str) -> Iterator[tuple[str, float]]:
    """The words of a text in small letters, with what each counts: half for a name, nothing for addresses, codes and identifiers."""
    first = True
    if text.isupper() and len(found := _WORD.findall(text)) < sum(map(len, found)) / 3:  # somebody shouts
        text = text.lower()
    tokens = _TOKEN.findall(text)
    for i, token in enumerate(tokens):
        named_around = 0 < i < len(tokens) - 1 and tokens[i - 1][:1].isupper() and tokens[i + 1][:1].isupper()
        if _NO_WORDS.search(token) or (token in _PARTICLES and named_around):
            first = False
            continue
        for word in _WORD.findall(token):
            rest = word[1:]
            if (
                len(word) == 1
                or len(word) > _LONGEST
                or (rest != rest.lower() and (word != word.upper() or len(word) < _CODE))
            ):
                continue
            named = word[0].isupper() and rest.islower()
            if named and first:  # a sentence begins, or a name of several words
                named = i + 1 < len(tokens) and tokens[i + 1][:1].isupper()
            yield word.lower().replace("’", "'"), 0.5 if named else 1.0
            first = False
        if token[-1] in ".!?:":
            first = True
