"""The grounding model at work: a passage and a sentence read together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from guardrails.inference import store
from guardrails.inference.networks import Network
from guardrails.inference.placing import placed
from guardrails.inference.runner import Runner
from guardrails.inference.store import Manifest
from guardrails.inference.text import NEAR_CUT, sigmoid
from guardrails.inference.tokens import Ints, Tokeniser, Tokens
from guardrails.inference.windows import Window, pair, starts
from guardrails.sentences import sentences

__all__ = ["Candidate", "PairEngine", "Support", "cut", "joined", "load"]

Floats = NDArray[np.float32]

# Of so many sentences, those that share most with a claim, at most so many are read together.
_CANDIDATES = 24
_GATHERED = 8


@dataclass(frozen=True, slots=True)
class Support:
    """How well the best of the passages supports a claim: probability, source, and characters of it (half-open).

    ``large``: whether the large model was asked.
    """

    probability: float
    source: int
    start: int
    end: int
    large: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may support a claim: tokens ``first`` to ``last`` of ``premise``, and the window in which they stand before the claim.

    ``source``, ``start``, ``end``: the place of the evidence, as in :class:`Support`.
    """

    premise: Tokens
    first: int
    last: int
    window: Window
    source: int
    start: int
    end: int


class PairEngine:
    """The small model: what to read for a claim, and how well an answer fits its question. Thread-safe."""

    def __init__(self, manifest: Manifest, tokeniser: Tokeniser, runner: Network) -> None:
        self.manifest, self.tokeniser, self.runner = manifest, tokeniser, runner
        self.label = {name: i for i, name in enumerate(manifest.labels)}

    def candidates(self, sources: Sequence[str], claims: Sequence[str]) -> list[list[Candidate]]:
        """For each claim the passages to read. Those of a long source are retrieved by the rare tokens they share.

        A sentence that sums up often joins what stands far apart; so, where there are more passages than are read, the last of
        them gives way to a gathering of the sentences that together share most with the claim.
        """
        tokens = self.tokeniser([*sources, *claims])
        given, asked = tokens[: len(sources)], tokens[len(sources) :]
        settings = self.manifest.settings
        asked = [cut(t, settings["longest_claim"]) for t in asked]
        room, stride, most = settings["passage"], settings["stride"], settings["passages"]
        passages = [
            _Part(s, i, min(i + room, len(t)))
            for s, t in enumerate(given)
            for i in starts(len(t), room, stride)
            if len(t)
        ]
        index = _Index([given[p.source].ids[p.start : p.end] for p in passages])
        parts, whole = [], None
        if len(passages) > most:
            most -= 1
            parts = [_Part(s, a, b) for s, t in enumerate(given) for a, b in _sentence_tokens(sources[s], t)]
            whole = _Index([given[p.source].ids[p.start : p.end] for p in parts])

        def candidate(premise: Tokens, first: int, last: int, claim: Tokens, place: _Part) -> Candidate:
            offsets = given[place.source].offsets
            start, end = int(offsets[place.start, 0]), int(offsets[place.end - 1, 1])
            window = pair(self.tokeniser, premise, first, last, claim)
            return Candidate(premise, first, last, window, place.source, start, end)

        out: list[list[Candidate]] = []
        for claim in asked:
            space = self.manifest.window - 3 - len(claim)
            found = []
            for i in index.best(claim.ids, most):
                p = passages[i]
                found.append(candidate(given[p.source], p.start, min(p.end, p.start + space), claim, p))
            chosen = whole.cover(claim.ids, min(space, room)) if whole is not None else []
            if chosen:
                gathered = joined([given[parts[i].source].part(parts[i].start, parts[i].end) for i in sorted(chosen)])
                found.append(candidate(gathered, 0, min(len(gathered), space), claim, parts[chosen[0]]))
            out.append(found)
        return out

    def _probability(self, label: str, logits: Floats) -> float:
        c = self.manifest.calibration[label]
        return sigmoid(c.scale * float(logits[self.label[label]]) + c.bias)

    def relevance(self, query: str, answer: str, cuts: Sequence[float], seconds: float) -> float:
        """The probability that some part of the answer answers the query."""
        asked, given = self.tokeniser([query, answer])
        asked = cut(asked, self.manifest.window // 3)
        room = self.manifest.settings["longest_claim"]
        windows = []
        for i in starts(len(given), room, room // 2):
            windows.append(pair(self.tokeniser, asked, 0, len(asked), given.part(i, i + room)))
        best = 0.0
        for window, row in zip(windows, self.runner.run(windows, seconds), strict=True):
            value = self._probability("RELEVANCE", row)
            if any(abs(value - cut) <= NEAR_CUT for cut in cuts):
                value = self._probability("RELEVANCE", self.runner.exact(window))
            best = max(best, value)
        return best


def cut(tokens: Tokens, limit: int) -> Tokens:
    """The beginning and the end of a claim that is too long for one window: nobody writes such sentences, lists look like it."""
    if len(tokens) <= limit:
        return tokens
    head = limit // 2
    tail = len(tokens) - (limit - head)
    return joined([tokens.part(0, head), tokens.part(tail, len(tokens))])


class _Part(NamedTuple):
    """A range of the tokens of a source."""

    source: int
    start: int
    end: int


def joined(parts: Sequence[Tokens]) -> Tokens:
    """Tokens one behind the other."""
    return Tokens(
        np.concatenate([p.ids for p in parts]),
        np.concatenate([p.offsets for p in parts]),
        np.concatenate([p.cases for p in parts]),
    )


def _sentence_tokens(text: str, tokens: Tokens) -> list[tuple[int, int]]:
    """The ranges of tokens of the sentences of a text; none is empty."""
    begins = tokens.offsets[:, 0]
    bounds = [(int(a), int(b)) for a, b in np.searchsorted(begins, np.array(sentences(text)).reshape(-1, 2))]
    return [(a, b) for a, b in bounds if a < b]


class _Index:
    """Which passages share the rare tokens of a claim (inverse document frequency, Spärck Jones 1972)."""

    def __init__(self, passages: Sequence[Ints]) -> None:
        self._count = len(passages)
        self._sizes = [len(ids) for ids in passages]
        self._sets = [set(ids.tolist()) for ids in passages]
        self._where: dict[int, list[int]] = defaultdict(list)
        for number, tokens in enumerate(self._sets):
            for token in tokens:
                self._where[token].append(number)

    def best(self, ids: Ints, most: int) -> list[int]:
        """The passages that share most, best first; all of them when there are few."""
        if self._count <= most:
            return list(range(self._count))
        scores = self._scores(ids)
        ranked = sorted(range(self._count), key=lambda n: (-scores.get(n, 0.0), n))
        return ranked[:most]

    def cover(self, ids: Ints, room: int) -> list[int]:
        """Passages within ``room`` tokens that together have most of the rare tokens, the one that brings most first.

        Greedy: each next one is that which brings most that the others lack (weighted maximum coverage, Nemhauser et al. 1978),
        and of equals that which shares most.
        """
        scores = self._scores(ids)
        left = set(ids.tolist())
        weights = {token: self._weight(token) for token in left}
        among = sorted(scores, key=lambda n: (-scores[n], n))[:_CANDIDATES]
        out: list[int] = []
        while among and len(out) < _GATHERED:
            gains = {n: sum(weights[t] for t in left & self._sets[n]) + 0.3 * scores[n] for n in among}
            best = max(among, key=lambda n: (gains[n], -n))
            among.remove(best)
            if self._sizes[best] <= room:
                out.append(best)
                room -= self._sizes[best]
                left -= self._sets[best]
        return out

    def _weight(self, token: int) -> float:
        return math.log(1 + self._count / (len(self._where.get(token, ())) or 1))

    def _scores(self, ids: Ints) -> dict[int, float]:
        scores: dict[int, float] = defaultdict(float)
        for token in set(ids.tolist()):
            weight = self._weight(token)
            for number in self._where.get(token, ()):
                scores[number] += weight
        return scores


def load(manifest: Manifest) -> PairEngine:
    """Verify the files and build the network. Raises WeightsMissing."""
    store.verified(manifest)
    from guardrails.inference.modules import PairModel, Shape  # noqa: PLC0415
    from guardrails.inference.packing import stored  # noqa: PLC0415

    tokeniser = Tokeniser(store.file(manifest, store.TOKENISER))

    def pack(out: Any, _windows: Sequence[Window]) -> list[Floats]:
        return list(out.cpu().numpy())

    def build() -> Runner:
        model = PairModel(Shape(**manifest.shape), len(manifest.labels))
        model.load_state_dict(stored(manifest))
        return Runner(model, tokeniser.padding, pack, manifest.name)

    return PairEngine(manifest, tokeniser, placed(manifest, build, len(manifest.labels)))
