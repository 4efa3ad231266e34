"""Windows, and what a network says about them, as bytes between a caller and a replica: safetensors, which hold numbers and run nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from guardrails.inference.networks import Row
from guardrails.inference.store import Manifest
from guardrails.inference.windows import Window

__all__ = ["answered", "answers", "asked", "asks"]

_TOKENS = ("ids", "types", "cases")


def asks(windows: Sequence[Window]) -> bytes:
    """Windows as bytes."""
    parts = {name: np.concatenate([getattr(w, name) for w in windows]).astype(np.int32) for name in _TOKENS}
    spans = [(len(w), w.own_from, w.own_to) for w in windows]
    data: bytes = save({**parts, "spans": np.array(spans, dtype=np.int32)})
    return data


def asked(data: bytes, below: Mapping[str, int], longest: int) -> list[Window]:
    """The windows of :func:`asks`. ``below``: what ids, types and cases are smaller than; ``longest``: tokens of a window, at most.

    Raises ValueError for anything else: a number out of range would end a GPU's context.
    """
    given = _arrays(data, {*_TOKENS, "spans"})
    spans = given["spans"]
    if spans.ndim != 2 or spans.shape[1] != 3 or not len(spans):
        raise ValueError("spans")
    sizes, starts, ends = (spans[:, i].astype(np.int64) for i in range(3))
    if sizes.min() < 1 or sizes.max() > longest or (starts < 0).any() or (ends < starts).any() or (ends > sizes).any():
        raise ValueError("spans")
    for name in _TOKENS:
        one = given[name]
        if one.shape != (sizes.sum(),) or one.dtype != np.int32 or one.min() < 0 or one.max() >= below[name]:
            raise ValueError(name)
    ids, types, cases = (np.split(given[name], np.cumsum(sizes)[:-1]) for name in _TOKENS)
    return [
        Window(ids[i], types[i], cases[i], int(starts[i]), int(ends[i]), 0, int(ends[i] - starts[i]))
        for i in range(len(sizes))
    ]


def answers(rows: Sequence[Any], sha256: str) -> bytes:
    """What a network said about windows, and the sha256 of its manifest, as bytes."""
    said = {"weights": np.frombuffer(bytes.fromhex(sha256), dtype=np.uint8)}
    if isinstance(rows[0], Row):
        said["embedding"] = np.stack([r.embedding for r in rows])
        said["tags"] = np.concatenate([r.tags for r in rows])
        rows = [r.logits for r in rows]
    data: bytes = save({**said, "logits": np.ascontiguousarray(np.stack(rows))})
    return data


def answered(data: bytes, windows: Sequence[Window], manifest: Manifest, width: int) -> list[Any]:
    """The rows of :func:`answers`, one a window; ``width``: logits, at least.

    Raises ValueError for anything else: other weights than the manifest's, too few numbers, or none that are finite.
    """
    tagged = bool(manifest.tags)
    given = _arrays(data, {"weights", "logits", *(("embedding", "tags") if tagged else ())})
    if given.pop("weights").tobytes() != bytes.fromhex(manifest.sha256):
        raise ValueError("other weights")
    count, own = len(windows), [w.own_to - w.own_from for w in windows]
    logits = given["logits"]
    fits = logits.ndim == 2 and len(logits) == count and logits.shape[1] >= width
    if tagged:
        fits = fits and len(given["embedding"]) == count and given["tags"].shape == (sum(own), len(manifest.tags))
    if not fits or not all(one.dtype == np.float32 and np.isfinite(one).all() for one in given.values()):
        raise ValueError("shapes")
    if not tagged:
        return list(logits)
    tags = np.split(given["tags"], np.cumsum(own)[:-1])
    return [Row(logits[i], given["embedding"][i], tags[i]) for i in range(count)]


def _arrays(data: bytes, names: set[str]) -> dict[str, Any]:
    try:
        given: dict[str, Any] = load(data)
    except (SafetensorError, TypeError, KeyError) as error:
        raise ValueError(type(error).__name__) from None
    if given.keys() != names:
        raise ValueError("names")
    return given
