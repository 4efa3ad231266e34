"""Amazon Bedrock's runtime: ApplyGuardrail and InvokeGuardrailChecks."""

from __future__ import annotations

from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.contracts import aws
from guardrails.service.contracts.bedrock_checks import invoke
from guardrails.service.contracts.bedrock_shapes import assessment, coverage, units
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body
from guardrails.types import Action, Piece, Qualifier, Role, Source

__all__ = ["CONTRACT"]

_QUALIFIERS = tuple(q.value for q in Qualifier)
_FORMATS = ("png", "jpeg")
_IMAGE = "binary content"


async def apply(call: Call) -> Answer:
    """``POST /guardrail/{id}/version/{version}/apply``."""
    body = call.body
    guardrail = call.catalog.find(call.principal, call.params["identifier"], call.params["version"])
    source = Source(body.choice("source", [s.value for s in Source]))
    full = body.choice("outputScope", ("INTERVENTIONS", "FULL"), "INTERVENTIONS") == "FULL"
    pieces, places, images = _content(body, source)
    done = await call.checking.check(
        call, guardrail, pieces or [Piece("")], source, uninspected=[(_IMAGE, f"content[{i}]") for i in images]
    )
    usage = units(guardrail, source, done.report.coverage.total)
    told = assessment(guardrail, done, pieces, usage, full=full, images=len(images))
    intervened = done.action is not Action.NONE
    if done.blocked:
        outputs = [{"text": guardrail.guard.policy.blocked(source, done.decision.blocking)}]
    elif intervened:
        # One output for each block that came, so that they can be put back by their number.
        by_place = dict(zip(places, done.report.outputs, strict=True))
        outputs = [{"text": by_place.get(i, "")} for i in range(len(places) + len(images))]
    else:
        outputs = []
    return Answer(
        {
            "usage": usage,
            "action": "GUARDRAIL_INTERVENED" if intervened else "NONE",
            "actionReason": _reason(done.action, [f.rule for f in done.decision.failures] if done.blocked else []),
            "outputs": outputs,
            "output": outputs,
            "assessments": [told],
            "guardrailCoverage": coverage(done.report, len(images)),
        },
        headers=aws.headers(call.id),
    )


def _content(body: Body, source: Source) -> tuple[list[Piece], list[int], list[int]]:
    """The texts, the numbers of their blocks, and those of images."""
    pieces, places, images = [], [], []
    blocks = body.objects("content")
    if not blocks:
        raise Fault(Kind.INVALID, "is empty; add at least one block", "content")
    for number, block in enumerate(blocks):
        kinds = [k for k in ("text", "image") if k in block]
        if len(kinds) != 1:
            raise Fault(Kind.INVALID, "must hold exactly one of text and image", block.place)
        if kinds == ["image"]:
            image = block.object("image")
            image.choice("format", _FORMATS)
            image.object("source").text("bytes")
            images.append(number)
        else:
            pieces.append(_piece(block.object("text"), source))
            places.append(number)
    return pieces, places, images


def _piece(text: Body, source: Source) -> Piece:
    named = text.texts("qualifiers", [])
    for number, name in enumerate(named):
        if name not in _QUALIFIERS:
            raise Fault(Kind.INVALID, f"is none of {', '.join(_QUALIFIERS)}", f"{text.at('qualifiers')}[{number}]")
    qualifiers = tuple(dict.fromkeys(Qualifier(n) for n in named)) or (Qualifier.GUARD_CONTENT,)
    role = Role.USER if source is Source.INPUT else Role.ASSISTANT
    if Qualifier.GROUNDING_SOURCE in qualifiers:
        role = Role.DOCUMENT
    elif Qualifier.QUERY in qualifiers:
        role = Role.USER
    return Piece(text.text("text"), role, qualifiers)


def _reason(action: Action, failed: list[str]) -> str:
    """As AWS words it; rules that could not be evaluated are named."""
    told = {Action.NONE: "No action.", Action.MASKED: "Guardrail masked.", Action.BLOCKED: "Guardrail blocked."}[action]
    names = list(dict.fromkeys(failed))
    return f"{told} Not evaluated: {', '.join(names[:10])}." if names else told


CONTRACT = Contract(
    "bedrock",
    (
        Endpoint("POST", "/guardrail/{identifier:path}/version/{version}/apply", apply),
        Endpoint("POST", "/guardrail-checks/invoke", invoke),
    ),
    aws.error,
)
