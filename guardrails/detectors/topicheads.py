"""A topic's head: weights over the text model's embedding, fitted on reviewed texts (``guardrails review topic --head``).

A head is a small file of JSON, which a policy names with its sha256. It holds numbers alone: no text that it was fitted on.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.inference.pinned import PINNED

__all__ = ["Head"]

_VERSION = 1
_KEYS = ("version", "model", "bias", "weights", "fitted")


@dataclass(frozen=True, slots=True)
class Head:
    """A logistic regression over embeddings of the model whose manifest has the sha256 ``model``.

    ``file``: how the file is named; ``sha256``: of its bytes. Both say which head it is. ``weights`` [hidden] and ``bias`` give log-odds.
    ``fitted``: on what, and its figures on held-out texts.
    """

    file: str
    sha256: str
    model: str = field(default="", compare=False)
    weights: tuple[float, ...] = field(default=(), compare=False, repr=False)
    bias: float = field(default=0.0, compare=False)
    fitted: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, file: str, data: bytes) -> Head:
        """The head in these bytes. Raises ValueError for anything else, and for one that was fitted on another model."""
        try:
            found = json.loads(data.decode("utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
            raise ValueError("it is not JSON") from None
        if not isinstance(found, dict) or found.keys() != set(_KEYS) or found["version"] != _VERSION:
            raise ValueError(f"it must be a mapping of {', '.join(_KEYS)}, and nothing else, of version {_VERSION}")
        weights, fitted = found["weights"], found["fitted"]
        if not isinstance(weights, list) or not weights or not all(map(_number, (*weights, found["bias"]))):
            raise ValueError("its weights and bias must be numbers")
        if not isinstance(fitted, dict):
            raise ValueError("fitted must be a mapping")  # noqa: TRY004 - what the reader of policies catches
        if found["model"] != PINNED["text"]:
            raise ValueError("it was fitted on the embedding of another text model than this release has")
        digest = hashlib.sha256(data).hexdigest()
        return cls(file, digest, found["model"], tuple(map(float, weights)), float(found["bias"]), fitted)

    @classmethod
    def pinned(cls, file: Head, sha256: str) -> Head:
        """The head, if its bytes have that sha256. Raises ValueError."""
        if file.sha256 != sha256:
            raise ValueError(f"{file.file} has the sha256 {file.sha256}")
        return file

    def write(self) -> bytes:
        """The head as a file."""
        said = {"version": _VERSION, "model": self.model, "fitted": self.fitted, "bias": self.bias}
        return (json.dumps({**said, "weights": list(self.weights)}, indent=1, sort_keys=True) + "\n").encode()


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
