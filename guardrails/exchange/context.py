"""What a request and its answer share: the snapshot of a policy, time, ids, numbers and references, and what was decided."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from guardrails import inference
from guardrails.actions import Numbers
from guardrails.cache import Verdicts
from guardrails.content import Deadline
from guardrails.decision import Decision, Located, deciding, failed_open, new_id
from guardrails.exchange.calling import Calls
from guardrails.exchange.identifiers import Judged, judged
from guardrails.exchange.kept import Kept
from guardrails.exchange.restoring import Restoring
from guardrails.exchange.sources import references
from guardrails.exchange.tally import Tally
from guardrails.guard import Guard
from guardrails.types import Action, Piece, Role, Source
from guardrails.vault import Vault
from guardrails.verdict import worst
from guardrails.wire.format import Session
from guardrails.wire.shape import Kind
from guardrails.wire.slots import Mode, Slot

__all__ = ["Clock", "Context", "Tenancy"]


@dataclass(frozen=True, slots=True)
class Tenancy:
    """Whose exchange it is: an immutable snapshot of a tenant."""

    id: str
    guard: Guard
    secret: bytes = field(repr=False)


class Clock:
    """The time that checks of one exchange may take. The upstream's own time is not counted."""

    __slots__ = ("_cancelled", "_left", "_milliseconds", "deadline")

    def __init__(self, milliseconds: float) -> None:
        """``milliseconds``: the policy's, for the request and a whole answer together, and for each event of a stream."""
        self._milliseconds = self._left = milliseconds
        self._cancelled = False
        self.deadline = Deadline(milliseconds)

    def begin(self, *, whole: bool = True) -> Deadline:
        """A step begins. ``whole``: with what is left for the request and a whole answer; else with all of the policy's."""
        self.deadline = Deadline(self._left if whole else self._milliseconds)
        if self._cancelled:
            self.deadline.at = 0.0
        return self.deadline

    def leave(self) -> None:
        """The step is over: what it left is for the answer."""
        self._left = max(0.0, self.deadline.remaining * 1000)

    def cancel(self) -> None:
        """Nobody waits any more: what still computes finds its deadline passed. From any thread."""
        self._cancelled = True
        self.deadline.at = 0.0


