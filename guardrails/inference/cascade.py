"""Two text models in a row: the small one reads every window, the large one those that may be harmful.

A window whose probability under the small model stays below ``lower`` for every label that counts is settled: its score is below
every cut point. What the large model has read is judged by both: a weighted mean of their logits, calibrated as
such. Verdicts are fixed as with one model: what is near ``lower`` or near a cut point is computed again alone in fp32.

An answer whose question is known is judged by what it does with the question: to the logit of its first window comes how harmful the
question is, less how clearly the answer declines. So a flat, factual answer to a harmful question is harmful, and a refusal that repeats
the question's words is not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from guardrails.errors import DeadlineExceeded, WeightsMissing
from guardrails.inference import store
from guardrails.inference.networks import Network
from guardrails.inference.placing import placed
from guardrails.inference.runner import Runner
from guardrails.inference.store import Calibration, Manifest
from guardrails.inference.text import NEAR_CUT, Floats, Reading, Row, TextEngine, lifted, sigmoid
from guardrails.inference.windows import Window

__all__ = ["Asked", "Cascade", "Judged", "LargeEngine", "load_large", "logit"]

# A window this near to `lower`, in scaled logits, is computed again alone in fp32 before it is settled: batches move a scaled logit by
# some hundredths. (Near 0 a distance of probabilities would take in half of all windows.)
NEAR_LOWER = 0.25
# The scores of both scales compare only so far: what is settled stays this share of the lowest cut point away from it, at least.
_BELOW = 0.99
# Logits of questions and of stances count between these: beyond, a network is sure for reasons of its own.
_MOST = 4.0
_DECLINES = "STANCE.REFUSAL"
# A large model takes longer over a token, so a turn of its runner holds fewer.
BATCH_TOKENS = {"cpu": 1024, "cuda": 65_536}
# What the names of the weights of the head for pairs begin with.
PAIRS = "pairs."


class LargeEngine:
    """The large model: logits of windows that another model's tokeniser has made, of texts and of pairs of texts. Thread-safe."""

    def __init__(self, manifest: Manifest, runner: Network) -> None:
        self.manifest, self.runner = manifest, runner
        self.label = {name: i for i, name in enumerate(manifest.labels)}

    def read(self, windows: Sequence[Window], seconds: float) -> list[Floats]:
        """Logits [labels, and outputs for pairs] of each window. Raises DeadlineExceeded and Overloaded."""
        return self.runner.run(windows, seconds)

    def exact(self, window: Window) -> Floats:
        """Logits [labels] of one window, computed alone in fp32."""
        found: Floats = self.runner.exact(window)
        return found

    def pairs(self, windows: Sequence[Window], seconds: float) -> list[Floats]:
        """Logits [outputs of the head for pairs] of windows of two texts without types and cases. Raises as :meth:`read`."""
        return [row[len(self.manifest.labels) :] for row in self.runner.run(windows, seconds)]

    def exact_pair(self, window: Window) -> Floats:
        """Logits [outputs of the head for pairs] of one window, computed alone in fp32."""
        found: Floats = self.runner.exact(window)[len(self.manifest.labels) :]
        return found


# A text to judge: the small model's reading of it, the labels that count, and for an answer the reading of its question.
Asked = tuple[Reading, Sequence[str], Reading | None]


class Judged:
    """What is known of one text: the small model's reading, and the large model's logits of the windows that it read."""

    __slots__ = ("_cascade", "_exact", "_until", "large", "question", "reading")

    def __init__(
        self,
        cascade: Cascade,
        reading: Reading,
        large: dict[int, Floats],
        until: float,
        question: Judged | None = None,
    ) -> None:
        """``large``: logits by window. ``until``: the monotonic time of the deadline. ``question``: what the text answers."""
        self._cascade, self._until = cascade, until
        self.reading, self.large, self.question = reading, large, question
        self._exact: set[int] = set()

    def decide(self, label: str, *, exact: bool = True, near: Sequence[float] = ()) -> tuple[float, int]:
        """(probability, window) of the window with the highest probability; near a cut point the exact one, if ``exact``.

        ``near``: other probabilities that something hangs on, besides the cut points.

        Raises DeadlineExceeded when windows would have to be made exact after the deadline.
        """
        cascade, reading = self._cascade, self.reading
        column = cascade.small.label[label]
        if cascade.large is None:
            own = cascade.calibration[label]
            return reading.decide(
                lambda row: float(row.logits[column]), own, (*own.cuts.values(), *near) if exact else ()
            )
        c = cascade.calibration[label]
        cuts = (*c.cuts.values(), *near) if exact else ()
        doublings = math.log2(reading.of) if reading.of > 1 else 0.0
        found = [self._probability(label, i, doublings) for i in range(len(reading.rows))]
        best, place = -1.0, 0
        for i in sorted(range(len(found)), key=lambda i: -found[i]):
            p = found[i]
            if p + NEAR_CUT < best:
                break  # neither this one nor any after it is the highest
            if i in self.large and i not in self._exact and any(abs(p - cut) <= NEAR_CUT for cut in cuts):
                self._make_exact(i)
                p = self._probability(label, i, doublings)
            if p > best or (p == best and i < place):
                best, place = p, i
        return best, place

    def _probability(self, label: str, index: int, doublings: float) -> float:
        cascade = self._cascade
        own = float(self.reading.rows[index].logits[cascade.small.label[label]])
        logits = self.large.get(index)
        if logits is None or cascade.large is None:
            s = cascade.small.manifest.calibration[label]
            return min(sigmoid(s.scale * own + s.bias - s.length * doublings), cascade.settled[label])
        c = cascade.calibration[label]
        both = c.blend * float(logits[cascade.large.label[label]]) + (1 - c.blend) * own
        if index == 0 and self.question is not None:
            both += cascade.answers.added(self.question.highest(f"INPUT.{label.split('.', 1)[1]}"), logits)
        return sigmoid(c.scale * both + c.bias - c.length * doublings)

    def highest(self, label: str) -> float | None:
        """The highest logit of the large model over the windows that it read; None when it read none."""
        if not self.large or self._cascade.large is None:
            return None
        column = self._cascade.large.label[label]
        return max(float(z[column]) for z in self.large.values())

    def _make_exact(self, index: int) -> None:
        if time.monotonic() > self._until:
            raise DeadlineExceeded("the deadline passed in model large")
        self.reading.exact(index)
        if self._cascade.large is not None:
            self.large[index] = self._cascade.large.exact(self.reading.windows[index])
        self._exact.add(index)
        if index == 0 and self.question is not None:
            for i in self.question.large.keys() - self.question._exact:
                self.question._make_exact(i)


