"""Text to tokens: WordPiece ids, where each token stands in the original, and how it is written there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


class Tokeniser:
    """The tokeniser of a model folder (``tokenizer.json``). Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._inner = Tokenizer.from_file(str(path))
        self._inner.no_truncation()
        self._inner.no_padding()
        self.first, self.separator, self.padding = (self._special(name) for name in ("[CLS]", "[SEP]", "[PAD]"))

    def _special(self, name: str) -> int:
        number = self._inner.token_to_id(name)
        if number is None:
            raise WeightsMissing(f"the tokeniser has no token {name}: it is not the one of a BERT vocabulary")
        return int(number)

    def __call__(self, texts: Sequence[str]) -> list[Tokens]:
        """All tokens of each text: nothing is truncated."""
        encoded = self._inner.encode_batch(list(texts), add_special_tokens=False)
        out = []
        for text, one in zip(texts, encoded, strict=True):
            ids = np.asarray(one.ids, dtype=np.int32)
            offsets = np.asarray(one.offsets, dtype=np.int32).reshape(-1, 2)
            out.append(Tokens(ids, offsets, cases(text, offsets)))
        return out


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
