"""The texts of a streamed answer that its format names: each channel is a part of a text, and leaves as its text lets it."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterator
from typing import Any

from guardrails.content import Deadline
from guardrails.exchange.restoring import Restoring
from guardrails.exchange.work import Work
from guardrails.reading import Place
from guardrails.streaming.stream import TextStream
from guardrails.types import Role
from guardrails.wire.shape import Kind, Shape
from guardrails.wire.slots import Slot
from guardrails.wire.walk import Walk

__all__ = ["Channel", "Channels"]

_ARGUMENTS = Shape({"arguments": Kind.JSON})


class _Text:
    """A text of the answer, in work: a channel, or several that follow each other as its parts."""

    __slots__ = ("channels", "ended", "stream", "taken")

    def __init__(self, stream: TextStream) -> None:
        self.stream = stream
        self.channels: list[Channel] = []
        self.ended = False
        self.taken = False

    @property
    def closing(self) -> bool:
        """Whether the end of each of its parts was announced."""
        return all(c.closing or c.finished for c in self.channels)

    def pull(self, deadline: Deadline | None, *, final: bool = False) -> None:
        """What of the text may leave now goes to its channels."""
        if self.ended:
            return
        self.ended = final
        self.stream.advance(final=final, deadline=deadline)
        for part, place, text in self.stream.pieces:
            self.channels[part].ready.append((place, text))


class Channel:
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

    def push(self, text: str) -> bool:
        """More of the channel; whether checking it computes anything. Arguments of tools wait for their end."""
        self.raw.append(text)
        if self.kind is Kind.JSON:
            return False
        self.text.stream.push(text)
        return self.text.stream.due


class Channels:
    """The channels of one answer, by name."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._form = work.context.form
        self._channels: dict[Hashable, Channel] = {}
        # The last part of each text that is complete: what it left open ends in the next one.
        self._before: dict[Hashable, Restoring] = {}
        # The texts whose next part may still come.
        self._going: dict[Hashable, _Text] = {}

    def __contains__(self, name: Hashable) -> bool:
        return name in self._channels

    def __getitem__(self, name: Hashable) -> Channel:
        return self._channels[name]

    def going_on(self) -> Iterator[tuple[Hashable, Channel]]:
        """The channels that have not ended, with their names."""
        yield from [(name, channel) for name, channel in self._channels.items() if not channel.finished]

    def streams(self) -> list[TextStream]:
        """The streams of all texts."""
        texts = {id(c.text): c.text for c in self._channels.values()}
        return [text.stream for text in texts.values()]

    def of(self, slot: Slot) -> Channel:
        """The channel of a slot, new where there is none."""
        channel = self._channels.get(slot.channel)
        if channel is not None:
            return channel
        joined = self._form.format.joined and slot.kind is Kind.TEXT
        family = self._family(slot.channel)
        text = self._going.get(family) if joined else None
        # Only what follows a part that has ended: parts at the same time are texts of their own.
        if text is None or text.ended or not text.closing:
            text = _Text(self._stream(slot))
            if joined and (family not in self._going or self._going[family].ended):
                self._going[family] = text
        else:
            text.stream.border()
        channel = self._channels[slot.channel] = Channel(slot, text)
        return channel

    def waits(self, channel: Channel) -> bool:
        """Whether the end of a channel has to wait for the next part of its text."""
        text = channel.text
        if not any(text is going for going in self._going.values()):
            return False
        text.pull(self._work.deadline)
        return not text.stream.blocked and not text.stream.out(channel.part)

    def end_texts(self, over: Container[Hashable] | None = None) -> None:
        """Something else comes: no text goes on in another part. ``over``: those that do not, None for all."""
        for name, text in self._going.items():
            if text.closing and (over is None or name in over):
                text.pull(self._work.deadline, final=True)
        self._going = {k: t for k, t in self._going.items() if not t.ended}

    def advance(self, channel: Channel, *, final: bool) -> str:
        """What of a channel may leave now; arguments of tools only at its end, whole."""
        work = self._work
        if channel.kind is Kind.JSON:
            text = self._arguments(channel) if final else ""
        else:
            going = any(channel.text is t for t in self._going.values())
            channel.text.pull(work.deadline, final=final and not (going and channel.text.stream.out(channel.part)))
            work.block(when=channel.text.stream.blocked)
            family = self._family(channel.name)
            if channel.restoring is None:
                channel.restoring = work.context.restoring(channel.kind, self._before.get(family))
            text = channel.restoring.feed(channel.ready)
            channel.ready = []
            if final and not work.blocked:
                text += channel.restoring.finish()
                self._before[family] = channel.restoring
        channel.sent.append(text)
        channel.finished = channel.finished or final
        if channel.text.ended or work.blocked:
            self._retire(channel)
        return text

    def close(self, name: Hashable, said: list[Any], out: list[Any]) -> bool:
        """The end of a channel: the rest of its text, as an event of its own. What a tool is called with goes to ``out``, the
        rest to ``said``. Returns whether nothing blocks."""
        channel = self._channels[name]
        text = self.advance(channel, final=True)
        if text:
            (said if channel.kind is Kind.TEXT else out).append(self._work.delta(name, text))
        return not self._work.blocked

    def repeat(self, slot: Slot, said: list[Any], out: list[Any]) -> str:
        """A text that repeats its channel is what the channel sent; anything else is a text of its own."""
        channel = self._channels.get(slot.channel)
        if channel is None:
            return self.whole(slot)
        if not channel.finished and not self.close(slot.channel, said, out):
            return ""
        if "".join(channel.raw) == slot.text:
            return "".join(channel.sent)
        return self.whole(slot)

    def whole(self, slot: Slot) -> str:
        """A text that came at once; what may be said of it."""
        work = self._work
        if slot.kind is Kind.JSON:
            return self._json(slot.text, slot.role)
        stream = self._stream(slot)
        stream.push(slot.text)
        text = stream.advance(final=True, deadline=work.deadline)
        work.take(slot.path, stream)
        if work.block(when=stream.blocked or (slot.fixed and text != slot.text)):
            return text
        # A part of a text that readers see joined to the one before.
        before = None if slot.group is None else self._before.get(slot.group)
        restoring = work.context.restoring(slot.kind, before)
        text = restoring.feed((place, piece) for _, place, piece in stream.pieces) + restoring.finish()
        if slot.group is not None:
            self._before[slot.group] = restoring
        return text

    def take_rest(self) -> None:
        """Keep what was found in channels that nothing will end any more: it was sent, or masked, like the rest."""
        for channel in self._channels.values():
            self._retire(channel)

    def drop(self) -> None:
        """Nothing more will leave."""
        self._channels.clear()
        self._going.clear()

    def _stream(self, slot: Slot) -> TextStream:
        context = self._work.context
        return TextStream(
            context.outgoing,
            role=slot.role,
            numbers=self._work.numbers,
            references=context.references_of(slot),
            asked=self._form.asks_json and slot.kind is Kind.TEXT,
        )

    def _arguments(self, channel: Channel) -> str:
        text = "".join(channel.raw)
        return self._json(text, Role.ASSISTANT) if text else ""

    def _json(self, text: str, role: Role) -> str:
        """JSON in a string: every string inside it, and valid JSON again."""
        box: dict[str, Any] = {"arguments": text}
        walk = Walk(box, _ARGUMENTS, role)
        for slot in walk.slots:
            inner = self.whole(slot)
            if self._work.blocked:
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
        return name[:1] + tuple(p for p in name[1:] if not isinstance(p, tuple) or p[0] not in self._form.format.parts)

    def _retire(self, channel: Channel) -> None:
        if channel.kind is not Kind.JSON and not channel.text.taken:
            channel.text.taken = True
            self._work.take(str(channel.name), channel.text.stream)
        # A channel that ended stays known for events that repeat it; its text starts anew if it goes on all the same.
