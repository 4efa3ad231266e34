"""Checking an answer that came whole: what a client may have of it, and why."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from guardrails.actions import Numbers
from guardrails.content import Deadline
from guardrails.decision import Decision, Located, deciding, uninspected_note
from guardrails.exchange.context import Context
from guardrails.exchange.identifiers import scrubbed
from guardrails.exchange.parts import parts
from guardrails.exchange.restoring import Restoring
from guardrails.exchange.shortcut import nothing_in
from guardrails.exchange.tally import Tally
from guardrails.reading import Place
from guardrails.rules import StreamMode
from guardrails.streaming.stream import TextStream
from guardrails.types import Finding, Uninspected
from guardrails.wire.slots import Slot
from guardrails.wire.toolcalls import traffic
from guardrails.wire.walk import Walk

__all__ = ["whole_answer"]


def whole_answer(context: Context, walk: Walk, *, error: bool = False) -> tuple[Any, Decision]:
    """The body that a client may have (the answer rewritten, or a refusal) and the decision. ``error``: it is one of the upstream's."""
    tally = Tally(
        characters=sum(len(s.text) for s in walk.slots), uninspected=[(u.why, u.path) for u in walk.uninspected]
    )
    uninspected = bool(walk.uninspected) and context.policy.uninspected is Uninspected.BLOCK
    deadline = context.clock.begin()
    if context.kept is not None:
        context.kept.whole(context.answers, walk.slots)
    ids = context.ids(walk.ids, context.answers)
    tally.located += ids.located
    tally.failures += ids.failures
    tally.blocked = uninspected or ids.blocked or context.outgoing.stops(tally.failures)
    tally.masked = bool(ids.masks)
    stopped = False
    if context.calls.judges and not tally.blocked:
        stopped = not context.calls.pass_all(traffic(walk.root[0]).calls, tally, deadline)
        # Who confirms a call confirms all that it says: its texts are read too.
        tally.blocked = stopped and not context.calls.ask
    rewritten = _Texts(context, tally, deadline).check(walk.slots)
    tally.ask = stopped and not tally.blocked
    tally.blocked = tally.blocked or stopped
    decision = context.record(context.answers, tally)
    if tally.blocked:
        message = context.policy.blocked(context.answers, deciding(tally.located))
        if uninspected:
            message += uninspected_note(u.why for u in walk.uninspected)
        form = context.form
        refused = form.error(502, message, "guardrails_blocked") if error else form.refusal(message)
        if tally.ask:
            context.confirmed = _rewritten(context, walk, (*rewritten, *ids.masks))
        return scrubbed(refused, context.bad), decision
    return _rewritten(context, walk, (*rewritten, *ids.masks)), decision


def _rewritten(context: Context, walk: Walk, texts: Sequence[tuple[Slot, str]]) -> Any:
    """The body with these texts in their places."""
    for slot, text in texts:
        slot.set(text)
    walk.close()
    if context.acts:
        walk.drop()
    return walk.root[0]


class _Texts:
    """The texts of one answer: each goes through a stream, as it would if it came in pieces."""

    def __init__(self, context: Context, tally: Tally, deadline: Deadline) -> None:
        self._context = context
        self._tally = tally
        self._deadline = deadline
        self._numbers: Numbers = context.numbers_out()
        # What stood before in the same text, whatever interrupted it: readers see it joined.
        self._before: dict[Hashable, Restoring] = {}

    def check(self, every: Sequence[Slot]) -> list[tuple[Slot, str]]:
        """What is to be written instead of texts that change, until something blocks."""
        tally = self._tally
        rewritten: list[tuple[Slot, str]] = []
        for chain in parts(every, runs=True):
            if tally.blocked:
                break
            slots = [every[i] for i in chain]
            slot = slots[0]
            pieces = [(i, Place.TEXT, s.text) for i, s in enumerate(slots)]
            stream = self._streamed(slots)
            if stream is not None:
                pieces = stream.pieces
                changed = "".join(t for _, _, t in pieces) != "".join(s.text for s in slots)
                report = stream.report
                tally.said.append(report)
                tally.located += _located(slots, report.findings)
                tally.fail(report.failures)
                tally.blocked = stream.blocked or (slot.fixed and changed)
                tally.masked = tally.masked or changed
            if not tally.blocked and not slot.fixed:
                texts = self._restored(slots, pieces)
                rewritten += [(s, t) for s, t in zip(slots, texts, strict=True) if t != s.text]
        return rewritten

    def _streamed(self, slots: Sequence[Slot]) -> TextStream | None:
        """The stream that a text of an answer went through; None when there is nothing in it."""
        context, slot = self._context, slots[0]
        texts = [s.text for s in slots]
        gaps = ("",) if len(slots) < 2 else ("", "\n")
        if all(nothing_in(context.outgoing, gap.join(texts), slot.role, self._deadline) for gap in gaps):
            return None
        stream = TextStream(
            context.outgoing,
            role=slot.role,
            numbers=self._numbers,
            references=context.references_of(slot),
            mode=StreamMode.SYNC,
            asked=context.form.asks_json and slot.group is not None,
        )
        for i, text in enumerate(texts):
            if i:
                stream.border()
            stream.push(text)
        stream.advance(final=True, deadline=self._deadline)
        return stream

    def _restored(self, slots: Sequence[Slot], pieces: Iterable[tuple[int, Place, str]]) -> list[str]:
        """The texts of slots that are one text, with the placeholders of this exchange's vault restored."""
        slot = slots[0]
        texts = [""] * len(slots)
        restoring = self._context.restoring(slot.kind, self._before.get(slot.group) if slot.group is not None else None)
        at = 0
        for part, place, text in pieces:
            while at < part:
                texts[at] += restoring.finish()
                restoring = self._context.restoring(slot.kind, restoring)
                at += 1
            texts[part] += restoring.feed([(place, text)])
        texts[at] += restoring.finish()
        if slot.group is not None:
            self._before[slot.group] = restoring
        return texts


def _located(slots: Sequence[Slot], findings: Iterable[Finding]) -> list[Located]:
    """Findings of a text in the slot where each begins."""
    out: list[Located] = []
    for f in findings:
        start, i = f.start or 0, 0
        while f.start is not None and i + 1 < len(slots) and start >= len(slots[i].text):
            start -= len(slots[i].text)
            i += 1
        here = f if not i or f.start is None else replace(f, start=start, end=start + (f.end or 0) - f.start)
        out.append(Located(slots[i].path, here))
    return out
