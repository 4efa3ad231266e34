"""Amazon Bedrock's runtime: ApplyGuardrail and InvokeGuardrailChecks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.catalog import Guardrail
from guardrails.service.checking import Checked
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
_REQUEST, _ENFORCED = "REQUEST", "ACCOUNT_ENFORCED"


async def apply(call: Call) -> Answer:
    """``POST /guardrail/{id}/version/{version}/apply``."""
    body = call.body
    guardrail = call.catalog.find(call.principal, call.params["identifier"], call.params["version"])
    source = Source(body.choice("source", [s.value for s in Source]))
    full = body.choice("outputScope", ("INTERVENTIONS", "FULL"), "INTERVENTIONS") == "FULL"
    pieces, places, images = _content(body, source)
    unread = [(_IMAGE, f"content[{i}]") for i in images]
    usage: Counter[str] = Counter()
    assessments, applied, texts = [], [], pieces or [Piece("")]
    for one, origins in _applied(guardrail, call.catalog.enforced()):
        done = await call.checking.check(call, one, texts, source, uninspected=unread)
        used = units(one, source, done.report.coverage.total)
        usage.update(used)
        told = assessment(one, done, texts, used, full=full, images=len(images), origins=origins)
        assessments.append(told)
        applied.append((one, done))
        if done.action is Action.MASKED:
            texts = [replace(piece, text=text) for piece, text in zip(texts, done.report.outputs, strict=True)]
    action = max((done.action for _, done in applied), key=lambda action: action.severity)
    failed = [f.rule for _, done in applied if done.blocked for f in done.decision.failures]
    outputs = _outputs(applied, source, dict(zip(places, texts, strict=False)), len(places) + len(images))
    return Answer(
        {
            "usage": dict(usage),
            "action": "NONE" if action is Action.NONE else "GUARDRAIL_INTERVENED",
            "actionReason": _reason(action, failed),
            "outputs": outputs,
            "output": outputs,
            "assessments": assessments,
            "guardrailCoverage": coverage(applied[0][1].report, len(images)),
        },
        headers=aws.headers(call.id),
    )


def _applied(guardrail: Guardrail, enforced: Sequence[Guardrail]) -> list[tuple[Guardrail, list[str]]]:
    """The guardrail that is asked for and those that are enforced, each once, and why."""
    asked = guardrail.id, guardrail.version
    also = [_ENFORCED] if any((one.id, one.version) == asked for one in enforced) else []
    others = [(one, [_ENFORCED]) for one in enforced if (one.id, one.version) != asked]
    return [(guardrail, [_REQUEST, *also]), *others]


def _outputs(
    applied: Sequence[tuple[Guardrail, Checked]], source: Source, texts: Mapping[int, Piece], blocks: int
) -> list[dict[str, str]]:
    """The message of the first guardrail that blocks; of masked texts one output for each block, so that they can be put back."""
    for one, done in applied:
        if done.blocked:
            return [{"text": one.guard.policy.blocked(source, done.decision.blocking)}]
    if all(done.action is Action.NONE for _, done in applied):
        return []
    return [{"text": texts[i].text if i in texts else ""} for i in range(blocks)]


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
