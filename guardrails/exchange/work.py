"""What the parts of a streamed answer share: its exchange, its numbers, and what was found in it so far."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from typing import Any

from guardrails.content import Deadline
from guardrails.decision import Located
from guardrails.exchange.context import Context
from guardrails.exchange.identifiers import scrubbed
from guardrails.exchange.tally import Tally
from guardrails.rules import StreamMode
from guardrails.streaming.stream import TextStream
from guardrails.types import Action, FailureKind
from guardrails.wire.format import OUTSIDE, Event
from guardrails.wire.framing import Frame

__all__ = ["Work", "closes", "flat", "named"]


class Work:
    """One streamed answer, in work."""

    __slots__ = ("acting", "context", "deadline", "numbers", "tally")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.numbers = context.numbers_out()
        # In the mode `async` everything is sent, whatever is found.
        self.acting = context.policy.stream.mode is not StreamMode.ASYNC
        self.tally = Tally(seconds=0.0)
        self.deadline: Deadline | None = None

    @property
    def blocked(self) -> bool:
        """Whether something blocks the answer."""
        return self.tally.blocked

    def block(self, *, when: bool = True) -> bool:
        """Something blocks the answer, if ``when``; whether anything does."""
        self.tally.blocked = self.tally.blocked or when
        return self.tally.blocked

    def unreadable(self, detail: str) -> None:
        """The upstream sent what cannot be read."""
        self.tally.failures += self.context.outgoing.failures(FailureKind.BAD_INPUT, detail)
        self.block()

    def take(self, path: str, stream: TextStream) -> None:
        """Keep what was found in a text."""
        report = stream.report
        self.tally.said.append(report)
        self.tally.located += [Located(path, f) for f in report.findings]
        self.tally.fail(report.failures)
        self.tally.masked = self.tally.masked or report.action is Action.MASKED

    def delta(self, name: Hashable, text: str) -> Frame:
        """An event of ours that goes on with a channel."""
        return self.scrub(self.context.form.delta(name, text))

    def scrub(self, frame: Frame) -> Frame:
        """An event of ours, which repeats the answer's ids, without those that may not be said."""
        frame.body = scrubbed(frame.body, self.context.bad)
        return frame


def closes(event: Event, channel: Hashable) -> bool:
    """Whether an event ends a channel: all, by name, by its first place, or the channel itself."""
    ends = event.closes
    if isinstance(ends, bool):
        return ends
    if not ends:
        return False
    return named(ends, channel)


def named(names: frozenset[Hashable], channel: Hashable) -> bool:
    """Whether a channel is among these: itself, by its first place, or with all that stand outside."""
    if not names:
        return False
    parts: Iterable[Any] = channel[:2] if isinstance(channel, tuple) else (channel,)
    if channel in names or any(p in names for p in parts):
        return True
    return OUTSIDE in names and isinstance(channel, tuple) and len(channel) == 1 and str(channel[0]).startswith("@")


_AT = re.compile(r"\[\d+\]")


def flat(channel: Hashable) -> Hashable:
    """The place of a text without its position in lists."""
    return (_AT.sub("[]", channel[0]), *channel[1:]) if isinstance(channel, tuple) else channel
