"""Checking a request: every text of it, which messages may block, what is masked, and what is replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from guardrails.decision import Decision, Located
from guardrails.exchange.context import Context
from guardrails.exchange.definitions import definitions
from guardrails.exchange.finding import Texts, outcomes
from guardrails.exchange.identifiers import outside
from guardrails.exchange.scope import blocking_turns, split_attack
from guardrails.exchange.tally import Tally
from guardrails.types import Action, Role, ToolDefinitions, Uninspected
from guardrails.wire.slots import Slot
from guardrails.wire.toolcalls import traffic

__all__ = ["RequestCheck"]


class RequestCheck:
    """One check of the context's request, which is rewritten in place."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._form = context.form
        self._tally = Tally(blocking=[])
        self._walk = context.form.inbound()
        self._walk.slots += [Slot(text, Role.USER, "(path)", fixed=True) for text in context.form.request.segments]
        self._slots = self._walk.slots
        if context.kept is not None:
            context.kept.whole(context.asks, self._slots)
        self._texts = Texts(context, self._slots, context.asks)
        self._may_block = blocking_turns(context.policy.conversation, self._walk, context.form)
        # Past messages that are replaced, and the rules that block in them.
        self._replaced: dict[int, list[str]] = {}
        self._masks: list[tuple[Slot, str]] = []  # of ids

    def run(self) -> Decision:
        """Check, decide, and rewrite what may be forwarded."""
        tally = self._tally
        tally.characters = sum(len(s.text) for s in self._slots)
        self._check_texts()
        self._check_definitions()
        self._check_ids()
        self._scope()
        if not tally.blocked:
            self._check_window()
        if not tally.blocked:
            self._mask()
            self._replace()
        if not tally.blocked:
            self._remember()
        self._context.clock.leave()
        return self._context.record(self._context.asks, tally)

    # -- find --------------------------------------------------------------------------------------------------------

    def _check_texts(self) -> None:
        """Every text by itself, what lies across several, and values of one that stand in another."""
        context = self._context
        if any(slot.role is Role.SYSTEM and slot.text for slot in self._slots):
            rules = context.incoming.rules.values()
            context.not_judged = tuple(
                r.id for r in rules if context.incoming.spec(r).judges_meaning and r.trusts(Role.SYSTEM)
            )
        self._texts.check(window=bool(context.policy.conversation.window))
        self._tally.failures += self._texts.failures
        self._tally.said += self._texts.said
        self._tally.located += self._texts.located()

    def _check_definitions(self) -> None:
        """What models make of the definitions of tools, where the policy does not trust them: each is read as a whole, as words of a tool."""
        context = self._context
        trusts = context.policy.tool_definitions is ToolDefinitions.TRUST
        tools = [] if trusts or not context.guard.meaning(context.asks).rules else definitions(self._slots)
        if not tools:
            return
        found, failures = outcomes(context, tools, context.asks, meaning=True)
        self._tally.fail(failures)
        self._tally.said += found
        # A finding has a place in the text that was put together, and none in the body.
        acting = [
            Located(tool.path, replace(f, start=None, end=None))
            for tool, outcome in zip(tools, found, strict=True)
            for f in outcome.findings
        ]
        self._tally.located += acting
        rules = [one.finding.rule for one in acting if one.finding.action is Action.BLOCKED]
        self._block(rules, blocked=bool(rules))

    def _check_ids(self) -> None:
        ids = self._context.ids([*self._walk.ids, *outside(self._form)], self._context.asks, self._may_block)
        self._tally.fail(ids.failures)
        self._tally.located += ids.located
        self._masks = ids.masks
        self._block(ids.blocking, blocked=ids.blocked)

    # -- decide ------------------------------------------------------------------------------------------------------

    def _block(self, rules: Iterable[str], *, blocked: bool) -> None:
        self._tally.blocked = self._tally.blocked or blocked
        if self._tally.blocking is not None:
            self._tally.blocking += rules

    def _failed(self) -> bool:
        return self._context.incoming.stops(self._tally.failures)

    def _in(self, turns: Iterable[int | None], rules: Sequence[str]) -> None:
        """Something blocks in these messages: the turn, where one of them may block; else they are replaced."""
        turns = list(turns)
        if any(turn is None or turn in self._may_block for turn in turns):
            self._block(rules, blocked=True)
        else:
            for turn in turns:
                self._replaced.setdefault(turn or 0, []).extend(rules)

    def _scope(self) -> None:
        """What blocks the turn, and which past messages are replaced."""
        self._tally.blocked = self._tally.blocked or self._failed()
        for i, here in self._texts.found.items():
            slot = self._slots[i]
            acting = [f for f in here if f.action is not Action.NONE]
            rules = [f.rule for f in acting if f.action is Action.BLOCKED]
            if rules or (acting and slot.fixed):
                self._in([slot.turn], rules)
        self._tally.uninspected = [(u.why, u.path) for u in self._walk.uninspected]
        if self._context.policy.uninspected is Uninspected.BLOCK:
            for u in self._walk.uninspected:
                self._in([u.turn], ())
        for one in self._texts.across:
            if one.finding.action is Action.BLOCKED:
                self._in({self._slots[i].turn for i, _, _ in one.ranges}, [one.finding.rule])
        self._tally.replaced = len(self._replaced)

    def _check_window(self) -> None:
        """Attacks that are split over several messages."""
        pieces = split_attack(self._context.policy.conversation, self._walk, self._replaced)
        if not pieces:
            return
        found, failures = outcomes(
            self._context, [Slot(text, role, "(window)") for text, role in pieces], self._context.asks
        )
        self._tally.failures += failures
        self._tally.said += found
        joint = [f for o in found for f in o.findings if f.action is Action.BLOCKED]
        self._tally.located += [Located("(window)", f) for f in joint]
        self._block([f.rule for f in joint], blocked=bool(joint) or self._failed())

    # -- rewrite -----------------------------------------------------------------------------------------------------

    def _mask(self) -> None:
        numbers = self._context.numbers_in([s.text for s in self._slots])
        if self._texts.mask(numbers, without=lambda slot: slot.turn in self._replaced):
            self._tally.masked = True
        for id_, text in self._masks:
            id_.set(text)
            self._tally.masked = True
        self._walk.close()

    def _replace(self) -> None:
        """Past messages in which something blocks give way to the policy's message."""
        form, policy = self._form, self._context.policy
        said = {turn: policy.blocked(self._context.asks, rules) for turn, rules in self._replaced.items()}
        for turn, message in said.items():
            if not form.replace(turn, message):
                self._overwrite(turn, message)
                fixed = any(s.fixed and s.turn == turn for s in self._slots)
                self._block((), blocked=fixed or any(u.turn == turn for u in self._walk.uninspected))
        self._tally.blocked = self._tally.blocked or not self._emptied(said)

    def _overwrite(self, turn: int, message: str) -> None:
        """Every text of a past message, where the format cannot replace the message as a whole."""
        for slot in self._slots:
            if slot.turn == turn and not slot.fixed:
                slot.set(message)
        self._walk.close()

    def _emptied(self, turns: Mapping[int, str]) -> bool:
        """Whether nothing that acts is left of messages replaced by these: formats keep roles, ids and fields of their own."""
        if not turns:
            return True
        walk = self._form.inbound()
        left = [(s, turns[s.turn]) for s in walk.slots if s.turn is not None and s.turn in turns]
        found, failures = outcomes(self._context, [s for s, _ in left], self._context.asks)
        for (slot, message), outcome in zip(left, found, strict=True):
            if any(f.action is not Action.NONE for f in outcome.findings):
                if slot.fixed:
                    return False
                slot.set(message)
        walk.close()
        uninspected = self._context.policy.uninspected is Uninspected.BLOCK and any(
            u.turn in turns for u in walk.uninspected
        )
        return not uninspected and not self._context.incoming.stops(failures)

    def _remember(self) -> None:
        # What nobody rewrote reads the same once more.
        rewritten = self._tally.masked or self._replaced
        walk = self._form.inbound() if rewritten else self._walk
        shown = [s for s in walk.slots if s.turn not in self._replaced]
        self._context.remember(shown, self._form.latest(self._walk))
        if self._context.calls.judges:
            found = [(self._slots[i], finding) for i, here in self._texts.found.items() for finding in here]
            self._context.calls.learn(shown, traffic(self._form.body), found)
