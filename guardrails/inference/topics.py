"""Denied topics without training: a direction in the embedding space, fitted when a policy loads.

A topic's name, definition and examples are embedded; the text is as near to the topic as its embedding is to them, after
both were whitened with the mean and covariance of many everyday texts (Su et al. 2021, "Whitening Sentence
Representations"), so that what all texts share counts nothing. Four similarities (definition, mean of the examples, nearest example, plain
cosine) are weighed by a logistic regression that was trained over thousands of made-up topics; its weights, like the whitening, are
stored with the model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from guardrails.inference.text import Floats, TextEngine

__all__ = ["Topic", "alike", "fit", "overlap"]


# Log-odds a unit of cosine by which a text is nearer to a counter-example than to the nearest example.
_AWAY = 20.0


class Topic:
    """One fitted topic. Immutable; the score of an embedding is a log-odds."""

    __slots__ = ("_bias", "_definition", "_examples", "_matrix", "_mean", "_others", "_weights", "center")

    def __init__(
        self, engine: TextEngine, definition: Floats, examples: Floats | None, others: Floats | None = None
    ) -> None:
        """Embeddings of the definition [hidden], of the examples and of what is none [phrases, hidden]."""
        settings = engine.manifest.settings["topics"]
        self._mean = engine.arrays["topics.mean"]
        self._matrix = engine.arrays["topics.whitening"]
        kind = "examples" if examples is not None else "definition"
        self._weights = np.asarray(settings[kind]["weights"], dtype=np.float32)
        self._bias = float(settings[kind]["bias"])
        self._definition = definition
        self._examples = examples
        self._others = others
        parts = (
            [self._white(definition)[None]]
            if examples is None
            else [self._white(definition)[None], self._white(examples)]
        )
        center = np.concatenate(parts).mean(axis=0)
        self.center: Floats = center / max(1e-6, float(np.linalg.norm(center)))

    def _white(self, x: Floats) -> Floats:
        y = (x - self._mean) @ self._matrix
        out: Floats = y / np.maximum(np.linalg.norm(y, axis=-1, keepdims=True), 1e-6)
        return out

    def features(self, x: Floats) -> Floats:
        """What is weighed: similarities in [-1, 1], [2] without examples, [5] with them."""
        w = self._white(x)
        plain = float(x @ self._definition)
        near = float(w @ self._white(self._definition))
        if self._examples is None:
            return np.array([near, plain], dtype=np.float32)
        white = self._white(self._examples)
        mean = white.mean(axis=0)
        mean /= max(1e-6, float(np.linalg.norm(mean)))
        each = white @ w
        return np.array(
            [near, float(w @ mean), float(each.max()), plain, float((self._examples @ x).max())], dtype=np.float32
        )

    def score(self, x: Floats) -> float:
        """The log-odds that a text with this embedding is about the topic."""
        return float(self.features(x) @ self._weights) + self._bias - self._other(x)

    def scores(self, x: Floats) -> Floats:
        """The log-odds of many embeddings [texts, hidden] at once, for choosing among them: the last digits may differ from :meth:`score`."""
        w, definition = self._white(x), self._white(self._definition)
        parts = [w @ definition, x @ self._definition]
        if self._examples is not None:
            white = self._white(self._examples)
            mean = white.mean(axis=0)
            mean /= max(1e-6, float(np.linalg.norm(mean)))
            parts = [parts[0], w @ mean, (w @ white.T).max(axis=1), parts[1], (x @ self._examples.T).max(axis=1)]
        out: Floats = np.stack(parts, axis=1) @ self._weights + self._bias
        if self._others is None:
            return out
        near = self._definition[None] if self._examples is None else self._examples
        away = (w @ self._white(self._others).T).max(axis=1) - (w @ self._white(near).T).max(axis=1)
        less: Floats = out - _AWAY * np.maximum(0.0, away)
        return less

    def _other(self, x: Floats) -> float:
        """What is taken off the log-odds of a text that is nearer to what the author excluded than to the topic's examples."""
        if self._others is None:
            return 0.0
        w = self._white(x)
        away = float((self._white(self._others) @ w).max())
        near = self._definition[None] if self._examples is None else self._examples
        toward = float((self._white(near) @ w).max())
        return _AWAY * max(0.0, away - toward)


# Fitted topics, by what they were fitted from: tenants that share a topic share its embedding.
_cache: dict[str, Topic] = {}
_MOST = 4096


def fit(
    engine: TextEngine, name: str, definition: str, examples: Sequence[str], not_examples: Sequence[str] = ()
) -> Topic:
    """The topic of a policy. Exact (fp32, alone), and kept by the sha256 of what it was made from and of the weights."""
    given = json.dumps([engine.manifest.sha256, name, definition, list(examples), list(not_examples)])
    key = hashlib.sha256(given.encode()).hexdigest()
    topic = _cache.get(key)
    if topic is None:
        said = f"{name.replace('-', ' ').replace('_', ' ')}. {definition}"
        embedded = engine.embed([said, *examples, *not_examples])
        own, others = embedded[1 : 1 + len(examples)], embedded[1 + len(examples) :]
        topic = Topic(engine, embedded[0], own if examples else None, others if not_examples else None)
        if len(_cache) < _MOST:
            _cache[key] = topic
    return topic


def overlap(one: Topic, other: Topic) -> float:
    """How near two topics are, in [-1, 1]: the cosine of their whitened centers."""
    return float(one.center @ other.center)


def alike(engine: TextEngine) -> float:
    """The overlap from which two topics are hard to tell apart: chosen with the whitening, kept in the manifest."""
    return float(engine.manifest.settings["topics"]["alike"])
