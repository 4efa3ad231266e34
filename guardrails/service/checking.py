"""Running checks for calls: on this thread when they are light, on others when a model is asked; each is recorded."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from guardrails.asgi.recording import Recording
from guardrails.asgi.shadowing import Shadowing
from guardrails.asgi.telemetry import Telemetry, record_of
from guardrails.decision import Decision, Located, deciding, failed_open
from guardrails.evidence import EvidenceLog, EvidenceLost
from guardrails.exchange import Exchange, Kept, Tenancy
from guardrails.guard import TOGETHER
from guardrails.pieces import Checkable, pieces_of
from guardrails.pipeline import Pipeline
from guardrails.service.access import Principal
from guardrails.service.catalog import Guardrail
from guardrails.service.faults import Fault, Kind
from guardrails.service.limits import Usage, units
from guardrails.service.streams import Streams
from guardrails.stores import Unreachable
from guardrails.types import Action, Piece, Report, Source, Uninspected
from guardrails.wire.format import Session

__all__ = ["Checked", "Checking"]

# Checks in work at once; they wait for models more than for a processor.
_THREADS = 16
# Bytes of a body up to which rules without a model are evaluated where it was read: a hop to a thread costs more.
_LIGHT_BYTES = 4_096

# Seconds after which a client may try again when a decision could not be recorded.
_RETRY_S = 5
# Of this process: for keys of caches that nobody else may guess.
_SECRET = secrets.token_bytes(32)
# What nobody can inspect and where it stands, as in a Decision.
UninspectedPart = Sequence[tuple[str, str]]


class Caller(Protocol):
    """What a check has to know of a call: its id, the contract, who calls, and the bytes of its body."""

    @property
    def id(self) -> str: ...
    @property
    def contract(self) -> str: ...
    @property
    def principal(self) -> Principal: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Checked:
    """A report, what it decided together with content that nobody can inspect, and how long it took in milliseconds."""

    report: Report
    milliseconds: float
    decision: Decision = field(repr=False)

    @property
    def action(self) -> Action:
        """What becomes of the texts."""
        return self.decision.action

    @property
    def blocked(self) -> bool:
        """True when nothing of the texts may be used."""
        return self.action is Action.BLOCKED


class Checking:
    """Checks texts for calls; figures, the log and, with ``recording``, the log of evidence know of each."""

    def __init__(
        self,
        telemetry: Telemetry,
        recording: Recording | None = None,
        usage: Usage | None = None,
        streams: Streams | None = None,
        shadowing: Shadowing | None = None,
    ) -> None:
        self.streams = streams or Streams()
        self._telemetry = telemetry
        self._usage = usage or Usage()
        self._recording = recording
        self._shadowing = shadowing
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="guardrails-service")

    @property
    def evidence(self) -> EvidenceLog | None:
        """The log in which decisions are recorded."""
        return self._recording.log if self._recording is not None else None

    def close(self) -> None:
        """Let the threads go, and close the log of evidence that was opened here. Raises EvidenceLost."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._shadowing is not None:
            self._shadowing.close()
        if self._recording is not None:
            self._recording.close()

    async def check(
        self,
        call: Caller,
        guardrail: Guardrail,
        text: Checkable,
        source: Source,
        *,
        direction: Pipeline | None = None,
        uninspected: UninspectedPart = (),
    ) -> Checked:
        """One check, as :meth:`guardrails.Guard.check`. ``uninspected``: what came with it that nobody can inspect, and where."""
        done = await self.check_many(call, guardrail, [text], source, direction=direction, uninspected=uninspected)
        return done[0]

    async def check_many(
        self,
        call: Caller,
        guardrail: Guardrail,
        texts: Sequence[Checkable],
        source: Source,
        *,
        direction: Pipeline | None = None,
        uninspected: UninspectedPart = (),
    ) -> list[Checked]:
        """One check a text; they do not see each other."""
        asked = [pieces_of(text) for text in texts]
        light = (direction or guardrail.guard.direction(source)).light and call.size <= _LIGHT_BYTES
        work = partial(self._timed, guardrail, source=source, direction=direction)
        if light:
            done = [work(pieces) for pieces in asked]
        else:
            gate = asyncio.Semaphore(TOGETHER)
            done = await asyncio.gather(*(self._apart(partial(work, pieces), gate) for pieces in asked))
        many = len(asked) > 1
        recording = (
            self.recorded(call, guardrail, pieces, *one, uninspected=uninspected, number=number if many else None)
            for number, (pieces, one) in enumerate(zip(asked, done, strict=True))
        )
        return list(await asyncio.gather(*recording))

    async def exchange(
        self, call: Caller, guardrail: Guardrail, form: Session, answer: Any = None
    ) -> tuple[Any, Decision]:
        """The body of a chat API's request under the guardrail, as the proxy would forward it, and the decision; with ``answer``
        the same for the body of an answer to it. Of an answer whose calls somebody may confirm (``decision.ask``), the body is what goes
        on then."""
        kept = Kept() if self._recording is not None or self._shadowing is not None else None
        exchange = Exchange(Tenancy(call.principal.name, guardrail.guard, _SECRET), form, kept=kept)
        body, decision = await self.run(partial(exchange.judged, answer))
        decision = replace(decision, id=call.id, format=call.contract)
        self._telemetry.decision(record_of(decision))
        await self._used(call.principal, decision.characters)
        said = exchange.kept.of(decision.direction) if exchange.kept is not None else None
        pieces = [Piece(text, role) for _, role, text in said or ()]
        exchange.forget()
        await self._record(decision, pieces, guardrail, decision)
        return body, decision

    async def _used(self, principal: Principal, characters: int) -> None:
        """Count what was checked. Raises Fault where nobody can."""
        try:
            await self._usage.text(principal.name, principal.limits, units(characters))
        except Unreachable:
            told = "what this key has used cannot be counted now, so its text is not answered; send it again later"
            raise Fault(Kind.OVERLOADED, told, retry_after=_RETRY_S) from None

    async def _record(
        self, what: Decision | Report, pieces: Sequence[Piece], guardrail: Guardrail, decision: Decision
    ) -> None:
        if self._shadowing is not None:
            self._shadowing.pieces(pieces, decision.direction, guardrail.guard)
        if self._recording is None:
            return
        try:
            await self._recording.checked(
                what, pieces, guardrail.guard, id=decision.id, tenant=decision.tenant, route=decision.format
            )
        except EvidenceLost:
            told = "the decision could not be recorded, and without its record none takes effect; try again later"
            raise Fault(Kind.OVERLOADED, told, retry_after=_RETRY_S) from None

    async def run(self, work: Callable[[], Any]) -> Any:
        """Other work that takes long, on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _apart(self, work: Callable[[], Any], gate: asyncio.Semaphore) -> Any:
        async with gate:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    @staticmethod
    def _timed(
        guardrail: Guardrail, text: Checkable, *, source: Source, direction: Pipeline | None
    ) -> tuple[Report, float]:
        started = time.perf_counter()
        report = guardrail.guard.check(text, source, direction=direction)
        return report, (time.perf_counter() - started) * 1000

    async def recorded(
        self,
        call: Caller,
        guardrail: Guardrail,
        pieces: Sequence[Piece],
        report: Report,
        milliseconds: float,
        *,
        uninspected: UninspectedPart = (),
        number: int | None = None,
    ) -> Checked:
        """A report, counted, logged and recorded; for checks that were not made here. ``number``: of several texts in one call.
        Raises Fault when it has to be recorded and cannot be."""
        stopped = bool(uninspected) and guardrail.guard.policy.uninspected is Uninspected.BLOCK
        on_failure = {r.id: r.on_failure for r in guardrail.guard.policy.rules}
        findings = tuple(Located(f"[{f.piece}]", f) for f in report.findings)
        decision = Decision(
            call.id if number is None else f"{call.id}-{number}",
            report.source,
            Action.BLOCKED if stopped else report.action,
            report.policy,
            tenant=call.principal.name,
            format=call.contract,
            findings=findings,
            failures=report.failures,
            uninspected=tuple(uninspected),
            fail_open=failed_open(report.failures, on_failure),
            characters=report.coverage.total,
            milliseconds=milliseconds,
            blocking=deciding(findings),
            scores=report.scores,
            weights=report.models,
            not_applicable=report.coverage.not_applicable,
            setting=report.setting,
        )
        self._telemetry.decision(record_of(decision))
        await self._used(call.principal, decision.characters)
        await self._record(decision if uninspected else report, pieces, guardrail, decision)
        return Checked(report, milliseconds, decision)
