"""An answer that comes as events: every text of every event goes through the law of :mod:`guardrails.stream`.

Texts of a stream belong to *channels* (a choice's content, a block's reasoning, a tool call's arguments). A channel's text
leaves when its own stream lets it; arguments of tools leave whole, checked inside their JSON. Events keep their order;
what a channel still holds is sent before the event that ends it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guardrails.content import Content, Deadline
from guardrails.decision import Decision, Located, deciding
from guardrails.exchange.identifiers import scrubbed
from guardrails.exchange.restoring import Restoring
from guardrails.exchange.spots import Spot, shown
from guardrails.reading import Place
from guardrails.rules import StreamMode
from guardrails.stream import TextStream
from guardrails.types import Action, Failure, FailureKind, OnFailure, Piece, Report, Role, Source, Uninspected
from guardrails.verdict import stops
from guardrails.wire.calls import Group
from guardrails.wire.enums import is_enum
from guardrails.wire.form import OUTSIDE, Event
from guardrails.wire.framing import Frame
from guardrails.wire.halves import Halves
from guardrails.wire.shape import Kind, Mode, Shape, Slot, Walk

if TYPE_CHECKING:
    from guardrails.exchange.exchange import Exchange

__all__ = ["StreamedAnswer"]


class _Text:
    """A text of the answer, in work: a channel, or several that follow each other as its parts."""

    __slots__ = ("channels", "ended", "stream", "taken")

    def __init__(self, stream: TextStream) -> None:
        self.stream = stream
        self.channels: list[_Channel] = []
        self.ended = False
        self.taken = False

    def pull(self, deadline: Deadline | None, *, final: bool = False) -> None:
        """What of the text may leave now goes to its channels."""
        if self.ended:
            return
        self.ended = final
        self.stream.advance(final=final, deadline=deadline)
        for part, place, text in self.stream.pieces:
            self.channels[part].ready.append((place, text))


class _Channel:
    """A part of a text, with a name of its own in the stream."""

    __slots__ = ("closing", "finished", "kind", "name", "part", "raw", "ready", "restoring", "sent", "text")

    def __init__(self, slot: Slot, text: _Text) -> None:
        self.name = slot.channel
        self.kind = slot.kind
        self.text = text
        self.part = len(text.channels)
        text.channels.append(self)
        self.ready: list[tuple[Place, str]] = []
        # Made when the first of it leaves: the part before is complete then.
        self.restoring: Restoring | None = None
        self.raw: list[str] = []
        self.sent: list[str] = []
        self.finished = False
        # Its end was announced, and may still wait for the rest of the text.
        self.closing = False


@dataclass(slots=True)
class Step:
    """What an event of the upstream completes; ``first``: the first event of it, whose texts were taken already.

    ``comment``: it was none, but what keeps the connection alive."""

    groups: list[Group]
    first: Event | None = None
    comment: Frame | None = None


class StreamedAnswer:
    """The events of one answer. ``begin`` takes an event and only looks where its texts are; ``settle`` computes."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._form = exchange.form
        self._numbers = exchange.numbers_out()
        self._mode = exchange.guard.policy.stream.mode
        self._channels: dict[Hashable, _Channel] = {}
        # The last part of each text that is complete: what it left open ends in the next one.
        self._before: dict[Hashable, Restoring] = {}
        # The texts whose next part may still come, and events that wait for the end of a part.
        self._going: dict[Hashable, _Text] = {}
        self._queue: list[Step] = []
        self._spots: dict[Hashable, Spot] = {}
        self._parked: list[Event] = []
        self._halves = Halves()
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
        if self._exchange.acts:
            event.walk.drop()
        heavy = bool(event.walk.unread)
        for slot in event.walk.slots:
            self._characters += len(slot.text)
            if slot.mode is Mode.DELTA:
                if not slot.text and slot.channel not in self._channels:
                    continue
                channel = self._channel(slot)
                if channel.finished or channel.closing:
                    self._late = self._late or bool(slot.text)
                    continue
                channel.raw.append(slot.text)
                if channel.kind is not Kind.JSON:
                    channel.text.stream.push(slot.text)
                    heavy = heavy or channel.text.stream.due
            elif slot.mode is not Mode.PART:
                heavy = True
        self._place(event)
        heavy = heavy or any(spot.due for _, places in event.parts for spot, _ in places)
        return event, heavy or bool(event.closes)

    def _place(self, event: Event) -> None:
        """Add the texts of an event that no format names to those at their places.

        Parts that stand side by side in a list are read one by one, and as one text.
        """
        parts = [slot for slot in event.walk.slots if slot.mode is Mode.PART]
        if not parts:
            return
        side: dict[Hashable, set[Hashable]] = {}
        for slot in parts:
            side.setdefault(_flat(slot.channel), set()).add(slot.channel)
        said: dict[Hashable, list[Slot]] = {}
        for slot in parts:
            said.setdefault(slot.channel, []).append(slot)
            flat = _flat(slot.channel)
            if flat != slot.channel and (len(side[flat]) > 1 or flat in self._spots):
                said.setdefault(flat, []).append(slot)
        places: dict[int, list[tuple[Spot, int]]] = {}
        for name, slots in said.items():
            spot = self._spots.get(name)
            if spot is None:
                spot = self._spots[name] = Spot(self._streams(slots[0]), self._repeats)
            at, ended = spot.take("".join(slot.text for slot in slots))
            for stream in ended:
                self._take(slots[0].path, stream)
            for slot in slots:
                places.setdefault(id(slot), []).append((spot, at))
                at += len(slot.text)
        event.parts = [(slot, places[id(slot)]) for slot in parts]

    def _streams(self, slot: Slot) -> Callable[[str], TextStream]:
        def make(context: str) -> TextStream:
            return TextStream(
                self._exchange.guard, Source.OUTPUT, role=slot.role, numbers=self._numbers, context=context
            )

        return make

    def _repeats(self, stream: TextStream, text: str) -> bool:
        """Whether a text may be said again and again: nothing is found that begins in one and ends in the next."""
        direction = self._exchange.guard.direction(Source.OUTPUT)
        content = Content((Piece(text * 3),), Source.OUTPUT)
        found = direction.find(content, self._exchange.clock(whole=False), {}, stream.spans)
        ends = (len(text), 2 * len(text))
        return not found.failures and not any(
            (hit.start or 0) < end < (hit.end or 0) for hit in found.hits for end in ends
        )

    def settle(self, step: Step) -> list[Frame]:
        """The events that may leave now, in order."""
        if self.ended:
            return []
        if step.comment is not None:
            return [step.comment]
        started = time.perf_counter()
        self._deadline = self._exchange.clock(whole=False)
        try:
            out = self._steps(step)
        finally:
            self._seconds += time.perf_counter() - started
        self.held_most = max(self.held_most, self.held)
        self._begun = self._begun or bool(out)
        return out

    def _steps(self, step: Step) -> list[Frame]:
        """The events that leave with a step. Where a part of a text ends whose last words depend on the next part, its end and
        what follows wait for them."""
        self._queue.append(step)
        if step.first is not None and not (
            len(step.groups) == 1 and not step.groups[0].call and self._form.continues(step.first.frame.body)
        ):
            self._end_texts()
        out: list[Frame] = []
        for channel in self._ending(step):
            channel.closing = True
        while self._queue and not self.ended and not self._waits(self._queue[0]):
            here = self._queue.pop(0)
            out += self._groups(here.groups, here.first)
        return out

    def _ending(self, step: Step) -> list[_Channel]:
        """The channels that end with a step or are repeated by it."""
        event = step.first
        if event is None or (not event.closes and all(s.mode is not Mode.REPEAT for s in event.walk.slots)):
            return []
        said = {s.channel for s in event.walk.slots if s.mode is Mode.REPEAT}
        return [
            c
            for name, c in self._channels.items()
            if not c.finished and c.kind is Kind.TEXT and (name in said or _closes(event, name))
        ]

    def _waits(self, step: Step) -> bool:
        for channel in self._ending(step):
            text = channel.text
            if any(text is going for going in self._going.values()):
                text.pull(self._deadline)
                if not text.stream.blocked and not text.stream.out(channel.part):
                    return True
        return False

    def _end_texts(self) -> None:
        """Something else comes: no text goes on in another part."""
        for text in self._going.values():
            if all(c.closing or c.finished for c in text.channels):
                text.pull(self._deadline, final=True)
        self._going = {k: t for k, t in self._going.items() if not t.ended}

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
            if _named(group.before, name) and not channel.finished and not self._close(name, out, out):
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
        for name, channel in list(self._channels.items()):
            if _named(group.closes, name) and not channel.finished and not self._close(name, out, call):
                return False
        for one in call:  # what stands in a call is decided with it
            if isinstance(one, Event) and not (self._decide(one, final=True) and self._written(one)):
                return False
        out += self._final(call)
        return True

    def _settle(self, event: Event, said: list[Any], out: list[Frame | Event], *, call: bool) -> bool:
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
            closes = _closes(event, name) and name not in here and not channel.finished
            if closes and not self._close(name, said, out):
                return False
        if not self._close_spots(lambda name: _closes(event, name)):
            return False
        nothing_new = True
        before: list[tuple[Hashable, str]] = []
        for slot in event.walk.slots:
            match slot.mode:
                case Mode.DELTA if slot.channel not in self._channels or self._channels[slot.channel].finished:
                    # Nothing, or what left with another slot of this event that continues the same text.
                    text = ""
                case Mode.DELTA if not slot.text and not _closes(event, slot.channel):
                    text = ""  # it opens a part, whose text comes in events of its own
                case Mode.DELTA:
                    text = self._advance(self._channels[slot.channel], final=_closes(event, slot.channel))
                    if text and self._channels[slot.channel].kind is Kind.TEXT:
                        before.append((slot.channel, text))
                case Mode.REPEAT:
                    text = self._repeat(slot, said, out)
                case Mode.PART:
                    text = slot.text
                    self.blocked = not (call or self._decide(event))
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
        said += self._final(self._unparked())
        if not call and not self._written(event):
            self._park(event, before, out)
        else:
            out.append(event)
        return True

    # -- texts that no format names ----------------------------------------------------------------------------------

    def _decide(self, event: Event, *, final: bool = False) -> bool:
        """Check the texts of an event that no format names as far as that can be done. False when one blocks."""
        for slot, places in event.parts:
            for spot, _ in places:
                if not spot.advance(self._deadline, final=final or _closes(event, slot.channel)):
                    self.blocked = True
        return not self.blocked

    def _close_spots(self, closes: Callable[[Hashable], bool]) -> bool:
        """Decide the texts at places that end. False when one blocks."""
        for name, spot in self._spots.items():
            if closes(name) and not spot.advance(self._deadline, final=True):
                self.blocked = True
        return not self.blocked

    @staticmethod
    def _written(event: Event) -> bool:
        """Write the texts of an event that no format names, once all of them are decided; whether they are."""
        texts = [shown(slot.text, places) for slot, places in event.parts]
        if None in texts:
            return False
        for (slot, _), text in zip(event.parts, texts, strict=True):
            if text is not None and text != slot.text:
                slot.set(text)
        return True

    def _park(self, event: Event, before: Iterable[tuple[Hashable, str]], out: list[Frame | Event]) -> None:
        """An event that waits; texts that a format names do not wait with it."""
        out += [self._delta(name, text) for name, text in before]
        for slot in event.walk.slots:
            if slot.mode is Mode.DELTA and slot.kind is Kind.TEXT:
                slot.set("")
        self._parked.append(event)

    def _unparked(self) -> list[Event]:
        """The events that need not wait any longer, in the order of each place."""
        free: list[Event] = []
        waiting: list[Event] = []
        places: set[int] = set()
        for event in self._parked:
            here = {id(spot) for _, found in event.parts for spot, _ in found}
            if places.isdisjoint(here) and self._written(event):
                free.append(event)
            else:
                waiting.append(event)
                places |= here
        self._parked = waiting
        return free

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
        self._end_texts()
        out: list[Frame] = []
        for step in self._queue:
            out += [] if self.ended else self._groups(step.groups, step.first)
        self._queue.clear()
        out += [] if self.ended else self._groups(self._form.rest())
        for name, channel in list(self._channels.items()):
            if self.ended or channel.finished:
                continue
            if not self._close(name, out, out):
                out = self._end(out)
        if not self.ended:
            went = self._close_spots(lambda _: True)
            out += self._final(self._unparked())
            if not went:
                out = self._end(out)
        self._take_rest()
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
        self._going.clear()
        self._queue.clear()
        self._spots.clear()
        self._parked.clear()
        _ = self.decision

    @property
    def held(self) -> int:
        """Characters that are here and not out."""
        return sum(t.stream.held for t in self._texts) + sum(s.stream.held for s in self._spots.values())

    @property
    def failed_open(self) -> bool:
        """Whether a rule of the answer has failed so far whose policy lets the text pass."""
        rules = self._exchange.guard.direction(Source.OUTPUT).rules
        every = [*(t.stream for t in self._texts), *(s.stream for s in self._spots.values())]
        live = [f for stream in every for f in stream.report.failures]
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
            asked=self._exchange.form.asks_json and slot.kind is Kind.TEXT,
        )

    @property
    def _texts(self) -> list[_Text]:
        return list({id(c.text): c.text for c in self._channels.values()}.values())

    def _channel(self, slot: Slot) -> _Channel:
        channel = self._channels.get(slot.channel)
        if channel is not None:
            return channel
        joined = self._form.joined and slot.kind is Kind.TEXT
        family = self._family(slot.channel)
        text = self._going.get(family) if joined else None
        # Only what follows a part that has ended: parts at the same time are texts of their own.
        if text is None or text.ended or not all(c.closing or c.finished for c in text.channels):
            text = _Text(self._stream(slot))
            if joined and (family not in self._going or self._going[family].ended):
                self._going[family] = text
        else:
            text.stream.border(apart=not self._form.glued)
        channel = self._channels[slot.channel] = _Channel(slot, text)
        return channel

    def _advance(self, channel: _Channel, *, final: bool) -> str:
        """What of a channel may leave now; arguments of tools only at its end, whole."""
        if channel.kind is Kind.JSON:
            text = self._arguments(channel) if final else ""
        else:
            going = any(channel.text is t for t in self._going.values())
            channel.text.pull(self._deadline, final=final and not (going and channel.text.stream.out(channel.part)))
            self.blocked = self.blocked or channel.text.stream.blocked
            family = self._family(channel.name)
            if channel.restoring is None:
                channel.restoring = self._exchange.restoring(channel.kind, self._before.get(family))
            text = channel.restoring.feed(channel.ready)
            channel.ready = []
            if final and not self.blocked:
                text += channel.restoring.finish()
                self._before[family] = channel.restoring
        channel.sent.append(text)
        channel.finished = channel.finished or final
        if channel.text.ended or self.blocked:
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
        if not channel.finished and not self._close(slot.channel, said, out):
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
        if self.blocked:
            return text
        # A part of a text that readers see joined to the one before.
        before = None if slot.group is None else self._before.get(slot.group)
        restoring = self._exchange.restoring(slot.kind, before)
        text = restoring.feed((place, piece) for _, place, piece in stream.pieces) + restoring.finish()
        if slot.group is not None:
            self._before[slot.group] = restoring
        return text

    def _arguments(self, channel: _Channel) -> str:
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

    def _family(self, name: Hashable) -> Hashable:
        """The text that a channel is a part of, by its name without the places that count its parts."""
        if not isinstance(name, tuple):
            return name
        return name[:1] + tuple(p for p in name[1:] if not isinstance(p, tuple) or p[0] not in self._form.parts)

    def _retire(self, channel: _Channel) -> None:
        if channel.kind is not Kind.JSON and not channel.text.taken:
            channel.text.taken = True
            self._take(str(channel.name), channel.text.stream)
        # A channel that ended stays known for events that repeat it; its text starts anew if it goes on all the same.

    def _take_rest(self) -> None:
        """What was found in channels that nothing will end any more: it was sent, or masked, like the rest."""
        for channel in self._channels.values():
            self._retire(channel)
        self._take_spots()

    def _take_spots(self) -> None:
        for name, spot in self._spots.items():
            self._take(str(name), spot.stream)
        self._spots.clear()

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
        self._going.clear()
        self._queue.clear()
        self._spots.clear()
        self._parked.clear()
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
    if not names:
        return False
    parts: Iterable[Any] = channel[:2] if isinstance(channel, tuple) else (channel,)
    if channel in names or any(p in names for p in parts):
        return True
    return OUTSIDE in names and isinstance(channel, tuple) and len(channel) == 1 and str(channel[0]).startswith("@")


_AT = re.compile(r"\[\d+\]")


def _flat(channel: Hashable) -> Hashable:
    """The place of a text without its position in lists."""
    return (_AT.sub("[]", channel[0]), *channel[1:]) if isinstance(channel, tuple) else channel


_ARGUMENTS = Shape({"arguments": Kind.JSON})
