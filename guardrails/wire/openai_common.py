"""What OpenAI's formats have in common: roles, fields of known meaning, and what may be taken from an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.types import Role
from guardrails.wire.shape import Kind, Part, Shape, Switch
from guardrails.wire.vectors import is_numbers

__all__ = ["AGAIN", "FILE_DATA", "MODERATION_RESULT", "ids", "role_of", "said"]

_ROLES = {
    "system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.TOOL,
    "function": Role.TOOL,
}  # fmt: skip


def role_of(message: Mapping[str, Any]) -> Role | None:
    """Whose message it is; a role nobody knows is a user's."""
    role = message.get("role")
    return _ROLES.get(role, Role.USER) if isinstance(role, str) else None


def ids(*names: str) -> dict[str, Part]:
    """Fields that hold ids, enums or numbers."""
    return dict.fromkeys(names, Kind.OPAQUE)


def said(*names: str) -> dict[str, Part]:
    """Fields that hold text, and whose names are the API's own words."""
    return dict.fromkeys(names, Kind.TEXT)


# Ways of servers to say a text again: as token ids, and with the probabilities of its tokens.
AGAIN: dict[str, Part] = {
    **dict.fromkeys(
        ("logprobs", "prompt_logprobs", "token_ids", "prompt_token_ids", "output_token_ids", "output_ids"), Kind.DROP
    ),
    "tokens": Switch(
        lambda value: Kind.DROP if isinstance(value, list) and is_numbers(value, whole=True) else Kind.UNNAMED
    ),
}
# Base64, or a `data:` address that holds it.
FILE_DATA = Switch(
    lambda value: Kind.REFERENCE if isinstance(value, str) and value[:5].lower() == "data:" else Kind.BINARY
)
# Categories of a moderation result: names that would look like offences to a content filter.
_CATEGORIES = Shape(
    ids(
        "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
        "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
    )
)  # fmt: skip
MODERATION_RESULT = Shape(
    {
        **ids("type", "model", "flagged", "code"),
        "categories": _CATEGORIES,
        "category_scores": _CATEGORIES,
        "category_applied_input_types": _CATEGORIES,
    }
)
