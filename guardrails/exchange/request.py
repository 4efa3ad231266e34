"""Checking a request: every text of it, which messages may block, what is masked, and what is replaced."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from guardrails import inference
from guardrails.actions import Numbers
from guardrails.cache import Outcome, Verdicts
from guardrails.decision import Decision, Located
from guardrails.exchange.context import Context
from guardrails.exchange.identifiers import outside
from guardrails.exchange.parts import MESSAGES, PARTS, Across, merged, messages, parts, seams, widened
from guardrails.exchange.scope import blocking_turns, split_attack
from guardrails.exchange.tally import Tally
from guardrails.fold import Folded
from guardrails.inference.pinned import PINNED
from guardrails.known_values import KnownValues
from guardrails.reading import Edit
from guardrails.types import Action, Failure, Finding, Piece, Role, Source, Uninspected
from guardrails.wire.slots import Slot

__all__ = ["RequestCheck", "outcomes"]

# Texts that are checked before their reports are let go.
_PART = 64
# The weights every verdict of this release depends on.
_WEIGHTS = hashlib.sha256(repr(sorted(PINNED.items())).encode()).hexdigest()


def outcomes(
    context: Context, slots: Sequence[Slot], *, across: bool = False, full: bool = True
) -> tuple[list[Outcome], list[Failure]]:
    """The outcome of every slot, from the cache where it is known. Nothing that failed is kept. ``across``: only what
    finds spans, and unless ``full`` only what reads strings."""
    guard = context.guard
    basis = context.policy.identity.sha256 + _WEIGHTS
    direction = None
    if not across and not context.incoming.light:
        basis += inference.setting().models
    if across:
        basis += "spans" if full else "strings"
        direction = guard.spans(Source.INPUT) if full else guard.strings(Source.INPUT)
    keys = [Verdicts.key(context.secret, basis, Source.INPUT, s.role, s.text) for s in slots]
    known = {key: context.verdicts.get(key) for key in dict.fromkeys(keys)}
    missing: dict[bytes, Slot] = {k: s for k, s in zip(keys, slots, strict=True) if known[k] is None}
    failures: list[Failure] = []
    new = iter(missing.items())
    # Reports of a part at a time: thousands alive at once are what the garbage collector would look at again and again.
    while part := list(islice(new, _PART)):
        pieces = [Piece(s.text, s.role) for _, s in part]
        reports = guard.check_many(pieces, Source.INPUT, deadline=context.clock.deadline, direction=direction)
        for (key, _), report in zip(part, reports, strict=True):
            known[key] = outcome = Outcome.of(report)
            if report.failures:
                failures += [f for f in report.failures if f not in failures]
            else:
                context.verdicts.put(key, outcome)
    return [known[k] or Outcome(Action.NONE, ()) for k in keys], failures


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
            context.kept.whole(Source.INPUT, self._slots)
        self._found: dict[int, list[Finding]] = {}  # by slot
        self._across: list[Across] = []
        self._may_block = blocking_turns(context.policy.conversation, self._walk, context.form)
        # Past messages that are replaced, and the rules that block in them.
        self._replaced: dict[int, list[str]] = {}
        self._masks: list[tuple[Slot, str]] = []  # of ids

    def run(self) -> Decision:
        """Check, decide, and rewrite what may be forwarded."""
        tally = self._tally
        tally.characters = sum(len(s.text) for s in self._slots)
        self._check_texts()
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
        return self._context.record(Source.INPUT, tally)

    # -- find --------------------------------------------------------------------------------------------------------

    def _outcomes(self, slots: Sequence[Slot], *, across: bool = False, full: bool = True) -> list[Outcome]:
        found, failures = outcomes(self._context, slots, across=across, full=full)
        self._tally.failures += failures
        return found

    def _check_texts(self) -> None:
        """Every text by itself, what lies across several, and values of one that stand in another."""
        context = self._context
        if any(slot.role is Role.SYSTEM and slot.text for slot in self._slots):
            rules = context.incoming.rules.values()
            context.not_judged = tuple(
                r.id for r in rules if context.incoming.spec(r).judges_meaning and r.trusts(Role.SYSTEM)
            )
        found = self._outcomes(self._slots)
        self._tally.said += found
        self._found = {i: list(o.findings) for i, o in enumerate(found) if o.findings}
        self._across = self._find_across()
        self._add_known_values()
        self._tally.located += [Located(self._slots[i].path, f) for i, fs in sorted(self._found.items()) for f in fs]
        self._tally.located += [
            Located(self._slots[i].path, replace(a.finding, start=start, end=end))
            for a in self._across
            for i, start, end in a.ranges[:1]
        ]

    def _find_across(self) -> list[Across]:
        """What lies in several parts of a message, or in several messages; what parts say of each other's values is added to
        what was found in them."""
        slots = self._slots
        said = messages(slots, ()) if self._context.policy.conversation.window else []
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
        return merged(across, self._found, [s.text for s in slots])

    def _add(self, place: tuple[int, int, int], finding: Finding) -> None:
        """A finding at a place of a slot, unless one lies there already."""
        i, start, end = place
        known = self._found.setdefault(i, [])
        if not any((g.start or 0) <= start and end <= (g.end or 0) for g in known):
            known.append(replace(finding, start=start, end=end, piece=0))

    def _add_known_values(self) -> None:
        """A value masked in one text is masked in all texts of the exchange."""
        known = KnownValues()
        for one in self._across:
            if one.finding.action is Action.MASKED:
                known.add("".join(self._slots[i].text[start:end] for i, start, end in one.ranges), one.finding)
        for i, here in self._found.items():
            for f in here:
                if f.action is Action.MASKED and f.start is not None:
                    known.add(self._slots[i].text[f.start : f.end], f)
        if not known:
            return
        for i, slot in enumerate(self._slots):
            for f, start, end in known.find(Folded(slot.text)):
                self._add((i, start, end), f)

    def _check_ids(self) -> None:
        ids = self._context.ids([*self._walk.ids, *outside(self._form)], Source.INPUT, self._may_block)
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
        for i, here in self._found.items():
            slot = self._slots[i]
            acting = [f for f in here if f.action is not Action.NONE]
            rules = [f.rule for f in acting if f.action is Action.BLOCKED]
            if rules or (acting and slot.fixed):
                self._in([slot.turn], rules)
        self._tally.uninspected = [(u.why, u.path) for u in self._walk.uninspected]
        if self._context.policy.uninspected is Uninspected.BLOCK:
            for u in self._walk.uninspected:
                self._in([u.turn], ())
        for one in self._across:
            if one.finding.action is Action.BLOCKED:
                self._in({self._slots[i].turn for i, _, _ in one.ranges}, [one.finding.rule])
        self._tally.replaced = len(self._replaced)

    def _check_window(self) -> None:
        """Attacks that are split over several messages."""
        pieces = split_attack(self._context.policy.conversation, self._walk, self._replaced)
        if not pieces:
            return
        found = self._outcomes([Slot(text, role, "(window)") for text, role in pieces])
        self._tally.said += found
        joint = [f for o in found for f in o.findings if f.action is Action.BLOCKED]
        self._tally.located += [Located("(window)", f) for f in joint]
        self._block([f.rule for f in joint], blocked=bool(joint) or self._failed())

    # -- rewrite -----------------------------------------------------------------------------------------------------

    def _mask(self) -> None:
        numbers = self._context.numbers_in([s.text for s in self._slots])
        edits = self._edits(numbers)
        for i in sorted({*self._found, *edits}):
            slot = self._slots[i]
            here = [f for f in self._found.get(i, ()) if f.action is Action.MASKED]
            if (here or i in edits) and slot.turn not in self._replaced:
                slot.set(self._context.incoming.mask(slot.text, here, numbers, edits.get(i, ())).text)
                self._tally.masked = True
        for id_, text in self._masks:
            id_.set(text)
            self._tally.masked = True
        self._walk.close()

    def _edits(self, numbers: Numbers) -> dict[int, list[Edit]]:
        """What masks across slots replace in each: the mask stands where the value begins."""
        edits: dict[int, list[Edit]] = {}
        for one in self._across:
            replaced = any(self._slots[i].turn in self._replaced for i, _, _ in one.ranges)
            if one.finding.action is not Action.MASKED or replaced:
                continue
            ranges = widened(one, self._found).ranges
            value = "".join(self._slots[i].text[start:end] for i, start, end in ranges)
            new = self._context.incoming.replacement(value, one.finding, numbers)
            for i, start, end in ranges:
                edits.setdefault(i, []).append(Edit(start, end, new))
                new = ""
        return edits

    def _replace(self) -> None:
        """Past messages in which something blocks give way to the policy's message."""
        form, policy = self._form, self._context.policy
        said = {turn: policy.blocked(Source.INPUT, rules) for turn, rules in self._replaced.items()}
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
        found, failures = outcomes(self._context, [s for s, _ in left])
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