class _Answers:
    """How an answer's question counts: weights of the question's logit and of the answer's stance, and a constant."""

    __slots__ = ("_column", "_declines", "_shift", "question")

    def __init__(self, given: Mapping[str, float], column: int | None) -> None:
        """``given``: the manifest's ``settings.answers``; without it nothing is added."""
        self.question, self._declines = float(given.get("question", 0)), float(given.get("declines", 0))
        self._shift, self._column = float(given.get("shift", 0)), column

    def added(self, question: float | None, answer: Floats) -> float:
        """What is added to the logit of an answer's first window. ``question`` is None for one that the small model settled."""
        if not self.question or self._column is None:
            return 0.0
        asks = -_MOST if question is None else min(_MOST, max(-_MOST, question))
        declines = min(_MOST, max(-_MOST, float(answer[self._column])))
        return self.question * asks - self._declines * declines + self._shift


class Cascade:
    """The small model, and the large one where it is asked. Thread-safe.

    ``calibration`` is that of the scores it gives, by label. ``lower`` is the probability, under the small model, from which the
    large one is asked, and ``settled`` the highest score of what it is not asked (both empty without a large model).
    """

    def __init__(self, small: TextEngine, large: LargeEngine | None = None, *, every: bool = False) -> None:
        """``every``: the large model reads every window. Raises WeightsMissing when the two do not belong together."""
        self.small, self.large, self._every = small, large, every
        self.calibration: Mapping[str, Calibration] = small.manifest.calibration
        self.lower: Mapping[str, float] = {}
        self.settled: Mapping[str, float] = {}
        if large is not None:
            self.lower = _checked(small, large.manifest)
            self.calibration = {**small.manifest.calibration, **large.manifest.calibration}
            self.settled = {
                label: min(p, _BELOW * min(self.calibration[label].cuts.values())) for label, p in self.lower.items()
            }
        given = {} if large is None else large.manifest.settings.get("answers", {})
        self.answers = _Answers(given, None if large is None else large.label.get(_DECLINES))
        # What may be harmful in a question: the labels of inputs that answers have as well.
        self._questions = [x for x in small.label if x.startswith("INPUT.") and f"OUT{x[2:]}" in small.label]
        self._lines: dict[tuple[str, ...], tuple[list[int], Floats, Floats]] = {}

    def judge(self, asked: Sequence[Asked], seconds: float) -> list[Judged]:
        """One :class:`Judged` a text. All windows that need it go to the large model together.

        ``seconds`` is what is left until the deadline. Raises DeadlineExceeded and Overloaded.
        """
        until = time.monotonic() + seconds
        if self.large is None:
            return [Judged(self, reading, {}, until) for reading, _, _ in asked]
        weighed = {id(q): q for _, _, q in asked if q is not None} if self.answers.question else {}
        questions = {key: Judged(self, question, {}, until) for key, question in weighed.items()}
        out = [Judged(self, reading, {}, until, questions.get(id(q))) for reading, _, q in asked]
        harmful = {key: self._asked(judged, self._questions, until) for key, judged in questions.items()}
        chosen = [(questions[key], i) for key, windows in harmful.items() for i in windows]
        for judged, (_, labels, question) in zip(out, asked, strict=True):
            windows = set(self._asked(judged, labels, until))
            if labels and judged.reading.rows and harmful.get(id(question)):
                windows.add(0)  # what the answer does with a harmful question shows at its beginning
            chosen += [(judged, i) for i in sorted(windows)]
        logits = self.large.read([judged.reading.windows[i] for judged, i in chosen], until - time.monotonic())
        for (judged, i), one in zip(chosen, logits, strict=True):
            judged.large[i] = one
        return out

    def _asked(self, judged: Judged, labels: Sequence[str], until: float) -> list[int]:
        """The windows of a reading that the large model has to read."""
        reading = judged.reading
        if self._every or not labels:
            return list(range(len(reading.rows))) if labels else []
        above = self._above(labels)
        out = []
        for i, margin in enumerate(above(reading.rows)):
            if abs(margin) <= NEAR_LOWER:
                if time.monotonic() > until:
                    raise DeadlineExceeded("the deadline passed in model text")
                margin = above([reading.exact(i)])[0]  # noqa: PLW2901 - the same, exactly
            if margin >= 0:
                out.append(i)
        return out

    def _above(self, labels: Sequence[str]) -> Callable[[Sequence[Row]], list[float]]:
        """By how many scaled logits rows are above ``lower``, at the label that is most."""
        key = tuple(labels)
        line = self._lines.get(key)
        if line is None:
            own = [self.small.manifest.calibration[label] for label in key]
            scale = np.array([c.scale for c in own], dtype=np.float32)
            bias = np.array(
                [c.bias - logit(self.lower[label]) for c, label in zip(own, key, strict=True)], dtype=np.float32
            )
            line = self._lines[key] = [self.small.label[label] for label in key], scale, bias
        columns, scale, bias = line

        def above(rows: Sequence[Row]) -> list[float]:
            margins: list[float] = [float((row.logits[columns] * scale + bias).max()) for row in rows]
            return margins

        return above


