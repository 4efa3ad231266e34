"""Texts of any length as windows of tokens that overlap, so that nothing is truncated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from guardrails.inference.tokens import CASE_MIXED, Ints, Tokeniser, Tokens

__all__ = ["Window", "frame", "pair", "shared", "starts"]

# A query may take this much of a window; of a longer one its beginning and its end are read.
QUERY_SHARE = 3


@dataclass(frozen=True, slots=True)
class Window:
    """One input of a network: ids, types and cases of equal length, and which tokens are the text's own.

    ``first`` and ``last`` are the half-open range of the text's tokens that it holds.
    """

    ids: Ints
    types: Ints
    cases: Ints
    own_from: int
    own_to: int
    first: int
    last: int

    def __len__(self) -> int:
        return len(self.ids)

    def plain(self) -> Window:
        """The same for a network that knows no types and cases of tokens."""
        nothing = np.zeros(len(self), dtype=np.int32)
        return Window(self.ids, nothing, nothing, self.own_from, self.own_to, self.first, self.last)


def starts(tokens: int, room: int, stride: int) -> list[int]:
    """Where windows of ``room`` tokens begin, ``stride`` apart; the last one ends with the text."""
    if tokens <= room:
        return [0]
    out = list(range(0, tokens - room, stride))
    out.append(tokens - room)
    return out


def frame(tokeniser: Tokeniser, text: Tokens, query: Tokens | None, size: int, stride: int) -> list[Window]:
    """[CLS] query [SEP] text [SEP], for every window of the text."""
    head_ids, head_cases = [tokeniser.first], [0]
    if query is not None:
        limit = size // QUERY_SHARE
        ids, cases = query.ids, query.cases
        if len(ids) > limit:
            ids = np.concatenate((ids[: limit // 2], ids[len(ids) - (limit - limit // 2) :]))
            cases = np.concatenate((cases[: limit // 2], cases[len(cases) - (limit - limit // 2) :]))
        head_ids += [*ids.tolist(), tokeniser.separator]
        head_cases += [*cases.tolist(), 0]
    head = len(head_ids)
    room = size - head - 1
    out = []
    for start in starts(len(text), room, min(stride, room)):
        end = min(start + room, len(text))
        n = head + end - start + 1
        types = np.full(n, 0 if query is None else 1, dtype=np.int32)
        types[:head] = 0
        out.append(
            Window(
                np.concatenate((head_ids, text.ids[start:end], [tokeniser.separator])).astype(np.int32),
                types,
                np.concatenate((head_cases, text.cases[start:end], [0])).astype(np.int32),
                head,
                head + end - start,
                start,
                end,
            )
        )
    return out


def shared(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """For each token of two texts: 0, 1 when the other text has it too, 2 when it has it beside the same neighbour.

    An encoder has to learn to compare before it can find the one number that differs; told which tokens agree, it starts there
    (exact-match features, Guo et al. 2016, as embeddings).
    """
    a, b = np.isin(left, right).astype(np.int32), np.isin(right, left).astype(np.int32)
    if len(left) > 1 and len(right) > 1:
        pairs_a = left[:-1].astype(np.int64) << 32 | left[1:]
        pairs_b = right[:-1].astype(np.int64) << 32 | right[1:]
        for out, here, there in ((a, pairs_a, pairs_b), (b, pairs_b, pairs_a)):
            at = np.flatnonzero(np.isin(here, there))
            out[at] = 2
            out[at + 1] = 2
    return a, b


def pair(tokeniser: Tokeniser, premise: Tokens, start: int, end: int, claim: Tokens) -> Window:
    """[CLS] premise [SEP] claim [SEP], of the premise the tokens ``start`` to ``end``; cases say what is shared as well."""
    n = end - start
    mine: Ints = premise.ids[start:end]
    ids: Ints = np.concatenate(([tokeniser.first], mine, [tokeniser.separator], claim.ids, [tokeniser.separator]))
    types = np.zeros(len(ids), dtype=np.int32)
    types[n + 2 :] = 1
    left, right = shared(mine, claim.ids)
    step = CASE_MIXED + 1
    cases = np.concatenate(([0], premise.cases[start:end] + step * left, [0], claim.cases + step * right, [0]))
    return Window(ids.astype(np.int32), types, cases.astype(np.int32), 1, len(ids) - 1, start, end)
