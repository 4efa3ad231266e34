"""Which parts of a text are in a language the shipped models were not measured on.

English is what they were measured on. A segment (a paragraph, or about 400 characters) counts as foreign only when that
is sure: by its script at once, in Latin script when py3langid (a naive Bayes over byte n-grams, 4.5 MB, offline) gives English
less than .01. Short segments, code, lists of names and numbers are nobody's language. Segments with the everyday words of
English never reach the library.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

__all__ = ["unsupported"]

_SURE = 0.99  # that it is not English
_LIKELY = 0.5  # that it is the language it is called
_NOT_FOREIGN = ("en", "zxx", "pcm", "la")  # zxx: no language at all
_SEGMENT = 400  # characters
_LETTERS = 24  # a segment in Latin script with fewer says nothing
_WORD = re.compile(r"[^\W\d_]+")
# The most frequent words of English, as far as no neighbour language writes them too.
_ENGLISH = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "that",
        "is",
        "it",
        "for",
        "was",
        "with",
        "his",
        "you",
        "this",
        "but",
        "they",
        "are",
        "have",
        "from",
        "had",
        "not",
        "by",
        "she",
        "or",
        "an",
        "we",
        "her",
        "there",
        "been",
        "what",
        "their",
        "when",
        "who",
        "which",
        "will",
        "would",
        "can",
        "if",
        "more",
        "about",
        "my",
        "your",
        "how",
        "does",
        "these",
        "please",
        "would",
        "could",
        "should",
        "i'm",
        "don't",
        "write",
        "make",
        "give",
        "use",
        "using",
        "tell",
        "explain",
        "some",
        "any",
        "just",
        "like",
        "know",
        "get",
        "need",
        "want",
        "has",
        "were",
        "than",
        "then",
        "because",
        "where",
        "why",
    ]
)
_ENOUGH = 0.12  # this share of them among the words of a segment is English
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
_FOREIGN_LETTERS = 6  # letters of another script, and more than of Latin
_lock = threading.Lock()


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import _load_identifier  # noqa: PLC0415 - half a second, and most texts never need it

    return _load_identifier(norm_probs=True)


def unsupported(text: str) -> list[tuple[int, int, str]]:
    """(start, end, ISO 639-1 code) of every part that is surely not English, joined where parts of one language touch."""
    out: list[tuple[int, int, str]] = []
    for start, end in _segments(text):
        code = _foreign(text[start:end])
        if code is None:
            continue
        if out and out[-1][2] == code and not any(c.isalnum() for c in text[out[-1][1] : start]):
            out[-1] = (out[-1][0], end, code)
        else:
            out.append((start, end, code))
    return out


def _segments(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs, long ones cut at a blank near :data:`_SEGMENT` characters; short ones go with what follows."""
    start = 0
    while start < len(text):
        end = text.find("\n\n", start + _SEGMENT // 4, start + _SEGMENT)
        if end < 0:
            end = start + _SEGMENT
            if end < len(text):
                cut = text.rfind(" ", start + _SEGMENT // 2, end)
                end = cut if cut > 0 else end
        yield start, min(end, len(text))
        start = end


def _foreign(segment: str) -> str | None:
    if not segment.isascii():
        for code, pattern in _SCRIPTS:
            found = len(pattern.findall(segment))
            if found >= _FOREIGN_LETTERS and found * 2 > sum(c.isalpha() for c in segment):
                return "ja" if code == "zh" and re.search(r"[぀-ヿ]", segment) else code
    words = [w.lower() for w in _WORD.findall(segment)]
    if sum(map(len, words)) < _LETTERS or len(words) < 4:
        return None
    if sum(w in _ENGLISH for w in words) >= _ENOUGH * len(words):
        return None
    with _lock:
        ranked = _identifier().rank(segment)
    # Neighbours (Spanish and Galician, Czech and Slovak) share the probability; that it is none of these is what counts.
    english = sum(float(p) for code, p in ranked if code in _NOT_FOREIGN)
    return None if english > 1 - _SURE or ranked[0][1] < _LIKELY else str(ranked[0][0])
