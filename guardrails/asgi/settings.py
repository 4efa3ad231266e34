"""How the middleware is set up, checked once at the start."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, TypedDict, TypeGuard, Unpack

from guardrails.asgi.paths import DOCS, Exempt, exemptions
from guardrails.asgi.shadowing import ShadowSettings
from guardrails.decision import Decision
from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog, EvidenceSettings
from guardrails.wire import FORMATS, form_class
from guardrails.wire.format import Format, Session
from guardrails.wire.strict import BodyLimits

__all__ = ["Agents", "Blocked", "Settings", "SettingsDict"]

OnDecision = Callable[[Decision], Awaitable[None] | None]
# A log, or how one is kept: a directory, or {"directory": …, "mode": "strict"}.
Evidence = EvidenceLog | EvidenceSettings | Mapping[str, Any] | str | Path
# A candidate policy beside the live one: the file that describes it, or what such a file says.
Shadows = ShadowSettings | Mapping[str, Any] | str | Path
Refusal = Callable[[Decision, Session], Any]
# Formats of one's own: what load_formats() returns, one of them, or the file that describes them.
Formats = Iterable[type[Format]] | type[Format] | str | os.PathLike[str]


class Blocked(StrEnum):
    """How a blocked exchange is answered: HTTP 200 with the message as the model's answer, or the API's error shape (400)."""

    REFUSAL = "refusal"
    ERROR = "error"


class Agents(StrEnum):
    """Whose agents speak A2A behind us: ones that are served here (what they are asked is INPUT, as a model's), or agents of others that
    are called (what they answer goes into a model, and is INPUT)."""

    SERVED = "served"
    CALLED = "called"


class _Plain(TypedDict, total=False):
    """The settings that are taken as they are written."""

    limits: BodyLimits
    answer_limits: BodyLimits
    body_seconds: float
    check_wait_seconds: float
    blocked: Blocked | str
    on_decision: OnDecision | None
    refusal: Refusal | None
    conversation_header: str | None
    inspect_gets: bool
    explain: bool
    evidence: Evidence | None
    mcp_allow: Sequence[str]
    a2a: Agents | str
    otlp: str | None
    shadow: Shadows | None


class SettingsDict(_Plain, total=False):
    """The settings of the middleware, as they are written: :meth:`Settings.of` takes them."""

    exempt: Sequence[str]
    formats: Mapping[str, str | type[Format]] | Formats | None
    custom: Formats


@dataclass(frozen=True)
class Settings:
    """Everything but the policies. ``formats`` maps ``"POST /chat"`` or ``/chat`` to a format's name or class.

    ``answer_limits`` bound an unstreamed answer, which may hold a million numbers of embeddings; ``body_seconds`` is how long
    a request's body may take to come. A request whose check would wait longer than ``check_wait_seconds`` for those in work
    is refused at once (503): a model that everybody waits for serves nobody in time. ``conversation_header`` names the header that carries a conversation's id, for vaults that
    outlive an exchange: whoever can name a conversation of a tenant can read its values, so only the server may set it.
    ``inspect_gets``: a ``GET`` of a route that no format knows is inspected (its path and query as a user's texts, its answer
    as texts); otherwise it is refused like any other unknown route. ``explain``: answers name the rules that fired in
    ``x-guardrails-rules``, for development; who reads that can try texts until none fires.
    ``a2a``: ``served`` for agents of one's own, ``called`` in front of agents of others.
    ``mcp_allow``: methods and types of results of MCP that pass beside those of the protocol.
    ``evidence``: a log in which every decision is recorded, or how one is kept (see :class:`guardrails.evidence.EvidenceSettings`).
    ``otlp``: the address that OpenTelemetry's traces and metrics are sent to, over HTTP.
    ``shadow``: a candidate policy that judges the same texts and acts on nothing: a file that describes it (docs/release.md), or its fields.
    """

    exempt: tuple[Exempt, ...] = ()
    formats: Mapping[str, type[Format]] = field(default_factory=dict)
    forms: Sequence[type[Format]] = ()
    limits: BodyLimits = field(default_factory=BodyLimits)
    answer_limits: BodyLimits = field(default_factory=lambda: BodyLimits(bytes=16_000_000, nodes=1_000_000))
    body_seconds: float = 30.0
    check_wait_seconds: float = 1.0
    blocked: Blocked = Blocked.REFUSAL
    on_decision: OnDecision | None = None
    refusal: Refusal | None = None
    conversation_header: str | None = None
    inspect_gets: bool = True
    explain: bool = False
    evidence: Evidence | None = None
    mcp_allow: Sequence[str] = ()
    a2a: Agents = Agents.SERVED
    otlp: str | None = None
    shadow: Shadows | None = None

    @classmethod
    def of(
        cls,
        *,
        exempt: Sequence[str] = DOCS,
        formats: Mapping[str, str | type[Format]] | Formats | None = None,
        custom: Formats = (),
        **rest: Unpack[_Plain],
    ) -> Settings:
        """``formats`` maps routes to formats, or is what ``custom`` is: formats of one's own, or the file that describes them.

        Raises GuardrailsError for a setting, route or format that is none, and names what may be written.
        """
        plain = _known(dict(rest))
        try:
            matchers = exemptions(_routes(exempt))
        except ValueError as error:
            raise GuardrailsError(str(error)) from None
        own = _forms("custom", custom)
        if formats is not None and not isinstance(formats, Mapping):
            own += _forms("formats", formats)
            formats = None
        by_name = {form.name: form for form in own}
        named: dict[str, type[Format]] = {}
        for route, form in (formats or {}).items():
            key = route if " " in route else f"POST {route}"
            if isinstance(form, str) and form not in by_name and form not in FORMATS:
                raise GuardrailsError(
                    f"formats: {form!r} is no format{_nearest(form, (*by_name, *FORMATS))}; there are"
                    f" {', '.join((*by_name, *FORMATS))}"
                )
            if not isinstance(form, str) and not _is_form(form):
                raise GuardrailsError(
                    f'formats: write {{"{key}": "openai.chat"}}, or a format that load_formats() read'
                )
            named[key] = (by_name.get(form) or form_class(form)) if isinstance(form, str) else form
        forms = (*own, *(form_class(name) for name in FORMATS))
        return cls(exempt=matchers, formats=named, forms=forms, **plain)


def _known(rest: dict[str, Any]) -> dict[str, Any]:
    """The settings, ``blocked`` and ``a2a`` as enums. Raises GuardrailsError for one that is none, and for a value of another type."""
    names = ("policies", "exempt", "formats", "custom", *_OTHERS, *_MIDDLEWARE)
    for name in rest:
        if name not in _OTHERS:
            near = _MEANT.get(name) or next(iter(get_close_matches(name, names, 1, 0.6)), None)
            meant = f"; did you mean {near}=?" if near else ""
            raise GuardrailsError(f"{name}: there is no such setting{meant} There are {', '.join(sorted(names))}")
    for name in ("limits", "answer_limits"):
        if name in rest and not isinstance(rest[name], BodyLimits):
            raise GuardrailsError(
                f"{name}: write {name}=BodyLimits(bytes=…), from guardrails.wire.strict import BodyLimits"
            )
    for name, kind in (("blocked", Blocked), ("a2a", Agents)):
        if name in rest:
            try:
                rest[name] = kind(rest[name])
            except ValueError:
                raise GuardrailsError(f"{name}: {rest[name]!r} is none of {', '.join(kind)}") from None
    return rest


def _routes(exempt: object) -> Sequence[str]:
    if isinstance(exempt, str):
        raise GuardrailsError(f'exempt: a list of routes; write exempt=["{exempt}"]')
    if not isinstance(exempt, Sequence) or not all(isinstance(route, str) for route in exempt):
        raise GuardrailsError('exempt: a list of methods and routes, such as ["GET /docs"]')
    return exempt


def _forms(name: str, given: object) -> tuple[type[Format], ...]:
    """Formats of one's own, under any name that somebody could give them. Raises GuardrailsError."""
    if isinstance(given, str | os.PathLike):
        from guardrails.wire.custom import load_formats  # noqa: PLC0415 - few have any

        return load_formats(Path(given))
    if _is_form(given):
        return (given,)
    if isinstance(given, Iterable):
        found = tuple(given)
        if all(_is_form(form) for form in found):
            return found
    what = {"formats": 'formats={"POST /chat": "openai.chat"} for a route, or '}.get(name, "")
    raise GuardrailsError(
        f'{name}: write {what}{name}="formats.yaml" for formats of your own, or {name}=load_formats("formats.yaml")'
    )


def _is_form(value: object) -> TypeGuard[type[Format]]:
    return isinstance(value, type) and issubclass(value, Format)


def _nearest(written: str, names: Iterable[str]) -> str:
    near = get_close_matches(written, list(names), 1, 0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


# Settings of the middleware that are handled before these, and what people write for another.
_MIDDLEWARE = ("state", "telemetry", "admission", "vaults", "cache", "reload")
_MEANT = {
    "policy": "policies", "policy_file": "policies", "guard": "policies", "config": "policies",
    "max_body": "limits", "max_bytes": "limits", "exclude": "exempt", "skip": "exempt", "ignore": "exempt", "allow": "exempt",
    "timeout": "body_seconds", "format": "formats",
}  # fmt: skip
_OTHERS = frozenset(f.name for f in fields(Settings)) - {"exempt", "formats", "forms"}
