"""An exchange in messages of MCP: a client's is checked and forwarded, and each that its server sends is checked by itself."""

from __future__ import annotations

import time
from typing import Any

from guardrails.cache import Verdicts
from guardrails.decision import Decision, deciding
from guardrails.exchange.context import Tenancy
from guardrails.exchange.exchange import Exchange
from guardrails.exchange.identifiers import outside
from guardrails.exchange.kept import Kept
from guardrails.exchange.message import Messages
from guardrails.exchange.tally import Tally
from guardrails.types import FailureKind, OnFailure, Role
from guardrails.wire.format import Session
from guardrails.wire.framing import Frame
from guardrails.wire.mcp import McpSession, Sender, is_message
from guardrails.wire.shape import Kind
from guardrails.wire.slots import Slot

__all__ = ["MessageExchange", "MessageStream"]


class MessageExchange(Exchange):
    """One POST, GET or DELETE of MCP. What a client sends is under the policy's rules for output, what it gets under those for input."""

    def __init__(
        self,
        tenancy: Tenancy,
        form: Session,
        messages: Messages,
        *,
        verdicts: Verdicts | None = None,
        id: str | None = None,
        kept: Kept | None = None,
    ) -> None:
        super().__init__(tenancy, form, verdicts=verdicts, id=id, kept=kept)
        self.messages = messages
        self._back: Any = None
        self._replies: list[Any] = []

    def request(self) -> Decision:
        """Check the client's message. Of a blocked answer an error goes on in its place: the server waits for it."""
        tally = Tally()
        self.context.clock.begin()
        self._check_path(tally)
        if self.form.body is not None and not tally.blocked:
            passed = self.messages.check(self.context, self.form.body, Sender.CLIENT, tally)
            self._back = passed.back
            if passed.onward is not None:
                self.stands_in = passed.blocked
                self.form.body = passed.onward
        self.context.clock.leave()
        return self.context.record(self.asked, tally)

    def refusal(self, message: str) -> Any:
        """What the client is answered whose message was blocked."""
        return self.form.refusal(message) if self._back is None else self._back

    def answer(self, body: Any) -> tuple[Any, Decision]:
        """Check the server's message that came whole."""
        tally = Tally()
        self.context.clock.begin()
        passed = self.messages.check(self.context, body, Sender.SERVER, tally)
        self.reply(passed.back)
        decision = self.context.record(self.answered, tally)
        told = self.context.policy.blocked(self.answered, deciding(tally.located))
        return (passed.onward if passed.onward is not None else self.form.refusal(told)), decision

    def failure(self, body: Any) -> tuple[Any, Decision]:
        """Check the body of an answer that says by its status that something failed."""
        if is_message(body):
            return self.answer(body)
        tally = Tally()
        self.context.clock.begin()
        self.messages.read(self.context, self.form.failed(body), self.answered, tally)
        decision = self.context.record(self.answered, tally)
        if not tally.blocked:
            return body, decision
        told = self.context.policy.blocked(self.answered, deciding(tally.located))
        return self.form.error(502, told, "guardrails_blocked"), decision

    def streamed(self) -> MessageStream:  # type: ignore[override]  # it has the methods that entry points use
        """The answer as a stream of messages."""
        return MessageStream(self)

    def reply(self, back: Any) -> None:
        """The server is to be answered with this, since its request goes nowhere."""
        if back is not None:
            self._replies.append(back)

    def replies(self) -> list[Any]:
        """What the server is to be sent since it asked for something that was refused; each once."""
        out, self._replies = self._replies, []
        return out

    def _check_path(self, tally: Tally) -> None:
        texts = [Slot(t, Role.ASSISTANT, "(path)", fixed=True) for t in self.form.request.segments]
        ids = self.context.ids([*texts, *outside(self.form)], self.asked)
        tally.located, tally.blocked = ids.located, ids.blocked
        tally.fail(ids.failures)


class MessageStream:
    """The events of one answer or of a server's own stream, each a message of its own: one that is refused does not end it."""

    def __init__(self, exchange: MessageExchange) -> None:
        self._exchange = exchange
        self._context = exchange.context
        self._tally = Tally(seconds=0.0)
        self._waiting = isinstance(exchange.form, McpSession) and exchange.form.body is not None
        self._withheld = False
        self.ended = False
        self.held = 0

    @property
    def blocked(self) -> bool:
        """Whether any message was refused."""
        return self._tally.blocked

    @property
    def failed_open(self) -> bool:
        """Whether a rule has failed so far whose policy lets the text pass."""
        rules = self._context.guard.direction(self._exchange.answered).rules
        return any(rules[f.rule].on_failure is not OnFailure.BLOCK for f in self._tally.failures)

    @property
    def heavy_end(self) -> bool:
        """Nothing is left to be checked at the end."""
        return False

    def begin(self, frame: Frame) -> tuple[Frame, bool]:
        """An event, and whether :meth:`settle` has anything to compute."""
        return frame, frame.comment is None

    def settle(self, frame: Frame) -> list[Frame]:
        """The event as it leaves, or nothing."""
        if frame.comment is not None:
            return [frame]
        started = time.perf_counter()
        self._context.clock.begin(whole=False)
        passed = self._ids_pass(frame) and self._message_passes(frame)
        self._withheld = self._withheld or not passed
        self._tally.seconds = (self._tally.seconds or 0.0) + time.perf_counter() - started
        return [frame] if passed else []

    def _message_passes(self, frame: Frame) -> bool:
        if frame.raw == "":  # an id to come back with, and nothing else
            return True
        if frame.raw is not None:
            self._unreadable("an event is no JSON")
            return False
        passed = self._exchange.messages.check(self._context, frame.body, Sender.SERVER, self._tally)
        self._exchange.reply(passed.back)
        frame.body = passed.onward
        if self._waiting and passed.onward is not None and "method" not in passed.onward:
            self._waiting = False
        return passed.onward is not None

    def _ids_pass(self, frame: Frame) -> bool:
        """Whether string rules let the event's name and id pass."""
        named = [("(event)", frame.name), ("(event id)", frame.id)]
        slots = [
            Slot(text, Role.TOOL, path, kind=Kind.OPAQUE, fixed=True)
            for path, text in named
            if text and text != "message"
        ]
        ids = self._context.ids(slots, self._exchange.answered)
        self._tally.located += ids.located
        self._tally.fail(ids.failures)
        stops = ids.blocked or self._context.guard.direction(self._exchange.answered).stops(ids.failures)
        self._tally.blocked = self._tally.blocked or stops
        return not stops

    def finish(self) -> list[Frame]:
        """The upstream ended. A request whose answer may be among what was withheld is answered with a refusal."""
        self.ended = True
        return self._last() if self._waiting and self._withheld else []

    def broken(self, detail: str) -> list[Frame]:
        """The upstream broke off or sent what cannot be read."""
        if self.ended:
            return []
        self._unreadable(detail)
        self.ended = True
        return self._last() if self._waiting else []

    def stop(self) -> None:
        """Nobody sends any more, or nobody listens."""
        self.ended = True
        self.record()

    def record(self) -> Decision:
        """The verdict over everything that came so far, kept by the exchange."""
        return self._context.record(self._exchange.answered, self._tally, streamed=True)

    def _unreadable(self, detail: str) -> None:
        failures = self._context.guard.direction(self._exchange.answered).failures(FailureKind.BAD_INPUT, detail)
        self._tally.fail(failures)
        self._tally.blocked = True

    def _last(self) -> list[Frame]:
        self._waiting = False
        told = self._context.policy.blocked(self._exchange.answered, deciding(self._tally.located))
        return self._exchange.form.ending(told)
