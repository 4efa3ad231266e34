"""Fits what topics need beside the network: the whitening of embeddings, and the weights of the similarities.

Thousands of topics are made up from the classes of the topic sets: a definition from the class's name, up to eight examples,
and texts of the class against texts of its neighbours and of everyday life. A tenth of the classes is kept for choosing
the cut point and for the figures.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from guardrails.inference.text import TextEngine
from guardrails.inference.topics import Topic
from models.text import topics
from models.text.rows import lines, share

# The lowest threshold whose F1 on the held-out classes is this near to the best one's: the curve is flat, its peak is chance.
_FLAT = 0.001
_WHITENING = 30.0  # times the mean variance is added to every direction: hardly any is left (models/text/about.json)


def embed(engine: TextEngine, texts: list[str]) -> np.ndarray:
    """Embeddings of the first window of each text, [texts, hidden]."""
    out = np.zeros((len(texts), engine.manifest.shape.get("hidden", 384)), np.float32)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for at in range(0, len(order), 256):
        part = order[at : at + 256]
        for i, reading in zip(part, engine.read([(texts[i][:1200], None) for i in part], 3600), strict=True):
            out[i] = reading.rows[0].embedding
    return out


def everyday(data: Path, rng: random.Random, count: int) -> list[str]:
    """Requests of all kinds."""
    found = [r["instruction"] for r in lines(data / "benign" / "gpteacher.jsonl.gz")]
    found += [r["prompt"][:600] for r in lines(data / "benign" / "awesome_prompts.jsonl.gz")]
    found += [r["prompt"] for r in lines(data / "safety" / "coconot_pref.jsonl.gz")]
    found += [r["instruction"] for r in lines(data / "benign" / "self_instruct.jsonl.gz")]
    found += [r["value"][0] for r in lines(data / "benign" / "clinc150.jsonl.gz") if "oos" in r["_key"]]
    found = [x for x in dict.fromkeys(found) if x.strip()]
    rng.shuffle(found)
    return found[:count]


def logistic(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Weighted logistic regression with a small ridge, by Newton's method."""
    z = np.hstack([x, np.ones((len(x), 1))])
    w = np.zeros(z.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(z @ w, -30, 30)))
        r = weight * p * (1 - p)
        h = (z * r[:, None]).T @ z + 1e-2 * np.eye(z.shape[1])
        g = z.T @ (weight * (p - y)) + 1e-2 * w
        step = np.linalg.solve(h, g)
        w -= step
        if np.abs(step).max() < 1e-6:
            break
    return w[:-1], float(w[-1])


class _Fake:
    """Just enough of an engine for :class:`Topic` before its settings exist."""

    def __init__(self, arrays: dict[str, np.ndarray], settings: dict[str, Any]) -> None:
        self.arrays = arrays
        self.manifest = type("M", (), {"settings": {"topics": settings}})()


