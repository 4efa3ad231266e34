"""llm-guard's API: a prompt or an answer, whether it is valid, and a score for each rule."""

from __future__ import annotations

from typing import Any

from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.checking import Checked
from guardrails.service.errors import detail
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body
from guardrails.types import Piece, Qualifier, Role, Source

__all__ = ["CONTRACT"]


async def prompt(call: Call) -> Answer:
    """``POST /analyze/prompt``."""
    done = await _prompt(call)
    return Answer({**_told(call, done), "sanitized_prompt": done.report.text})


async def scan_prompt(call: Call) -> Answer:
    """``POST /scan/prompt``: the same without a text."""
    return Answer(_told(call, await _prompt(call)))


async def output(call: Call) -> Answer:
    """``POST /analyze/output``."""
    done = await _output(call)
    return Answer({**_told(call, done), "sanitized_output": done.report.outputs[0]})


async def scan_output(call: Call) -> Answer:
    """``POST /scan/output``: the same without a text."""
    return Answer(_told(call, await _output(call)))


async def _prompt(call: Call) -> Checked:
    body = call.body
    _suppresses(body)
    return await call.checking.check(call, call.guardrail(), body.text("prompt"), Source.INPUT)


async def _output(call: Call) -> Checked:
    body = call.body
    _suppresses(body)
    guardrail = call.guardrail()
    pieces = [Piece(body.text("output"), Role.ASSISTANT)]
    question = body.text("prompt")
    # The prompt went through its own check; here it is only what the answer has to answer.
    if any(r.type == "RELEVANCE" for r in guardrail.guard.direction(Source.OUTPUT).rules.values()):
        pieces.append(Piece(question, Role.USER, Qualifier.QUERY))
    return await call.checking.check(call, guardrail, pieces, Source.OUTPUT)


def _suppresses(body: Body) -> None:
    if body.texts("scanners_suppress", []):
        told = "a request cannot switch rules off; leave this out, or use a guardrail without them"
        raise Fault(Kind.INVALID, told, "scanners_suppress")


def _told(call: Call, done: Checked) -> dict[str, Any]:
    rules = call.guardrail().guard.direction(done.report.source).rules
    scores = dict.fromkeys(rules, 0.0)
    for finding in done.report.findings:
        # Low is bad for grounding and relevance; here high is.
        risk = 1 - finding.score if rules[finding.rule].detector == "grounding" else finding.score
        scores[finding.rule] = max(scores[finding.rule], round(risk, 4))
    for failure in done.report.failures:
        scores[failure.rule] = 1.0 if done.blocked else scores[failure.rule]
    return {"is_valid": not done.blocked, "scanners": scores}


CONTRACT = Contract(
    "llm-guard",
    (
        Endpoint("POST", "/analyze/prompt", prompt),
        Endpoint("POST", "/analyze/output", output),
        Endpoint("POST", "/scan/prompt", scan_prompt),
        Endpoint("POST", "/scan/output", scan_output),
    ),
    detail,
)
