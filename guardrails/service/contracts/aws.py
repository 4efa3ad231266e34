"""Faults as services of AWS tell them: a type in a header, a message in the body (https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html)."""

from __future__ import annotations

from guardrails.decision import new_id
from guardrails.service.calls import Answer
from guardrails.service.faults import Fault, Kind

__all__ = ["error", "headers"]

_TYPES = {
    Kind.INVALID: ("ValidationException", 400),
    Kind.UNAUTHENTICATED: ("UnrecognizedClientException", 403),
    Kind.FORBIDDEN: ("AccessDeniedException", 403),
    Kind.NOT_FOUND: ("ResourceNotFoundException", 404),
    Kind.METHOD: ("UnknownOperationException", 404),
    Kind.CONFLICT: ("ConflictException", 400),
    Kind.TIMEOUT: ("RequestTimeoutException", 408),
    Kind.TOO_LARGE: ("ValidationException", 400),
    Kind.UNSUPPORTED: ("ValidationException", 400),
    Kind.RATE: ("ThrottlingException", 429),
    Kind.QUOTA: ("ServiceQuotaExceededException", 400),
    Kind.UNPROCESSABLE: ("ValidationException", 400),
    Kind.OVERLOADED: ("ThrottlingException", 429),
    Kind.INTERNAL: ("InternalServerException", 500),
}


def headers(id_: str) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of every answer: the request's id, which is the decision's."""
    return ((b"x-amzn-requestid", id_.encode()),)


def error(fault: Fault) -> Answer:
    """The error of a fault."""
    name, status = _TYPES[fault.kind]
    return Answer({"message": fault.told}, status, (*headers(new_id()), (b"x-amzn-errortype", name.encode())))
