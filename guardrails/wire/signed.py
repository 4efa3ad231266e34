"""Reasoning that its model signed. Changed reasoning cannot keep its signature: the API that gets it back refuses it.

Where an answer's reasoning is changed, :data:`UNSIGNED` takes the place of its signature. A request's reasoning that says
so, or that is signed and changed on its way in, is left out. Reasoning without a signature is rewritten as any text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["UNSIGNED", "Find", "Signed", "Thoughts", "leave_out", "unsign"]

Find = Callable[[Any], Iterable[tuple[dict[str, Any], dict[str, Any]]]]


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


class Thoughts:
    """The reasoning of a streamed answer, by the numbers of its blocks."""

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: dict[int, Signed] = {}

    def of(self, block: int) -> Signed:
        """The reasoning of a block."""
        return self._blocks.setdefault(block, Signed())

    def send(self, block: int, text: str) -> None:
        """The client was sent this of a block, unless the block has ended."""
        if block in self._blocks:
            self._blocks[block].send(text)

    def sign(self, block: int, holder: dict[str, Any]) -> None:
        """A signature is about to be sent in ``holder``: mark it when the client was not sent what it stands for."""
        signed = self._blocks.get(block)
        if signed is not None and not signed.holds:
            holder["signature"] = UNSIGNED

    def end(self, block: int) -> None:
        """A block has ended."""
        self._blocks.pop(block, None)


def unsign(reasoning: Iterable[dict[str, Any]], text: str) -> Callable[[], None]:
    """To be called when the texts of an answer are final: mark what changed since. ``text`` is the signed field."""
    said = [(block, block.get(text)) for block in reasoning]

    def settle() -> None:
        for block, before in said:
            if block.get("signature") and block.get(text) != before:
                block["signature"] = UNSIGNED

    return settle


def leave_out(messages: Any, find: Find, text: str, nothing_left: dict[str, Any]) -> Callable[[], None]:
    """To be called when the texts of a request are final: remove what is marked, or signed and changed since.

    ``find`` gives the blocks of reasoning in a message, each with the object that holds ``text`` and ``signature``;
    ``nothing_left`` is the block that stands in a message of which no other is left.
    """
    said = [
        (message, block, holder, holder.get(text))
        for message in (messages if isinstance(messages, list) else ())
        for block, holder in find(message)
    ]

    def settle() -> None:
        for message, block, holder, before in said:
            signature = holder.get("signature")
            if signature == UNSIGNED or (signature and holder.get(text) != before):
                message["content"] = [b for b in message["content"] if b is not block] or [dict(nothing_left)]

    return settle
