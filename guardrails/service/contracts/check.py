"""Our own contract: everything the library reports, one text or many."""

from __future__ import annotations

from typing import Any

from guardrails.guard import Guard
from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.catalog import Guardrail
from guardrails.service.checking import Checked
from guardrails.service.contracts.check_stream import stream
from guardrails.service.errors import plain
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body
from guardrails.service.openapi import document
from guardrails.types import Piece, Qualifier, Role, Source

__all__ = ["CONTRACT", "MOST"]

# Texts of one batch.
MOST = 100
_ONE = ("text", "pieces")
_FIELDS = ("guardrail", "version", "source", "include_text", *_ONE)


async def check(call: Call) -> Answer:
    """``POST /v1/check``: one text, or pieces that are checked together."""
    body = call.body
    body.only(*_FIELDS, "checks")
    body.filled()
    if "checks" in body:
        return await _batch(call, body)
    guardrail = call.guardrail(body.text("guardrail", ""), body.text("version", ""))
    done = await call.checking.check(call, guardrail, _pieces(body), _source(body))
    return Answer(_shaped(guardrail, done, include_text=body.flag("include_text", True)))


async def _batch(call: Call, body: Body) -> Answer:
    body.only("guardrail", "version", "source", "include_text", "checks")
    guardrail = call.guardrail(body.text("guardrail", ""), body.text("version", ""))
    include = body.flag("include_text", True)
    items = body.objects("checks", most=MOST)
    if not items:
        raise Fault(Kind.INVALID, "is empty; add at least one object with text or pieces", "checks")
    meant = _source(body)
    asked = []
    for item in items:
        item.only(*_ONE, "source")
        item.filled()
        asked.append((_pieces(item), _source(item) if "source" in item else meant))
    by_source: dict[Source, list[int]] = {}
    for number, (_, source) in enumerate(asked):
        by_source.setdefault(source, []).append(number)
    results: dict[int, Any] = {}
    for source, numbers in by_source.items():
        done = await call.checking.check_many(call, guardrail, [asked[n][0] for n in numbers], source)
        results |= {n: _shaped(guardrail, d, include_text=include) for n, d in zip(numbers, done, strict=True)}
    return Answer({"results": [results[n] for n in range(len(asked))]})


def _source(body: Body) -> Source:
    return Source(body.choice("source", [s.value for s in Source]))


def _pieces(body: Body) -> list[Piece]:
    if ("text" in body) == ("pieces" in body):
        there = "both are there" if "text" in body else "both are missing"
        raise Fault(Kind.INVALID, f"send either text or pieces: {there}", body.place)
    if "text" in body:
        return [Piece(body.text("text"))]
    pieces = []
    for piece in body.objects("pieces"):
        piece.only("text", "role", "qualifiers")
        piece.filled()
        role = piece.choice("role", [r.value for r in Role], Role.USER.value)
        named = piece.texts("qualifiers", [Qualifier.GUARD_CONTENT.value])
        for number, name in enumerate(named):
            if name not in [q.value for q in Qualifier]:
                allowed = ", ".join(Qualifier)
                raise Fault(Kind.INVALID, f"is none of {allowed}", f"{piece.at('qualifiers')}[{number}]")
        pieces.append(Piece(piece.text("text"), Role(role), tuple(Qualifier(n) for n in named)))
    if not pieces:
        raise Fault(Kind.INVALID, "is empty; add at least one object with text", body.at("pieces"))
    return pieces


def _shaped(guardrail: Guardrail, done: Checked, *, include_text: bool) -> dict[str, Any]:
    return {
        "id": done.decision.id,
        "guardrail": {"id": guardrail.id, "version": guardrail.version},
        "milliseconds": round(done.milliseconds, 3),
        **done.report.to_dict(include_text=include_text),
    }


async def guardrails(call: Call) -> Answer:
    """``GET /v1/guardrails``: what this caller may use."""
    mine = call.principal
    if mine.tenant is not None:
        one = call.guardrail()
        return Answer({"guardrails": [_described(one.id, {one.version: one.guard})]})
    return Answer(
        {
            "guardrails": [
                _described(id_, {v: g.guard for v, g in versions.items()})
                for id_, versions in call.catalog.ids.items()
                if mine.guardrails is None or id_ in mine.guardrails
            ]
        }
    )


def _described(id_: str, versions: dict[str, Guard]) -> dict[str, Any]:
    return {
        "id": id_,
        "versions": [
            {"version": version, "name": guard.policy.name, "sha256": guard.policy.identity.sha256}
            for version, guard in sorted(versions.items())
        ],
    }


async def openapi(_: Call) -> Answer:
    """``GET /openapi.json``."""
    return Answer(document())


CONTRACT = Contract(
    "check",
    (
        Endpoint("POST", "/v1/check", check),
        Endpoint("POST", "/v1/check/stream", stream),
        Endpoint("GET", "/v1/guardrails", guardrails, reads=False),
        Endpoint("GET", "/openapi.json", openapi, scope=None, reads=False),
    ),
    plain,
)
