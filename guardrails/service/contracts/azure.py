"""Azure AI Content Safety: severities of four harms, prompt shields, groundedness."""

from __future__ import annotations

from functools import partial
from typing import Any

from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.catalog import Guardrail
from guardrails.service.checking import Checked
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body, nearest
from guardrails.service.probes import probe
from guardrails.types import Level, Piece, Qualifier, Report, Role, Source

__all__ = ["CONTRACT"]

_CATEGORIES = {"Hate": "HATE", "SelfHarm": "SELF_HARM", "Sexual": "SEXUAL", "Violence": "VIOLENCE"}
# How certain the model is, on Azure's scale of how severe a text is; see docs/service.md.
_SEVERITY = {Level.LOW: 2, Level.MEDIUM: 4, Level.HIGH: 6}
_EIGHT = {Level.LOW: 3, Level.MEDIUM: 5, Level.HIGH: 7}
_CODES = {
    Kind.INVALID: "InvalidRequestBody",
    Kind.UNAUTHENTICATED: "401",
    Kind.FORBIDDEN: "403",
    Kind.NOT_FOUND: "ResourceNotFound",
    Kind.RATE: "TooManyRequests",
    Kind.QUOTA: "TooManyRequests",
    Kind.OVERLOADED: "TooManyRequests",
    Kind.TOO_LARGE: "InvalidRequestBody",
}


async def analyze(call: Call) -> Answer:
    """``POST /contentsafety/text:analyze``."""
    body = call.body
    text = body.text("text")
    asked = body.texts("categories", list(_CATEGORIES)) or list(_CATEGORIES)
    for number, name in enumerate(asked):
        if name not in _CATEGORIES:
            allowed = ", ".join(_CATEGORIES)
            raise Fault(Kind.INVALID, f"is none of {allowed}{nearest(name, _CATEGORIES)}", f"categories[{number}]")
    kinds = ("FourSeverityLevels", "EightSeverityLevels")
    scale = _SEVERITY if body.choice("outputType", kinds, kinds[0]) == kinds[0] else _EIGHT
    matches = await _blocklists(call, body, text)
    analysis: list[dict[str, Any]] = []
    if not (matches and body.flag("haltOnBlocklistHit", False)):
        guardrail = await call.checking.run(partial(probe, [_CATEGORIES[n] for n in asked]))
        done = await call.checking.check(call, guardrail, text, Source.INPUT)
        _evaluated(done.report)
        levels = {f.type: f.level for f in done.report.findings if f.level is not None}
        for name in dict.fromkeys(asked):
            level = levels.get(_CATEGORIES[name])
            analysis.append({"category": name, "severity": scale[level] if level is not None else 0})
    return Answer({"blocklistsMatch": matches, "categoriesAnalysis": analysis})


async def _blocklists(call: Call, body: Body, text: str) -> list[dict[str, Any]]:
    """What word rules of the caller's guardrail found; a list is called like its rule."""
    names = body.texts("blocklistNames", [])
    if not names:
        return []
    guardrail = call.guardrail()
    words = {
        r.id.removeprefix("words."): r.id
        for r in guardrail.guard.direction(Source.INPUT).rules.values()
        if r.detector == "words"
    }
    for number, name in enumerate(names):
        if name not in words:
            raise Fault(Kind.NOT_FOUND, f"is no list of words here{nearest(name, words)}", f"blocklistNames[{number}]")
    done = await call.checking.check(call, guardrail, text, Source.INPUT, direction=guardrail.guard.strings("INPUT"))
    _evaluated(done.report)
    rules = {words[name]: name for name in names}
    return [
        {
            "blocklistName": rules[f.rule],
            "blocklistItemId": f"{f.start}-{f.end}",
            "blocklistItemText": text[f.start : f.end],
        }
        for f in done.report.findings
        if f.rule in rules
    ]


