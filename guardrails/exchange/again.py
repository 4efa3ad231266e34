"""An exchange once more, from the bodies that went over the wire: what would be decided about it now."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from guardrails.decision import Decision
from guardrails.errors import GuardrailsError
from guardrails.exchange.catalogue import Catalogue
from guardrails.exchange.context import Tenancy
from guardrails.exchange.exchange import Exchange
from guardrails.exchange.kept import Kept
from guardrails.exchange.message import Messages
from guardrails.exchange.messages import MessageExchange
from guardrails.guard import Guard
from guardrails.types import Role, Source
from guardrails.wire import FORMATS, form_class, recognise, strict
from guardrails.wire.format import Format, Session
from guardrails.wire.strict import BodyLimits

__all__ = ["again", "direction"]

_LIMITS = BodyLimits(bytes=64_000_000, nodes=1_000_000, string=64_000_000)


def direction(format: str, *, answer: bool) -> Source:
    """The direction of the policy that a request of a wire format is under, or an ``answer`` to one. Raises GuardrailsError."""
    answers = _format(format).answers
    return answers if answer else Source.INPUT if answers is Source.OUTPUT else Source.OUTPUT


def again(
    guard: Guard,
    format: str,
    request: bytes | None,
    answer: bytes | None = None,
    *,
    tenant: str = "default",
    path: str = "",
    server: str | None = None,
    allowed: Iterable[str] = (),
) -> tuple[Decision, list[tuple[str, Role, str]] | None]:
    """The decision about ``answer``, or about ``request`` where there is none, with the texts that it is about.

    ``format``: the name of a wire format; ``path``: the request's path, for APIs that say in it what they want. Both bodies are as
    they came, JSON or the bytes of a stream. Of messages of MCP, ``answer`` may be one that answers nothing (then there is no ``request``);
    ``server`` is the server's name, where rules name servers, and ``allowed`` are methods and types of results that pass beside those of the protocol.
    Raises GuardrailsError, and Malformed for a body that is none.
    """
    kind = _format(format)
    if request is None and (answer is None or not kind.messages):
        raise GuardrailsError("a replay needs the body of the request; only a message of MCP's server may stand alone")
    form = _form(kind, request, path)
    kept = Kept()
    tenancy = Tenancy(tenant, guard, secrets.token_bytes(32))
    if kind.messages:
        messages = Messages(Catalogue(), server=server, allowed=frozenset(allowed))
        exchange: Exchange = MessageExchange(tenancy, form, messages, kept=kept)
    else:
        exchange = Exchange(tenancy, form, kept=kept)
    decision = None if request is None else exchange.request()
    if answer is not None:
        if decision is not None and decision.blocked:
            raise GuardrailsError("the request is blocked now, so that no answer would come")
        whole = kind.messages and answer.lstrip()[:1] == b"{"
        if form.streaming and not whole:
            decision = _streamed(exchange, answer)
        else:
            decision = exchange.answer(strict.parse_answer(answer, _LIMITS))[1]
    if decision is None:  # for the type checker: one of the two is there
        raise GuardrailsError("there is nothing to replay")
    return decision, kept.of(decision.direction)


def _format(name: str) -> type[Format]:
    if name not in FORMATS:
        raise GuardrailsError(f"there is no wire format {name[:40]!r}; there are {', '.join(FORMATS)}")
    return form_class(name)


def _form(cls: type[Format], request: bytes | None, path: str) -> Session:
    body = None if request is None else strict.parse(request, _LIMITS)
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