def fit(engine: TextEngine, data: Path, seed: int = 1) -> tuple[dict[str, np.ndarray], dict[str, Any], dict[str, Any]]:
    """(arrays for the weights' file, settings for the manifest, figures on held-out classes)."""
    rng = random.Random(seed)
    classes = topics.classes(data)
    keys = [k for k in sorted(classes) if not k.startswith("medical")]
    sample = {k: rng.sample(classes[k][1], min(40, len(classes[k][1]))) for k in keys}
    names = {k: classes[k][0] for k in keys}
    common = everyday(data, rng, 3000)
    texts = [t for k in keys for t in sample[k]]
    emb = embed(
        engine,
        texts + common + [f"{names[k]}. {rng.choice(topics._DEFINITIONS).replace('{}', names[k])}" for k in keys],
    )
    at: dict[str, np.ndarray] = {}
    i = 0
    for k in keys:
        at[k] = emb[i : i + len(sample[k])]
        i += len(sample[k])
    around, definitions = emb[i : i + len(common)], dict(zip(keys, emb[i + len(common) :], strict=True))
    ground = np.concatenate([around, np.concatenate([at[k][:6] for k in keys])])
    mean = ground.mean(0)
    values, vectors = np.linalg.eigh(np.cov((ground - mean).T))
    whitening = (vectors / np.sqrt(values + _WHITENING * values.mean())).astype(np.float32)
    arrays = {"topics.mean": mean.astype(np.float32), "topics.whitening": whitening}
    blank = {"examples": {"weights": [0] * 5, "bias": 0}, "definition": {"weights": [0] * 2, "bias": 0}}
    fake: Any = _Fake(arrays, blank)

    def episode(key: str, shots: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        own = at[key]
        picked = rng.sample(range(len(own)), min(shots, len(own) - 4))
        topic = Topic(fake, definitions[key], own[picked] if picked else None)
        rest = [x for n, x in enumerate(own) if n not in picked][:16]
        group = key.split("/", maxsplit=1)[0]
        near = [k for k in keys if k != key and k.split("/")[0] == group]
        negative = [at[k][rng.randrange(len(at[k]))] for k in (rng.sample(near, min(12, len(near))))]
        far = [k for k in keys if k.split("/")[0] not in (group, "domain")]
        negative += [at[k][rng.randrange(len(at[k]))] for k in rng.sample(far, 8)]
        kinds = np.array([0] * min(12, len(near)) + [1] * 8 + [2] * 12)
        negative += [around[rng.randrange(len(around))] for _ in range(12)]
        x = np.stack([topic.features(v) for v in [*rest, *negative]])
        return x, np.array([1] * len(rest) + [0] * len(negative)), np.concatenate([np.full(len(rest), -1), kinds])

    held = [k for k in keys if share(k, "topics") < 0.15]
    settings: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    for kind, shots in (("definition", (0,)), ("examples", (2, 3, 5, 5, 5, 8))):
        xs, ys = [], []
        for key in (k for k in keys if k not in held):
            for _ in range(6):
                x, y, _k = episode(key, rng.choice(shots))
                xs.append(x)
                ys.append(y)
        x, y = np.concatenate(xs), np.concatenate(ys)
        weights, bias = logistic(x, y, np.where(y == 1, 1.0, 0.5 * y.sum() / (len(y) - y.sum()) * 2))
        xs, ys, ks = [], [], []
        for key in held:
            for _ in range(10):
                x, y, k = episode(key, shots[-2] if len(shots) > 1 else 0)
                xs.append(x)
                ys.append(y)
                ks.append(k)
        x, y, k = np.concatenate(xs), np.concatenate(ys), np.concatenate(ks)
        z = x @ weights + bias
        p = 1 / (1 + np.exp(-z))
        line = np.linspace(0.05, 0.95, 91)
        most = max(_f1(p >= t, y) for t in line)
        best = next(t for t in line if _f1(p >= t, y) >= most - _FLAT)
        settings[kind] = {"weights": [round(float(v), 4) for v in weights], "bias": round(bias, 4)}
        figures[kind] = {
            "f1_at_half": round(_f1(p >= 0.5, y), 4), "best_threshold": round(float(best), 2), "best_f1": round(_f1(p >= best, y), 4),
            "recall": round(float((p[y == 1] >= 0.5).mean()), 4), "fpr_near": round(float((p[k == 0] >= 0.5).mean()), 4),
            "fpr_far": round(float((p[k == 1] >= 0.5).mean()), 4), "fpr_everyday": round(float((p[k == 2] >= 0.5).mean()), 4),
            "classes": len(held),
        }  # fmt: skip
    settings["alike"] = _alike(fake, at, definitions, keys, rng)
    return arrays, settings, figures


def _alike(
    fake: Any, at: dict[str, np.ndarray], definitions: dict[str, np.ndarray], keys: list[str], rng: random.Random
) -> float:
    """The overlap of two topics that only one in a hundred pairs of different classes of one set reaches."""
    centers = {k: Topic(fake, definitions[k], at[k][rng.sample(range(len(at[k])), 3)]).center for k in keys}
    found = []
    for _ in range(4000):
        one = rng.choice(keys)
        near = [k for k in keys if k != one and k.split("/")[0] == one.split("/")[0]]
        if near:
            found.append(float(centers[one] @ centers[rng.choice(near)]))
    return round(float(np.quantile(found, 0.99)), 3)


def _f1(predicted: np.ndarray, y: np.ndarray) -> float:
    hit = float((predicted & (y == 1)).sum())
    return 2 * hit / max(1.0, float(predicted.sum() + y.sum()))
