"""The large model's word on denied topics: it reads what a topic says beside a text of which the small model is not sure.

The small model's score of a text that lies between ``lower`` and ``upper`` is settled by neither end; then both logits, weighed, make the
probability. What is near ``lower``, ``upper`` or the cut point is computed again alone in fp32, so that verdicts are fixed as everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from guardrails.errors import DeadlineExceeded, WeightsMissing
from guardrails.inference import store
from guardrails.inference.cascade import LargeEngine, logit
from guardrails.inference.store import Manifest
from guardrails.inference.text import NEAR_CUT, Reading, Row, TextEngine, sigmoid
from guardrails.inference.tokens import Tokens
from guardrails.inference.topics import Topic
from guardrails.inference.windows import Window, pair

__all__ = ["Asked", "Nearness", "TopicCascade", "described"]

# Tokens of a topic and of a text that are read: the model was trained on no longer ones.
TOPIC, TEXT = 144, 128


def described(name: str, definition: str, examples: Sequence[str]) -> str:
    """A topic as the large model reads it, in training as well."""
    said = [f"{name.replace('-', ' ').replace('_', ' ')}."] if name else []
    said += [definition] if definition else []
    return " ".join([*said, "For example:", *examples] if examples else said)


@dataclass(frozen=True, slots=True)
class Asked:
    """A text to judge: its reading by the small model, the topic, its tokens (None where no large model reads them), and the cut point."""

    reading: Reading
    topic: Topic
    said: Tokens | None
    cut: float


class Nearness(NamedTuple):
    """The probability that a text belongs to a topic, the window that decided, and whether the large model has read it."""

    probability: float
    window: int
    large: bool = False


class TopicCascade:
    """The small text model, and the large one where it is asked and has a head for topics. Thread-safe."""

    def __init__(self, small: TextEngine, large: LargeEngine | None = None, *, every: bool = False) -> None:
        """``every``: the large model reads every text. Raises WeightsMissing when the two do not fit."""
        self.small, self.large, self._every = small, large, every
        self._both: Mapping[str, Any] = {} if large is None else _checked(small.manifest, large.manifest)

    @property
    def cut(self) -> float | None:
        """The cut point of what both models judge; None without a large model."""
        return float(self._both["cut"]) if self._both else None

    def said(self, name: str, definition: str, examples: Sequence[str]) -> Tokens:
        """A topic's tokens, at most :data:`TOPIC`."""
        return self.small.tokeniser([described(name, definition, examples)])[0].part(0, TOPIC)

    def judge(self, asked: Sequence[Asked], seconds: float) -> list[Nearness]:
        """How near each text is: the window of it that the small model finds nearest to the topic.

        ``seconds`` is what is left until the deadline. Raises DeadlineExceeded and Overloaded.
        """
        until = time.monotonic() + seconds
        out: list[Nearness] = []
        windows: list[tuple[int, Window]] = []
        for i, one in enumerate(asked):
            p, at = self._small(one)
            unsure = self._every or (self._both and self._both["lower"] <= p <= self._both["upper"])
            if self.large is not None and one.said is not None and unsure:
                p, at = self._leading(one, p)
                windows.append((i, self.window(one.said, one.reading, at)))
            out.append(Nearness(p, at))
        if self.large is None or not windows:
            return out
        found = self.large.pairs([w for _, w in windows], until - time.monotonic())
        for (i, window), logits in zip(windows, found, strict=True):
            p, at, _ = out[i]
            both = self._mixed(p, float(logits[self._both["column"]]))
            if abs(both - asked[i].cut) <= NEAR_CUT:
                if time.monotonic() > until:
                    raise DeadlineExceeded(f"the deadline passed in model {self.large.manifest.name}")
                both = self._mixed(
                    self._exact(asked[i], at), float(self.large.exact_pair(window)[self._both["column"]])
                )
            out[i] = Nearness(both, at, large=True)
        return out

    def window(self, said: Tokens, reading: Reading, index: int) -> Window:
        """What the large model reads of a text: the topic, and the beginning of a window of it; it knows no types and cases of tokens."""
        own = reading.windows[index]
        text = reading.tokens.part(own.first, min(own.last, own.first + TEXT))
        return pair(self.small.tokeniser, said, 0, len(said), text).plain()

    def _exact(self, one: Asked, index: int) -> float:
        """The small model's probability of one window, computed alone."""
        calibration = self.small.manifest.calibration["TOPIC"]
        return one.reading.probability(one.reading.exact(index), _score(one.topic), calibration)

    def _small(self, one: Asked) -> tuple[float, int]:
        """The small model's probability; exact near the cut point, and near the ends between which the large model is asked."""
        ends = (self._both["lower"], self._both["upper"]) if self._both else ()
        return one.reading.decide(_score(one.topic), self.small.manifest.calibration["TOPIC"], (one.cut, *ends))

    def _leading(self, one: Asked, highest: float) -> tuple[float, int]:
        """The probability and window that the large model reads: which of several near the highest one leads is decided exactly."""
        calibration = self.small.manifest.calibration["TOPIC"]
        reading, score = one.reading, _score(one.topic)
        found = [reading.probability(row, score, calibration) for row in reading.rows]
        near = [i for i, p in enumerate(found) if p >= highest - NEAR_CUT]
        exact = {i: self._exact(one, i) if len(near) > 1 else found[i] for i in near}
        at = max(near, key=lambda i: (exact[i], -i))
        return exact[at], at

    def _mixed(self, own: float, large: float) -> float:
        own = logit(min(1 - 1e-6, max(1e-6, own)))
        return sigmoid(self._both["own"] * own + self._both["large"] * large + self._both["bias"])


def _score(topic: Topic) -> Callable[[Row], float]:
    return lambda row: topic.score(row.embedding)


def _checked(small: Manifest, large: Manifest) -> dict[str, Any]:
    """``settings.topics`` of the large model, with the ``column`` of its output. Raises WeightsMissing when it was made for another small model."""
    found = dict(large.settings["topics"])
    made_for: Mapping[str, str] = large.settings.get("text", {})
    fits = all(made_for.get(name) == small.files.get(name) for name in (store.TOKENISER, store.WEIGHTS))
    lacking = {"column", "lower", "upper", "own", "large", "bias", "cut"} - found.keys()
    if not fits or lacking or not 0 < found["lower"] < found["upper"] < 1:
        raise WeightsMissing(
            f"{large.folder / store.MANIFEST} does not fit the model {small.name!r}: settings.topics"
            f" {'lacks ' + ', '.join(sorted(lacking)) if lacking else 'was made for another one'}; install both from one release"
        )
    return found
