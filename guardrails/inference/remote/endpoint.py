"""A model behind a network address as a policy describes it, and what every backend does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

__all__ = ["BACKENDS", "Backend", "Endpoint", "Judged"]

# Start and end of a window of the text (code points), and the probability of each label there.
Judged = tuple[int, int, Mapping[str, float]]

BACKENDS = ("guard", "tei", "vllm")


class Backend(Protocol):
    """A model that judges texts, wherever it runs. Thread-safe."""

    @property
    def model(self) -> str:
        """What reports call the model."""
        ...

    @property
    def sha256(self) -> str:
        """What reports say was asked, 64 hexadecimal digits: the weights, or all that is known of a model elsewhere."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels it gives probabilities of; empty where only its answers tell."""
        ...

    def score(
        self, text: str, seconds: float, question: str | None = None, out: list[Judged] | None = None
    ) -> list[Judged]:
        """The probabilities in each window of ``text``. ``question``: what the text answers, None for a text of a user. ``out``: a list that gets
        them as they come, for who wants to know what was judged before something failed.

        Raises DeadlineExceeded, Overloaded and RemoteFailed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model behind an address, as a policy describes it.

    ``backend`` is one of :data:`BACKENDS`. ``profile`` names how a guard model is asked; ``criteria`` is what it judges by in its
    author's words, ``wanted`` the labels that matter (all when empty). ``classes`` are the labels of a vLLM classifier in the order
    of its outputs. ``revision`` is the commit of its weights that a TEI server must name. ``key_env`` is the environment variable
    that holds the API key. ``timeout`` is in seconds for a call, ``window`` in characters, ``calls_per_minute`` 0 for no limit.
    """

    backend: str
    url: str
    model: str
    profile: str = ""
    criteria: str = ""
    wanted: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    revision: str = ""
    key_env: str = ""
    timeout: float = 2.0
    window: int = 0
    calls_per_minute: int = 0

    def identity(self, **more: object) -> str:
        """sha256 over what decides of a verdict: not the address, the key or the limits. ``more`` is known besides."""
        said = asdict(self)
        for name in ("url", "key_env", "timeout", "calls_per_minute"):
            del said[name]
        return hashlib.sha256(json.dumps({**said, **more}, sort_keys=True).encode()).hexdigest()
