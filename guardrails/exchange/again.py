"""An exchange once more, from the bodies that went over the wire: what would be decided about it now."""

from __future__ import annotations

import secrets

from guardrails.decision import Decision
from guardrails.errors import GuardrailsError
from guardrails.exchange.context import Tenancy
from guardrails.exchange.exchange import Exchange
from guardrails.exchange.kept import Kept
from guardrails.guard import Guard
from guardrails.types import Role, Source
from guardrails.wire import FORMATS, form_class, recognise, strict
from guardrails.wire.format import Session
from guardrails.wire.strict import BodyLimits

__all__ = ["again"]

_LIMITS = BodyLimits(bytes=64_000_000, nodes=1_000_000, string=64_000_000)


def again(
    guard: Guard, format: str, request: bytes, answer: bytes | None = None, *, tenant: str = "default", path: str = ""
) -> tuple[Decision, list[tuple[str, Role, str]] | None]:
    """The decision about ``answer``, or about ``request`` where there is none, with the texts that it is about.

    ``format``: the name of a wire format; ``path``: the request's path, for APIs that say in it what they want. Both bodies are as
    they came, JSON or the bytes of a stream. Raises GuardrailsError, and Malformed for a body that is none.
    """
    form = _form(format, request, path)
    kept = Kept()
    exchange = Exchange(Tenancy(tenant, guard, secrets.token_bytes(32)), form, kept=kept)
    decision = exchange.request()
    if answer is not None:
        if decision.blocked:
            raise GuardrailsError("the request is blocked now, so that no answer would come")
        decision = (
            _streamed(exchange, answer) if form.streaming else exchange.answer(strict.parse_answer(answer, _LIMITS))[1]
        )
    return decision, kept.of(Source.INPUT if answer is None else Source.OUTPUT)


def _form(format: str, request: bytes, path: str) -> Session:
    if format not in FORMATS:
        raise GuardrailsError(f"there is no wire format {format[:40]!r}; there are {', '.join(FORMATS)}")
    body = strict.parse(request, _LIMITS)
    cls = form_class(format)
    params = next((p for f, p in recognise("POST", path, [cls]) if f is cls), {}) if path else {}
    return cls.open(body, params, {})


def _streamed(exchange: Exchange, answer: bytes) -> Decision:
    framing, stream = exchange.form.framing(), exchange.streamed()
    for frame in [*framing.feed(answer), *framing.finish()]:
        step, _ = stream.begin(frame)
        stream.settle(step)
        if stream.ended:
            break
    if not stream.ended:
        stream.finish()
    return stream.record()
