"""Faults in shapes that several contracts share."""

from __future__ import annotations

from guardrails.service.calls import Answer
from guardrails.service.faults import Fault, Kind
from guardrails.wire.openai_chat import Chat

__all__ = ["bare", "detail", "openai_error", "plain"]


def plain(fault: Fault) -> Answer:
    """``{"error": {"code", "message", "field"}}``, our own."""
    error = {"code": fault.kind.value, "message": fault.told}
    if fault.field:
        error["field"] = fault.field
    return Answer({"error": error}, fault.status)


def bare(fault: Fault) -> Answer:
    """``{"error": message}``, Presidio's."""
    return Answer({"error": fault.told}, fault.status)


def detail(fault: Fault) -> Answer:
    """``{"detail": message}``, FastAPI's; what is wrong with a body is 422 there."""
    status = 422 if fault.kind in (Kind.INVALID, Kind.NOT_FOUND) else fault.status
    return Answer({"detail": fault.told}, status)


def openai_error(fault: Fault) -> Answer:
    """``{"error": {"message", "type", "param", "code"}}``, OpenAI's."""
    body = Chat.open().error(fault.status, fault.told, fault.kind.value)
    body["error"]["param"] = fault.field or None
    if fault.kind is Kind.QUOTA:  # what OpenAI calls it; its clients tell the two apart by the code
        body["error"] |= {"type": "insufficient_quota", "code": "insufficient_quota"}
    return Answer(body, fault.status)
