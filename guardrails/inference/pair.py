"""The grounding model at work: a passage and a sentence read together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.runner import Runner
from guardrails.inference.store import TOKENISER, WEIGHTS, Manifest, verified
from guardrails.inference.text import NEAR_CUT, sigmoid
from guardrails.inference.tokens import Ints, Tokeniser, Tokens
from guardrails.inference.windows import Window, pair, starts

__all__ = ["PairEngine", "Support", "load"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Support:
    """How well the best of the passages supports a claim: probability, source, and characters of it (half-open)."""

    probability: float
    source: int
    start: int
    end: int


class PairEngine:
    """Compares. Thread-safe."""

    def __init__(self, manifest: Manifest, tokeniser: Tokeniser, runner: Runner) -> None:
        self.manifest, self.tokeniser, self.runner = manifest, tokeniser, runner
        self.label = {name: i for i, name in enumerate(manifest.labels)}

    def _probability(self, label: str, logits: Floats) -> float:
        c = self.manifest.calibration[label]
        return sigmoid(c.scale * float(logits[self.label[label]]) + c.bias)

    def support(
        self, sources: Sequence[str], claims: Sequence[str], cuts: Sequence[float], seconds: float
    ) -> list[Support]:
        """The best passage for each claim. Passages of a long source are retrieved first by the rare tokens they share.

        ``cuts`` are the thresholds that matter: near one of them the deciding pair is computed again alone in fp32.
        """
        tokens = self.tokeniser([*sources, *claims])
        given, asked = tokens[: len(sources)], tokens[len(sources) :]
        size = self.manifest.window
        longest = self.manifest.settings["longest_claim"]
        asked = [_cut(t, longest) for t in asked]
        room, stride = self.manifest.settings["passage"], self.manifest.settings["stride"]
        passages = [
            (s, i, min(i + room, len(t))) for s, t in enumerate(given) for i in starts(len(t), room, stride) if len(t)
        ]
        index = _Index([given[s].ids[a:b] for s, a, b in passages])
        windows: list[Window] = []
        owner: list[tuple[int, int]] = []
        for n, claim in enumerate(asked):
            for p in index.best(claim.ids, self.manifest.settings["passages"]):
                s, a, b = passages[p]
                windows.append(pair(self.tokeniser, given[s], a, min(b, a + size - 3 - len(claim)), claim))
                owner.append((n, p))
        rows = self.runner.run(windows, seconds)
        best: dict[int, tuple[float, int]] = {}
        for (n, p), window, row in zip(owner, windows, rows, strict=True):
            value = self._probability("GROUNDING", row)
            if any(abs(value - cut) <= NEAR_CUT for cut in cuts):
                value = self._probability("GROUNDING", self.runner.exact(window))
            if n not in best or value > best[n][0]:
                best[n] = (value, p)
        out = []
        for n in range(len(asked)):
            if n not in best:
                out.append(Support(0.0, 0, 0, 0))
                continue
            value, p = best[n]
            s, a, b = passages[p]
            offsets = given[s].offsets
            out.append(Support(value, s, int(offsets[a, 0]), int(offsets[b - 1, 1])))
        return out

    def relevance(self, query: str, answer: str, cuts: Sequence[float], seconds: float) -> float:
        """The probability that some part of the answer answers the query."""
        asked, given = self.tokeniser([query, answer])
        asked = _cut(asked, self.manifest.window // 3)
        room = self.manifest.settings["longest_claim"]
        windows = []
        for i in starts(len(given), room, room // 2):
            part = Tokens(given.ids[i : i + room], given.offsets[i : i + room], given.cases[i : i + room])
            windows.append(pair(self.tokeniser, asked, 0, len(asked), part))
        best = 0.0
        for window, row in zip(windows, self.runner.run(windows, seconds), strict=True):
            value = self._probability("RELEVANCE", row)
            if any(abs(value - cut) <= NEAR_CUT for cut in cuts):
                value = self._probability("RELEVANCE", self.runner.exact(window))
            best = max(best, value)
        return best


def _cut(tokens: Tokens, limit: int) -> Tokens:
    """The beginning and the end of a claim that is too long for one window: nobody writes such sentences, lists look like it."""
    if len(tokens) <= limit:
        return tokens
    head = limit // 2
    tail = len(tokens) - (limit - head)
    return Tokens(
        np.concatenate((tokens.ids[:head], tokens.ids[tail:])),
        np.concatenate((tokens.offsets[:head], tokens.offsets[tail:])),
        np.concatenate((tokens.cases[:head], tokens.cases[tail:])),
    )


class _Index:
    """Which passages share the rare tokens of a claim (inverse document frequency, Spärck Jones 1972)."""

    def __init__(self, passages: Sequence[Ints]) -> None:
        self._count = len(passages)
        self._where: dict[int, list[int]] = defaultdict(list)
        for number, ids in enumerate(passages):
            for token in set(ids.tolist()):
                self._where[token].append(number)

    def best(self, ids: Ints, most: int) -> list[int]:
        """The passages that share most, best first; all of them when there are few."""
        if self._count <= most:
            return list(range(self._count))
        scores: dict[int, float] = defaultdict(float)
        for token in set(ids.tolist()):
            places = self._where.get(token, ())
            weight = math.log(1 + self._count / (len(places) or 1))
            for number in places:
                scores[number] += weight
        ranked = sorted(range(self._count), key=lambda n: (-scores.get(n, 0.0), n))
        return ranked[:most]


def load(manifest: Manifest) -> PairEngine:
    """Verify the files and build the network. Raises WeightsMissing."""
    verified(manifest)
    from safetensors.torch import load_file  # noqa: PLC0415

    from guardrails.inference.modules import PairModel, Shape  # noqa: PLC0415

    model = PairModel(Shape(**manifest.shape), len(manifest.labels))
    model.load_state_dict({k: v.float() for k, v in load_file(manifest.folder / WEIGHTS).items()})
    tokeniser = Tokeniser(manifest.folder / TOKENISER)

    def pack(out: Any, _windows: Sequence[Window]) -> list[Floats]:
        return list(out.cpu().numpy())

    return PairEngine(manifest, tokeniser, Runner(model, tokeniser.padding, pack, manifest.name))