def logit(p: float) -> float:
    """Log-odds."""
    return math.log(p / (1 - p))


def _checked(small: TextEngine, manifest: Manifest) -> dict[str, float]:
    """``lower`` by label. Raises WeightsMissing when the large model was not made for this small one."""

    def wrong(why: str) -> WeightsMissing:
        return WeightsMissing(
            f"{manifest.folder / store.MANIFEST} does not fit the model {small.manifest.name!r}: {why}; install both from one"
            " release"
        )

    made_for: Mapping[str, str] = manifest.settings.get("text", {})
    for name in (store.TOKENISER, store.WEIGHTS):
        if made_for.get(name) != small.manifest.files.get(name):
            raise wrong(f"it was made for another {name}")
    lower: Mapping[str, float] = manifest.settings.get("cascade", {})
    for label in small.manifest.labels:
        if label not in manifest.labels or label not in manifest.calibration:
            raise wrong(f"it does not judge {label}")
        c = manifest.calibration[label]
        if not {"LOW", "MEDIUM", "HIGH"} <= c.cuts.keys() or not 0 <= c.blend <= 1:
            raise wrong(f"the calibration of {label} has no cut points, or a blend that is no share")
        if not 0 < lower.get(label, 0.0) < 1:
            raise wrong(f"cascade.{label} is {lower.get(label)}, not between 0 and 1")
    return {label: float(lower[label]) for label in small.manifest.labels}


def load_large(manifest: Manifest, padding: int) -> LargeEngine:
    """Verify the files, and build the network or find its replicas. ``padding`` is the small model's padding token. Raises WeightsMissing."""
    store.verified(manifest)
    lift = manifest.settings.get("lift", {"groups": [], "most": 0.0})
    together = [[manifest.labels.index(label) for label in group] for group in lift["groups"]]
    settings = manifest.settings
    named = max(len(settings.get("pairs", {}).get("labels", ())), settings.get("topics", {}).get("column", -1) + 1)

    def pack(out: Any, _windows: Sequence[Window]) -> list[Floats]:
        return list(lifted(out.cpu().numpy(), together, lift["most"]))

    def build() -> Runner:
        return Runner(_network(manifest, named), padding, pack, manifest.name, BATCH_TOKENS)

    return LargeEngine(manifest, placed(manifest, build, len(manifest.labels) + named))


def _network(manifest: Manifest, named: int) -> Any:
    """The network with the weights of its files; ``named``: outputs for pairs, at least. Raises WeightsMissing."""
    import torch  # noqa: PLC0415

    from guardrails.inference.modules import LabelModel, Shape  # noqa: PLC0415
    from guardrails.inference.packing import stored  # noqa: PLC0415

    given = stored(manifest)
    with torch.device("meta"):  # nothing is drawn at random that the weights replace
        pairs = len(given.get(f"{PAIRS}value.weight", ()))
        model = LabelModel(Shape(**manifest.shape), len(manifest.labels), pairs)
    if pairs < named:
        raise WeightsMissing(
            f"{manifest.folder} lacks the head for pairs that its manifest names; reinstall the package"
        )
    try:
        model.load_state_dict(given, assign=True)
    except RuntimeError as error:
        raise WeightsMissing(f"{manifest.folder} does not hold the network of its manifest: {error}") from None
    return model
