"""How the middleware is set up, checked once at the start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from guardrails.asgi.paths import DOCS, Exempt, exemptions
from guardrails.decision import Decision
from guardrails.errors import GuardrailsError
from guardrails.wire import FORMATS, form_class
from guardrails.wire.form import Form
from guardrails.wire.strict import BodyLimits

__all__ = ["Blocked", "Settings"]

OnDecision = Callable[[Decision], Awaitable[None] | None]
Refusal = Callable[[Decision, Form], Any]


class Blocked(StrEnum):
    """How a blocked exchange is answered: HTTP 200 with the message as the model's answer, or the API's error shape (400)."""

    REFUSAL = "refusal"
    ERROR = "error"


@dataclass(frozen=True)
class Settings:
    """Everything but the policies. ``formats`` maps ``"POST /chat"`` or ``/chat`` to a format's name or class.

    ``answer_limits`` bound an unstreamed answer, which may hold a million numbers of embeddings; ``body_seconds`` is how long
    a request's body may take to come. A request whose check would wait longer than ``check_wait_seconds`` for those in work
    is refused at once (503): a model that everybody waits for serves nobody in time. ``conversation_header`` names the header that carries a conversation's id, for vaults that
    outlive an exchange: whoever can name a conversation of a tenant can read its values, so only the server may set it.
    """

    exempt: tuple[Exempt, ...] = ()
    formats: Mapping[str, type[Form]] = field(default_factory=dict)
    forms: Sequence[type[Form]] = ()
    limits: BodyLimits = field(default_factory=BodyLimits)
    answer_limits: BodyLimits = field(default_factory=lambda: BodyLimits(bytes=16_000_000, nodes=1_000_000))
    body_seconds: float = 30.0
    check_wait_seconds: float = 1.0
    blocked: Blocked = Blocked.REFUSAL
    on_decision: OnDecision | None = None
    refusal: Refusal | None = None
    conversation_header: str | None = None

    @classmethod
    def of(
        cls,
        *,
        exempt: Sequence[str] = DOCS,
        formats: Mapping[str, str | type[Form]] | None = None,
        custom: Sequence[type[Form]] = (),
        **rest: Any,
    ) -> Settings:
        """Raises GuardrailsError for a route or format that is none."""
        try:
            matchers = exemptions(exempt)
        except ValueError as error:
            raise GuardrailsError(str(error)) from None
        named: dict[str, type[Form]] = {}
        for route, form in (formats or {}).items():
            key = route if " " in route else f"POST {route}"
            if isinstance(form, str) and form not in FORMATS:
                raise GuardrailsError(f"formats: {form!r} is no format; there are {', '.join(FORMATS)}")
            named[key] = form_class(form) if isinstance(form, str) else form
        forms = (*custom, *(form_class(name) for name in FORMATS))
        rest["blocked"] = Blocked(rest.get("blocked", Blocked.REFUSAL))
        return cls(exempt=matchers, formats=named, forms=forms, **rest)
