"""From a tag a token to spans of characters: names, addresses, ages, user names, passwords."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from guardrails.inference.text import Floats, Reading

__all__ = ["TAGGED", "Tagged", "spans"]

# The types whose spans are reported; the tagger knows others only to keep these apart from them.
TAGGED = ("NAME", "ADDRESS", "AGE", "USERNAME", "PASSWORD")


class Tagged(NamedTuple):
    """A tagged range of characters (half-open) and the mean probability of its tokens."""

    type: str
    start: int
    end: int
    score: float


def _probabilities(reading: Reading, tags: int) -> Floats:
    """[tokens, tags] over the whole text: of overlapping windows the one in which a token is further from the edge."""
    total = len(reading.tokens)
    if len(reading.windows) == 1:
        logits = reading.rows[0].tags
    else:
        logits = np.zeros((total, tags), dtype=np.float32)
        depth = np.full(total, -1, dtype=np.int32)
        for window, row in zip(reading.windows, reading.rows, strict=True):
            places = np.arange(window.first, window.last)
            inner = np.minimum(places - window.first, window.last - 1 - places)
            better = inner > depth[window.first : window.last]
            logits[places[better]] = row.tags[better]
            depth[places[better]] = inner[better]
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    out: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return out


def spans(reading: Reading, names: tuple[str, ...], text: str) -> Iterator[Tagged]:
    """The spans of :data:`TAGGED` types in a text. ``names`` are the tags in order: ``O``, ``B-NAME``, ``I-NAME`` …"""
    if not len(reading.tokens):
        return
    p = _probabilities(reading, len(names))
    kinds = ["O"] + list(dict.fromkeys(n[2:] for n in names[1:]))
    # One column a type: beginning and inside together; where a new span begins is asked afterwards.
    by_kind = np.stack(
        [p[:, 0]] + [p[:, names.index(f"B-{k}")] + p[:, names.index(f"I-{k}")] for k in kinds[1:]], axis=1
    )
    offsets = reading.tokens.offsets
    joined = np.zeros(len(offsets), dtype=bool)
    if len(offsets) > 1:
        inside = np.fromiter(
            (
                text[a - 1].isalnum() and text[a].isalnum() if 0 < a < len(text) else False
                for a in offsets[1:, 0].tolist()
            ),
            dtype=bool,
            count=len(offsets) - 1,
        )
        joined[1:] = (offsets[1:, 0] == offsets[:-1, 1]) & inside
    word = np.cumsum(~joined) - 1
    count = int(word[-1]) + 1
    sums = np.zeros((count, len(kinds)), dtype=np.float32)
    np.add.at(sums, word, by_kind)
    sums /= np.bincount(word, minlength=count)[:, None]
    first = np.flatnonzero(~joined)
    last = np.append(first[1:], len(offsets)) - 1
    best = sums.argmax(axis=1)
    start = 0
    while start < count:
        kind = int(best[start])
        if kind == 0:
            start += 1
            continue
        begin = names.index(f"B-{kinds[kind]}")
        end = start + 1
        while end < count and best[end] == kind and p[first[end], begin] < 0.5:
            end += 1
        if kinds[kind] in TAGGED:
            a, b = int(offsets[first[start], 0]), int(offsets[last[end - 1], 1])
            a, b = _trimmed(text, a, b)
            if b > a:
                yield Tagged(kinds[kind], a, b, float(sums[start:end, kind].mean()))
        start = end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without marks at the edges and without a possessive."""
    while start < end and not text[start].isalnum() and text[start] not in "@#$+(":
        start += 1
    if text[start:end].endswith(("'s", "’s")):
        end -= 2
    while end > start and text[end - 1] in " ,;:\n\t.'\"’!?=" and not (text[end - 1] == "." and end - start == 2):
        end -= 1
    return start, end
