"""Streams through a form, its own framing and a real exchange: bytes in, bytes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from guardrails import Guard
from guardrails.exchange import Exchange, Tenancy
from guardrails.wire.format import Session
from guardrails.wire.framing import Frame
from guardrails.wire.strict import parse
from guardrails.wire.walk import Walk
from tests.core.policies import guard, regex_rule, words_rule

# Blocks `kingfisher`, masks account numbers.
ACCOUNT = "ACC-12345678"
MASK = "{account}"
MESSAGE = "Sorry, I can't share that answer."
GUARD = guard(words_rule("secret", "kingfisher"), regex_rule("account", r"ACC-\d{8}"))


def exchange(form: Session, judge: Guard = GUARD) -> Exchange:
    """An exchange under a policy that masks account numbers and blocks `kingfisher`."""
    return Exchange(Tenancy("t", judge, b"k" * 32), form)


def flowed(form: Session, data: bytes, step: int = 0, *, ends: bool = True, judge: Guard = GUARD) -> bytes:
    """What a client gets of a stream; ``step``: bytes of an upstream chunk, 0 for all at once; ``ends``: the stream does."""
    answer = exchange(form, judge).streamed()
    framing = form.framing()
    out = framing.head()

    def take(frames: list[Frame]) -> bytes:
        left = b""
        for frame in frames:
            event, _ = answer.begin(frame)
            left += b"".join(framing.encode(f) for f in answer.settle(event))
        return left

    for at in range(0, len(data), step or len(data)):
        out += take(framing.feed(data[at : at + (step or len(data))]))
    if not ends:
        return out
    out += take(framing.finish())
    return out + b"".join(framing.encode(f) for f in answer.finish()) + framing.tail()


def refused(form: Session, message: str = MESSAGE) -> bytes:
    """The stream that answers a blocked request."""
    framing = form.framing()
    frames = [*form.opening(), *form.ending(message)]
    return framing.head() + b"".join(map(framing.encode, frames)) + framing.tail()


def sse(*bodies: Any) -> bytes:
    """Server-sent events; a string is a raw line."""
    return b"".join(
        b"data: " + (b if isinstance(b, str) else json.dumps(b, ensure_ascii=False)).encode() + b"\n\n" for b in bodies
    )


def lines(*bodies: Any) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(b, ensure_ascii=False).encode() + b"\n" for b in bodies)


def events(data: bytes, form: Session) -> list[Any]:
    """The bodies of a stream, and its raw lines."""
    framing = form.framing()
    return [f.body if f.raw is None else f.raw for f in [*framing.feed(data), *framing.finish()]]


def texts(walk: Walk) -> dict[str, str]:
    """Path to ``role: text`` of every slot but keys."""
    return {s.path: f"{s.role.value}: {s.text}" for s in walk.slots if not s.fixed}


def keys(walk: Walk) -> set[str]:
    """The keys that are read as text."""
    return {k for s in walk.slots if s.fixed for k in s.text.split("\n")}


def uninspected(walk: Walk) -> dict[str, str]:
    """Path to why, of what nobody can inspect."""
    return {u.path: u.why for u in walk.uninspected}


def cut_alike(make: Any, data: bytes, steps: Sequence[int] = (1, 3, 7, 64)) -> bytes:
    """What a client gets, after comparing it for some ways of cutting the upstream's bytes."""
    whole = flowed(make(), data)
    for step in steps:
        assert flowed(make(), data, step) == whole, f"chunks of {step}"
    return whole


def parsed(text: str) -> Any:
    """JSON as a request's body is read."""
    return parse(text.encode())
