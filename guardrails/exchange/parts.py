"""Texts in parts: the parts of one message are one text, and what lies across two messages is looked for too.

Each part is checked by itself first. Then the places where two parts meet are read once more, as if one followed the other
at once, and as if a line break stood between them. What is found across such a place is masked as one value: the mask stands
in the part where it begins, and the rest of the value is taken out of the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from guardrails.spans import beside
from guardrails.types import Action, Finding, Role
from guardrails.wire.shape import Kind
from guardrails.wire.slots import Mode, Slot

__all__ = ["Across", "Seam", "messages", "parts", "seams"]

# Characters on either side of a place where two parts meet: what says what a value is may stand so far before it.
PARTS = 300
MESSAGES = 120
# What ends a sentence ends a phrase: a message that ends so does not go on in the next one.
_ENDS = frozenset(".!?…。！？:;|}])>")


@dataclass(slots=True)
class Across:
    """A finding that lies in several slots: the range in each, in order."""

    finding: Finding
    ranges: list[tuple[int, int, int]]


@dataclass(slots=True)
class Seam:
    """Some of several slots' texts, one behind the other: slot, and the range of it. ``cut``: more text stands before the
    first and after the last."""

    slices: list[tuple[int, int, int]]
    texts: list[str] = field(repr=False)
    cut: tuple[bool, bool]

    def readings(self) -> list[str]:
        """The text without anything between its parts, and with line breaks."""
        return ["".join(self.texts), "\n".join(self.texts)]

    def located(self, finding: Finding, *, glued: bool) -> list[tuple[int, int, int]]:
        """The ranges of a finding in the slots; none for one that touches an end where text was cut off."""
        if finding.start is None or finding.end is None:
            return []
        gap = 0 if glued else 1
        size = sum(map(len, self.texts)) + gap * (len(self.texts) - 1)
        if (self.cut[0] and finding.start == 0) or (self.cut[1] and finding.end == size):
            return []
        out: list[tuple[int, int, int]] = []
        at = 0
        for (slot, start, _), text in zip(self.slices, self.texts, strict=True):
            low, high = max(finding.start, at), min(finding.end, at + len(text))
            if low < high:
                out.append((slot, start + low - at, start + high - at))
            at += len(text) + gap
        return out


def parts(slots: Sequence[Slot], *, runs: bool = False) -> list[list[int]]:
    """The slots in texts: those of one group together, any other alone. ``runs``: what is no words interrupts a text."""
    out: list[list[int]] = []
    groups: dict[object, list[int]] = {}
    for i, slot in enumerate(slots):
        if not joins(slot):
            out.append([i])
            continue
        key = (slot.group, slot.turn, slot.run if runs else 0)
        if key not in groups:
            groups[key] = []
            out.append(groups[key])
        groups[key].append(i)
    return out


def joins(slot: Slot) -> bool:
    """Whether a slot is a part of a text that other slots are parts of too."""
    return slot.group is not None and not slot.fixed and slot.mode is Mode.WHOLE and slot.kind is Kind.TEXT


def messages(slots: Sequence[Slot], left_out: Collection[int] | Mapping[int, None]) -> list[int]:
    """What was said to the model, in the order in which it reads it: the system's words, then those of users and tools."""
    said = [
        (-1 if slot.turn is None else slot.turn, i)
        for i, slot in enumerate(slots)
        if joins(slot)
        and slot.role in (Role.SYSTEM, Role.USER, Role.TOOL)
        and (slot.turn not in left_out if slot.turn is not None else slot.role is Role.SYSTEM)
    ]
    return [i for _, i in sorted(said)]


def seams(slots: Sequence[Slot], chain: Sequence[int], near: int, *, turns: bool = False) -> Iterator[Seam]:
    """The places where texts of a chain meet, with ``near`` characters on either side; those that are close together are
    one. ``turns``: only where a message ends that is no whole sentence."""
    texts = [slots[i].text for i in chain]
    starts = [0, *accumulate(map(len, texts))]
    total = starts.pop()
    places = [
        starts[k]
        for k in range(1, len(chain))
        if not turns or (slots[chain[k - 1]].turn != slots[chain[k]].turn and not _ended(texts[k - 1]))
    ]
    at = 0
    while at < len(places):
        last = at
        while last + 1 < len(places) and places[last + 1] - places[at] <= 2 * near:
            last += 1
        low, high = max(0, places[at] - near), min(total, places[last] + near)
        slices: list[tuple[int, int, int]] = []
        for slot, start, text in zip(chain, starts, texts, strict=True):
            a, b = max(low, start), min(high, start + len(text))
            if a < b:
                slices.append((slot, a - start, b - start))
        yield Seam(slices, [slots[i].text[a:b] for i, a, b in slices], (low > 0, high < total))
        at = last + 1


def _ended(text: str) -> bool:
    text = text.rstrip()
    return not text or text[-1] in _ENDS


def merged(found: Iterable[Across], own: Mapping[int, Sequence[Finding]], texts: Sequence[str]) -> list[Across]:
    """What lies across slots, without what is nothing but a neighbour of a value, and without overlaps.

    Where a slot holds a value whole and only a word of the other was read along, they are a value and a word.
    """
    out: list[Across] = []
    for one in sorted(found, key=_rank):
        if _neighbours(one, own, texts):
            continue
        if not any(_overlap(a, b) for other in out for a in one.ranges for b in other.ranges):
            out.append(one)
    return out


def _rank(one: Across) -> tuple[int, int, str]:
    return -one.finding.action.severity, -sum(end - start for _, start, end in one.ranges), one.finding.rule


def _overlap(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def _neighbours(one: Across, own: Mapping[int, Sequence[Finding]], texts: Sequence[str]) -> bool:
    text = "".join(texts[i][start:end] for i, start, end in one.ranges)
    values: list[tuple[int, int]] = []
    at = 0
    for i, start, end in one.ranges:
        values += [
            (at + max(f.start, start) - start, at + min(f.end, end) - start)
            for f in own.get(i, ())
            if f.rule == one.finding.rule
            and f.start is not None
            and f.end is not None
            and f.start < end
            and start < f.end
        ]
        at += end - start
    return beside(text, 0, len(text), values)


def widened(one: Across, own: dict[int, list[Finding]]) -> Across:
    """The finding with what is masked of the same place by itself; those findings are taken out of ``own``."""
    ranges: list[tuple[int, int, int]] = []
    for i, start, end in one.ranges:
        masks = [
            (f.start or 0, f.end or 0, f) for f in own.get(i, ()) if f.action is Action.MASKED and f.start is not None
        ]
        taken = [(low, high, f) for low, high, f in masks if low < end and start < high]
        if taken:
            own[i] = [f for f in own[i] if not any(f is t for _, _, t in taken)]
        ranges.append((i, min([start, *(t[0] for t in taken)]), max([end, *(t[1] for t in taken)])))
    return replace(one, ranges=ranges)
