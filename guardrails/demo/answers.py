"""What the demo upstream answers: chosen by keywords in the last message of the user, always the same for the same message.

Commands stand at the beginning of that message, for tests and for trying things out:

=====================  ==========================================================================
``say: TEXT``          answers TEXT, character by character as it was written
``echo``               answers with the JSON of the body that the upstream received
``tool: NAME {json}``  answers with a call of the tool NAME with these arguments (``{}`` when left out)
``refuse``             answers with a refusal, in the way of the API that was asked
``error STATUS``       answers with an error of that API (400 to 599)
``slow`` + any of      sends a piece every 20 ms: ``slow say: TEXT``; alone it says something long
the above
=====================  ==========================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["PAUSE_S", "REFUSAL", "Answer", "Delivery", "ToolCall", "answer", "pieces", "tokens"]

PAUSE_S = 0.02
REFUSAL = "I can't help with that."

_LONG = "One word after the other, slowly enough to watch: " + " ".join(
    f"line {n} of this answer is as calm as the one before it." for n in range(1, 9)
)

# The first keyword that stands in the message decides. Some answers hold what a policy masks or blocks on the way out.
_CANNED = (
    ("manager", "Your branch manager is Maria Lopez. Write to maria.lopez@example.com or call +1 415 555 0134."),
    ("card", "Your card ending in 1111 is active. The full number is 4111 1111 1111 1111."),
    (
        "return",
        "Our funds are on page four. All of them are rated. The new one is a risk-free profit, nine percent a year.",
    ),
    ("password", "The password is hunter2-Autumn-77."),
    ("hours", "We are open from nine to five, Monday to Friday."),
    ("fees", "A current account costs nothing; a transfer abroad costs five euros."),
    ("hello", "Hello! Ask me about our hours, our fees, your card or your manager."),
)
_DEFAULT = "I am a demo with canned answers. Ask me about our hours, our fees, your card or your manager."


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool: ``arguments`` is JSON text, ``value`` the same parsed."""

    name: str
    arguments: str = field(repr=False)
    value: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer in no API's shape. ``error`` is the HTTP status of an error; ``pause_s`` the wait before each piece."""

    text: str = field(default="", repr=False)
    tool: ToolCall | None = None
    refused: bool = False
    error: int | None = None
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer is streamed: ``chunk`` characters a piece, None for a word a piece."""

    chunk: int | None = None


def answer(message: str, body: Any) -> Answer:
    """The answer to the last message of a user; ``body`` is everything that was received, for ``echo``."""
    message = message.lstrip()
    slow = re.match(r"slow\b\s*", message, re.IGNORECASE)
    if slow:
        rest = message[slow.end() :]
        return replace(answer(rest, body), pause_s=PAUSE_S) if rest else Answer(_LONG, pause_s=PAUSE_S)
    said = re.match(r"say: ?", message, re.IGNORECASE)
    if said:
        return Answer(message[said.end() :])
    command = message.rstrip()
    lowered = command.lower()
    if lowered == "echo" or lowered.startswith("echo "):
        return Answer(json.dumps(body, ensure_ascii=False))
    if lowered == "refuse":
        return Answer(REFUSAL, refused=True)
    failed = re.fullmatch(r"error ([45]\d\d)", lowered)
    if failed:
        return Answer(error=int(failed[1]))
    called = re.fullmatch(r"tool: ?([\w.-]{1,64})\s*(\{.*\})?", command, re.IGNORECASE | re.DOTALL)
    if called:
        return _tool(called[1], called[2] or "{}")
    return Answer(next((text for word, text in _CANNED if word in lowered), _DEFAULT))


def _tool(name: str, arguments: str) -> Answer:
    try:
        value = json.loads(arguments)
    except ValueError:
        return Answer(error=400)
    return Answer(tool=ToolCall(name, arguments, value))


def pieces(text: str, delivery: Delivery) -> Iterator[str]:
    """The text in the pieces of a stream; joined they are the text."""
    if delivery.chunk is not None:
        yield from (text[i : i + delivery.chunk] for i in range(0, len(text), delivery.chunk))
    else:
        # A word together with the blanks behind it, as tokenisers of models tend to cut; leading blanks are a piece too.
        yield from re.findall(r"\S+\s*|\s+", text)


def tokens(text: str) -> int:
    """What the text would be billed as: its words."""
    return len(text.split())
