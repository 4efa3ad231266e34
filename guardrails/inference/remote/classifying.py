"""Sequence classifiers that somebody else serves: vLLM's ``/classify``, and ``/predict`` of Text Embeddings Inference (TEI)."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.errors import GuardrailsError, RemoteFailed
from guardrails.inference.remote.calling import Caller, in_windows, probability
from guardrails.inference.remote.endpoint import Endpoint, Judged

__all__ = ["Tei", "Vllm"]

# Characters of a window where the policy names no number: about 400 tokens of English, and encoders often read 512.
_WINDOW = 1_500
# Windows in one call: TEI takes 32 unless it is told otherwise.
_BATCH = 32
# Seconds for which a server is believed to run the model that it named.
_BELIEVED = 60.0


class Vllm:
    """A classifier behind vLLM. Its answers give probabilities without names, so the policy names the classes."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Raises GuardrailsError without classes."""
        if not endpoint.classes:
            raise GuardrailsError(
                f"{endpoint.model}: vLLM gives no names to probabilities: list the model's labels in `classes`, in the order of id2label"
            )
        self._endpoint, self._caller = endpoint, Caller(endpoint)
        self.model, self.sha256 = f"vllm:{endpoint.model}", endpoint.identity()
        self.labels = endpoint.classes

    def score(
        self, text: str, seconds: float, question: str | None = None, out: list[Judged] | None = None
    ) -> list[Judged]:
        """As :meth:`Backend.score`; a classifier reads no question."""
        del question
        until = time.monotonic() + seconds

        def ask(texts: Sequence[str]) -> Sequence[Mapping[str, float]]:
            body = {"model": self._endpoint.model, "input": list(texts), "use_activation": True}
            found: Sequence[Mapping[str, float]] = self._caller.ask(
                "POST", "/classify", body, until - time.monotonic(), lambda answer: self._read(answer, len(texts))
            )
            return found

        return in_windows(text, self._endpoint.window or _WINDOW, _BATCH, ask, out)

    def _read(self, answer: Any, texts: int) -> list[dict[str, float]]:
        match answer:
            case {"model": self._endpoint.model, "data": list(data)} if len(data) == texts:
                return [self._row(index, one) for index, one in enumerate(data)]
        raise RemoteFailed("vLLM answered for another model, or not for each text")

    def _row(self, index: int, one: Any) -> dict[str, float]:
        match one:
            case {"index": at, "probs": list(probs), "num_classes": n} if at == index and n == len(probs) == len(
                self.labels
            ):
                return dict(zip(self.labels, map(probability, probs), strict=True))
        raise RemoteFailed("the model has another number of classes than the policy names")


class Tei:
    """A classifier behind Text Embeddings Inference. A server that would cut texts silently is not asked."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint, self._caller = endpoint, Caller(endpoint)
        self.model, self.sha256 = f"tei:{endpoint.model}", endpoint.identity()
        self.labels: tuple[str, ...] = endpoint.classes
        self._lock = threading.Lock()
        self._until = 0.0

    def score(
        self, text: str, seconds: float, question: str | None = None, out: list[Judged] | None = None
    ) -> list[Judged]:
        """As :meth:`Backend.score`; a classifier reads no question."""
        del question
        until = time.monotonic() + seconds
        try:
            self._verify(seconds)

            def ask(texts: Sequence[str]) -> Sequence[Mapping[str, float]]:
                # A list of strings would be a pair of texts: each text is a list of its own.
                body = {"inputs": [[t] for t in texts], "raw_scores": False, "truncate": False}
                found: Sequence[Mapping[str, float]] = self._caller.ask(
                    "POST", "/predict", body, until - time.monotonic(), lambda answer: self._read(answer, len(texts))
                )
                return found

            return in_windows(text, self._endpoint.window or _WINDOW, _BATCH, ask, out)
        except GuardrailsError:
            self._until = 0.0  # it may have started anew, with something else
            raise

    def _verify(self, seconds: float) -> None:
        """Look which model the server runs, now and then: its verdicts do not say."""
        with self._lock:
            if time.monotonic() < self._until:
                return
            self.sha256, self.labels = self._caller.ask("GET", "/info", None, seconds, self._info)
            self._until = time.monotonic() + _BELIEVED

    def _info(self, answer: Any) -> tuple[str, tuple[str, ...]]:
        match answer:
            case {"model_id": str(model), "model_type": {"classifier": {"id2label": dict(names)}}}:
                sha, cuts = answer.get("model_sha"), answer.get("auto_truncate")
            case _:
                raise RemoteFailed("TEI serves no classifier")
        if model != self._endpoint.model:
            raise RemoteFailed("TEI serves another model than the policy names")
        if self._endpoint.revision and sha != self._endpoint.revision:
            raise RemoteFailed("TEI serves another revision than the policy names")
        if cuts is not False:
            raise RemoteFailed("TEI cuts off what is too long: start it with --auto-truncate false")
        labels = tuple(str(label) for label in names.values())
        return self._endpoint.identity(served=sha if isinstance(sha, str) else "", labels=labels), labels

    def _read(self, answer: Any, texts: int) -> list[dict[str, float]]:
        if not isinstance(answer, list) or len(answer) != texts:
            raise RemoteFailed("TEI did not answer for each text")
        return [self._row(row) for row in answer]

    def _row(self, row: Any) -> dict[str, float]:
        out: dict[str, float] = {}
        for one in row if isinstance(row, list) else ():
            match one:
                case {"label": str(label), "score": score}:
                    out[label] = probability(score)
        if set(out) != set(self.labels):
            raise RemoteFailed("TEI answered with other labels than it has")
        return out