class Context:
    """One exchange, for those who check its request and its answer. Not shared between threads."""

    def __init__(
        self,
        tenancy: Tenancy,
        form: Session,
        *,
        verdicts: Verdicts | None = None,
        vault: Vault | None = None,
        id: str | None = None,
        kept: Kept | None = None,
        answers: Source = Source.OUTPUT,
    ) -> None:
        """``answers``: the policy's direction in which answers travel; requests travel in the other one."""
        self.id = id or new_id()
        self.kept = kept
        self.form = form
        self.guard = tenancy.guard
        self.policy = tenancy.guard.policy
        self.asks = Source.INPUT if answers is Source.OUTPUT else Source.OUTPUT
        self.answers = answers
        self.incoming = tenancy.guard.direction(self.asks)
        self.outgoing = tenancy.guard.direction(self.answers)
        self.secret = tenancy.secret
        self.verdicts = verdicts if verdicts is not None else Verdicts(0)
        self.calls = Calls(tenancy.guard)
        self.clock = Clock(self.policy.limits.deadline_ms)
        # Ids that may not be said again, with what is said instead.
        self.bad: dict[str, str] = {}
        self.not_judged: tuple[str, ...] = ()  # rules that passed over the request's system messages
        self.dropped: list[Located] = []  # what was found in headers of the answer, which then stayed here
        self.references: tuple[Piece, ...] = ()
        self.confirmed: Any = None  # the answer as it may go on once somebody has confirmed its calls
        self.decisions: dict[Source, Decision] = {}
        self._tenant = tenancy.id
        self._vault = vault
        self._restores = any(r.mask.restore for r in self.policy.rules)
        self._not_applicable: tuple[str, ...] = ()  # rules that compare, and the request has nothing to compare with
        self._seen: list[str] = []
        self._passed: set[str] = set()  # ids that passed, which answers repeat

    # -- ids, numbers, references ------------------------------------------------------------------------------------

    def ids(self, slots: Sequence[Slot], source: Source, may_block: Container[int] | None = None) -> Judged:
        """What the rules that read ids make of these. Of an answer, those of the request need no second look."""
        if not slots:
            return Judged()
        passed = self._passed if source is self.answers is Source.OUTPUT else frozenset[str]()
        out = judged(
            self.guard,
            source,
            slots,
            self.verdicts,
            self.secret,
            self.clock.deadline,
            passed=passed,
            may_block=may_block,
        )
        self._passed |= out.passed
        self.bad |= out.bad
        return out

    def numbers_in(self, texts: Sequence[str]) -> Numbers:
        """Numbers for masks of the request, none of which stands in one of its texts."""
        if self._restores and self._vault is None:
            self._vault = Vault(texts, self.policy.rules)
        elif self._vault is not None:
            for text in texts:
                self._vault.watch(text)
        return self._vault if self._vault is not None else Numbers(texts)

    def numbers_out(self) -> Numbers:
        """Numbers for masks of the answer, none of which stands in the request already."""
        return Numbers(self._seen) if self._vault is None else self._vault.outgoing(self._seen)

    def restoring(self, kind: Kind, after: Restoring | None = None) -> Restoring:
        """What puts values back into texts of that kind; ``after``: into the part before."""
        return Restoring(self._vault, "tools" if kind in (Kind.TOOL, Kind.JSON) else "text", after)

    def remember(self, slots: Iterable[Slot], latest: Container[int]) -> None:
        """What the answer is compared with: the newest question, and every source the model was shown."""
        seen = list(slots)
        self._seen = [s.text for s in seen]
        compared = self.outgoing.references()
        if not compared:
            return
        wanted = next((one.sources for one in compared.values() if one.sources), ())
        self.references = references(seen, wanted, latest)
        given = {q for piece in self.references for q in piece.qualifiers}
        self._not_applicable = tuple(rule for rule, one in compared.items() if one.qualifier not in given)

    def references_of(self, slot: Slot) -> tuple[Piece, ...]:
        """What the text of a slot is compared with: an answer's own words only, not its tool calls."""
        own = slot.kind is Kind.TEXT and slot.role is Role.ASSISTANT and slot.mode is not Mode.REPEAT and not slot.fixed
        return self.references if own else ()

    @property
    def acts(self) -> bool:
        """Whether any rule of the answers masks or blocks."""
        rules = self.outgoing.rules.values()
        return any((a := r.action(self.answers)) is not None and a.value != "detect" for r in rules)

    def forget(self) -> None:
        """The exchange is over: masked values leave memory."""
        if self._vault is not None:
            self._vault.forget()
        if self.kept is not None:
            self.kept.forget()
        self._seen = []
        self.references = ()
        self.confirmed = None

    # -- decisions ---------------------------------------------------------------------------------------------------

    def record(self, source: Source, tally: Tally, *, streamed: bool = False) -> Decision:
        """The decision about a direction, kept as its last one. ``streamed``: something may be out, though it is blocked."""
        action, located = tally.action, tuple(tally.located)
        blocking: Iterable[str] = ()
        if action is Action.BLOCKED:
            blocking = deciding(located) if tally.blocking is None else dict.fromkeys(tally.blocking)
        if source is self.answers and self.dropped:
            located += tuple(self.dropped)
            action = Action.MASKED if action is Action.NONE else action
        failures = tuple(tally.failures)
        asked = [one for one in tally.said if one.scores or one.models]
        weights: dict[str, str] = {}
        for one in asked:
            weights |= one.models
        spent = time.perf_counter() - tally.started if tally.seconds is None else tally.seconds
        decision = self.decisions[source] = Decision(
            self.id,
            source,
            action,
            self.policy.identity,
            self._tenant,
            self.form.name,
            self.form.model if self.form.model not in self.bad else "",
            located,
            failures,
            tuple(tally.uninspected),
            # What is blocked as a whole has let nothing pass; of a stream, something may be out.
            ()
            if action is Action.BLOCKED and not streamed
            else failed_open(failures, {r.id: r.on_failure for r in self.policy.rules}),
            tally.replaced,
            tally.characters,
            tally.held,
            spent * 1000,
            tuple(blocking),
            worst([one.scores for one in asked], self.guard.direction(source).lower_is_worse),
            weights,
            self._not_applicable if source is self.answers else (),
            inference.named(weights),
            self.not_judged if source is self.asks else (),
            tally.ask,
        )
        return decision
