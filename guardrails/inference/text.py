"""The text model at work: one pass over a text serves the content filters, the topics and the name tagger."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from guardrails.inference import store
from guardrails.inference.networks import Floats, Network, Row
from guardrails.inference.placing import placed
from guardrails.inference.runner import Runner
from guardrails.inference.store import Calibration, Manifest
from guardrails.inference.tokens import Tokeniser, Tokens
from guardrails.inference.windows import Window, frame

__all__ = ["Floats", "Reading", "Row", "TextEngine", "load"]

# A probability this near to a cut point is computed again alone in fp32: batches move bf16 probabilities by up to .004.
NEAR_CUT = 0.02


class Reading:
    """What the model says about one text. Windows that matter for a decision are made exact on demand."""

    __slots__ = ("_engine", "_exact", "of", "rows", "tokens", "windows")

    def __init__(
        self, engine: TextEngine, tokens: Tokens, windows: list[Window], rows: list[Row], of: int | None = None
    ) -> None:
        """``of`` is the number of windows of the whole text, where only some of them were read."""
        self._engine = engine
        self.tokens, self.windows, self.rows = tokens, windows, rows
        self.of = len(rows) if of is None else of
        self._exact = [False] * len(windows)

    def exact(self, index: int) -> Row:
        """The row of one window, computed alone in fp32."""
        if not self._exact[index]:
            self.rows[index] = self._engine.runner.exact(self.windows[index])
            self._exact[index] = True
        return self.rows[index]

    def span(self, index: int) -> tuple[int, int]:
        """The half-open range of characters that a window covers; (0, 0) for a text without tokens."""
        w = self.windows[index]
        if w.first == w.last:
            return 0, 0
        return int(self.tokens.offsets[w.first, 0]), int(self.tokens.offsets[w.last - 1, 1])

    def probability(self, row: Row, value: Callable[[Row], float], calibration: Calibration) -> float:
        """The probability of a window of this text."""
        shift = calibration.length * math.log2(self.of) if self.of > 1 else 0.0
        return sigmoid(calibration.scale * value(row) + calibration.bias - shift)

    def decide(
        self, value: Callable[[Row], float], calibration: Calibration, cuts: Sequence[float] | None = None
    ) -> tuple[float, int]:
        """(probability, window) of the window with the highest probability; near a cut the exact one."""
        near = tuple(calibration.cuts.values()) if cuts is None else cuts
        best, place = -1.0, 0
        for i, row in enumerate(self.rows):
            p = self.probability(row, value, calibration)
            if not self._exact[i] and any(abs(p - cut) <= NEAR_CUT for cut in near):
                p = self.probability(self.exact(i), value, calibration)
            if p > best:
                best, place = p, i
        return best, place


def sigmoid(x: float) -> float:
    """The logistic function, without overflow."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)
    return e / (1 + e)


def lifted(logits: Floats, groups: Sequence[Sequence[int]], most: float) -> Floats:
    """Logits [texts, labels] in which the labels of a group (columns) support each other.

    A text that is half fraud and half violence is wholly harmful. The logit that any of a group is true (log-sum-exp, as in
    training) is what each of the group is raised to, but by no more than ``most``, so that the leading one stays the leading one.
    """
    out = logits.copy()
    for columns in groups:
        z = logits[:, columns]
        top = z.max(axis=1, keepdims=True)
        some = top + np.log(np.exp(z - top).sum(axis=1, keepdims=True))
        out[:, columns] = np.minimum(some, z + most)
    return out


class TextEngine:
    """Reads texts. Thread-safe."""

    def __init__(
        self, manifest: Manifest, tokeniser: Tokeniser, runner: Network, arrays: Mapping[str, Floats] | None = None
    ) -> None:
        """``arrays``: what else the weights' file holds besides the network (the whitening of topics)."""
        self.manifest, self.tokeniser, self.runner = manifest, tokeniser, runner
        self.arrays = arrays or {}
        self.label = {name: i for i, name in enumerate(manifest.labels)}

    def read(self, texts: Sequence[tuple[str, str | None]], seconds: float) -> list[Reading]:
        """One reading a (text, query or None). ``seconds`` is what is left until the deadline.

        Raises DeadlineExceeded and Overloaded.
        """
        queries = sorted({q for _, q in texts if q})
        tokens = self.tokeniser([t for t, _ in texts] + queries)
        asked = dict(zip(queries, tokens[len(texts) :], strict=True))
        m = self.manifest
        framed = [
            frame(self.tokeniser, own, asked[q] if q else None, m.window, m.stride)
            for own, (_, q) in zip(tokens, texts, strict=False)
        ]
        rows = self.runner.run([w for windows in framed for w in windows], seconds)
        out, at = [], 0
        for own, windows in zip(tokens, framed, strict=False):
            out.append(Reading(self, own, windows, rows[at : at + len(windows)]))
            at += len(windows)
        return out

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embeddings [texts, hidden] of length one, exact (fp32, alone): for topics, when a policy loads."""
        rows = []
        for reading in (
            Reading(self, t, frame(self.tokeniser, t, None, self.manifest.window, self.manifest.window), [])
            for t in self.tokeniser(list(texts))
        ):
            mean = np.mean([self.runner.exact(w).embedding for w in reading.windows], axis=0)
            rows.append(mean / max(1e-6, float(np.linalg.norm(mean))))
        return np.stack(rows).astype(np.float32)


def load(manifest: Manifest) -> TextEngine:
    """Verify the files and build the network. Raises WeightsMissing."""
    store.verified(manifest)
    from guardrails.inference.modules import Shape, TextModel  # noqa: PLC0415
    from guardrails.inference.packing import stored  # noqa: PLC0415

    given = stored(manifest)
    arrays = {k: given.pop(k).numpy() for k in list(given) if k.startswith("topics.")}
    tokeniser = Tokeniser(store.file(manifest, store.TOKENISER))
    lift = manifest.settings.get("lift", {"groups": [], "most": 0.0})
    together = [[manifest.labels.index(label) for label in group] for group in lift["groups"]]

    def pack(out: Any, windows: Sequence[Window]) -> list[Row]:
        logits, embedding, tags = out.logits.cpu().numpy(), out.embedding.cpu().numpy(), out.tags.cpu().numpy()
        logits = lifted(logits, together, lift["most"])
        return [Row(logits[i], embedding[i], tags[i, w.own_from : w.own_to]) for i, w in enumerate(windows)]

    def build() -> Runner:
        model = TextModel(Shape(**manifest.shape), len(manifest.labels), len(manifest.tags))
        model.load_state_dict(given)
        return Runner(model, tokeniser.padding, pack, manifest.name)

    return TextEngine(manifest, tokeniser, placed(manifest, build, len(manifest.labels)), arrays)
