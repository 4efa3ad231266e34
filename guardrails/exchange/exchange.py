"""An exchange: the request is checked and rewritten, then the answer, under the same snapshot of a policy."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from guardrails.actions import Numbers
from guardrails.cache import Outcome, Verdicts
from guardrails.content import Deadline
from guardrails.decision import Decision, Located, deciding, failed_open, new_id, unread_note
from guardrails.echoes import Echoes
from guardrails.exchange.headers import Headers, content_type, texts_of
from guardrails.exchange.identifiers import Judged, judged, outside, scrubbed
from guardrails.exchange.parts import MESSAGES, PARTS, Across, merged, messages, parts, seams, widened
from guardrails.exchange.restoring import Restoring
from guardrails.exchange.scope import blocking_turns, split_attack
from guardrails.exchange.shortcut import nothing_in
from guardrails.exchange.sources import company
from guardrails.exchange.streamed import StreamedAnswer
from guardrails.fold import Folded
from guardrails.guard import Guard
from guardrails.inference.pinned import PINNED
from guardrails.reading import Edit, Place
from guardrails.rules import StreamMode
from guardrails.stream import TextStream
from guardrails.types import (
    Action,
    Failure,
    FailureKind,
    Finding,
    Piece,
    Qualifier,
    Report,
    Role,
    Source,
    Uninspected,
)
from guardrails.vault import Vault
from guardrails.verdict import stops, worst
from guardrails.wire.form import Form
from guardrails.wire.shape import Kind, Mode, Slot, Walk

__all__ = ["Exchange", "Tenancy"]


# Texts that are checked before their reports are let go.
_PART = 64
# The weights every verdict of this release depends on.
_WEIGHTS = hashlib.sha256(repr(sorted(PINNED.items())).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Tenancy:
    """Whose exchange it is: an immutable snapshot of a tenant."""

    id: str
    guard: Guard
    secret: bytes = field(repr=False)


class Exchange:
    """One request and its answer. Not shared between threads; steps of it may run on different ones."""

    def __init__(
        self,
        tenancy: Tenancy,
        form: Form,
        *,
        verdicts: Verdicts | None = None,
        vault: Vault | None = None,
        id: str | None = None,
    ) -> None:
        self.id = id or new_id()
        self.form = form
        self.guard = tenancy.guard
        self._tenancy = tenancy
        self._verdicts = verdicts if verdicts is not None else Verdicts(0)
        self._vault = vault
        self._restores = any(r.mask.restore for r in self.guard.policy.rules)
        self._company: tuple[Piece, ...] = ()
        self._not_applicable: tuple[str, ...] = ()  # rules that compare, and the request has nothing to compare with
        self._seen: list[str] = []
        # Ids that passed, which answers repeat; and those that may not be said again, with what is said instead.
        self._passed: set[str] = set()
        self.bad: dict[str, str] = {}
        self._dropped: list[Located] = []  # what was found in headers of the answer, which then stayed here
        # Of the policy's deadline: what the request left for the answer. The upstream's own time is not counted.
        self._left: float = self.guard.policy.limits.deadline_ms
        self._cancelled = False
        self._deadline = self.clock()
        self.input: Decision | None = None
        self.output: Decision | None = None

    # -- time --------------------------------------------------------------------------------------------------------

    def clock(self, *, whole: bool = True) -> Deadline:
        """The deadline of a step that begins now: of the request and of a whole answer, what is left for both together;
        of one event of a stream, all of the policy's."""
        self._deadline = Deadline(self._left if whole else self.guard.policy.limits.deadline_ms)
        if self._cancelled:
            self._deadline.at = 0.0
        return self._deadline

    def cancel(self) -> None:
        """Nobody waits for this exchange any more: what still computes finds its deadline passed. From any thread."""
        self._cancelled = True
        self._deadline.at = 0.0

    def unfinished(self, source: Source) -> Decision:
        """The decision when the client left before there was one: nothing (more) of that direction was passed on."""
        return self.decide(source, Action.BLOCKED, [], [], (), time.perf_counter())

    # -- the request -------------------------------------------------------------------------------------------------

    def request(self) -> Decision:
        """Check the form's request, and rewrite it in place. A blocked one must not be forwarded."""
        started = time.perf_counter()
        policy = self.guard.policy
        direction = self.guard.direction(Source.INPUT)
        form = self.form
        walk = form.inbound()
        walk.slots += [Slot(text, Role.USER, "(path)", fixed=True) for text in form.segments]
        outcomes, failures = self._outcomes(walk.slots)
        found: dict[int, list[Finding]] = {i: list(o.findings) for i, o in enumerate(outcomes) if o.findings}
        across, more = self._across(walk.slots, found)
        failures += more
        self._echo(walk.slots, found, across)

        may_block = blocking_turns(policy.conversation, walk, form)
        blocked_turns: dict[int, list[str]] = {}  # past messages that are replaced, and the rules that block in them
        ids = self.ids([*walk.ids, *outside(form)], Source.INPUT, may_block)
        failures += [f for f in ids.failures if f not in failures]
        blocking: list[str] = list(ids.blocking)
        blocked = ids.blocked or self._failed(failures, Source.INPUT)
        for i, here in found.items():
            slot = walk.slots[i]
            acting = [f for f in here if f.action is not Action.NONE]
            if not acting:
                continue
            rules = [f.rule for f in acting if f.action is Action.BLOCKED]
            if rules or slot.fixed:
                if slot.turn is None or slot.turn in may_block:
                    blocked = True
                    blocking += rules
                else:
                    blocked_turns.setdefault(slot.turn, []).extend(rules)
        unread = tuple((u.why, u.path) for u in walk.unread)
        if policy.uninspected is Uninspected.BLOCK:
            for u in walk.unread:
                if u.turn is None or u.turn in may_block:
                    blocked = True
                else:
                    blocked_turns.setdefault(u.turn, [])
        for one in across:
            if one.finding.action is Action.BLOCKED:
                turns = {walk.slots[i].turn for i, _, _ in one.ranges}
                if any(turn is None or turn in may_block for turn in turns):
                    blocked = True
                    blocking.append(one.finding.rule)
                else:
                    for turn in turns:
                        blocked_turns.setdefault(turn or 0, []).append(one.finding.rule)
        located = [Located(walk.slots[i].path, f) for i, fs in sorted(found.items()) for f in fs]
        located += [
            Located(walk.slots[i].path, replace(a.finding, start=start, end=end))
            for a in across
            for i, start, end in a.ranges[:1]
        ]
        located += ids.located
        joined: list[Outcome] = []
        if not blocked:
            pieces = split_attack(policy.conversation, walk, blocked_turns)
            if pieces:
                joined, more = self._outcomes([Slot(t, r, "(window)") for t, r in pieces])
                failures += more
                joint = [f for o in joined for f in o.findings if f.action is Action.BLOCKED]
                located += [Located("(window)", f) for f in joint]
                blocking += [f.rule for f in joint]
                blocked = bool(joint) or self._failed(failures, Source.INPUT)

        masked = False
        if not blocked:
            numbers = self._numbers(walk)
            edits = self._edits(walk.slots, across, found, blocked_turns, numbers)
            for i in sorted({*found, *edits}):
                slot = walk.slots[i]
                here = [f for f in found.get(i, ()) if f.action is Action.MASKED]
                if (here or i in edits) and slot.turn not in blocked_turns:
                    slot.set(direction.mask(slot.text, here, numbers, edits.get(i, ())).text)
                    masked = True
            for id_, text in ids.masks:
                id_.set(text)
                masked = True
            walk.close()
            messages = {turn: policy.blocked(Source.INPUT, rules) for turn, rules in blocked_turns.items()}
            for turn, message in messages.items():
                if not form.replace(turn, message):
                    self._overwrite(walk, turn, message)
                    if any(u.turn == turn for u in walk.unread) or any(s.fixed and s.turn == turn for s in walk.slots):
                        blocked = True
            blocked = blocked or not self._emptied(messages)
        if not blocked:
            # What nobody rewrote reads the same once more.
            seen = form.inbound() if masked or blocked_turns else walk
            self._remember(seen.slots, form.latest(walk), blocked_turns)
        action = Action.BLOCKED if blocked else Action.MASKED if masked or blocked_turns else Action.NONE
        self._left = max(0.0, self._deadline.remaining * 1000)
        return self.decide(
            Source.INPUT, action, located, failures, unread, started,
            replaced=len(blocked_turns), characters=sum(len(s.text) for s in walk.slots), said=[*outcomes, *joined],
            blocking=tuple(dict.fromkeys(blocking)),
        )  # fmt: skip

    def bare(self) -> Decision | None:
        """The decision about a request without a body when string rules stop its path or query, else None."""
        started = time.perf_counter()
        texts = [Slot(t, Role.USER, "(path)", fixed=True) for t in self.form.segments]
        ids = self.ids([*texts, *outside(self.form)], Source.INPUT)
        if not ids.blocked and not self._failed(ids.failures, Source.INPUT):
            return None
        return self.decide(Source.INPUT, Action.BLOCKED, ids.located, ids.failures, (), started)

    def headers(self, headers: Headers) -> Headers:
        """The headers of the answer that a client may have. One in which a rule acts is left out, whatever the rule does."""
        kept: Headers = []
        self.clock(whole=False)
        for name, given in headers:
            value = content_type(given) if name.lower() == b"content-type" else given
            ids = self.ids(list(texts_of(name.lower(), value)), Source.OUTPUT)
            self._dropped += [x for x in ids.located if x.finding.action is not Action.NONE]
            if not ids.blocked and not self._failed(ids.failures, Source.OUTPUT):
                kept.append((name, value))
        return kept

    def without_body(self) -> Decision | None:
        """The decision about an answer that is nothing but headers; None when all of them passed."""
        if not self._dropped:
            return None
        return self.decide(Source.OUTPUT, Action.NONE, [], [], (), time.perf_counter())

    def ids(self, slots: Sequence[Slot], source: Source, may_block: Container[int] | None = None) -> Judged:
        """What string rules make of these ids. Of an answer, those of the request need no second look."""
        if not slots:
            return Judged()
        passed = self._passed if source is Source.OUTPUT else frozenset[str]()
        out = judged(
            self.guard, source, slots, self._verdicts, self._tenancy.secret, self._deadline,
            passed=passed, may_block=may_block,
        )  # fmt: skip
        self._passed |= out.passed
        self.bad |= out.bad
        return out

    def _across(self, slots: Sequence[Slot], found: dict[int, list[Finding]]) -> tuple[list[Across], list[Failure]]:
        """What lies in several parts of a message, or in several messages; what parts say of each other's values is added to
        ``found``."""
        window = self.guard.policy.conversation.window
        said = messages(slots, ()) if window else []
        inner = [s for chain in parts(slots) if len(chain) > 1 for s in seams(slots, chain, PARTS)]
        outer = list(seams(slots, said, MESSAGES, turns=True))
        across: list[Across] = []
        failures: list[Failure] = []
        for places, full in ((inner, True), (outer, False)):
            texts = [Slot(t, slots[s.slices[0][0]].role, "(parts)") for s in places for t in s.readings()]
            outcomes, failed = self._outcomes(texts, across=True, full=full)
            failures += failed
            for at, outcome in enumerate(outcomes):
                seam, glued = places[at // 2], at % 2 == 0
                for finding in outcome.findings:
                    ranges = seam.located(finding, glued=glued)
                    if len(ranges) > 1:
                        if full or len({slots[i].turn for i, _, _ in ranges}) > 1:
                            across.append(Across(finding, ranges))
                    elif ranges and full and not glued:
                        i, start, end = ranges[0]
                        known = found.setdefault(i, [])
                        if not any((g.start or 0) <= start and end <= (g.end or 0) for g in known):
                            known.append(replace(finding, start=start, end=end, piece=0))
        return merged(across, found, [s.text for s in slots]), failures

    def _edits(
        self,
        slots: Sequence[Slot],
        across: Iterable[Across],
        found: dict[int, list[Finding]],
        replaced: Container[int],
        numbers: Numbers,
    ) -> dict[int, list[Edit]]:
        """What masks across slots replace in each: the mask stands where the value begins."""
        edits: dict[int, list[Edit]] = {}
        direction = self.guard.direction(Source.INPUT)
        for one in across:
            if one.finding.action is not Action.MASKED or any(slots[i].turn in replaced for i, _, _ in one.ranges):
                continue
            ranges = widened(one, found).ranges
            value = "".join(slots[i].text[start:end] for i, start, end in ranges)
            new = direction.replacement(value, one.finding, numbers)
            for i, start, end in ranges:
                edits.setdefault(i, []).append(Edit(start, end, new))
                new = ""
        return edits

    def _outcomes(
        self, slots: Sequence[Slot], *, across: bool = False, full: bool = True
    ) -> tuple[list[Outcome], list[Failure]]:
        """The outcome of every slot, from the cache where it is known. Nothing that failed is kept. ``across``: only what
        finds spans, and unless ``full`` only what reads strings."""
        basis = self.guard.policy.identity.sha256 + _WEIGHTS
        direction = None
        if across:
            basis += "spans" if full else "strings"
            direction = self.guard.spans(Source.INPUT) if full else self.guard.strings(Source.INPUT)
        keys = [Verdicts.key(self._tenancy.secret, basis, Source.INPUT, s.role, s.text) for s in slots]
        known = {key: self._verdicts.get(key) for key in dict.fromkeys(keys)}
        missing: dict[bytes, Slot] = {k: s for k, s in zip(keys, slots, strict=True) if known[k] is None}
        failures: list[Failure] = []
        new = iter(missing.items())
        # Reports of a part at a time: thousands alive at once are what the garbage collector would look at again and again.
        while part := list(islice(new, _PART)):
            pieces = [Piece(s.text, s.role) for _, s in part]
            reports = self.guard.check_many(pieces, Source.INPUT, deadline=self._deadline, direction=direction)
            for (key, _), report in zip(part, reports, strict=True):
                known[key] = outcome = Outcome.of(report)
                if report.failures:
                    failures += [f for f in report.failures if f not in failures]
                else:
                    self._verdicts.put(key, outcome)
        return [known[k] or Outcome(Action.NONE, ()) for k in keys], failures

    def _echo(self, slots: Sequence[Slot], found: dict[int, list[Finding]], across: Iterable[Across]) -> None:
        """A value masked in one text is masked in all texts of the exchange."""
        echoes = Echoes()
        for one in across:
            if one.finding.action is Action.MASKED:
                echoes.add("".join(slots[i].text[start:end] for i, start, end in one.ranges), one.finding)
        for i, here in found.items():
            for f in here:
                if f.action is Action.MASKED and f.start is not None:
                    echoes.add(slots[i].text[f.start : f.end], f)
        if not echoes:
            return
        for i, slot in enumerate(slots):
            for f, start, end in echoes.find(Folded(slot.text)):
                known = found.setdefault(i, [])
                if not any((g.start or 0) <= start and end <= (g.end or 0) for g in known):
                    known.append(replace(f, start=start, end=end, piece=0))

    def _numbers(self, walk: Walk) -> Numbers:
        texts = [s.text for s in walk.slots]
        if self._restores and self._vault is None:
            self._vault = Vault(texts, self.guard.policy.rules)
        elif self._vault is not None:
            for text in texts:
                self._vault.watch(text)
        return self._vault if self._vault is not None else Numbers(texts)

    def _overwrite(self, walk: Walk, turn: int, message: str) -> None:
        """Every text of a past message, where the format cannot replace the message as a whole."""
        for slot in walk.slots:
            if slot.turn == turn and not slot.fixed:
                slot.set(message)
        walk.close()

    def _emptied(self, turns: Mapping[int, str]) -> bool:
        """Whether nothing that acts is left of messages replaced by these: formats keep roles, ids and fields of their own."""
        if not turns:
            return True
        walk = self.form.inbound()
        left = [(s, turns[s.turn]) for s in walk.slots if s.turn is not None and s.turn in turns]
        outcomes, failures = self._outcomes([s for s, _ in left])
        for (slot, message), outcome in zip(left, outcomes, strict=True):
            if any(f.action is not Action.NONE for f in outcome.findings):
                if slot.fixed:
                    return False
                slot.set(message)
        walk.close()
        unread = self.guard.policy.uninspected is Uninspected.BLOCK and any(u.turn in turns for u in walk.unread)
        return not unread and not self._failed(failures, Source.INPUT)

    def _remember(self, slots: Iterable[Slot], latest: Container[int], blocked_turns: Container[int | None]) -> None:
        """What the answer is compared with: the newest question, and every source the model was shown."""
        seen = [s for s in slots if s.turn not in blocked_turns]
        self._seen = [s.text for s in seen]
        rules = [r for r in self.guard.direction(Source.OUTPUT).rules.values() if r.detector == "grounding"]
        if not rules:
            return
        wanted = next((r.settings.sources for r in rules if r.settings.sources), ())
        self._company = company(seen, wanted, latest)
        given = {q for piece in self._company for q in piece.qualifiers}
        needs = {"GROUNDING": Qualifier.GROUNDING_SOURCE, "RELEVANCE": Qualifier.QUERY}
        self._not_applicable = tuple(r.id for r in rules if needs[r.settings.kind] not in given)

    # -- the answer --------------------------------------------------------------------------------------------------

    def answer(self, body: Any) -> tuple[Any, Decision]:
        """Check an answer that came whole: what the client may have (the body rewritten, or a refusal) and why."""
        return self._answer(self.form.outbound(body))

    def failure(self, body: Any) -> tuple[Any, Decision]:
        """Check an error body of the upstream, which may quote the request."""
        return self._answer(self.form.failed(body), error=True)

    def _answer(self, walk: Walk, *, error: bool = False) -> tuple[Any, Decision]:
        started = time.perf_counter()
        policy = self.guard.policy
        located: list[Located] = []
        failures: list[Failure] = []
        said: list[Report] = []
        deadline = self.clock()
        numbers = self.numbers_out()
        ids = self.ids(walk.ids, Source.OUTPUT)
        located += ids.located
        failures += ids.failures
        blocked = bool(walk.unread) and policy.uninspected is Uninspected.BLOCK
        blocked = blocked or ids.blocked or self._failed(failures, Source.OUTPUT)
        masked = bool(ids.masks)
        rewritten: list[tuple[Slot, str]] = []
        # What stood before in the same text, whatever interrupted it: readers see it joined.
        before: dict[Hashable, Restoring] = {}
        for chain in parts(walk.slots, runs=True):
            if blocked:
                break
            slots = [walk.slots[i] for i in chain]
            slot = slots[0]
            stream = self._said(slots, numbers, deadline)
            pieces = [(i, Place.TEXT, s.text) for i, s in enumerate(slots)]
            if stream is not None:
                pieces = stream.pieces
                text = "".join(t for _, _, t in pieces)
                changed = text != "".join(s.text for s in slots)
                report = stream.report
                said.append(report)
                located += _located(slots, report.findings)
                failures += [f for f in report.failures if f not in failures]
                blocked = stream.blocked or (slot.fixed and changed)
                masked = masked or changed
            if not blocked and not slot.fixed:
                texts = self._restored(slots, pieces, before)
                rewritten += [(s, t) for s, t in zip(slots, texts, strict=True) if t != s.text]
        unread = tuple((u.why, u.path) for u in walk.unread)
        action = Action.BLOCKED if blocked else Action.MASKED if masked else Action.NONE
        decision = self.decide(
            Source.OUTPUT, action, located, failures, unread, started,
            characters=sum(len(s.text) for s in walk.slots), said=said,
        )  # fmt: skip
        if blocked:
            message = policy.blocked(Source.OUTPUT, deciding(located))
            if walk.unread and policy.uninspected is Uninspected.BLOCK:
                message += unread_note(u.why for u in walk.unread)
            refused = self.form.error(502, message, "guardrails_blocked") if error else self.form.refusal(message)
            return scrubbed(refused, self.bad), decision
        for slot, text in (*rewritten, *ids.masks):
            slot.set(text)
        walk.close()
        if self.acts:
            walk.drop()
        return walk.root[0], decision

    def _said(self, slots: Sequence[Slot], numbers: Numbers, deadline: Deadline) -> TextStream | None:
        """The stream that a text of an answer went through; None when there is nothing in it."""
        slot = slots[0]
        texts = [s.text for s in slots]
        gaps = ("",) if len(slots) < 2 else ("", "\n")
        if all(nothing_in(self.guard, gap.join(texts), slot.role, deadline) for gap in gaps):
            return None
        stream = TextStream(
            self.guard,
            Source.OUTPUT,
            role=slot.role,
            numbers=numbers,
            company=self.company_of(slot),
            mode=StreamMode.SYNC,
            asked=self.form.asks_json and slot.group is not None,
        )
        for i, text in enumerate(texts):
            if i:
                stream.border(apart=not self.form.glued)
            stream.push(text)
        stream.advance(final=True, deadline=deadline)
        return stream

    def _restored(
        self, slots: Sequence[Slot], pieces: Iterable[tuple[int, Place, str]], before: dict[Hashable, Restoring]
    ) -> list[str]:
        """The texts of slots that are one text, with the placeholders of this exchange's vault restored."""
        slot = slots[0]
        texts = [""] * len(slots)
        restoring = self.restoring(slot.kind, before.get(slot.group) if slot.group is not None else None)
        at = 0
        for part, place, text in pieces:
            while at < part:
                texts[at] += restoring.finish()
                restoring = self.restoring(slot.kind, restoring)
                at += 1
            texts[part] += restoring.feed([(place, text)])
        texts[at] += restoring.finish()
        if slot.group is not None:
            before[slot.group] = restoring
        return texts

    def streamed(self) -> StreamedAnswer:
        """The answer as a stream of events."""
        return StreamedAnswer(self)

    @property
    def acts(self) -> bool:
        """Whether any rule of the answers masks or blocks."""
        rules = self.guard.direction(Source.OUTPUT).rules.values()
        return any((a := r.action(Source.OUTPUT)) is not None and a.value != "detect" for r in rules)

    def company_of(self, slot: Slot) -> tuple[Piece, ...]:
        """What the text of a slot is compared with: an answer's own words only, not its tool calls."""
        own = slot.kind is Kind.TEXT and slot.role is Role.ASSISTANT and slot.mode is not Mode.REPEAT and not slot.fixed
        return self._company if own else ()

    def numbers_out(self) -> Numbers:
        """Numbers for masks of the answer, none of which stands in the request already."""
        return Numbers(self._seen) if self._vault is None else self._vault.outgoing(self._seen)

    def restoring(self, kind: Kind, after: Restoring | None = None) -> Restoring:
        """What puts values back into texts of that kind; ``after``: into the part before."""
        return Restoring(self._vault, "tools" if kind in (Kind.TOOL, Kind.JSON) else "text", after)

    def forget(self) -> None:
        """The exchange is over: masked values leave memory."""
        if self._vault is not None:
            self._vault.forget()
        self._seen = []
        self._company = ()

    # -- decisions ---------------------------------------------------------------------------------------------------

    def _failed(self, failures: Iterable[Failure], source: Source) -> bool:
        return stops(self.guard.direction(source).rules, failures)

    def refused(self, source: Source, kind: FailureKind, detail: str) -> Decision:
        """The decision when nothing could be checked at all (an unreadable answer, an overload): blocked."""
        failures = [Failure(rule, kind, None, detail) for rule in self.guard.direction(source).rules]
        return self.decide(source, Action.BLOCKED, [], failures, (), time.perf_counter())

    def unread(self, why: str) -> Decision:
        """The decision about an answer that nobody can inspect, where the policy lets it pass."""
        return self.decide(Source.OUTPUT, Action.NONE, [], [], ((why, "(body)"),), time.perf_counter())

    def decide(  # noqa: PLR0917 - the parts of a decision, in its order
        self,
        source: Source,
        action: Action,
        located: Iterable[Located],
        failures: Sequence[Failure],
        unread: tuple[tuple[str, str], ...],
        started: float,
        *,
        replaced: int = 0,
        characters: int = 0,
        held: int = 0,
        said: Iterable[Outcome | Report] = (),
        milliseconds: float | None = None,
        streamed: bool = False,
        blocking: tuple[str, ...] | None = None,
    ) -> Decision:
        """The decision about a direction, kept as its last one. ``said``: what the checks said, for scores and weights.
        ``blocking``: the rules that decided a block, by default all that block among ``located``."""
        located = tuple(located)
        if action is Action.BLOCKED and blocking is None:
            blocking = deciding(located)
        if source is Source.OUTPUT and self._dropped:
            located += tuple(self._dropped)
            action = Action.MASKED if action is Action.NONE else action
        on_failure = {r.id: r.on_failure for r in self.guard.policy.rules}
        asked = [one for one in said if one.scores or one.models]
        scores = worst([one.scores for one in asked])
        weights: dict[str, str] = {}
        for one in asked:
            weights |= one.models
        decision = Decision(
            self.id,
            source,
            action,
            self.guard.policy.identity,
            self._tenancy.id,
            self.form.name,
            self.form.model if self.form.model not in self.bad else "",
            located,
            tuple(failures),
            unread,
            # What is blocked as a whole has let nothing pass; of a stream, something may be out.
            () if action is Action.BLOCKED and not streamed else failed_open(tuple(failures), on_failure),
            replaced,
            characters,
            held,
            (time.perf_counter() - started) * 1000 if milliseconds is None else milliseconds,
            blocking or () if action is Action.BLOCKED else (),
            scores,
            weights,
            self._not_applicable if source is Source.OUTPUT else (),
        )
        if source is Source.INPUT:
            self.input = decision
        else:
            self.output = decision
        return decision


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
