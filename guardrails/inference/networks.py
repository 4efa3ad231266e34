"""What a network is, and what it says, wherever it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.windows import Window

__all__ = ["Floats", "Network", "Row"]

Floats = NDArray[np.float32]


@dataclass(slots=True)
class Row:
    """What the text model says about one window: logits [labels], embedding [hidden], tags [tokens of the text, tags]."""

    logits: Floats
    embedding: Floats
    tags: Floats


class Network(Protocol):
    """A network that reads windows, wherever it runs. Thread-safe."""

    @property
    def read(self) -> int:
        """How many windows it has read since the start of this process, at its request."""
        ...

    @property
    def place(self) -> str:
        """Where it runs, for people: ``cpu``, ``cuda:0``, an address."""
        ...

    @property
    def precision(self) -> str:
        """In which floating type it runs, as far as that is known here: ``bfloat16``, ``float32`` or nothing."""
        ...

    def run(self, windows: Sequence[Window], seconds: float) -> list[Any]:
        """One result a window, in order. Raises DeadlineExceeded, Overloaded, RemoteFailed, or what the network raised."""
        ...

    def exact(self, window: Window) -> Any:
        """The result of one window alone in fp32: the same whatever else is running. Raises as :meth:`run`."""
        ...