async def shield(call: Call) -> Answer:
    """``POST /contentsafety/text:shieldPrompt``."""
    body = call.body
    prompt = body.text("userPrompt", "")
    documents = body.texts("documents", [])
    if not prompt and not documents:
        raise Fault(Kind.INVALID, "is missing; add a string, or documents", "userPrompt")
    guardrail = _with(call, Source.INPUT, "PROMPT_ATTACK", "content: {PROMPT_ATTACK: {input: HIGH, output: NONE}}")
    pieces = [Piece(prompt), *(Piece(d, Role.DOCUMENT) for d in documents)]
    done = await call.checking.check(call, guardrail, pieces, Source.INPUT)
    broken = any(f.rule == "content.PROMPT_ATTACK" for f in done.report.failures) and done.blocked
    attacked = {f.piece for f in done.report.findings if f.type == "PROMPT_ATTACK"}
    told = [{"attackDetected": broken or number in attacked} for number in range(len(pieces))]
    return Answer({"userPromptAnalysis": told[0], "documentsAnalysis": told[1:]})


async def groundedness(call: Call) -> Answer:
    """``POST /contentsafety/text:detectGroundedness``."""
    body = call.body
    text = body.text("text")
    sources = body.texts("groundingSources")
    if not sources:
        raise Fault(Kind.INVALID, "is empty; add at least one source", "groundingSources")
    for name in ("reasoning", "correction"):
        if body.flag(name, False):
            raise Fault(Kind.INVALID, "needs a large language model; leave it out, or false", name)
    guardrail = _with(call, Source.OUTPUT, "GROUNDING", "grounding: 0.75")
    pieces = [Piece(text, Role.ASSISTANT)]
    pieces += [Piece(s, Role.DOCUMENT, Qualifier.GROUNDING_SOURCE) for s in sources]
    if body.choice("task", ("QnA", "Summarization"), "Summarization") == "QnA":
        pieces.append(Piece(body.object("qna").text("query"), Role.USER, Qualifier.QUERY))
    done = await call.checking.check(call, guardrail, pieces, Source.OUTPUT)
    return Answer(_grounded(done, text))


def _grounded(done: Checked, text: str) -> dict[str, Any]:
    _evaluated(done.report, "grounding")
    spans = [
        (f.start or 0, len(text) if f.end is None else f.end)
        for f in done.report.findings
        if f.type == "GROUNDING" and f.piece == 0
    ]
    share = min(1.0, sum(end - start for start, end in spans) / len(text)) if text else 0.0
    return {
        "ungroundedDetected": bool(spans),
        "ungroundedPercentage": round(share, 4),
        "ungroundedDetails": [
            {"text": text[start:end], "offset": _sizes(text[:start]), "length": _sizes(text[start:end])}
            for start, end in spans
        ],
    }


def _sizes(text: str) -> dict[str, int]:
    return {"utf8": len(text.encode()), "utf16": len(text.encode("utf-16-le")) // 2, "codePoint": len(text)}


def _with(call: Call, source: Source, kind: str, remedy: str) -> Guardrail:
    """The caller's guardrail, when it has a rule of this type."""
    guardrail = call.guardrail()
    if not any(r.type == kind for r in guardrail.guard.direction(source).rules.values()):
        raise Fault(Kind.INVALID, f"the guardrail {guardrail.name} does not judge this: add {remedy} to its policy")
    return guardrail


def _evaluated(report: Report, rule: str | None = None) -> None:
    """Raises Fault when something could not be evaluated: nothing found is not nothing there."""
    broken = [f for f in report.failures if rule is None or f.rule == rule]
    if broken:
        raise Fault(Kind.INTERNAL, f"not everything could be evaluated: {broken[0].rule} ({broken[0].kind.value})")


def error(fault: Fault) -> Answer:
    """An error of Azure's: ``{"error": {"code", "message"}}``, the code in a header too."""
    code = _CODES.get(fault.kind, "InternalError" if fault.kind is Kind.INTERNAL else fault.kind.value)
    body = {"error": {"code": code, "message": fault.told, "target": fault.field or None}}
    status = 429 if fault.kind is Kind.OVERLOADED else fault.status
    return Answer(body, status, ((b"x-ms-error-code", code.encode()),))


CONTRACT = Contract(
    "azure",
    (
        Endpoint("POST", "/contentsafety/text:analyze", analyze),
        Endpoint("POST", "/contentsafety/text:shieldPrompt", shield),
        Endpoint("POST", "/contentsafety/text:detectGroundedness", groundedness),
    ),
    error,
)
