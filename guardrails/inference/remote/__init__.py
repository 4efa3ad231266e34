"""Models behind a network address: classifiers that vLLM or Text Embeddings Inference serve, and guard models that answer in words.

A policy names the address of each; nothing else is ever called, no redirect is followed, and no proxy of the environment is used.
What cannot be asked, or does not answer as its kind of server does, raises: it never counts as harmless.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from guardrails.inference.remote.endpoint import BACKENDS, Backend, Endpoint, Judged

__all__ = ["BACKENDS", "Backend", "Endpoint", "Judged", "opened"]

_lock = threading.Lock()
_open: dict[Endpoint, Backend] = {}


def opened(endpoint: Endpoint) -> Backend:
    """The backend of an endpoint, one a process: callers share its connections, circuit breaker and budget. Calls nobody yet.

    Raises GuardrailsError for an endpoint that cannot work: a key that is not set, or labels the model does not have.
    """
    from guardrails.inference.remote import classifying, guarding  # noqa: PLC0415 - httpx

    kinds: Mapping[str, Callable[[Endpoint], Backend]] = {
        "guard": guarding.Guarding,
        "tei": classifying.Tei,
        "vllm": classifying.Vllm,
    }
    with _lock:
        found = _open.get(endpoint)
        if found is None:
            found = _open[endpoint] = kinds[endpoint.backend](endpoint)
        return found
