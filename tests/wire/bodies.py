"""Runs a form's bodies and streams through a real exchange, bytes in and bytes out."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from guardrails import Guard
from guardrails.exchange import Exchange, Tenancy
from guardrails.wire.format import Session
from guardrails.wire.framing import SSE, Frame
from tests.core.policies import guard, regex_rule, words_rule

# Blocks `kingfisher`, masks account numbers.
SECRET, ACCOUNT = "kingfisher", "ACC-12345678"
MASK = "{account}"
MESSAGE = "Sorry, I can't share that answer."


def strict() -> Guard:
    return guard(words_rule("secret", SECRET), regex_rule("account", r"ACC-\d{8}"))


def exchange(form: Session, judge: Guard | None = None) -> Exchange:
    return Exchange(Tenancy("t", judge or strict(), b"k" * 32), form)


def answered(form: Session, body: Any) -> Any:
    """What a client gets of a whole answer."""
    run = exchange(form)
    assert run.request().action == "NONE"
    return run.answer(copy.deepcopy(body))[0]


def encoded(bodies: Iterable[Any]) -> bytes:
    framing = SSE()
    return b"".join(
        framing.encode(Frame(None, raw=b) if isinstance(b, str) else Frame(b, name=b.get("type"))) for b in bodies
    )


def streamed(form: Session, bodies: Iterable[Any], cut: int = 0) -> list[Any]:
    """What a client gets of a stream: bodies, and the raw ends of it; ``cut``: bytes of a chunk."""
    run = exchange(form)
    assert run.request().action == "NONE"
    answer = run.streamed()
    framing = form.framing()
    data = encoded(bodies)
    out = b""
    step = cut or len(data)
    for at in range(0, len(data), step):
        for frame in framing.feed(data[at : at + step]):
            event, _ = answer.begin(frame)
            out += b"".join(framing.encode(f) for f in answer.settle(event))
    for frame in framing.finish():
        event, _ = answer.begin(frame)
        out += b"".join(framing.encode(f) for f in answer.settle(event))
    out += b"".join(framing.encode(f) for f in answer.finish())
    reader = SSE()
    return [f.raw if f.raw is not None else f.body for f in reader.feed(out) + reader.finish()]
