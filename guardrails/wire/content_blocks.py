"""What the APIs have in common whose messages are lists of content blocks: Anthropic's and Bedrock's.

Reasoning is signed, calls of tools and their results are pairs, and in a stream a block is opened, continued and closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from guardrails.wire.calls import Blocks, Group
from guardrails.wire.emptied import leave_out_emptied
from guardrails.wire.format import Format, Request, Session
from guardrails.wire.signed import Thoughts, leave_out, unsign

__all__ = ["BlockSession"]


class BlockSession(Session):
    """Base of sessions about content blocks."""

    # The number by which events name their block; the field that a signature stands for; and the block of a message of which
    # nothing but changed reasoning was left: the APIs take no message without content.
    BLOCK: ClassVar[str]
    SIGNED: ClassVar[str]
    NOTHING_LEFT: ClassVar[dict[str, Any]]

    def __init__(self, format_: type[Format], request: Request) -> None:
        super().__init__(format_, request)
        # Of the blocks that the client was told of: how many there are, and what it got of their reasoning.
        self._blocks = 0
        self._thoughts = Thoughts()
        self._calls = Blocks(self.BLOCK)

    @staticmethod
    def reasoning(message: Any) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
        """The blocks of reasoning of a message, each with the object that holds its text and signature."""
        raise NotImplementedError

    @staticmethod
    def text(text: str) -> dict[str, Any]:
        """A block of text."""
        raise NotImplementedError

    @staticmethod
    def answered(body: Any) -> Any:
        """The message of a whole answer."""
        raise NotImplementedError

    @staticmethod
    def paired(block: Any, message: str) -> dict[str, Any] | None:
        """What stays of a block of a replaced message: a call without arguments, a result that says ``message``; else None."""
        raise NotImplementedError

    @classmethod
    def replaced(cls, pairs: list[dict[str, Any]], message: str) -> Any:
        """The content of a replaced message of which these blocks stay."""
        raise NotImplementedError

    def request_steps(self) -> list[Callable[[], None]]:
        """Changed reasoning that was signed is left out, and so are parts that masking left empty."""
        messages = self.body.get("messages") if isinstance(self.body, dict) else None
        said = [(self.body, "system"), *((m, "content") for m in (messages if isinstance(messages, list) else ()))]
        return [
            leave_out(messages, self.reasoning, self.SIGNED, self.NOTHING_LEFT),
            leave_out_emptied(said, self.text),
        ]

    def answer_steps(self, body: Any) -> list[Callable[[], None]]:
        """Changed reasoning loses its signature, and parts that masking left empty are left out."""
        message = self.answered(body)
        signed = [holder for _, holder in self.reasoning(message)]
        return [unsign(signed, self.SIGNED), leave_out_emptied([(message, "content")], self.text)]

    def replace(self, turn: int, message: str) -> bool:
        """The message's words go; calls of tools and their results stay as pairs, emptied: the API wants both or none."""
        said = self.message(turn)
        if said is None:
            return False
        content = said.get("content")
        blocks = content if isinstance(content, list) else ()
        said["content"] = self.replaced([p for b in blocks if (p := self.paired(b, message)) is not None], message)
        return True

    def rest(self) -> list[Group]:
        return self._calls.rest()

    def _count(self, usage: Any) -> None:
        """Events give some of the numbers each."""
        if isinstance(usage, dict):
            self._usage |= {k: usage[k] for k in self._usage if isinstance(usage.get(k), int)}
