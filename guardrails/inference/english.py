"""How much like English words a text is, by a table of common words; glued words taken apart."""

from __future__ import annotations

import itertools
import math
import re
from functools import lru_cache

from guardrails.resources import data_dir

__all__ = ["flow", "known", "likeness", "segmented", "words"]

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]{1,2})?")
_ENDINGS = ("s", "es", "ed", "d", "ing", "ly", "er", "'s", "’s")
_LONGEST = 18


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, int], frozenset[str]]:
    lines = [
        line for line in (data_dir() / "english.txt").read_text(encoding="utf-8").split("\n") if line and line[0] != "#"
    ]
    single = [line for line in lines if " " not in line]
    return {word: rank for rank, word in enumerate(single)}, frozenset(line for line in lines if " " in line)


def _ranks() -> dict[str, int]:
    return _table()[0]


def flow(text: str) -> float:
    """Which share (0 to 1) of the neighbouring words of a text are common pairs: low for words in the wrong order."""
    found = words(text)
    pairs = _table()[1]
    return sum(f"{a} {b}" in pairs for a, b in itertools.pairwise(found)) / max(1, len(found) - 1)


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _WORD.findall(text.lower())


def known(word: str) -> bool:
    """True for a common English word, in small letters, or a regular form of one."""
    ranks = _ranks()
    if word in ranks:
        return True
    return len(word) > 5 and any(word.endswith(e) and word[: -len(e)] in ranks for e in _ENDINGS)


def likeness(text: str) -> float:
    """Which share (0 to 1) of a text's letters is in common English words."""
    found = words(text)
    letters = sum(map(len, found))
    return sum(len(w) for w in found if known(w)) / letters if letters else 0.0


def segmented(text: str) -> str:
    """A run of letters as the likeliest English words, with blanks between; letters that are in none stay together."""
    ranks = _ranks()
    low = text.lower()
    size = len(low)
    total = math.log(len(ranks) + 1)
    best = [0.0, *[math.inf] * size]
    back = [0] * (size + 1)
    for end in range(1, size + 1):
        for start in range(max(0, end - _LONGEST), end):
            word = low[start:end]
            rank = ranks.get(word)
            if rank is not None:
                cost = math.log(rank + 2) + total  # Zipf: the probability falls with the rank
            elif end - start == 1:
                cost = 3 * total
            else:
                continue
            if best[start] + cost < best[end]:
                best[end], back[end] = best[start] + cost, start
    pieces: list[str] = []
    at, run = size, size
    while at > 0:
        start = back[at]
        if low[start:at] in ranks:
            if run > at:
                pieces.append(text[at:run])
            pieces.append(text[start:at])
            run = start
        at = start
    if run > 0:
        pieces.append(text[:run])
    return " ".join(reversed(pieces))
