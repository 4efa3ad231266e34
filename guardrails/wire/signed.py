"""Reasoning that its model signed. Changed reasoning cannot keep its signature: the API that gets it back refuses it.

Where an answer's reasoning is changed, :data:`UNSIGNED` takes the place of its signature. A request's reasoning that says
so, or that is signed and changed on its way in, is left out. Reasoning without a signature is rewritten as any text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["UNSIGNED", "Signed", "left_out", "unsign"]

# Stands where the signature of changed reasoning stood; what an API made never looks like this.
UNSIGNED = "changed-by-guardrails"


class Signed:
    """Whether the text that the client was sent is the text a signature stands for."""

    __slots__ = ("_said", "_sent")

    def __init__(self) -> None:
        self._said = hashlib.sha256()
        self._sent = hashlib.sha256()

    def say(self, text: str) -> None:
        """The model said this."""
        self._said.update(text.encode("utf-8", "surrogatepass"))

    def send(self, text: str) -> None:
        """The client was sent this."""
        self._sent.update(text.encode("utf-8", "surrogatepass"))

    @property
    def holds(self) -> bool:
        """Whether the two are the same so far."""
        return self._said.digest() == self._sent.digest()


def unsign(reasoning: Iterable[dict[str, Any]], text: str) -> Callable[[], None]:
    """To be called when texts are final: mark what changed since. ``text`` is the field that ``signature`` stands for."""
    said = [(block, block.get(text)) for block in reasoning]

    def settle() -> None:
        for block, before in said:
            if block.get("signature") and block.get(text) != before:
                block["signature"] = UNSIGNED

    return settle


def left_out(reasoning: Iterable[dict[str, Any]], text: str) -> Callable[[dict[str, Any]], bool]:
    """To be asked when texts are final: whether a block must not be forwarded."""
    said = {id(block): (block, block.get(text)) for block in reasoning}

    def broken(block: dict[str, Any]) -> bool:
        signature = block.get("signature")
        known = said.get(id(block))
        return signature == UNSIGNED or bool(signature and known is not None and block.get(text) != known[1])

    return broken
