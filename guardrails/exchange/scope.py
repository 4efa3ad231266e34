"""Which messages of a conversation may block the turn, and attacks that are split over several of them."""

from __future__ import annotations

from collections.abc import Container

from guardrails.rules import Conversation, Scope
from guardrails.types import Role
from guardrails.wire.format import Session
from guardrails.wire.walk import Walk

__all__ = ["blocking_turns", "split_attack"]

# Characters of the window that are read again together; the newest count.
_WINDOW = 8_000


def blocking_turns(conversation: Conversation, walk: Walk, form: Session) -> Container[int]:
    """The messages that may block. Every message is inspected all the same."""
    turns = sorted({*walk.turns(), *(u.turn for u in walk.uninspected if u.turn is not None)})
    match conversation.scope:
        case Scope.CONVERSATION:
            return frozenset(turns)
        case Scope.WINDOW:
            return frozenset(turns[-(conversation.messages or 1) :])
        case Scope.USER:
            return frozenset(s.turn for s in walk.slots if s.turn is not None and s.role is Role.USER)
        case _:
            latest = form.latest(walk)
            return latest or frozenset(turns[-1:])


def split_attack(conversation: Conversation, walk: Walk, replaced: Container[int]) -> list[tuple[str, Role]]:
    """The last user and tool messages as one text, with line breaks between them and without; nothing for a single one."""
    if not conversation.window:
        return []
    parts: dict[int, list[str]] = {}
    for slot in walk.slots:
        if (
            slot.turn is not None
            and slot.role in (Role.USER, Role.TOOL)
            and not slot.fixed
            and slot.turn not in replaced
        ):
            parts.setdefault(slot.turn, []).append(slot.text)
    newest = [parts[t] for t in sorted(parts)[-conversation.window :]]
    texts = [text for part in newest for text in part]
    if len(texts) < 2:
        return []
    return [(separator.join(texts)[-_WINDOW:], Role.USER) for separator in ("\n", "")]
