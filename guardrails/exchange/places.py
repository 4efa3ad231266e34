"""The texts of a streamed answer at places that its format does not name, and the events that wait for them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial

from guardrails.content import Content
from guardrails.decision import Located
from guardrails.exchange.spots import Spot, shown
from guardrails.exchange.work import Work, closes, flat
from guardrails.streaming.stream import TextStream
from guardrails.types import Action, Piece
from guardrails.wire.format import Event
from guardrails.wire.framing import Frame
from guardrails.wire.shape import Kind
from guardrails.wire.slots import Mode, Slot

__all__ = ["Places"]

# Letters of a word that a piece of a longer one seldom has.
_LONG_WORD = 6


class Places:
    """The spots of one answer, by name, and its events that wait."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._pipeline = work.context.outgoing
        self._spots: dict[Hashable, Spot] = {}
        self._parked: list[Event] = []

    def streams(self) -> list[TextStream]:
        """The streams of all texts."""
        return [spot.stream for spot in self._spots.values()]

    def take(self, event: Event) -> bool:
        """Add the texts of an event to those at their places; whether checking them computes anything.

        Parts that stand side by side in a list are read one by one, and as one text.
        """
        parts = [slot for slot in event.walk.slots if slot.mode is Mode.PART]
        if not parts:
            return False
        side: dict[Hashable, set[Hashable]] = {}
        for slot in parts:
            side.setdefault(flat(slot.channel), set()).add(slot.channel)
        said: dict[Hashable, list[Slot]] = {}
        for slot in parts:
            said.setdefault(slot.channel, []).append(slot)
            row = flat(slot.channel)
            if row != slot.channel and (len(side[row]) > 1 or row in self._spots):
                said.setdefault(row, []).append(slot)
        places: dict[int, list[tuple[Spot, int]]] = {}
        for name, slots in said.items():
            spot = self._spots.get(name)
            if spot is None:
                spot = self._spots[name] = Spot(self._streams(slots[0]), self._repeats)
            at, ended = spot.take("".join(slot.text for slot in slots))
            for stream in ended:
                self._work.take(slots[0].path, stream)
            for slot in slots:
                places.setdefault(id(slot), []).append((spot, at))
                at += len(slot.text)
        event.parts = [(slot, places[id(slot)]) for slot in parts]
        return any(spot.due for _, found in event.parts for spot, _ in found)

    def _streams(self, slot: Slot) -> Callable[[str], TextStream]:
        def make(context: str) -> TextStream:
            return TextStream(self._pipeline, role=slot.role, numbers=self._work.numbers, context=context)

        return make

    def _repeats(self, text: str) -> bool:
        """Whether a text may be said again and again: nothing is found that begins in one and ends in the next."""
        content = Content((Piece(text * 3),), self._work.context.answers)
        deadline = self._work.context.clock.begin(whole=False)
        found = self._pipeline.find(content, deadline, {}, self._pipeline.spanning)
        ends = (len(text), 2 * len(text))
        return not found.failures and not any(
            (hit.start or 0) < end < (hit.end or 0) for hit in found.hits for end in ends
        )

    def decide(self, event: Event, *, final: bool = False) -> bool:
        """Check the texts of an event as far as that can be done. False when one blocks."""
        for slot, places in event.parts:
            for spot, _ in places:
                went = spot.advance(self._work.deadline, final=final or closes(event, slot.channel))
                self._work.block(when=not went)
        return not self._work.blocked

    def close(self, ends: Callable[[Hashable], bool]) -> bool:
        """Decide the texts at places that end. False when one blocks."""
        for name, spot in self._spots.items():
            if ends(name):
                self._work.block(when=not spot.advance(self._work.deadline, final=True))
        return not self._work.blocked

    def written(self, event: Event) -> bool:
        """Write the texts of an event, once all of them are decided; whether they are, and none blocks."""
        if None in (shown(slot.text, places) for slot, places in event.parts):
            return False
        texts = [shown(slot.text, places, partial(self._alone, slot)) for slot, places in event.parts]
        if self._work.blocked:
            return False
        changed = [
            (slot, text) for (slot, _), text in zip(event.parts, texts, strict=True) if text not in (None, slot.text)
        ]
        if self._work.block(when=any(slot.fixed for slot, _ in changed)):
            return False
        for slot, text in changed:
            slot.set(text or "")
        return True

    def _alone(self, slot: Slot, text: str) -> Sequence[tuple[int, int, str]]:
        """What string rules mask in a text of an event that is read by itself; what they only report is reported. A short
        word may be a piece of a longer one."""
        work = self._work
        if not work.acting:
            return ()
        guard, source = work.context.guard, work.context.answers
        strings = guard.strings(source)
        report = guard.check(Piece(text, slot.role), source, deadline=work.deadline, direction=strings)
        found = [
            f
            for f in report.findings
            if f.start is not None
            and (not strings.spec(strings.rules[f.rule]).words or (f.end or 0) - f.start >= _LONG_WORD)
        ]
        acting = [f for f in found if f.action is not Action.NONE]
        work.tally.fail(report.failures)
        work.tally.located += [Located(slot.path, f) for f in found]
        blocks = any(f.action is Action.BLOCKED for f in acting) or strings.stops(report.failures)
        work.block(when=blocks)
        if not acting:
            return ()
        work.tally.masked = work.tally.masked or not blocks
        return () if blocks else strings.mask(text, acting, work.numbers).edits

    def park(self, event: Event, before: Iterable[tuple[Hashable, str]], out: list[Frame | Event]) -> None:
        """An event that waits; texts that a format names do not wait with it."""
        out += [self._work.delta(name, text) for name, text in before]
        for slot in event.walk.slots:
            if slot.mode is Mode.DELTA and slot.kind is Kind.TEXT:
                slot.set("")
        self._parked.append(event)

    def freed(self) -> list[Event]:
        """The events that need not wait any longer, in the order of each place."""
        free: list[Event] = []
        waiting: list[Event] = []
        places: set[int] = set()
        for event in self._parked:
            here = {id(spot) for _, found in event.parts for spot, _ in found}
            if places.isdisjoint(here) and self.written(event):
                free.append(event)
            else:
                waiting.append(event)
                places |= here
        self._parked = waiting
        return free

    def take_rest(self) -> None:
        """Keep what was found in the texts so far."""
        for name, spot in self._spots.items():
            self._work.take(str(name), spot.stream)
        self._spots.clear()

    def drop(self) -> None:
        """Nothing more will leave."""
        self._spots.clear()
        self._parked.clear()
