"""A call of a tool, what came before it, and how a server describes the tool: the nouns of the tool policy, small and frozen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from guardrails.named import Named

__all__ = ["Call", "CallContext", "Definition", "Label", "Segment", "canonical"]


class Label(Named):
    """Where a text of a conversation comes from; trust follows from it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    DOCUMENT = "document"
    MEMORY = "memory"
    DEFINITION = "definition"


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
class Definition:
    """A tool as its server describes it (an item of MCP's ``tools/list``).

    ``server`` is the name by which the server is known here, empty where it has none. ``digest`` is the sha256 of :func:`canonical`
    JSON of the whole item, hexadecimal; empty for a tool that its server has not listed. ``data``: the item, where it is at hand.
    """

    name: str
    server: str = ""
    digest: str = ""
    data: Any = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, data: Any, server: str = "") -> Definition:
        """From an item of a list, whatever it is: one without a name has the empty name."""
        name = data.get("name") if isinstance(data, dict) else None
        return cls(name if isinstance(name, str) else "", server, hashlib.sha256(canonical(data)).hexdigest(), data)


def canonical(data: Any) -> bytes:
    """JSON data as bytes that do not depend on blanks, escapes, or the order of keys."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool.

    ``arguments`` is JSON data: an object in most protocols, a text where a tool takes one. ``unreadable``: they came as JSON that
    nobody can read. ``server`` is the tool's, None where nobody says, and empty for a tool that is no server's. ``context``: what came before the call.
    ``definition``: the tool as its server of MCP described it last; None for a call that goes to no such server.
    """

    name: str
    arguments: Any = field(default_factory=dict, repr=False)
    server: str | None = None
    unreadable: bool = False
    context: CallContext = field(default_factory=CallContext, repr=False, compare=False)
    definition: Definition | None = field(default=None, repr=False, compare=False)
