"""``POST /v1/check/stream``: a text in pieces under one call id. What may be shown so far comes back with each."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from guardrails.service.calls import Answer, Call
from guardrails.service.catalog import Guardrail
from guardrails.service.checking import Checking
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body
from guardrails.service.streams import OpenStream
from guardrails.types import Piece, Role, Source

__all__ = ["CALL", "MOST_PIECES", "stream"]

CALL = r"[A-Za-z0-9._:-]{1,128}"
MOST_PIECES = 1_000_000
_FIELDS = ("call", "piece", "text", "final", "guardrail", "version", "source")
_ROLES = {Source.INPUT: Role.USER, Source.OUTPUT: Role.ASSISTANT}


async def stream(call: Call) -> Answer:
    """The next piece of a stream; piece 0 begins one."""
    body = call.body
    body.only(*_FIELDS)
    body.filled()
    id_ = body.text("call")
    if not re.fullmatch(CALL, id_):
        raise Fault(Kind.INVALID, "must have 1 to 128 letters, digits, dots, colons, hyphens or underscores", "call")
    piece = body.whole("piece", 0, MOST_PIECES)
    text, final = body.text("text", ""), body.flag("final", False)
    await _expire(call)
    streams = call.checking.streams
    found = await _found(call, body, id_, piece)
    async with found.lock:
        await streams.catch_up(found, call, id_)
        if not found.again(piece, text, final=final):
            _in_order(found, piece)
            shown = await call.checking.run(partial(found.take, piece, text, final=final))
            found.said = {
                "call": id_,
                "piece": piece,
                "text": shown,
                "held": 0 if found.ended else found.stream.held,
                "blocked": found.stream.blocked,
                "ended": found.ended,
            }
            await streams.keep(found, call, id_)
        if found.ended and not found.told:
            found.said = found.said | await _end(call.checking, found, call)
            found.told = True
            await streams.keep(found, call, id_)
        return Answer(found.said)


async def _found(call: Call, body: Body, id_: str, piece: int) -> OpenStream:
    """The stream that is meant; a new one for piece 0."""
    named = body.text("guardrail", ""), body.text("version", "")
    source = Source(body.choice("source", [s.value for s in Source], Source.OUTPUT.value))
    known = await call.checking.streams.find(call, id_)
    if known is not None:
        _same(call, known, named, source if "source" in body else known.source)
        return known
    if piece != 0:
        raise Fault(
            Kind.NOT_FOUND,
            "there is no stream of this id: it is over, or nobody continued it in time; begin again with piece 0",
            "call",
        )
    guardrail = call.guardrail(*named)
    made = OpenStream(call, guardrail, source, guardrail.guard.stream(source, role=_ROLES[source]))
    return await call.checking.streams.begin(call, id_, made)


def _same(call: Call, known: OpenStream, named: tuple[str, str], source: Source) -> None:
    other: Guardrail = call.guardrail(*named) if any(named) else known.guardrail
    if (other.id, other.version, source) != (known.guardrail.id, known.guardrail.version, known.source):
        raise Fault(
            Kind.CONFLICT,
            "this stream began under another guardrail, version or source: leave them out, or choose another id",
            "call",
        )


def _in_order(found: OpenStream, piece: int) -> None:
    if found.ended:
        raise Fault(Kind.CONFLICT, "this stream has ended; choose another id for another text", "call")
    if piece != found.piece + 1:
        raise Fault(Kind.CONFLICT, f"is not the next piece: send {found.piece + 1}", "piece")


async def _end(checking: Checking, found: OpenStream, call: Call) -> dict[str, Any]:
    """The report, recorded before it leaves."""
    piece = Piece("".join(found.texts), _ROLES[found.source])
    done = await checking.recorded(call, found.guardrail, [piece], found.stream.report, found.milliseconds)
    found.texts.clear()
    return {
        "report": {
            "id": done.decision.id,
            "guardrail": {"id": found.guardrail.id, "version": found.guardrail.version},
            "milliseconds": round(done.milliseconds, 3),
            **done.report.to_dict(),
        }
    }


async def _expire(call: Call) -> None:
    """Streams whose client left are decided about as far as they came."""
    for gone in await call.checking.streams.expired(call):
        gone.leave()
        await _end(call.checking, gone, gone.call)
