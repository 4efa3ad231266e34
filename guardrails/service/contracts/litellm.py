"""LiteLLM's generic guardrail API: texts of a request or an answer, rewritten where they may pass.

Answers that are streamed come again and again with a longer text. What is returned is made by the same stream as everywhere
(:mod:`guardrails.streaming`), whose output for a longer text begins with that for a shorter one; the part that later text may still
change is named in ``stream_holdback_chars``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.catalog import Guardrail
from guardrails.service.errors import plain
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body
from guardrails.types import Action, Piece, Report, Role, Source

__all__ = ["CONTRACT"]

_ROLES = {
    "system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.TOOL,
    "function": Role.TOOL,
}  # fmt: skip
_IMAGE = "binary content"


async def apply(call: Call) -> Answer:
    """``POST /beta/litellm_basic_guardrail_api``."""
    body = call.body
    request = body.choice("input_type", ("request", "response")) == "request"
    params = body.object("additional_provider_specific_params", None) or Body({})
    guardrail = call.guardrail(params.text("guardrail", ""), params.text("version", ""))
    texts = body.texts("texts", [])
    source = Source.INPUT if request else Source.OUTPUT
    tools = _tools(body) if request else []
    calls = _arguments(body)
    uninspected = [(_IMAGE, f"images[{i}]") for i in range(len(body.texts("images", [])))]
    roles = _roles(body, texts) if request else [Role.ASSISTANT] * len(texts)
    pieces = [Piece(t, r) for t, r in zip(texts, roles, strict=True)] if request else []
    pieces += [Piece(t, Role.SYSTEM) for t in tools] + [Piece(t, Role.ASSISTANT) for t in calls]
    held: list[int] = []
    outputs: list[str] = []
    blocked: str | None = None
    if not request and texts:
        outputs, held, blocked = await _answers(call, guardrail, texts, streamed=params.flag("stream", False))
    changed = outputs != texts if not request else False
    if pieces or uninspected or not texts:
        done = await call.checking.check(call, guardrail, pieces or [Piece("")], source, uninspected=uninspected)
        # Nothing can be put back into a call of a tool, so what would be masked there is blocked.
        last = len(pieces) - len(calls)
        masked = any(f.piece >= last and f.action is Action.MASKED for f in done.report.findings)
        if done.blocked or masked:
            blocked = blocked or guardrail.guard.policy.blocked(source, done.decision.blocking)
        elif request:
            outputs = list(done.report.outputs[: len(texts)])
            tools = list(done.report.outputs[len(texts) : len(texts) + len(tools)])
            changed = done.action is not Action.NONE
    if blocked is not None:
        return Answer({"action": "BLOCKED", "blocked_reason": blocked})
    answer: dict[str, Any] = {"action": "GUARDRAIL_INTERVENED" if changed else "NONE", "texts": outputs}
    if tools:
        answer["tools"] = [json.loads(t) for t in tools]
    if held:
        answer["stream_holdback_chars"] = held
    return Answer(answer)


async def _answers(
    call: Call, guardrail: Guardrail, texts: Sequence[str], *, streamed: bool
) -> tuple[list[str], list[int], str | None]:
    """Each text as it may be shown, how much of its end must wait, and the message of a block."""
    outputs, held = [], []
    for number, text in enumerate(texts):
        shown, rest, report, spent = await call.checking.run(partial(_stream, guardrail, text))
        await call.checking.recorded(call, guardrail, [Piece(text, Role.ASSISTANT)], report, spent, number=number)
        # What only an end blocks may be half of a word that goes on: while it is streamed, the message waits in its place.
        if report.blocked and (rest is None or not streamed):
            return [], [], guardrail.guard.policy.blocked(Source.OUTPUT, _blocking(report))
        outputs.append(shown + (rest or ""))
        held.append(len(rest or ""))
    return outputs, held, None


def _stream(guardrail: Guardrail, text: str) -> tuple[str, str | None, Report, float]:
    """What may be shown whatever follows, what may be shown if nothing does (None: it blocked before), and the report."""
    started = time.perf_counter()
    stream = guardrail.guard.stream(Source.OUTPUT)
    shown = stream.feed(text)
    rest = None if stream.blocked else stream.finish()
    return shown, rest, stream.report, (time.perf_counter() - started) * 1000


def _blocking(report: Report) -> Iterable[str]:
    return (f.rule for f in report.findings if f.action is Action.BLOCKED)


def _roles(body: Body, texts: Sequence[str]) -> list[Role]:
    """Who wrote each text, where the messages say so; otherwise the user, whom nothing trusts."""
    found: list[tuple[str, Role]] = []
    for message in body.value.get("structured_messages") or ():
        if not isinstance(message, dict):
            continue
        role = _ROLES.get(str(message.get("role")), Role.USER)
        content = message.get("content")
        parts = [content] if isinstance(content, str) else content if isinstance(content, list) else []
        for part in parts:
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str):
                found.append((text, role))
    return [r for _, r in found] if [t for t, _ in found] == list(texts) else [Role.USER] * len(texts)


def _tools(body: Body) -> list[str]:
    """Definitions of tools, each as JSON."""
    return [json.dumps(tool.value, ensure_ascii=False) for tool in body.objects("tools", [])]


def _arguments(body: Body) -> list[str]:
    """Names and arguments of calls of tools."""
    out = []
    for item in body.objects("tool_calls", []):
        function = item.object("function", None)
        if function is None:
            raise Fault(Kind.INVALID, "is missing; a call of a tool has a function", item.at("function"))
        out += [t for t in (function.text("name", None), function.text("arguments", None)) if t]
    return out


CONTRACT = Contract("litellm", (Endpoint("POST", "/beta/litellm_basic_guardrail_api", apply),), plain)
