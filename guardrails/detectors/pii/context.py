"""The words around a match: what raises a score, what lowers it, and by how much.

Presidio's enhancer compares lemmas, which its no-op NLP engine does not make; this one compares words. The window is
the eight words before a value and the four after it, on the same line and before the next sentence. A context word
matches from the start of a word on, whatever its case: of four letters or more also as the beginning of a longer word
(``account`` in ``accounts``), a shorter one only whole or with a plural s. A blank in a context word stands for up to
three characters that are no letters or digits (``account number`` is also ``account_number`` and ``accountnumber``).

Where both kinds of words stand around a value, the one nearer to it decides; words after it count as three farther. A
word before the value counts no more once another number has followed it and that sentence has ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

__all__ = ["AFTER", "BEFORE", "CHARS_AFTER", "FLOOR", "LOWER", "RAISE", "Evidence", "evidence", "scored"]

BEFORE, AFTER = 8, 4  # words
CHARS_BEFORE, CHARS_AFTER = 120, 60
RAISE = 0.35  # what a context word adds (Presidio's own default)
FLOOR = 0.5  # and at least to this: a weak pattern beside its context word passes the default threshold
LOWER = 0.3  # what a word against it takes away
_AFTER_PENALTY = 3  # words

_WORD = re.compile(r"[^\W_]+")
_REST = re.compile(r"^[^\W_]+")
# "DOB: 1990-02-03. Admitted on 2025-01-13": a number and the end of its sentence answer a word; it asks no more.
_ANSWERED = re.compile(r"\d(?:[^\n]|\n(?!\s*\n))*?(?:[.!?;]\s|\n\s*\n)")
_STOP = re.compile(r"[\r\n;]|[.!?]\s")


@dataclass(frozen=True, slots=True)
class Evidence:
    """1 with the distance in words for context, -1 for words against, 0 for neither."""

    sign: int
    distance: int = 99


NOTHING = Evidence(0)


@cache
def _compiled(words: tuple[str, ...]) -> re.Pattern[str] | None:
    if not words:
        return None
    spaced, unspaced = [], []
    for word in sorted(set(words), key=lambda w: (-len(w), w)):
        text = r"[\W_]{0,3}".join(re.escape(w) for w in word.lower().split())
        if word[0] >= "\u0e00":  # Thai, Korean, Japanese, Chinese: words have no blanks around them
            unspaced.append(text)
        else:
            spaced.append(text if len(word) >= 4 else text + r"s?(?![^\W_])")
    # One look-behind for all words: inside every alternative it would cost ten times as much. Behind "mg/" stands a unit, as in mg/dL.
    start_of_word = [rf"(?<![^\W_])(?<![mnuµ\d ]g/)(?:{'|'.join(spaced)})"] if spaced else []
    return re.compile("|".join(start_of_word + unspaced))


def evidence(text: str, start: int, end: int, context: tuple[str, ...], against: tuple[str, ...]) -> Evidence:
    """What the words around ``text[start:end]`` say."""
    good, bad = _compiled(context), _compiled(against)
    if good is None and bad is None:
        return NOTHING
    before = text[max(0, start - CHARS_BEFORE) : start].lower()
    words = [m.start() for m in _WORD.finditer(before)]
    if len(words) > BEFORE:
        before = before[words[-BEFORE] :]
    after = text[end : end + CHARS_AFTER].lower()
    stop = _STOP.search(after)
    if stop:
        after = after[: stop.start()]
    plus, minus = _nearest(good, before, after), _nearest(bad, before, after)
    if plus == minus == 99:
        return NOTHING
    return Evidence(1, plus) if plus <= minus else Evidence(-1, minus)


def _nearest(pattern: re.Pattern[str] | None, before: str, after: str) -> int:
    """Words between the value and the nearest match, 99 without one."""
    if pattern is None:
        return 99
    nearest = 99
    matches = list(pattern.finditer(before))
    if matches and not _ANSWERED.search(before, matches[-1].end()):
        # The rest of the matched word itself ("accounts") is no distance.
        nearest = len(_WORD.findall(_REST.sub("", before[matches[-1].end() :], count=1)))
    first = pattern.search(after)
    if first is not None:
        distance = len(_WORD.findall(after[: first.start()]))
        # "… 021000021 account 123": the word announces the next value, it does not describe this one.
        if distance < AFTER and not any(c.isdigit() for c in after[first.end() : first.end() + 12]):
            nearest = min(nearest, distance + _AFTER_PENALTY)
    return nearest


def scored(score: float, found: Evidence) -> float:
    """A score after context, in [0, 1]."""
    if found.sign > 0:
        return max(min(1.0, score + RAISE), FLOOR)
    if found.sign < 0:
        return max(0.0, score - LOWER)
    return score
