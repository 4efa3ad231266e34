"""Text to tokens: WordPiece ids, where each token stands in the original, and how it is written there."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from guardrails.errors import WeightsMissing

__all__ = ["Tokeniser", "Tokens"]

Ints = NDArray[np.int32]

_PLANE = 1 << 16
_UPPER = np.fromiter((chr(i).isupper() for i in range(_PLANE)), dtype=bool, count=_PLANE)
_LOWER = np.fromiter((chr(i).islower() for i in range(_PLANE)), dtype=bool, count=_PLANE)

# 0 is for tokens of the frame ([CLS], [SEP]).
CASE_LOWER, CASE_TITLE, CASE_UPPER, CASE_NONE, CASE_MIXED = 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Tokens:
    """One text without frame: ids, half-open character ranges [n, 2], and case classes; all of length n."""

    ids: Ints
    offsets: Ints
    cases: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, start: int, end: int) -> Tokens:
        """The tokens from ``start`` to ``end``."""
        return Tokens(self.ids[start:end], self.offsets[start:end], self.cases[start:end])


class Tokeniser:
    """The tokeniser of a model folder (``tokenizer.json``). Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._inner = Tokenizer.from_file(str(path))
        self._inner.no_truncation()
        self._inner.no_padding()
        self.first, self.separator, self.padding = (self._special(name) for name in ("[CLS]", "[SEP]", "[PAD]"))
        self.mask = self._special("[MASK]")
        self._words: dict[str, str | None] = {}

    def _special(self, name: str) -> int:
        number = self._inner.token_to_id(name)
        if number is None:
            raise WeightsMissing(f"the tokeniser has no token {name}: it is not the one of a BERT vocabulary")
        return int(number)

    def __call__(self, texts: Sequence[str]) -> list[Tokens]:
        """All tokens of each text: nothing is truncated."""
        spelt = [self._spelt(text) for text in texts]
        encoded = self._inner.encode_batch([s for s, _ in spelt], add_special_tokens=False)
        out = []
        for text, (_, origin), one in zip(texts, spelt, encoded, strict=True):
            ids = np.asarray(one.ids, dtype=np.int32)
            offsets = np.asarray(one.offsets, dtype=np.int32).reshape(-1, 2)
            if origin is not None:
                offsets = np.stack((origin[offsets[:, 0]], origin[offsets[:, 1] - 1] + 1), axis=1)
            out.append(Tokens(ids, offsets, cases(text, offsets)))
        return out

    def _spelt(self, text: str) -> tuple[str, Ints | None]:
        """The text with emoji as words and unreadable characters on their own, and where each character comes from.

        The vocabulary has hardly an emoji, and WordPiece gives a word up as unknown when one of its characters is: a bomb
        with a smiley behind it would be no bomb. None for a text that stays as it is.
        """
        if text.isascii():
            return text, None
        odd = {c: word for c in set(text) if (word := self._word(c)) is not None}
        if not odd:
            return text, None
        parts, origin = [], []
        for i, c in enumerate(text):
            part = odd.get(c, c)
            parts.append(part)
            origin += [i] * len(part)
        return "".join(parts), np.asarray(origin, dtype=np.int32)

    def _word(self, c: str) -> str | None:
        """What stands for a character: its name for an emoji, itself between spaces when unknown, None for itself."""
        if c.isascii():
            return None
        if c not in self._words:
            if len(self._words) > _PLANE:
                self._words.clear()
            plain = self._inner.normalizer.normalize_str(c).strip() if self._inner.normalizer else c
            if all(p.isspace() or self._inner.token_to_id(p) is not None for p in plain):
                self._words[c] = None
            else:
                named = spoken(c) if unicodedata.category(c) in ("So", "Sk") else None
                self._words[c] = f" {c} " if named is None else f" {named} " if named else " "
        return self._words[c]


@cache
def spoken(c: str) -> str | None:
    """The Unicode name of a symbol as words, six at most; its letter for a letter in a box; "" for a skin tone; None without."""
    name = unicodedata.name(c, "").lower()
    if not name:
        return None
    if name.startswith("emoji modifier"):
        return ""
    _head, found, letter = name.rpartition(" letter ")
    if found and len(letter) == 1:
        return letter
    return " ".join(name.replace("-", " ").split()[:6])


def cases(text: str, offsets: Ints) -> Ints:
    """The case class of each range: lower, Title, UPPER, without letters, miXed."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    plane = np.minimum(points, _PLANE - 1)
    upper, lower = _UPPER[plane], _LOWER[plane]
    ups = np.concatenate(([0], np.cumsum(upper)))
    lows = np.concatenate(([0], np.cumsum(lower)))
    starts, ends = offsets[:, 0], offsets[:, 1]
    up, low = ups[ends] - ups[starts], lows[ends] - lows[starts]
    begins = np.append(upper, False)[np.minimum(starts, len(upper))]
    out = np.full(len(offsets), CASE_MIXED, dtype=np.int32)
    out[up == 0] = CASE_LOWER
    out[(up == 1) & begins] = CASE_TITLE
    out[(up > 1) & (low == 0)] = CASE_UPPER
    out[(up == 0) & (low == 0)] = CASE_NONE
    return out
