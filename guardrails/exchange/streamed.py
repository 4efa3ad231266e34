"""An answer that comes as events: every text of every event goes through the law of :mod:`guardrails.stream`.

Texts of a stream belong to *channels* (a choice's content, a block's reasoning, a tool call's arguments). A channel's text
leaves when its own stream lets it; arguments of tools leave whole, checked inside their JSON. Events keep their order;
what a channel still holds is sent before the event that ends it.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guardrails.content import Deadline
from guardrails.decision import Decision, Located, deciding
from guardrails.exchange.identifiers import scrubbed
from guardrails.rules import StreamMode
from guardrails.stream import TextStream
from guardrails.types import Action, Failure, FailureKind, OnFailure, Report, Role, Source, Uninspected
from guardrails.verdict import stops
from guardrails.wire.calls import Group
from guardrails.wire.enums import is_enum
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


@dataclass(slots=True)
class Step:
    """What an event of the upstream completes; ``first``: the first event of it, whose texts were taken already."""

    groups: list[Group]
    first: Event | None = None


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

    def begin(self, frame: Frame) -> tuple[Step, bool]:
        """What an event of the upstream completes, and whether :meth:`settle` has anything to compute."""
        step = Step(self._form.gather(frame))
        if not step.groups:
            return step, False
        heavy = len(step.groups) > 1 or len(step.groups[0].frames) > 1
        step.first, first = self._look(step.groups[0].frames[0])
        return step, heavy or first

    def _look(self, frame: Frame) -> tuple[Event, bool]:
        """Where the texts of an event are, and whether checking them computes anything."""
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

    def settle(self, step: Step) -> list[Frame]:
        """The events that may leave now, in order."""
        if self.ended:
            return []
        started = time.perf_counter()
        self._deadline = self._exchange.clock(whole=False)
        try:
            out = self._groups(step.groups, step.first)
        finally:
            self._seconds += time.perf_counter() - started
        self.held_most = max(self.held_most, self.held)
        self._begun = self._begun or bool(out)
        return out

    def _groups(self, groups: Iterable[Group], first: Event | None = None) -> list[Frame]:
        out: list[Frame] = []
        for group in groups:
            if not self._group(group, first, out):
                return self._end(out)
            first = None
        return out

    def _group(self, group: Group, first: Event | None, out: list[Frame]) -> bool:
        """Add what a group lets out. False when something in it blocks."""
        for name, channel in list(self._channels.items()):
            if _named(group.before, name) and not channel.stream.finished and not self._close(name, out, out):
                return False
        call: list[Frame | Event] = []
        for frame in group.frames:
            event = first or self._look(frame)[0]
            first = None
            passed: list[Frame | Event] = []
            went = self._settle(event, out if group.call else passed, passed)
            if group.call:
                call += passed
            else:
                out += self._final(passed)
            if not went:
                return False
        for name, channel in list(self._channels.items()):
            if _named(group.closes, name) and not channel.stream.finished and not self._close(name, out, call):
                return False
        out += self._final(call)
        return True

    def _settle(self, event: Event, said: list[Any], out: list[Frame | Event]) -> bool:
        """Check an event. What leaves of it goes to ``out``, and texts that end before it to ``said``, if they are no calls'.

        False when something blocks; ``out`` then has what passed before.
        """
        for u in event.walk.unread:
            self._unread[u.why, u.path] = None
        if event.walk.unread and self._exchange.guard.policy.uninspected is Uninspected.BLOCK and self._acting:
            return False
        if not self._ids_pass(event):
            return False
        if self._late:  # more text in a channel whose end was announced: nobody could tell what it continues
            self._unreadable("text after the end of its channel")
            return False
        here = {s.channel for s in event.walk.slots if s.mode is Mode.DELTA}
        for name, channel in list(self._channels.items()):
            closes = _closes(event, name) and name not in here and not channel.stream.finished
            if closes and not self._close(name, said, out):
                return False
        nothing_new = True
        before: list[tuple[Hashable, str]] = []
        for slot in event.walk.slots:
            match slot.mode:
                case Mode.DELTA if slot.channel not in self._channels or self._channels[slot.channel].stream.finished:
                    # Nothing, or what left with another slot of this event that continues the same text.
                    text = ""
                case Mode.DELTA:
                    text = self._advance(self._channels[slot.channel], final=_closes(event, slot.channel))
                    if text and self._channels[slot.channel].kind is Kind.TEXT:
                        before.append((slot.channel, text))
                case Mode.REPEAT:
                    text = self._repeat(slot, said, out)
                case _:
                    text = self._whole(slot)
            if self.blocked:
                # What channels let out before the block still belongs to the answer.
                said += [self._delta(name, piece) for name, piece in before]
                return False
            if slot.mode is not Mode.DELTA or text:
                nothing_new = False
            if not slot.fixed and text != slot.text:
                slot.set(text)
        event.empty = event.bare and nothing_new and bool(event.walk.slots)
        out.append(event)
        return True

    @staticmethod
    def _final(leaving: Iterable[Frame | Event]) -> Iterator[Frame]:
        """The frames of what leaves now."""
        for one in leaving:
            if isinstance(one, Frame):
                yield one
                continue
            one.walk.close()
            if one.box is not None:
                one.frame.raw = one.box["raw"]
            else:
                one.frame.body = one.walk.root[0]
            if not one.empty:
                yield one.frame

    def _ids_pass(self, event: Event) -> bool:
        """Whether string rules let the event's ids pass, and its name; an id that they mask is written anew."""
        slots = event.walk.ids
        name = event.frame.name
        if name is not None and not is_enum(name):
            slots = [*slots, Slot(name, Role.ASSISTANT, "(event)", kind=Kind.OPAQUE, fixed=True)]
        if not slots:
            return True
        ids = self._exchange.ids(slots, Source.OUTPUT)
        self._located += [x for x in ids.located if x not in self._located]
        self._failures += [f for f in ids.failures if f not in self._failures]
        rules = self._exchange.guard.direction(Source.OUTPUT).rules
        if self._acting and (ids.blocked or stops(rules, ids.failures)):
            self.blocked = True
            return False
        for slot, text in ids.masks if self._acting else ():
            slot.set(text)
            self._masked = True
        return True

    def finish(self) -> list[Frame]:
        """The upstream ended: what channels still hold."""
        if self.ended:
            return []
        started = time.perf_counter()
        self._deadline = self._exchange.clock(whole=False)
        out = self._groups(self._form.rest())
        for name, channel in list(self._channels.items()):
            if self.ended or channel.stream.finished:
                continue
            if not self._close(name, out, out):
                out = self._end(out)
        self._seconds += time.perf_counter() - started
        self.ended = True
        return out

    def broken(self, detail: str) -> list[Frame]:
        """The upstream broke off or sent what cannot be read: the answer ends here, with the policy's message."""
        if self.ended:
            return []
        self._unreadable(detail)
        return self._end([])

    def _unreadable(self, detail: str) -> None:
        rules = self._exchange.guard.direction(Source.OUTPUT).rules
        self._failures += [Failure(r, FailureKind.BAD_INPUT, None, detail) for r in rules]
        self.blocked = True

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
        return not self.ended

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

    def _close(self, name: Hashable, said: list[Any], out: list[Any]) -> bool:
        """The end of a channel: the rest of its text, as an event of its own. What a tool is called with goes to ``out``, the
        rest to ``said``. Returns whether nothing blocks."""
        channel = self._channels[name]
        text = self._advance(channel, final=True)
        if text:
            (said if channel.kind is Kind.TEXT else out).append(self._delta(name, text))
        return not self.blocked

    def _repeat(self, slot: Slot, said: list[Any], out: list[Any]) -> str:
        """A text that repeats its channel is what the channel sent; anything else is a text of its own."""
        channel = self._channels.get(slot.channel)
        if channel is None:
            return self._whole(slot)
        if not channel.stream.finished and not self._close(slot.channel, said, out):
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

    def _delta(self, name: Hashable, text: str) -> Frame:
        return self._scrubbed(self._form.delta(name, text))

    def _scrubbed(self, frame: Frame) -> Frame:
        """An event of ours, which repeats the answer's ids, without those that may not be said."""
        frame.body = scrubbed(frame.body, self._exchange.bad)
        return frame

    # -- ends --------------------------------------------------------------------------------------------------------

    def _end(self, out: list[Frame]) -> list[Frame]:
        """Something blocks: the policy's message, and the end as this API ends."""
        self.blocked = self.ended = True
        opening = [] if self._begun or out else self._form.opening()
        self._take_rest()
        self._channels.clear()
        message = self._exchange.guard.policy.blocked(Source.OUTPUT, deciding(self._located))
        return [*out, *map(self._scrubbed, [*opening, *self._form.ending(message)])]

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
    return _named(closes, channel)


def _named(names: frozenset[Hashable], channel: Hashable) -> bool:
    parts: Iterable[Any] = channel[:2] if isinstance(channel, tuple) else (channel,)
    return bool(names) and (channel in names or any(p in names for p in parts))


_ARGUMENTS = Shape({"arguments": Kind.JSON})
