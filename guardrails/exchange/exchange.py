"""An exchange: the request is checked and rewritten, then the answer, under the same snapshot of a policy."""

from __future__ import annotations

from typing import Any

from guardrails.cache import Verdicts
from guardrails.decision import Decision
from guardrails.exchange.context import Context, Tenancy
from guardrails.exchange.headers import Headers, content_type, texts_of
from guardrails.exchange.identifiers import outside, scrubbed
from guardrails.exchange.kept import Kept
from guardrails.exchange.request import RequestCheck
from guardrails.exchange.streamed import StreamedAnswer
from guardrails.exchange.tally import Tally
from guardrails.exchange.whole import whole_answer
from guardrails.types import Action, FailureKind, Role, Source
from guardrails.vault import Vault
from guardrails.wire.format import Session
from guardrails.wire.slots import Slot

__all__ = ["Exchange"]


class Exchange:
    """One request and its answer. Not shared between threads; steps of it may run on different ones.

    ``asked`` and ``answered``: the directions of the policy under which requests and answers are, as the format says. ``stands_in``:
    the request was blocked, and the body is ours now, which is forwarded in its place.
    """

    stands_in = False

    def __init__(
        self,
        tenancy: Tenancy,
        form: Session,
        *,
        verdicts: Verdicts | None = None,
        vault: Vault | None = None,
        id: str | None = None,
        kept: Kept | None = None,
    ) -> None:
        """``kept``: where the texts of both directions go as they come, for a record of what was decided about."""
        self.answered = form.format.answers
        self.context = Context(tenancy, form, verdicts=verdicts, vault=vault, id=id, kept=kept, answers=self.answered)
        self.asked = self.context.asks
        self.id = self.context.id
        self.form = form
        self.kept = kept
        self.guard = tenancy.guard

    @property
    def input(self) -> Decision | None:
        """The last decision about the request."""
        return self.context.decisions.get(self.asked)

    @property
    def output(self) -> Decision | None:
        """The last decision about the answer."""
        return self.context.decisions.get(self.answered)

    def cancel(self) -> None:
        """Nobody waits for this exchange any more: what still computes finds its deadline passed. From any thread."""
        self.context.clock.cancel()

    def forget(self) -> None:
        """The exchange is over: masked values leave memory."""
        self.context.forget()

    # -- the request -------------------------------------------------------------------------------------------------

    def request(self) -> Decision:
        """Check the form's request, and rewrite it in place. A blocked one must not be forwarded."""
        return RequestCheck(self.context).run()

    def refusal(self, message: str) -> Any:
        """The answer to a blocked request, which says ``message``."""
        return scrubbed(self.form.refusal(message), self.context.bad)

    def replies(self) -> list[Any]:
        """What the upstream is to be sent since it asked for something that was refused; each once."""
        return []

    def bare(self) -> Decision | None:
        """The decision about a request without a body when string rules stop its path or query, else None."""
        tally = Tally(blocked=True)
        texts = [Slot(t, Role.USER, "(path)", fixed=True) for t in self.form.request.segments]
        ids = self.context.ids([*texts, *outside(self.form)], self.asked)
        if not ids.blocked and not self.context.incoming.stops(ids.failures):
            return None
        tally.located, tally.failures = ids.located, ids.failures
        return self.context.record(self.asked, tally)

    # -- the answer --------------------------------------------------------------------------------------------------

    def answer(self, body: Any) -> tuple[Any, Decision]:
        """Check an answer that came whole: what the client may have (the body rewritten, or a refusal) and why."""
        return whole_answer(self.context, self.form.outbound(body))

    @property
    def confirmed(self) -> Any:
        """The answer as the client may have it once somebody has confirmed its calls; None unless the last decision about an answer says
        :attr:`~guardrails.decision.Decision.ask`."""
        return self.context.confirmed

    def judged(self, answer: Any = None) -> tuple[Any, Decision]:
        """Check the request, or an answer that came whole: the body that may go on, and why. Of an answer whose calls somebody may confirm
        (:attr:`~guardrails.decision.Decision.ask`), the body is what goes on then."""
        if answer is None:
            decision = self.request()
            return self.form.body, decision
        body, decision = self.answer(answer)
        return self.confirmed if decision.ask else body, decision

    def failure(self, body: Any) -> tuple[Any, Decision]:
        """Check an error body of the upstream, which may quote the request."""
        return whole_answer(self.context, self.form.failed(body), error=True)

    def streamed(self) -> StreamedAnswer:
        """The answer as a stream of events."""
        return StreamedAnswer(self.context)

    def headers(self, headers: Headers) -> Headers:
        """The headers of the answer that a client may have. One in which a rule acts is left out, whatever the rule does."""
        kept: Headers = []
        self.context.clock.begin(whole=False)
        for name, given in headers:
            value = content_type(given) if name.lower() == b"content-type" else given
            ids = self.context.ids(list(texts_of(name.lower(), value)), self.answered)
            self.context.dropped += [x for x in ids.located if x.finding.action is not Action.NONE]
            if not ids.blocked and not self.guard.direction(self.answered).stops(ids.failures):
                kept.append((name, value))
        return kept

    def without_body(self) -> Decision | None:
        """The decision about an answer that is nothing but headers; None when all of them passed."""
        return self.context.record(self.answered, Tally()) if self.context.dropped else None

    # -- what could not be checked -----------------------------------------------------------------------------------

    def unfinished(self, source: Source) -> Decision:
        """The decision when the client left before there was one: nothing (more) of a request (INPUT) or answer (OUTPUT) was passed on."""
        return self.context.record(self._travels(source), Tally(blocked=True))

    def refused(self, source: Source, kind: FailureKind, detail: str) -> Decision:
        """The decision when nothing could be checked of a request (INPUT) or answer (OUTPUT) that cannot be read: blocked."""
        source = self._travels(source)
        failures = self.guard.direction(source).failures(kind, detail)
        return self.context.record(source, Tally(failures=failures, blocked=True))

    def _travels(self, source: Source) -> Source:
        """The policy's direction of a request (INPUT) or answer (OUTPUT)."""
        return self.asked if source is Source.INPUT else self.answered

    def uninspected(self, why: str) -> Decision:
        """The decision about an answer that nobody can inspect, where the policy lets it pass."""
        return self.context.record(self.answered, Tally(uninspected=[(why, "(body)")]))
