"""What is found in the texts of one body: in each by itself, across several, and values of one that stand in another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from guardrails import inference
from guardrails.actions import Numbers
from guardrails.cache import Outcome, Verdicts
from guardrails.decision import Located
from guardrails.exchange.context import Context
from guardrails.exchange.parts import MESSAGES, PARTS, Across, merged, messages, parts, seams, widened
from guardrails.fold import Folded
from guardrails.inference.pinned import PINNED
from guardrails.known_values import KnownValues
from guardrails.reading import Edit
from guardrails.types import Action, Failure, Finding, Piece, Source
from guardrails.wire.slots import Slot

__all__ = ["Texts", "basis", "outcomes"]

# Texts that are checked before their reports are let go.
_PART = 64
# The weights every verdict of this release depends on.
_WEIGHTS = hashlib.sha256(repr(sorted(PINNED.items())).encode()).hexdigest()


def basis(context: Context, source: Source) -> str:
    """What every verdict of a direction depends on beside the text: the policy, and the models that are asked."""
    asked = "" if context.guard.direction(source).light else inference.setting().models
    return context.policy.identity.sha256 + _WEIGHTS + asked


def outcomes(
    context: Context,
    slots: Sequence[Slot],
    source: Source,
    *,
    across: bool = False,
    full: bool = True,
    meaning: bool = False,
) -> tuple[list[Outcome], list[Failure]]:
    """The outcome of every slot, from the cache where it is known. Nothing that failed is kept. ``across``: only what
    finds spans, and unless ``full`` only what reads strings; ``meaning``: only what judges the meaning of a text."""
    guard = context.guard
    based, direction = basis(context, source), None
    if across:
        based += "spans" if full else "strings"
        direction = guard.spans(source) if full else guard.strings(source)
    elif meaning:
        based += "meaning"
        direction = guard.meaning(source)
    keys = [Verdicts.key(context.secret, based, source, s.role, s.text) for s in slots]
    known = {key: context.verdicts.get(key) for key in dict.fromkeys(keys)}
    missing: dict[bytes, Slot] = {k: s for k, s in zip(keys, slots, strict=True) if known[k] is None}
    failures: list[Failure] = []
    new = iter(missing.items())
    # Reports of a part at a time: thousands alive at once are what the garbage collector would look at again and again.
    while part := list(islice(new, _PART)):
        pieces = [Piece(s.text, s.role) for _, s in part]
        reports = guard.check_many(pieces, source, deadline=context.clock.deadline, direction=direction)
        for (key, _), report in zip(part, reports, strict=True):
            known[key] = outcome = Outcome.of(report)
            if report.failures:
                failures += [f for f in report.failures if f not in failures]
            else:
                context.verdicts.put(key, outcome)
    return [known[k] or Outcome(Action.NONE, ()) for k in keys], failures


class Texts:
    """The texts of one body that travels in one direction. ``found``: findings by slot; ``across``: those that lie in several."""

    def __init__(self, context: Context, slots: Sequence[Slot], source: Source) -> None:
        self.slots = slots
        self.found: dict[int, list[Finding]] = {}
        self.across: list[Across] = []
        self.said: list[Outcome] = []
        self.failures: list[Failure] = []
        self._context = context
        self._source = source

    def check(self, *, window: bool) -> None:
        """Find. ``window``: also what lies across the places where two messages meet."""
        self.said = self._outcomes(self.slots)
        self.found = {i: list(o.findings) for i, o in enumerate(self.said) if o.findings}
        self.across = self._find_across(window=window)
        self._add_known_values()

    def located(self) -> list[Located]:
        """Every finding, and the place where it begins."""
        out = [Located(self.slots[i].path, f) for i, fs in sorted(self.found.items()) for f in fs]
        return out + [
            Located(self.slots[i].path, replace(a.finding, start=start, end=end))
            for a in self.across
            for i, start, end in a.ranges[:1]
        ]

    def mask(self, numbers: Numbers, *, without: Callable[[Slot], bool] = lambda _: False) -> bool:
        """Write every text anew in which something is masked; whether there was any. ``without``: texts that stay as they are."""
        edits = self._edits(numbers, without)
        masked = False
        for i in sorted({*self.found, *edits}):
            slot = self.slots[i]
            here = [f for f in self.found.get(i, ()) if f.action is Action.MASKED]
            if (here or i in edits) and not without(slot):
                direction = self._context.guard.direction(self._source)
                slot.set(direction.mask(slot.text, here, numbers, edits.get(i, ())).text)
                masked = True
        return masked

    def _outcomes(self, slots: Sequence[Slot], *, across: bool = False, full: bool = True) -> list[Outcome]:
        found, failures = outcomes(self._context, slots, self._source, across=across, full=full)
        self.failures += failures
        return found

    def _find_across(self, *, window: bool) -> list[Across]:
        """What lies in several parts of a message, or in several messages; what parts say of each other's values is added to
        what was found in them."""
        slots = self.slots
        said = messages(slots, ()) if window else []
        inner = [s for chain in parts(slots) if len(chain) > 1 for s in seams(slots, chain, PARTS)]
        outer = list(seams(slots, said, MESSAGES, turns=True))
        across: list[Across] = []
        for places, full in ((inner, True), (outer, False)):
            texts = [Slot(t, slots[s.slices[0][0]].role, "(parts)") for s in places for t in s.readings()]
            for at, outcome in enumerate(self._outcomes(texts, across=True, full=full)):
                seam, glued = places[at // 2], at % 2 == 0
                for finding in outcome.findings:
                    ranges = seam.located(finding, glued=glued)
                    if len(ranges) > 1:
                        if full or len({slots[i].turn for i, _, _ in ranges}) > 1:
                            across.append(Across(finding, ranges))
                    elif ranges and full and not glued:
                        self._add(ranges[0], finding)
        return merged(across, self.found, [s.text for s in slots])

    def _add(self, place: tuple[int, int, int], finding: Finding) -> None:
        """A finding at a place of a slot, unless one lies there already."""
        i, start, end = place
        known = self.found.setdefault(i, [])
        if not any((g.start or 0) <= start and end <= (g.end or 0) for g in known):
            known.append(replace(finding, start=start, end=end, piece=0))

    def _add_known_values(self) -> None:
        """A value masked in one text is masked in all texts of the exchange."""
        known = KnownValues()
        for one in self.across:
            if one.finding.action is Action.MASKED:
                known.add("".join(self.slots[i].text[start:end] for i, start, end in one.ranges), one.finding)
        for i, here in self.found.items():
            for f in here:
                if f.action is Action.MASKED and f.start is not None:
                    known.add(self.slots[i].text[f.start : f.end], f)
        if not known:
            return
        for i, slot in enumerate(self.slots):
            for f, start, end in known.find(Folded(slot.text)):
                self._add((i, start, end), f)

    def _edits(self, numbers: Numbers, without: Callable[[Slot], bool]) -> dict[int, list[Edit]]:
        """What masks across slots replace in each: the mask stands where the value begins."""
        edits: dict[int, list[Edit]] = {}
        for one in self.across:
            left_out = any(without(self.slots[i]) for i, _, _ in one.ranges)
            if one.finding.action is not Action.MASKED or left_out:
                continue
            ranges = widened(one, self.found).ranges
            value = "".join(self.slots[i].text[start:end] for i, start, end in ranges)
            new = self._context.guard.direction(self._source).replacement(value, one.finding, numbers)
            for i, start, end in ranges:
                edits.setdefault(i, []).append(Edit(start, end, new))
                new = ""
        return edits
