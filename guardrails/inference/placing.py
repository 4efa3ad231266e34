"""What runs a network: this process, or replicas on Ray Serve, as the installation's ``GUARDRAILS_BACKEND`` says.

What is read of the environment here: ``GUARDRAILS_BACKEND=ray``; ``GUARDRAILS_RAY_URL``, where Ray Serve answers; ``GUARDRAILS_RAY_MODELS``,
which models it has (default: all, ``text,grounding,large``; the others run here); ``GUARDRAILS_RAY_FALLBACK``, ``fail`` (the default) or
``local``: the network is loaded here as well, and runs here while the replicas do not answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from guardrails.errors import GuardrailsError
from guardrails.inference.networks import Network
from guardrails.inference.pinned import PINNED
from guardrails.inference.remote.addresses import refused
from guardrails.inference.store import Manifest

__all__ = ["BACKEND", "placed"]

BACKEND = "GUARDRAILS_BACKEND"
_URL, _MODELS, _FALLBACK = "GUARDRAILS_RAY_URL", "GUARDRAILS_RAY_MODELS", "GUARDRAILS_RAY_FALLBACK"


def placed(manifest: Manifest, build: Callable[[], Network], width: int) -> Network:
    """The network of a model: what ``build`` makes in this process, unless the installation has it on Ray Serve.

    ``width``: logits of a window, at least. Raises GuardrailsError for a setting that cannot work. Calls nobody yet.
    """
    if os.environ.get(BACKEND) != "ray":
        return build()
    names = [name for name in (x.strip() for x in os.environ.get(_MODELS, "").split(",")) if name]
    for name in names:
        if name not in PINNED:
            raise GuardrailsError(f"{_MODELS}: there is no model {name!r}; it may name {', '.join(PINNED)}")
    fallback = os.environ.get(_FALLBACK, "fail")
    if fallback not in ("fail", "local"):
        raise GuardrailsError(f"{_FALLBACK}={fallback!r} is unknown; it may be fail or local")
    url = os.environ.get(_URL, "")
    if wrong := refused(url):
        raise GuardrailsError(
            f"{_URL}: {wrong[0]}: {BACKEND}=ray needs where Ray Serve answers, such as http://ray:8000"
        )
    if names and manifest.name not in names:
        return build()
    from guardrails.inference.served import Served  # noqa: PLC0415 - httpx

    return Served(manifest, url, width, build() if fallback == "local" else None)
