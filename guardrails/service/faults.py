"""What can be wrong with a request, before a contract gives it its own shape."""

from __future__ import annotations

from enum import StrEnum

from guardrails.errors import GuardrailsError

__all__ = ["Fault", "Kind"]


class Kind(StrEnum):
    """Why a request is not answered as it was meant."""

    INVALID = "invalid_request"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD = "method_not_allowed"
    CONFLICT = "conflict"
    TIMEOUT = "request_timeout"
    TOO_LARGE = "request_too_large"
    UNSUPPORTED = "unsupported"
    RATE = "rate_limit_exceeded"
    QUOTA = "quota_exceeded"
    UNPROCESSABLE = "unprocessable"
    OVERLOADED = "overloaded"
    INTERNAL = "internal"

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUS[self]


_STATUS = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.METHOD: 405,
    Kind.TIMEOUT: 408,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.RATE: 429,
    Kind.QUOTA: 429,
    Kind.UNPROCESSABLE: 422,
    Kind.OVERLOADED: 503,
    Kind.INTERNAL: 500,
}


class Fault(GuardrailsError):
    """A request that cannot be answered. ``field`` is the place in the body, ``message`` what is wrong and the remedy; neither
    holds a character of a text. ``retry_after`` is in seconds."""

    def __init__(self, kind: Kind, message: str, field: str = "", *, retry_after: int | None = None) -> None:
        self.kind = kind
        self.message = message
        self.field = field
        self.retry_after = retry_after
        super().__init__(self.told)

    @property
    def told(self) -> str:
        """The message with the field in front of it."""
        return f"{self.field}: {self.message}" if self.field else self.message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.kind.status
