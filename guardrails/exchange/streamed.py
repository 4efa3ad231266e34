"""An answer that comes as events: every text of every event goes through the law of :mod:`guardrails.stream`.

Texts of a stream belong to *channels* (a choice's content, a block's reasoning, a tool call's arguments). A channel's text
leaves when its own stream lets it; arguments of tools leave whole, checked inside their JSON. Events keep their order;
what a channel still holds is sent before the event that ends it.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

from guardrails.content import Deadline
from guardrails.decision import Decision, Located, deciding
from guardrails.rules import StreamMode
from guardrails.stream import TextStream
from guardrails.types import Action, Failure, FailureKind, OnFailure, Report, Role, Source, Uninspected
from guardrails.wire.form import Event
from guardrails.wire.framing import Frame
from guardrails.wire.shape import Kind, Mode, Shape, Slot, Walk

if TYPE_CHECKING:
    from guardrails.exchange.exchange import Exchange

__all__ = ["StreamedAnswer"]


class _Channel:
    """One text of the answer, in work."""

    __slots__ = ("kind", "name", "raw", "restorer", "sent", "stream", "taken")

    def __init__(self, exchange: Exchange, slot: Slot, stream: TextStream) -> None:
        self.name = slot.channel
        self.kind = slot.kind
        self.stream = stream
        self.restorer = exchange.restorer(slot.kind)
        self.raw: list[str] = []
        self.sent: list[str] = []
        self.taken = False


class StreamedAnswer:
    """The events of one answer. ``begin`` takes an event and only looks where its texts are; ``settle`` computes."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._form = exchange.form
        self._numbers = exchange.numbers_out()
        self._mode = exchange.guard.policy.stream.mode
        self._channels: dict[Hashable, _Channel] = {}
        self._located: list[Located] = []
        self._failures: list[Failure] = []
        self._said: list[Report] = []
        self._unread: dict[tuple[str, str], None] = {}
        self._deadline: Deadline | None = None
        self._characters = 0
        self._seconds = 0.0
        self._masked = False
        self._begun = False
        self._late = False
        self.held_most = 0
        self.ended = False
        self.blocked = False

    # -- one event ---------------------------------------------------------------------------------------------------

    def begin(self, frame: Frame) -> tuple[Event, bool]:
        """Where the texts of an event are, and whether :meth:`settle` has anything to compute."""
        event = self._form.event(frame)
        if self._exchange.acts:
            event.walk.drop()
        heavy = bool(event.walk.unread)
        for slot in event.walk.slots:
            self._characters += len(slot.text)
            if slot.mode is Mode.DELTA:
                if not slot.text and slot.channel not in self._channels:
                    continue
                channel = self._channel(slot)
                if channel.stream.finished:
                    self._late = self._late or bool(slot.text)
                    continue
                channel.raw.append(slot.text)
                if channel.kind is not Kind.JSON:
                    channel.stream.push(slot.text)
                    heavy = heavy or channel.stream.due
            else:
                heavy = True
        return event, heavy or bool(event.closes)

    def settle(self, event: Event) -> list[Frame]:
        """The events that may leave now, in order."""
        if self.ended:
            return []
        started = time.perf_counter()
        self._deadline = self._exchange.clock(whole=False)
        try:
            out = self._settle(event)
        finally:
            self._seconds += time.perf_counter() - started
        self.held_most = max(self.held_most, self.held)
        self._begun = self._begun or bool(out)
        return out

    def _settle(self, event: Event) -> list[Frame]:
        out: list[Frame] = []
        for u in event.walk.unread:
            self._unread[u.why, u.path] = None
        if event.walk.unread and self._exchange.guard.policy.uninspected is Uninspected.BLOCK and self._acting:
            return self._end(out)
        if self._late:  # more text in a channel whose end was announced: nobody could tell what it continues
            return self.broken("text after the end of its channel")
        here = {s.channel for s in event.walk.slots if s.mode is Mode.DELTA}
        for name, channel in list(self._channels.items()):
            if _closes(event, name) and name not in here and not channel.stream.finished:
                self._close(name, out)
                if self.blocked:
                    return self._end(out)
        nothing_new = True
        for slot in event.walk.slots:
            match slot.mode:
                case Mode.DELTA if slot.channel not in self._channels or self._channels[slot.channel].stream.finished:
                    # Nothing, or what left with another slot of this event that continues the same text.
                    text = ""
                case Mode.DELTA:
                    text = self._advance(self._channels[slot.channel], final=_closes(event, slot.channel))
                case Mode.REPEAT:
                    text = self._repeat(slot, out)
                case _:
                    text = self._whole(slot)
            if self.blocked:
                # What the channel let out before the block still belongs to the answer.
                if text and slot.mode is Mode.DELTA:
                    out.append(self._form.delta(slot.channel, text))
                return self._end(out)
            if slot.mode is not Mode.DELTA or text:
                nothing_new = False
            if not slot.fixed and text != slot.text:
                slot.set(text)
        event.walk.close()
        if event.box is not None:
            event.frame.raw = event.box["raw"]
        else:
            event.frame.body = event.walk.root[0]
        if not (event.bare and nothing_new and event.walk.slots):
            out.append(event.frame)
        return out

    def finish(self) -> list[Frame]:
        """The upstream ended: what channels still hold."""
        if self.ended:
            return []
        started = time.perf_counter()
        self._deadline = self._exchange.clock(whole=False)
        out: list[Frame] = []
        for name, channel in list(self._channels.items()):
            if channel.stream.finished:
                continue
            self._close(name, out)
            if self.blocked:
                out = self._end(out)
                break
        self._seconds += time.perf_counter() - started
        self.ended = True
        return out

    def broken(self, detail: str) -> list[Frame]:
        """The upstream broke off or sent what cannot be read: the answer ends here, with the policy's message."""
        if self.ended:
            return []
        rules = self._exchange.guard.direction(Source.OUTPUT).rules
        self._failures += [Failure(r, FailureKind.BAD_INPUT, None, detail) for r in rules]
        self.blocked = True
        return self._end([])

    def stop(self) -> None:
        """Nobody sends any more, or nobody listens: what came so far is decided, and what is held never leaves."""
        self.ended = True
        self._take_rest()
        self._channels.clear()
        _ = self.decision

    @property
    def held(self) -> int:
        """Characters that are here and not out."""
        return sum(c.stream.held for c in self._channels.values())

    @property
    def failed_open(self) -> bool:
        """Whether a rule of the answer has failed so far whose policy lets the text pass."""
        rules = self._exchange.guard.direction(Source.OUTPUT).rules
        live = [f for c in self._channels.values() for f in c.stream.report.failures]
        return any(rules[f.rule].on_failure is not OnFailure.BLOCK for f in (*self._failures, *live))

    @property
    def heavy_end(self) -> bool:
        """Whether :meth:`finish` has anything to compute."""
        return not self.ended and bool(self._channels)

    # -- texts -------------------------------------------------------------------------------------------------------

    @property
    def _acting(self) -> bool:
        return self._mode is not StreamMode.ASYNC

    def _stream(self, slot: Slot, *, mode: StreamMode | None = None) -> TextStream:
        return TextStream(
            self._exchange.guard,
            Source.OUTPUT,
            role=slot.role,
            numbers=self._numbers,
            company=self._exchange.company_of(slot),
            mode=mode,
        )

    def _channel(self, slot: Slot) -> _Channel:
        channel = self._channels.get(slot.channel)
        if channel is None:
            channel = self._channels[slot.channel] = _Channel(self._exchange, slot, self._stream(slot))
        return channel

    def _advance(self, channel: _Channel, *, final: bool) -> str:
        """What of a channel may leave now; arguments of tools only at its end, whole."""
        if channel.kind is Kind.JSON:
            text = self._arguments(channel) if final else ""
        else:
            text = channel.stream.advance(final=final, deadline=self._deadline)
            self.blocked = self.blocked or channel.stream.blocked
            text = self._restore(channel, text, final=final and not self.blocked)
        channel.sent.append(text)
        if final or self.blocked:
            self._retire(channel)
        return text

    def _close(self, name: Hashable, out: list[Frame]) -> None:
        """The end of a channel: the rest of its text, as an event of its own."""
        text = self._advance(self._channels[name], final=True)
        if text:
            out.append(self._form.delta(name, text))

    def _repeat(self, slot: Slot, out: list[Frame]) -> str:
        """A text that repeats its channel is what the channel sent; anything else is a text of its own."""
        channel = self._channels.get(slot.channel)
        if channel is None:
            return self._whole(slot)
        if not channel.stream.finished:
            self._close(slot.channel, out)
            if self.blocked:
                return ""
        if "".join(channel.raw) == slot.text:
            return "".join(channel.sent)
        return self._whole(slot)

    def _whole(self, slot: Slot) -> str:
        if slot.kind is Kind.JSON:
            return self._json(slot.text, slot.role)
        stream = self._stream(slot)
        stream.push(slot.text)
        text = stream.advance(final=True, deadline=self._deadline)
        self._take(slot.path, stream)
        self.blocked = self.blocked or stream.blocked or (slot.fixed and text != slot.text)
        return text if self.blocked else self._exchange.restored(text, slot)

    def _arguments(self, channel: _Channel) -> str:
        channel.stream.finished = True
        text = "".join(channel.raw)
        return self._json(text, Role.ASSISTANT) if text else ""

    def _json(self, text: str, role: Role) -> str:
        """JSON in a string: every string inside it, and valid JSON again."""
        box: dict[str, Any] = {"arguments": text}
        walk = Walk(box, _ARGUMENTS, role)
        for slot in walk.slots:
            inner = self._whole(slot)
            if self.blocked:
                return ""
            if not slot.fixed and inner != slot.text:
                slot.set(inner)
        walk.close()
        result: str = box["arguments"]
        return result

    def _restore(self, channel: _Channel, text: str, *, final: bool) -> str:
        if channel.restorer is None:
            return text
        return channel.restorer.feed(text) + (channel.restorer.finish() if final else "")

    def _retire(self, channel: _Channel) -> None:
        if channel.kind is not Kind.JSON and not channel.taken:
            channel.taken = True
            self._take(str(channel.name), channel.stream)
        # A channel that ended stays known for events that repeat it; its text starts anew if it goes on all the same.

    def _take_rest(self) -> None:
        """What was found in channels that nothing will end any more: it was sent, or masked, like the rest."""
        for channel in self._channels.values():
            self._retire(channel)

    def _take(self, path: str, stream: TextStream) -> None:
        report = stream.report
        self._said.append(report)
        self._located += [Located(path, f) for f in report.findings]
        self._failures += [f for f in report.failures if f not in self._failures]
        self._masked = self._masked or report.action is Action.MASKED

    # -- ends --------------------------------------------------------------------------------------------------------

    def _end(self, out: list[Frame]) -> list[Frame]:
        """Something blocks: the policy's message, and the end as this API ends."""
        self.blocked = self.ended = True
        opening = [] if self._begun or out else self._form.opening()
        self._take_rest()
        self._channels.clear()
        message = self._exchange.guard.policy.blocked(Source.OUTPUT, deciding(self._located))
        return [*out, *opening, *self._form.ending(message)]

    @property
    def decision(self) -> Decision:
        """The verdict over everything that came."""
        action = Action.BLOCKED if self.blocked else Action.MASKED if self._masked else Action.NONE
        return self._exchange.decide(
            Source.OUTPUT, action, self._located, self._failures, tuple(self._unread), 0.0, characters=self._characters,
            held=self.held_most, said=self._said, milliseconds=self._seconds * 1000, streamed=True,
        )  # fmt: skip


def _closes(event: Event, channel: Hashable) -> bool:
    """Whether an event ends a channel: all, by name, by its first place, or the channel itself."""
    closes = event.closes
    if isinstance(closes, bool):
        return closes
    if not closes:
        return False
    parts: Iterable[Any] = channel[:2] if isinstance(channel, tuple) else (channel,)
    return channel in closes or any(p in closes for p in parts)


_ARGUMENTS = Shape({"arguments": Kind.JSON})
