"""Sequence classifiers of others, from a Hugging Face directory on disk: Prompt Guard, a toxic-BERT, your own.

Nothing is downloaded and no code of the directory is run: safetensors only, local files only, no remote code.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from guardrails.errors import DeadlineExceeded, WeightsMissing
from guardrails.inference.runner import choose
from guardrails.inference.store import sha256_of

__all__ = ["Classifier", "open_directory"]

_BATCH = 16


class Classifier:
    """One foreign model. Calls take turns; long texts are read in windows that overlap by half."""

    def __init__(self, path: Path) -> None:
        """Raises WeightsMissing naming what is not there."""
        for name in ("config.json", "model.safetensors"):
            if not (path / name).is_file():
                raise WeightsMissing(
                    f"{path / name} is missing: `path` must be a Hugging Face directory with safetensors (convert pickled"
                    " weights with transformers' save_pretrained(safe_serialization=True))"
                )
        try:
            from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415
        except ImportError:
            raise WeightsMissing(
                "foreign classifiers need transformers: pip install 'transformers>=4.48', or in a clone -c constraints.txt -e '.[foreign]'"
            ) from None
        self.sha256 = sha256_of(path / "model.safetensors")
        self.device, self.dtype = choose()
        self._tokeniser = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        model = AutoModelForSequenceClassification.from_pretrained(
            path, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=torch.float32
        )
        self._model = model.eval().requires_grad_(False).to(self.device)
        self.labels: tuple[str, ...] = tuple(model.config.id2label[i] for i in range(model.config.num_labels))
        self._many = model.config.problem_type == "multi_label_classification" or model.config.num_labels == 1
        longest = min(int(self._tokeniser.model_max_length), int(getattr(model.config, "max_position_embeddings", 512)))
        self._size = max(16, min(512, longest))
        self._lock = threading.Lock()

    def score(self, text: str, seconds: float) -> list[tuple[int, int, dict[str, float]]]:
        """(start, end, probability a label) of each window. Raises DeadlineExceeded."""
        if not self._lock.acquire(timeout=max(0.0, seconds)):
            raise DeadlineExceeded("the deadline passed while waiting for a foreign classifier")
        try:
            return self._score(text)
        finally:
            self._lock.release()

    def _score(self, text: str) -> list[tuple[int, int, dict[str, float]]]:
        encoded = self._tokeniser(
            text,
            truncation=True,
            max_length=self._size,
            stride=(self._size - 4) // 2,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding=True,
            return_tensors="pt",
        )
        offsets = encoded.pop("offset_mapping")
        encoded.pop("overflow_to_sample_mapping", None)
        out: list[tuple[int, int, dict[str, float]]] = []
        with torch.inference_mode():
            for i in range(0, len(offsets), _BATCH):
                part = {k: v[i : i + _BATCH].to(self.device) for k, v in encoded.items()}
                for row, places in zip(
                    self._model(**part).logits.float().cpu().tolist(), offsets[i : i + _BATCH].tolist(), strict=True
                ):
                    ends = [e for _, e in places]
                    begins = [s for s, e in places if e > s]
                    out.append(
                        (
                            min(begins, default=0),
                            max(ends, default=0),
                            dict(zip(self.labels, self._probabilities(row), strict=True)),
                        )
                    )
        return out

    def _probabilities(self, row: Sequence[float]) -> list[float]:
        if self._many:
            return [1 / (1 + math.exp(-max(-60.0, min(60.0, x)))) for x in row]
        highest = max(row)
        powers = [math.exp(x - highest) for x in row]
        return [x / sum(powers) for x in powers]


@lru_cache(maxsize=16)
def open_directory(path: str) -> Any:
    """The classifier of a directory, loaded once a process."""
    return Classifier(Path(path))
