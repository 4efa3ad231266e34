"""Calls of tools in an exchange: each is judged before any of it may leave, with what came before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from guardrails.calling import may_ask, strings
from guardrails.calls import Call, CallContext, Label, Segment
from guardrails.content import Deadline
from guardrails.decision import Located
from guardrails.exchange.definitions import definition_of
from guardrails.exchange.tally import Tally
from guardrails.guard import Guard
from guardrails.types import Action, Finding, Piece, Role, Source
from guardrails.wire.slots import Slot
from guardrails.wire.toolcalls import Made, Traffic

__all__ = ["Calls"]

_UNTRUSTED = (Role.TOOL, Role.DOCUMENT)


class Calls:
    """The calls of one exchange. ``judges``: whether the policy says anything about calls; without it, nothing is kept."""

    def __init__(self, guard: Guard) -> None:
        self._pipeline = guard.calls(Source.OUTPUT)
        self._texts = guard.texts(Source.OUTPUT)
        self.judges = any(r.action(Source.OUTPUT) is not None for r in self._pipeline.rules.values())
        self._context = CallContext()
        # An answer may repeat its calls in its last event: a call counts once.
        self._judged: list[tuple[Call, str]] = []
        # Whether somebody may confirm the calls that were stopped.
        self.ask = False

    def learn(self, slots: Sequence[Slot], request: Traffic, found: Iterable[tuple[Slot, Finding]]) -> None:
        """What the model was shown: the texts of the request as they were forwarded, its calls, and what was found in results."""
        segments = []
        for slot in slots:
            author = request.author(slot.path) if slot.role in _UNTRUSTED else None
            tool, server = author if author is not None else (None, None)
            label = Label.DEFINITION if definition_of(slot) is not None else Label(slot.role.value)
            segments.append(Segment(slot.text, label, tool, server))
        rules = {finding.rule for slot, finding in found if slot.role in _UNTRUSTED}
        self._context = CallContext(tuple(segments), tuple(made.call for made in request.calls), frozenset(rules))

    def pass_all(self, calls: Iterable[Made], tally: Tally, deadline: Deadline) -> bool:
        """Judge calls in their order, until one is stopped for good. Whether all may be made; ``ask`` says whether they may be if
        somebody confirms them."""
        stopped = False
        for made in calls:
            if (made.call, made.id) in self._judged:
                continue
            self._judged.append((made.call, made.id))
            piece = Piece("", Role.ASSISTANT, call=replace(made.call, context=self._context))
            report = self._pipeline.check([piece], deadline)
            tally.said.append(report)
            tally.located += [Located(made.path or "(call)", f) for f in report.findings]
            tally.fail(report.failures)
            if report.action is not Action.NONE:
                stopped = True
                self.ask = may_ask(report, self._pipeline)
                if not self.ask:
                    return False
            self._context = replace(self._context, calls=(*self._context.calls, made.call))
        return not stopped

    def confirmable(self, calls: Iterable[Made], tally: Tally, deadline: Deadline) -> bool:
        """Whether somebody may confirm calls of a stream that were stopped: who does so confirms all that they say, so their arguments
        are read, which nothing else reads any more."""
        if not self.ask:
            return False
        for made in calls:
            pieces = [Piece(text, Role.ASSISTANT) for text in strings(made.call.arguments)]
            report = self._texts.check(pieces, deadline)
            tally.said.append(report)
            tally.located += [Located(made.path or "(call)", f) for f in report.findings]
            tally.fail(report.failures)
            if report.blocked:
                return False
        return True
