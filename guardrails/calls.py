"""A call of a tool, and what came before it: the nouns of the tool policy, small and frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from guardrails.named import Named

__all__ = ["Call", "CallContext", "Label", "Segment"]


class Label(Named):
    """Where a text of a conversation comes from; trust follows from it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    DOCUMENT = "document"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Segment:
    """One text of a conversation, as the model saw it. ``tool`` and ``server``: whose result it is, where it is one.

    ``label`` accepts plain strings.
    """

    text: str = field(repr=False)
    label: Label
    tool: str | None = None
    server: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"a segment's text must be str, not {type(self.text).__name__}")
        object.__setattr__(self, "label", Label(self.label))


@dataclass(frozen=True, slots=True)
class CallContext:
    """What came before a call.

    ``segments``: the texts of the conversation, in order. ``calls``: the calls that were made. ``found``: the ids of rules that found
    something in results of tools or in documents.
    """

    segments: tuple[Segment, ...] = ()
    calls: tuple[Call, ...] = ()
    found: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool.

    ``arguments`` is JSON data: an object in most protocols, a text where a tool takes one. ``unreadable``: they came as JSON that
    nobody can read. ``server`` is the tool's, None where nobody says. ``context``: what came before the call.
    """

    name: str
    arguments: Any = field(default_factory=dict, repr=False)
    server: str | None = None
    unreadable: bool = False
    context: CallContext = field(default_factory=CallContext, repr=False, compare=False)
