"""What a policy file may say beside its detectors' own settings: once, for the reader, the JSON Schema, inheritance, ``explain`` and the
crossing to Amazon Bedrock and back.

``POLICY`` are the settings of the whole policy, by dotted key; ``COMMON`` those that every rule has. What a detector adds is declared
in its own module (:mod:`guardrails.detectors.settings`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from operator import attrgetter
from typing import Any

from guardrails import catalog, detectors
from guardrails.detectors.settings import (
    Choice,
    Counted,
    Either,
    Flag,
    Items,
    Number,
    Order,
    Record,
    Section,
    Setting,
    Shape,
    Text,
    Word,
    sections_of,
    settings_of,
)
from guardrails.rules import RESTORE_IN, Conversation, Limits, MaskStyle, Messages, Policy, Scope, Streaming, StreamMode
from guardrails.types import (
    OnFailure,
    PolicyIdentity,
    RuleAction,
    SystemMessages,
    ToolDefinitions,
    Uninspected,
    UnsupportedLanguage,
)

__all__ = [
    "ACTIONS",
    "COMMON",
    "COUNTRIES",
    "DEFAULT",
    "DIRECTIONS",
    "HEAD",
    "LOST",
    "MASK",
    "POLICY",
    "RULE_KEYS",
    "SIDED",
    "STORED",
    "keys",
    "own_settings",
    "places",
    "top",
    "value_of",
    "whole",
]  # fmt: skip

DIRECTIONS = ("input", "output")


def _choice(kind: type[StrEnum], code: str = "unknown-value") -> Choice:
    return Choice(tuple(member.value for member in kind), kind, code)


def _name(value: Any) -> Any:
    return value.value


ACTION = _choice(RuleAction, "unknown-action")
ACTIONS = ACTION.names
STYLE = _choice(MaskStyle, "unknown-mask")
MASK = Record(
    {
        "style": STYLE, "keep": Number(0, 64, whole=True), "text": Word(empty=True), "key_env": Text(), "key_file": Text(), "restore": Flag(),
        "restore_in": Items(Choice(RESTORE_IN)),
    },
    needed=("style",),
)  # fmt: skip

# Settings that a rule has for both directions or, below `input` and `output`, for one.
SIDED = ("action", "enabled", "message")
COMMON: dict[str, Setting] = {
    "action": Setting(about="what the rule does", kind=ACTION, order=Order.RISES, member="Action"),
    **{
        direction: Setting(
            about="the same for one direction, or {action, enabled, message}",
            kind=ACTION,
            order=Order.RISES,
            member="Action",
        )
        for direction in DIRECTIONS
    },
    "enabled": Setting(about="whether the rule is in force", kind=Flag(), order=Order.RISES, member="Enabled"),
    "on_failure": Setting(
        about="what a rule that cannot be evaluated does",
        kind=_choice(OnFailure),
        order=Order.RISES,
        lost="Bedrock has no setting for a rule that fails",
        written=_name,
    ),
    "required": Setting(
        about="whether a rule whose inputs are missing has failed",
        kind=Flag(),
        order=Order.RISES,
        lost="Bedrock has no required rules",
    ),
    "except": Setting(
        about="exact values that never count for this rule",
        kind=Items(Word()),
        order=Order.SHRINKS,
        lost="Bedrock has no exceptions",
    ),
    "mask": Setting(
        about="how a masked value is written", kind=Either(STYLE, MASK), lost="Bedrock masks with the type's name only"
    ),
    "message": Setting(
        about="what users read when this rule blocks",
        kind=Text(),
        order=Order.FREE,
        lost="Bedrock has one message for each direction, not one for each rule",
    ),
}
RULE_KEYS = ("id", "detector", "type", "settings", *COMMON)
# What a rule's exceptions are called once they are read.
STORED = {"except": "exceptions"}


def _scope(name: str, messages: int | None) -> tuple[Scope, int | None]:
    return Scope(name), messages


def _scope_written(scope: tuple[Scope, int | None]) -> Any:
    return {scope[0].value: scope[1]} if scope[0] is Scope.WINDOW else scope[0].value


def _streaming(name: str, ahead: int | None) -> Streaming:
    return Streaming(StreamMode(name), ahead or 0)


def _stream_written(stream: Streaming) -> Any:
    return {stream.mode.value: stream.ahead} if stream.mode is StreamMode.BOUNDED else stream.mode.value


def _stream_rank(stream: Streaming) -> float:
    return {StreamMode.SYNC: 0.0, StreamMode.BOUNDED: -float(stream.ahead)}.get(stream.mode, -math.inf)


_TURNS = "Bedrock judges what it is given: the application chooses the messages"
_LIMIT = "Bedrock's limits are the service's own"
# By dotted key; what stands here reads, merges, explains and exports itself.
POLICY: dict[str, Setting] = {
    "description": Setting(about="what the policy is for", kind=Text(), order=Order.FREE, member="description"),
    "on_failure": Setting(about="the default of every rule", kind=_choice(OnFailure), order=Order.FREE, written=_name, lost="Bedrock has no setting for a rule that fails"
    ),
    "unsupported_language": Setting(about="text that the models cannot judge for its language", kind=_choice(UnsupportedLanguage), order=Order.RISES, always=True, written=_name,
        lost="Bedrock judges every language it is given",
    ),
    "system_messages": Setting(about="whether models judge what the operator, or a client, tells the model", kind=_choice(SystemMessages), order=Order.RISES, always=True, written=_name,
        lost="in Bedrock, what is sent for checking decides: give it a system message as content to be judged",
    ),
    "tool_definitions": Setting(about="whether models look for orders in the definitions of tools that a request brings", kind=_choice(ToolDefinitions), order=Order.RISES, always=True, written=_name,
        lost="Bedrock is given texts to judge: give it the definitions as content",
    ),
    "uninspected": Setting(about="a request or answer with content that nobody can inspect", kind=_choice(Uninspected), order=Order.RISES, written=_name,
        lost="Bedrock is given texts and images to judge; the rest of a request is the application's",
    ),
    "conversation.scope": Setting(about="whose messages may block the turn", kind=Counted(tuple(s.value for s in Scope), Scope.WINDOW.value, 1, 1_000, "messages", _scope), order=Order.FREE,
        written=_scope_written, lost=_TURNS,
    ),
    "conversation.window": Setting(about="messages over which split attacks are looked for; 0: off", kind=Number(0, 50, whole=True), order=Order.RISES, lost=_TURNS
    ),
    "stream": Setting(about="when the text of a streamed answer is sent", kind=Counted(tuple(m.value for m in StreamMode), StreamMode.BOUNDED.value, 1, 100_000, "characters", _streaming), order=Order.RISES,
        rank=_stream_rank, written=_stream_written, lost="in Bedrock, each streaming call says how it is checked",
    ),
    "messages.blocked_input": Setting(about="what users read instead of a blocked text", kind=Text(), order=Order.FREE, member="blockedInputMessaging"),
    "messages.blocked_output": Setting(about="what users read instead of a blocked answer", kind=Text(), order=Order.FREE, member="blockedOutputsMessaging"),
    "limits.max_characters": Setting(about="code points of a check, over all pieces", kind=Number(1, 100_000_000, whole=True), order=Order.FALLS, lost=_LIMIT),
    "limits.deadline_ms": Setting(about="milliseconds of a check", kind=Number(1, 600_000, whole=True), order=Order.FALLS, lost=_LIMIT),
    "limits.max_pieces": Setting(about="pieces of a check", kind=Number(1, 1_000_000, whole=True), order=Order.FALLS, lost=_LIMIT),
}  # fmt: skip
HEAD = (
    "version", "name", "description", "metadata", "extends", "on_failure", "unsupported_language", "system_messages", "tool_definitions",
    "uninspected",
    "conversation", "stream", "messages", "limits",
)  # fmt: skip
COUNTRIES = Items(Choice(tuple(sorted({c for c in catalog.COUNTRY_OF.values() if c})), code="unknown-country"))
# Why Bedrock cannot say what has no line in POLICY.
LOST = {
    "metadata": "Bedrock keeps tags, not metadata",
    "enforced": "enforcement is an account's setting in Bedrock, not a guardrail's",
    "rules": "Bedrock has no detectors of ours",
    "id": "Bedrock has no rule ids",
    "pii.countries": "Bedrock has no choice of countries",
}


def value_of(policy: Policy, key: str) -> Any:
    """The effective value of a setting of ``POLICY``."""
    if key == "conversation.scope":
        return policy.conversation.scope, policy.conversation.messages
    return attrgetter(key)(policy)


def whole(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a policy that these settings of ``POLICY`` are, groups joined."""
    out = {key: value for key, value in values.items() if "." not in key}
    for group, kind in (("messages", Messages), ("limits", Limits), ("conversation", Conversation)):
        inside = {key.partition(".")[2]: value for key, value in values.items() if key.startswith(f"{group}.")}
        if "scope" in inside:
            inside["scope"], inside["messages"] = inside["scope"]
        out[group] = kind(**inside)
    return out


_BLANK = Policy("", PolicyIdentity("", "", None, ()), ())
DEFAULT = {key: value_of(_BLANK, key) for key in POLICY}


def top() -> tuple[str, ...]:
    """The keys of a policy file, in the order in which they are listed."""
    return (*HEAD, *(s for s in detectors.SECTIONS if s != "rules"), "rules", "enforced", "bedrock")


def places(key: str) -> list[tuple[str, Section]]:
    """The detectors and sections under a key of a policy file."""
    found = ((d, section) for d in detectors.SECTIONS[key] for section in sections_of(d))
    return [(d, section) for d, section in found if section.key.partition(".")[0] == key]


def own_settings(detector: str, section: Section) -> Mapping[str, Setting]:
    """What the rules of a section may say beside ``COMMON``, as it is written: one name for both directions."""
    only = section.settings
    return {s.name(field): s for field, s in settings_of(detector).items() if only is None or field in only}


def keys(detector: str, section: Section) -> tuple[str, ...]:
    """The keys of a rule of that section."""
    own = own_settings(detector, section)
    return ("name", *own, "id", *COMMON) if section.shape is Shape.LIST else (*own, *COMMON)
