"""The texts of an exchange as they came, for as long as somebody has to say what was decided about."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from guardrails.types import Role, Source
from guardrails.wire.slots import Slot

__all__ = ["Kept"]


class Kept:
    """Texts by direction, in the order in which they came: where each stood, who wrote it, and what it says."""

    def __init__(self) -> None:
        self._texts: dict[Source, list[tuple[str, Role, list[str]]]] = {}
        self._channels: dict[Hashable, list[str]] = {}

    def whole(self, source: Source, slots: Iterable[Slot]) -> None:
        """The texts of a body."""
        self._texts[source] = [(s.path, s.role, [s.text]) for s in slots]

    def more(self, source: Source, slots: Iterable[Slot]) -> None:
        """The texts of one message more."""
        self._texts.setdefault(source, []).extend((s.path, s.role, [s.text]) for s in slots)

    def part(self, source: Source, slot: Slot) -> None:
        """A text of an event; what belongs to one channel is one text."""
        if slot.channel is not None and slot.channel in self._channels:
            self._channels[slot.channel].append(slot.text)
            return
        parts = [slot.text]
        pointer = slot.path if slot.channel is None else str(slot.channel)
        self._texts.setdefault(source, []).append((pointer, slot.role, parts))
        if slot.channel is not None:
            self._channels[slot.channel] = parts

    def of(self, source: Source) -> list[tuple[str, Role, str]] | None:
        """The texts of a direction, None where there were none to be read."""
        found = self._texts.get(source)
        return None if found is None else [(pointer, role, "".join(parts)) for pointer, role, parts in found]

    def forget(self) -> None:
        """The exchange is over."""
        self._texts.clear()
        self._channels.clear()
