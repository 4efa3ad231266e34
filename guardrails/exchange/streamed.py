"""An answer that comes as events: every text of every event goes through :mod:`guardrails.streaming.stream`.

Texts of a stream belong to *channels* (a choice's content, a block's reasoning, a tool call's arguments). A channel's text
leaves when its own stream lets it; arguments of tools leave whole, checked inside their JSON. Events keep their order;
what a channel still holds is sent before the event that ends it.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from guardrails.decision import Decision, deciding, uninspected_note
from guardrails.exchange.channels import Channel, Channels
from guardrails.exchange.context import Context
from guardrails.exchange.places import Places
from guardrails.exchange.work import Work, closes, named
from guardrails.streaming.stream import TextStream
from guardrails.types import OnFailure, Role, Uninspected
from guardrails.wire.calls import Group
from guardrails.wire.enums import is_enum
from guardrails.wire.format import Event
from guardrails.wire.framing import Frame
from guardrails.wire.halves import Halves
from guardrails.wire.shape import Kind
from guardrails.wire.slots import Mode, Slot
from guardrails.wire.toolcalls import made_in

__all__ = ["StreamedAnswer"]


@dataclass(slots=True)
class Step:
    """What an event of the upstream completes; ``first``: the first event of it, whose texts were taken already.

    ``comment``: it was none, but what keeps the connection alive."""

    groups: list[Group]
    first: Event | None = None
    comment: Frame | None = None


class StreamedAnswer:
    """The events of one answer. ``begin`` takes an event and only looks where its texts are; ``settle`` computes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._form = context.form
        self._work = Work(context)
        self._channels = Channels(self._work)
        self._places = Places(self._work)
        self._queue: list[Step] = []  # events that wait for the end of a part
        self._halves = Halves()
        self._begun = False
        self._late = False
        self.held_most = 0
        self.ended = False

    @property
    def blocked(self) -> bool:
        """Whether something blocks the answer."""
        return self._work.blocked

    # -- one event ---------------------------------------------------------------------------------------------------

    def begin(self, frame: Frame) -> tuple[Step, bool]:
        """What an event of the upstream completes, and whether :meth:`settle` has anything to compute."""
        if frame.comment is not None:
            return Step([], comment=frame), False
        if frame.halves or self._halves:
            frame.body = self._halves.join(frame.body)
        step = Step(self._form.gather(frame))
        if not step.groups:
            return step, False
        heavy = len(step.groups) > 1 or len(step.groups[0].frames) > 1
        step.first, first = self._look(step.groups[0].frames[0])
        return step, heavy or first

    def _look(self, frame: Frame) -> tuple[Event, bool]:
        """Where the texts of an event are, and whether checking them computes anything."""
        event = self._form.event(frame)
        if self._context.acts:
            event.walk.drop()
        heavy = bool(event.walk.uninspected)
        for slot in event.walk.slots:
            self._work.tally.characters += len(slot.text)
            if self._context.kept is not None:
                self._context.kept.part(self._context.answers, slot)
            if slot.mode is Mode.DELTA:
                if not slot.text and slot.channel not in self._channels:
                    continue
                channel = self._channels.of(slot)
                if channel.finished or channel.closing:
                    self._late = self._late or bool(slot.text)
                    continue
                due = channel.push(slot.text)
                heavy = heavy or due
            elif slot.mode is not Mode.PART:
                heavy = True
        due = self._places.take(event)
        return event, heavy or due or bool(event.closes)

    def settle(self, step: Step) -> list[Frame]:
        """The events that may leave now, in order."""
        if self.ended:
            return []
        if step.comment is not None:
            return [step.comment]
        started = time.perf_counter()
        self._work.deadline = self._context.clock.begin(whole=False)
        try:
            out = self._steps(step)
        finally:
            self._spend(started)
        self.held_most = max(self.held_most, self.held)
        self._begun = self._begun or bool(out)
        return out

    def _spend(self, started: float) -> None:
        self._work.tally.seconds = (self._work.tally.seconds or 0.0) + time.perf_counter() - started

    def _steps(self, step: Step) -> list[Frame]:
        """The events that leave with a step. Where a part of a text ends whose last words depend on the next part, its end and
        what follows wait for them."""
        self._queue.append(step)
        if step.first is not None and not (
            len(step.groups) == 1 and not step.groups[0].call and self._form.continues(step.first.frame.body)
        ):
            self._channels.end_texts()
        out: list[Frame] = []
        for channel in self._ending(step):
            channel.closing = True
        if step.first is not None and step.first.over:
            self._channels.end_texts(step.first.over)
        while self._queue and not self.ended and not any(map(self._channels.waits, self._ending(self._queue[0]))):
            here = self._queue.pop(0)
            out += self._groups(here.groups, here.first)
        return out

    def _ending(self, step: Step) -> list[Channel]:
        """The channels that end with a step or are repeated by it."""
        event = step.first
        if event is None or (not event.closes and all(s.mode is not Mode.REPEAT for s in event.walk.slots)):
            return []
        said = {s.channel for s in event.walk.slots if s.mode is Mode.REPEAT}
        going = self._channels.going_on()
        return [c for name, c in going if c.kind is Kind.TEXT and (name in said or closes(event, name))]

    def _groups(self, groups: Iterable[Group], first: Event | None = None) -> list[Frame]:
        out: list[Frame] = []
        for group in groups:
            if not self._group(group, first, out):
                return self._end(out)
            first = None
        return out

    def _group(self, group: Group, first: Event | None, out: list[Frame]) -> bool:
        """Add what a group lets out. False when something in it blocks."""
        for name, _ in self._channels.going_on():
            if named(group.before, name) and not self._channels.close(name, out, out):
                return False
        if not self._calls_pass(group, out):
            return False
        call: list[Frame | Event] = []
        for frame in group.frames:
            event = first or self._look(frame)[0]
            first = None
            passed: list[Frame | Event] = []
            went = self._settle(event, out if group.call else passed, passed, call=group.call)
            if group.call:
                call += passed
            else:
                out += self._final(passed)
            if not went:
                return False
        for name, _ in self._channels.going_on():
            if named(group.closes, name) and not self._channels.close(name, out, call):
                return False
        for one in call:  # what stands in a call is decided with it
            if isinstance(one, Event) and not (self._places.decide(one, final=True) and self._places.written(one)):
                return False
        out += self._final(call)
        return True

    def _calls_pass(self, group: Group, out: list[Frame]) -> bool:
        """Whether the tool policy lets the calls of a group pass. What was said before one that it stops belongs to the answer."""
        calls = self._context.calls
        if not calls.judges:
            return True
        made = made_in(group)
        if not made or not self._work.acting:
            calls.pass_all(made, self._work.tally, self._context.clock.deadline)
            return True
        if calls.pass_all(made, self._work.tally, self._context.clock.deadline):
            return True
        ask = calls.confirmable(made, self._work.tally, self._context.clock.deadline)
        for name, channel in self._channels.going_on():
            if channel.kind is Kind.TEXT and not self._channels.close(name, out, out):
                ask = False
                break
        self._work.tally.ask = ask
        self._work.block()
        return False

    def _settle(self, event: Event, said: list[Any], out: list[Frame | Event], *, call: bool) -> bool:
        """Check an event. What leaves of it goes to ``out``, and texts that end before it to ``said``, if they are no calls'.

        False when something blocks; ``out`` then has what passed before.
        """
        self._work.tally.leave((u.why, u.path) for u in event.walk.uninspected)
        if event.walk.uninspected and self._context.policy.uninspected is Uninspected.BLOCK and self._work.acting:
            return False
        if not self._ids_pass(event):
            return False
        if self._late:  # more text in a channel whose end was announced: nobody could tell what it continues
            self._work.unreadable("text after the end of its channel")
            return False
        here = {s.channel for s in event.walk.slots if s.mode is Mode.DELTA}
        for name, _ in self._channels.going_on():
            if closes(event, name) and name not in here and not self._channels.close(name, said, out):
                return False
        if not self._places.close(lambda name: closes(event, name)):
            return False
        nothing_new = True
        before: list[tuple[Hashable, str]] = []
        for slot in event.walk.slots:
            match slot.mode:
                case Mode.DELTA if slot.channel not in self._channels or self._channels[slot.channel].finished:
                    # Nothing, or what left with another slot of this event that continues the same text.
                    text = ""
                case Mode.DELTA if not slot.text and not closes(event, slot.channel):
                    text = ""  # it opens a part, whose text comes in events of its own
                case Mode.DELTA:
                    text = self._channels.advance(self._channels[slot.channel], final=closes(event, slot.channel))
                    if text and self._channels[slot.channel].kind is Kind.TEXT:
                        before.append((slot.channel, text))
                case Mode.REPEAT:
                    text = self._channels.repeat(slot, said, out)
                case Mode.PART:
                    text = slot.text
                    if not call:
                        self._places.decide(event)
                case _:
                    text = self._channels.whole(slot)
            if self.blocked:
                # What channels let out before the block still belongs to the answer.
                said += [self._work.delta(name, piece) for name, piece in before]
                return False
            if slot.mode is not Mode.DELTA or text:
                nothing_new = False
            if not slot.fixed and text != slot.text:
                slot.set(text)
        event.empty = event.bare and nothing_new and bool(event.walk.slots)
        said += self._final(self._places.freed())
        if not call and not self._places.written(event):
            self._places.park(event, before, out)
        else:
            out.append(event)
        return not self.blocked

    def _final(self, leaving: Iterable[Frame | Event]) -> Iterator[Frame]:
        """The frames of what leaves now."""
        for one in leaving:
            frame = one if isinstance(one, Frame) else self._form.send(one)
            if frame is not None:
                yield frame

    def _ids_pass(self, event: Event) -> bool:
        """Whether string rules let the event's ids pass, and its name; an id that they mask is written anew."""
        slots = event.walk.ids
        name = event.frame.name
        if name is not None and not is_enum(name):
            slots = [*slots, Slot(name, Role.ASSISTANT, "(event)", kind=Kind.OPAQUE, fixed=True)]
        if not slots:
            return True
        ids = self._context.ids(slots, self._context.answers)
        self._work.tally.located += [x for x in ids.located if x not in self._work.tally.located]
        self._work.tally.fail(ids.failures)
        if self._work.acting and (ids.blocked or self._context.outgoing.stops(ids.failures)):
            self._work.block()
            return False
        for slot, text in ids.masks if self._work.acting else ():
            slot.set(text)
            self._work.tally.masked = True
        return True

    def finish(self) -> list[Frame]:
        """The upstream ended: what channels still hold."""
        if self.ended:
            return []
        started = time.perf_counter()
        self._work.deadline = self._context.clock.begin(whole=False)
        self._channels.end_texts()
        out: list[Frame] = []
        for step in self._queue:
            out += [] if self.ended else self._groups(step.groups, step.first)
        self._queue.clear()
        out += [] if self.ended else self._groups(self._form.rest())
        for name, channel in self._channels.going_on():
            if not self.ended and not channel.finished and not self._channels.close(name, out, out):
                out = self._end(out)
        if not self.ended:
            went = self._places.close(lambda _: True)
            out += self._final(self._places.freed())
            if not went or self.blocked:
                out = self._end(out)
        self._take_rest()
        self._spend(started)
        self.ended = True
        return out

    def broken(self, detail: str) -> list[Frame]:
        """The upstream broke off or sent what cannot be read: the answer ends here, with the policy's message."""
        if self.ended:
            return []
        self._work.unreadable(detail)
        return self._end([])

    def stop(self) -> None:
        """Nobody sends any more, or nobody listens: what came so far is decided, and what is held never leaves."""
        self.ended = True
        self._drop()
        self.record()

    @property
    def held(self) -> int:
        """Characters that are here and not out."""
        return sum(stream.held for stream in self._streams())

    @property
    def failed_open(self) -> bool:
        """Whether a rule of the answer has failed so far whose policy lets the text pass."""
        rules = self._context.outgoing.rules
        live = [f for stream in self._streams() for f in stream.report.failures]
        return any(rules[f.rule].on_failure is not OnFailure.BLOCK for f in (*self._work.tally.failures, *live))

    @property
    def heavy_end(self) -> bool:
        """Whether :meth:`finish` has anything to compute."""
        return not self.ended

    # -- ends --------------------------------------------------------------------------------------------------------

    def _streams(self) -> list[TextStream]:
        return [*self._channels.streams(), *self._places.streams()]

    def _take_rest(self) -> None:
        self._channels.take_rest()
        self._places.take_rest()

    def _drop(self) -> None:
        """Nothing more leaves."""
        self._take_rest()
        self._channels.drop()
        self._places.drop()
        self._queue.clear()

    def _end(self, out: list[Frame]) -> list[Frame]:
        """Something blocks: the policy's message, and the end as this API ends."""
        self._work.block()
        self.ended = True
        opening = [] if self._begun or out else self._form.opening()
        self._drop()
        policy, tally = self._context.policy, self._work.tally
        message = policy.blocked(self._context.answers, deciding(tally.located))
        if tally.uninspected and policy.uninspected is Uninspected.BLOCK and self._work.acting:
            message += uninspected_note(why for why, _ in tally.uninspected)
        return [*out, *map(self._work.scrub, [*opening, *self._form.ending(message)])]

    def record(self) -> Decision:
        """The verdict over everything that came, kept by the exchange."""
        self._work.tally.held = self.held_most
        return self._context.record(self._context.answers, self._work.tally, streamed=True)
